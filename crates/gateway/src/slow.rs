//! What is no plain GET: bodies, batches, odd heads. hyper reads, the same doors answer.

use std::cell::RefCell;
use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use assay_model::ports::CounterStore;
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Either, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::address::client_address;
use crate::conn::{ConnState, Phase, REST_BYTES, REST_TIME, Rewound};
use crate::doors::{Answer, Caller, DoorRequest, Method, OUTCOMES_BYTES, authorize};
use crate::headers::Headers;
use crate::ingress::ParamBuffer;
use crate::lane::Lane;
use crate::outbox::Scratch;

type Reply = Response<Either<Full<Bytes>, Lines>>;

/// Serves a connection with hyper, beginning with the bytes already read.
pub async fn serve<C: CounterStore>(
    lane: Rc<Lane<C>>,
    head: Bytes,
    stream: TcpStream,
    peer: IpAddr,
    state: Rc<ConnState>,
) {
    // hyper keeps its own timers from here on; the sweeper leaves the connection alone.
    state.enter(Phase::Busy, lane.tick.get());
    let io = TokioIo::new(Rewound::new(head, stream));
    let service = service_fn(|request| answer(Rc::clone(&lane), request, peer));
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(10))
        .max_buf_size(lane.engine.limits.head_bytes.max(8192))
        .serve_connection(io, service);
    let mut connection = std::pin::pin!(connection);
    let done = tokio::select! {
        done = connection.as_mut() => done,
        () = lane.ended.notified() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = done {
        tracing::debug!(%error, "connection ended");
    }
}

async fn answer<C: CounterStore>(
    lane: Rc<Lane<C>>,
    request: Request<Incoming>,
    peer: IpAddr,
) -> Result<Reply, Infallible> {
    let (parts, body) = request.into_parts();
    let text = |name| {
        parts
            .headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    let headers = Headers::Map(&parts.headers);
    let peer = client_address(peer, headers, &lane.doors.trusted_proxies);
    let mut door = DoorRequest {
        method: match parts.method {
            hyper::Method::GET => Method::Get,
            hyper::Method::HEAD => Method::Head,
            hyper::Method::POST => Method::Post,
            _ => Method::Other,
        },
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or("").as_bytes(),
        body: &[],
        content_type: text(header::CONTENT_TYPE).unwrap_or(""),
        authorization: text(header::AUTHORIZATION),
        key: text(header::HeaderName::from_static("x-assay-key")),
        host: text(header::HOST).or(parts.uri.host()).unwrap_or(""),
        headers,
        peer,
    };
    if door.path == "/v1/score/batch" && door.method == Method::Post {
        return Ok(match authorize(&lane.engine, &door) {
            Ok(caller) => batch(&lane, caller, peer, body).await,
            Err(refusal) => reply(refusal),
        });
    }
    let limit = match door.path {
        "/v1/outcomes" => OUTCOMES_BYTES,
        _ => lane.engine.limits.event_bytes,
    };
    let read = read_body(body, limit);
    let body = match tokio::time::timeout(Duration::from_secs(10), read).await {
        Ok(Ok(body)) => body,
        Ok(Err(refusal)) => return Ok(reply(unread(&lane, &door, refusal))),
        Err(_) => return Ok(reply(unread(&lane, &door, not_whole()))),
    };
    door.body = &body;
    let (mut scratch, mut params) = (Scratch::default(), ParamBuffer::default());
    let answer = lane
        .doors
        .answer(
            &lane.engine,
            &*lane.outbox,
            &mut scratch,
            &mut params,
            &door,
        )
        .await;
    lane.outbox.written().await;
    Ok(reply(answer))
}

/// Reads a body to its end. One over the limit is thrown away as it comes, for a while: a
/// client that is cut off while sending does not see why.
async fn read_body(mut body: Incoming, limit: usize) -> Result<Bytes, Answer> {
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| not_whole())?.into_data() else {
            continue;
        };
        if bytes.len() + data.len() > limit {
            let _ = tokio::time::timeout(REST_TIME, discard(&mut body)).await;
            let detail = format!("the body is over {limit} bytes");
            return Err(Answer::problem(413, "too_large", "", &detail));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.freeze())
}

/// Lists a call whose body was not read.
fn unread<C: CounterStore>(lane: &Lane<C>, door: &DoorRequest<'_>, refusal: Answer) -> Answer {
    let code = if refusal.status == 413 {
        "too_large"
    } else {
        "body"
    };
    let query = String::from_utf8_lossy(door.query);
    let target = format!("{}?{query}", door.path);
    let detail = refusal.error.as_deref().unwrap_or("");
    lane.doors
        .note_unread(&lane.engine, (&target, door.host), code, detail);
    refusal
}

async fn discard(body: &mut Incoming) {
    let mut read = 0;
    while let Some(Ok(frame)) = body.frame().await {
        read += frame.data_ref().map_or(0, Bytes::len);
        if read > REST_BYTES {
            return;
        }
    }
}

fn not_whole() -> Answer {
    let detail = "the body did not arrive whole within 10 seconds";
    Answer::problem(400, "body", "", detail)
}

fn reply(mut answer: Answer) -> Reply {
    let body = std::mem::take(&mut answer.body);
    let mut response = Response::new(Either::Left(Full::new(body.into())));
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if !answer.content_type.is_empty() {
        let value = HeaderValue::from_static(answer.content_type);
        headers.insert(header::CONTENT_TYPE, value);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for (name, value) in answer.headers() {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.append(*name, value);
        }
    }
    if let Some(error) = answer
        .error
        .and_then(|text| HeaderValue::from_str(&text).ok())
    {
        headers.insert("x-assay-error", error);
    }
    response
}

/// Longest wait for the next part of a batch.
const PART_TIME: Duration = Duration::from_secs(30);

/// Answers a batch while it is still coming in: NDJSON in, NDJSON out.
///
/// Its first part is read before the answer begins: a client that waits for `100 Continue`
/// would else be answered first, and wait a second for nothing.
async fn batch<C: CounterStore>(
    lane: &Rc<Lane<C>>,
    caller: Caller,
    peer: IpAddr,
    mut body: Incoming,
) -> Reply {
    let first = tokio::time::timeout(PART_TIME, body.frame()).await;
    // Four chunks wait at most; a client that does not read is not read from.
    let (sender, lines) = mpsc::channel(4);
    let task = Batch {
        lane: Rc::clone(lane),
        caller,
        peer,
        sender,
        out: RefCell::new(Vec::new()),
    };
    tokio::task::spawn_local(async move { task.run(first, body).await });
    let mut response = Response::new(Either::Right(Lines(lines)));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/x-ndjson"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The next part of a body, its end, or that it did not come in time.
type Part = Result<Option<Result<Frame<Bytes>, hyper::Error>>, tokio::time::error::Elapsed>;

/// A lane yields after so many lines, so that a batch never holds up a click.
const LINES_A_TURN: usize = 64;

struct Batch<C> {
    lane: Rc<Lane<C>>,
    caller: Caller,
    peer: IpAddr,
    sender: mpsc::Sender<Bytes>,
    out: RefCell<Vec<u8>>,
}

impl<C: CounterStore> Batch<C> {
    async fn run(self, first: Part, mut body: Incoming) {
        let mut part = first;
        let mut buffer = BytesMut::new();
        let mut scratch = Scratch::default();
        let mut number = 0;
        loop {
            while let Some(end) = memchr::memchr(b'\n', &buffer) {
                let line = buffer.split_to(end + 1);
                if !self.line(&mut scratch, &mut number, &line[..end]).await {
                    return;
                }
            }
            if buffer.len() > self.lane.engine.limits.event_bytes {
                self.wrong(
                    number + 1,
                    "",
                    &format!(
                        "line is over {} bytes; the batch ends here",
                        self.lane.engine.limits.event_bytes
                    ),
                );
                let _ = self.send().await;
                return;
            }
            let frame = match part {
                Ok(Some(Ok(frame))) => frame,
                Ok(None) => break,
                Ok(Some(Err(_))) | Err(_) => return,
            };
            if let Ok(data) = frame.into_data() {
                buffer.extend_from_slice(&data);
            }
            part = tokio::time::timeout(PART_TIME, body.frame()).await;
        }
        if !buffer.is_empty() {
            let _ = self.line(&mut scratch, &mut number, &buffer).await;
        }
        let _ = self.send().await;
    }

    /// One line; false = the batch is over.
    async fn line(&self, scratch: &mut Scratch, number: &mut usize, line: &[u8]) -> bool {
        *number += 1;
        let line = line.trim_ascii();
        if line.is_empty() {
            return true;
        }
        let limit = self.lane.engine.limits.batch_lines;
        if *number > limit {
            self.wrong(
                *number,
                "",
                &format!("a batch holds at most {limit} lines; the rest was not read"),
            );
            let _ = self.send().await;
            return false;
        }
        let lane = &self.lane;
        let scored = crate::doors::score_event(
            &lane.engine,
            &*lane.outbox,
            scratch,
            &self.caller,
            self.peer,
            line,
        )
        .await;
        match scored {
            Ok(mut answer) => {
                answer.push(b'\n');
                self.out.borrow_mut().append(&mut answer);
            }
            Err(error) => {
                self.wrong(*number, &error.field, &error.to_string());
            }
        }
        !(*number).is_multiple_of(LINES_A_TURN) || self.send().await
    }

    fn wrong(&self, line: usize, field: &str, error: &str) {
        let mut answer = serde_json::json!({"line": line, "score": -1, "error": error});
        if !field.is_empty() {
            answer["field"] = field.into();
        }
        let mut out = self.out.borrow_mut();
        out.extend_from_slice(answer.to_string().as_bytes());
        out.push(b'\n');
    }

    /// Sends what is answered so far, once its records are written; false = nobody reads.
    async fn send(&self) -> bool {
        self.lane.outbox.written().await;
        let chunk = self.out.take();
        chunk.is_empty() || self.sender.send(chunk.into()).await.is_ok()
    }
}

/// A body fed by a batch.
pub struct Lines(mpsc::Receiver<Bytes>);

impl Body for Lines {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0
            .poll_recv(cx)
            .map(|chunk| chunk.map(|bytes| Ok(Frame::data(bytes))))
    }
}
