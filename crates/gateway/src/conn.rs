//! One connection on its lane: plain requests are read and answered here, anything else is
//! handed to hyper on the same lane, bytes already read included.

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use assay_model::Timestamp;
use assay_model::ports::CounterStore;
use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::address::client_address;
use crate::doors::{Answer, DoorRequest, Method, host_of, target_of, title};
use crate::headers::Headers;
use crate::ingress::{Head, ParamBuffer, PlainRequest, read_head};
use crate::lane::Lane;
use crate::outbox::Scratch;
use crate::sending::Sending;
use crate::slow;

/// What a connection is doing, for the lane's sweeper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Between requests.
    Idle,
    /// Part of a request has come.
    Reading,
    /// A request is being answered.
    Busy,
}

/// A connection as the sweeper sees it.
#[derive(Debug)]
pub struct ConnState {
    pub phase: Cell<Phase>,
    /// The lane's tick at the last change of phase.
    pub since: Cell<u64>,
}

impl ConnState {
    pub fn enter(&self, phase: Phase, tick: u64) {
        self.phase.set(phase);
        self.since.set(tick);
    }
}

/// Buffers of a connection.
#[derive(Default)]
struct Buffers {
    scratch: Scratch,
    params: ParamBuffer,
}

/// What reading left.
enum Next {
    /// Read more.
    More,
    /// Answer, then close.
    Close,
    /// Answer, then hand over to hyper.
    HandOver,
}

/// Serves a connection until it ends.
pub async fn serve<C: CounterStore>(
    lane: Rc<Lane<C>>,
    stream: TcpStream,
    peer: IpAddr,
    state: Rc<ConnState>,
) {
    let (mut read, write) = stream.into_split();
    let sending = Sending::new(write);
    let mut input = BytesMut::with_capacity(4096);
    let mut buffers = Buffers::default();
    let next = loop {
        state.enter(Phase::Busy, lane.tick.get());
        let next = answer_plain(&lane, &mut input, &mut buffers, &sending, peer).await;
        if !matches!(next, Next::More) {
            break next;
        }
        // The records first: an answer that left stands for a record that is kept.
        sending.send(&lane.outbox);
        let phase = if input.is_empty() {
            Phase::Idle
        } else {
            Phase::Reading
        };
        state.enter(phase, lane.tick.get());
        input.reserve(2048);
        match sending.read(&mut read, &mut input, &lane.outbox).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    };
    let Ok(stream) = sending.rejoin(read, &lane.outbox).await else {
        return;
    };
    if matches!(next, Next::HandOver) {
        slow::serve(lane, input.freeze(), stream, peer, state).await;
    } else {
        close(stream, input).await;
    }
}

/// Most that is read and thrown away behind a last answer, and how long.
pub const REST_BYTES: usize = 1 << 20;
pub const REST_TIME: Duration = Duration::from_secs(1);

/// Closes so that the last answer arrives: with bytes left unread the system would reset the
/// connection, and a client that is still sending its 70 KB would never see why.
async fn close(mut stream: TcpStream, mut rest: BytesMut) {
    if stream.shutdown().await.is_err() {
        return;
    }
    let read_rest = async {
        let mut bytes = 0;
        while bytes < REST_BYTES {
            rest.clear();
            match stream.read_buf(&mut rest).await {
                Ok(0) | Err(_) => return,
                Ok(read) => bytes += read,
            }
        }
    };
    let _ = tokio::time::timeout(REST_TIME, read_rest).await;
}

/// Answers every whole plain request in `input`, in order.
async fn answer_plain<C: CounterStore>(
    lane: &Lane<C>,
    input: &mut BytesMut,
    buffers: &mut Buffers,
    sending: &Sending,
    peer: IpAddr,
) -> Next {
    let mut at = 0;
    let next = loop {
        let rest = &input[at..];
        if rest.is_empty() {
            break Next::More;
        }
        match read_head(rest, lane.engine.limits.head_bytes) {
            Head::Partial => break Next::More,
            Head::HandOver => break Next::HandOver,
            Head::Mended(head) => {
                input.clear();
                input.extend_from_slice(&head);
                at = 0;
            }
            Head::Refused(status) => {
                let code = if status == 400 {
                    "malformed"
                } else {
                    "too_large"
                };
                let detail = if status == 400 {
                    "the request head is no HTTP"
                } else {
                    "the request head is too large"
                };
                let (target, host) = (target_of(rest), host_of(rest));
                lane.doors
                    .note_unread(&lane.engine, (&target, &host), code, detail);
                let answer = Answer::problem(status, code, "", detail);
                sending.add(|out| write_answer(&answer, true, true, &lane.date(), out));
                break Next::Close;
            }
            Head::Plain(plain) => {
                let length = plain.head.len();
                let open = plain.keep_alive && !lane.closing.get();
                answer_one(lane, &plain, open, buffers, sending, peer).await;
                at += length;
                if !open {
                    break Next::Close;
                }
            }
        }
    };
    let _ = input.split_to(at);
    next
}

async fn answer_one<C: CounterStore>(
    lane: &Lane<C>,
    plain: &PlainRequest<'_>,
    open: bool,
    buffers: &mut Buffers,
    sending: &Sending,
    peer: IpAddr,
) {
    let (path, query) = plain.target.split_once('?').unwrap_or((plain.target, ""));
    let headers = Headers::Head(plain.head);
    let request = DoorRequest {
        method: if plain.get { Method::Get } else { Method::Head },
        path,
        query: query.as_bytes(),
        body: &[],
        content_type: "",
        authorization: plain.authorization,
        key: plain.key,
        host: plain.host,
        headers,
        peer: client_address(peer, headers, &lane.doors.trusted_proxies),
    };
    let answer = lane
        .doors
        .answer(
            &lane.engine,
            &*lane.outbox,
            &mut buffers.scratch,
            &mut buffers.params,
            &request,
        )
        .await;
    sending.add(|out| write_answer(&answer, plain.get, !open, &lane.date(), out));
}

/// Appends an HTTP/1.1 response.
fn write_answer(answer: &Answer, with_body: bool, close: bool, date: &str, out: &mut Vec<u8>) {
    let mut add = |parts: &[&str]| {
        for part in parts {
            out.extend_from_slice(part.as_bytes());
        }
    };
    let mut digits = [0; DIGITS];
    add(&[
        "HTTP/1.1 ",
        decimal(usize::from(answer.status), &mut digits),
    ]);
    add(&[" ", title(answer.status)]);
    add(&["\r\ncache-control: no-store\r\ndate: ", date, "\r\n"]);
    // 204 has no body, and may not say how long it is.
    if answer.status != 204 {
        let length = decimal(answer.body.len(), &mut digits);
        add(&["content-length: ", length, "\r\n"]);
    }
    if !answer.content_type.is_empty() {
        add(&["content-type: ", answer.content_type, "\r\n"]);
    }
    if let Some(error) = answer.error.as_deref() {
        add(&["x-assay-error: ", error, "\r\n"]);
    }
    for (name, value) in answer.headers() {
        add(&[name, ": ", value, "\r\n"]);
    }
    if close {
        add(&["connection: close\r\n"]);
    }
    add(&["\r\n"]);
    if with_body {
        out.extend_from_slice(&answer.body);
    }
}

/// Digits of the largest length.
const DIGITS: usize = 20;

/// A number in decimal digits.
fn decimal(mut number: usize, digits: &mut [u8; DIGITS]) -> &str {
    let mut first = DIGITS;
    loop {
        first -= 1;
        digits[first] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    str::from_utf8(&digits[first..]).unwrap_or("")
}

/// The `Date` header, made once a second.
#[derive(Debug, Default)]
pub struct DateCache {
    second: Cell<i64>,
    text: RefCell<Rc<str>>,
}

impl DateCache {
    /// The date of `now` as HTTP writes it.
    pub fn get(&self, now: Timestamp) -> Rc<str> {
        let second = now.0.div_euclid(1000);
        if self.second.replace(second) != second || self.text.borrow().is_empty() {
            *self.text.borrow_mut() = http_date(now).into();
        }
        Rc::clone(&self.text.borrow())
    }
}

/// RFC 9110 IMF-fixdate.
fn http_date(at: Timestamp) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (year, month, day) = assay_model::time::civil_from_days(at.utc_day());
    let weekday = DAYS[at.utc_day().rem_euclid(7) as usize];
    let month = MONTHS[(month - 1).clamp(0, 11) as usize];
    let second = at.0.rem_euclid(86_400_000) / 1000;
    let (h, m, s) = (second / 3600, second / 60 % 60, second % 60);
    format!("{weekday}, {day:02} {month} {year} {h:02}:{m:02}:{s:02} GMT")
}

/// Bytes that were read before hyper took over, then the stream.
#[derive(Debug)]
pub struct Rewound {
    head: Bytes,
    stream: TcpStream,
}

impl Rewound {
    pub const fn new(head: Bytes, stream: TcpStream) -> Self {
        Self { head, stream }
    }
}

impl tokio::io::AsyncRead for Rewound {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buf: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        if self.head.is_empty() {
            return std::pin::Pin::new(&mut self.stream).poll_read(cx, buf);
        }
        let length = self.head.len().min(buf.remaining());
        let part = self.head.split_to(length);
        buf.put_slice(&part);
        std::task::Poll::Ready(Ok(()))
    }
}

impl tokio::io::AsyncWrite for Rewound {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        std::pin::Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::pin::Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_full() {
        for number in [0, 7, 10, 204, usize::MAX] {
            assert_eq!(decimal(number, &mut [0; DIGITS]), number.to_string());
        }
    }

    #[test]
    fn dates_are_those_of_the_rfc() {
        assert_eq!(
            http_date(Timestamp(784_111_777_000)),
            "Sun, 06 Nov 1994 08:49:37 GMT"
        );
        assert_eq!(http_date(Timestamp(0)), "Thu, 01 Jan 1970 00:00:00 GMT");
    }
}
