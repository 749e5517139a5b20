//! The doors: one file per dialect, one function that finds the door of a path.
//!
//! A door turns a request into a hit and a verdict into its own bytes; it does no IO.

mod click;
mod collector;
pub(crate) mod network;
mod outcomes;
mod postback;
mod rejection;
mod route;
mod s2s;
mod score;
mod unread;

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use assay_model::ports::{CounterStore, DoorError};
use assay_model::{AccountId, EventKind, IntegrationId};

use crate::conversions::Conversions;
use crate::engine::Engine;
use crate::headers::Headers;
use crate::ingress::ParamBuffer;
use crate::mapping::{FieldError, cut};
use crate::outbox::{Outbox, Scratch};

/// How a request asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET.
    Get,
    /// HEAD: answered without counting.
    Head,
    /// POST.
    Post,
    /// Anything else.
    Other,
}

/// A request as every door sees it.
#[derive(Clone, Copy, Debug)]
pub struct DoorRequest<'r> {
    /// How it asks.
    pub method: Method,
    /// Path without query.
    pub path: &'r str,
    /// Query as sent, without `?`.
    pub query: &'r [u8],
    /// Body.
    pub body: &'r [u8],
    /// `Content-Type`.
    pub content_type: &'r str,
    /// `Authorization`.
    pub authorization: Option<&'r str>,
    /// `X-Assay-Key`.
    pub key: Option<&'r str>,
    /// `Host`, port included.
    pub host: &'r str,
    /// All headers.
    pub headers: Headers<'r>,
    /// Whose call it is.
    pub peer: IpAddr,
}

/// What a door answers.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// `X-Assay-Error`; printable ASCII only.
    pub error: Option<String>,
    /// Body.
    pub body: Vec<u8>,
    /// More headers, see [`Self::with`].
    headers: Vec<(&'static str, Cow<'static, str>)>,
}

impl Answer {
    /// An answer with a body; without a content type the header is left out.
    #[must_use]
    pub const fn new(status: u16, content_type: &'static str, body: Vec<u8>) -> Self {
        Self {
            status,
            content_type,
            error: None,
            body,
            headers: Vec::new(),
        }
    }

    /// 200 with JSON.
    #[must_use]
    pub const fn json(body: Vec<u8>) -> Self {
        Self::new(200, "application/json", body)
    }

    /// An answer without a body.
    #[must_use]
    pub const fn empty(status: u16) -> Self {
        Self::new(status, "", Vec::new())
    }

    /// Adds a header, its name in lower case. One whose value is not printable ASCII is left
    /// out: nothing that a visitor sends may begin a line of its own.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        let value = value.into();
        if value.bytes().all(|c| c.is_ascii_graphic() || c == b' ') {
            self.headers.push((name, value));
        }
        self
    }

    /// The headers beside status, type and length; `Cache-Control: no-store` is on every answer.
    #[must_use]
    pub fn headers(&self) -> &[(&'static str, Cow<'static, str>)] {
        &self.headers
    }

    /// A problem document (RFC 9457).
    #[must_use]
    pub fn problem(status: u16, code: &str, field: &str, detail: &str) -> Self {
        let mut problem = serde_json::json!({
            "type": format!("/problems/{code}"),
            "title": crate::doors::title(status),
            "status": status,
            "code": code,
            "detail": detail,
        });
        if !field.is_empty() {
            problem["field"] = field.into();
        }
        let body = problem.to_string().into_bytes();
        Self {
            error: Some(header_text(detail)),
            ..Self::new(status, "application/problem+json", body)
        }
    }
}

/// The standard phrase of a status.
#[must_use]
pub fn title(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        302 => "Found",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        503 => "Service Unavailable",
        _ => "Error",
    }
}

/// A text that may stand in a header: printable ASCII, at most 200 characters.
fn header_text(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_ascii_graphic() || c == ' ' {
                c
            } else {
                '?'
            }
        })
        .take(200)
        .collect()
}

/// What the doors of a process share beside the engine.
#[derive(Debug, Default)]
pub struct Doors {
    /// Whether the process is ready to judge.
    pub ready: AtomicBool,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<(IpAddr, u8)>,
    /// Hosts behind `{iid}.clicks.` and its like; lower case, without a port.
    pub public_hosts: Vec<String>,
    /// Where conversions are taken in; `None` = this process takes none.
    pub conversions: Option<Arc<Conversions>>,
    /// Where outcomes are taken in; `None` = this process takes none.
    pub outcomes: Option<Outcomes>,
    /// Keys of agents that may prove who they are; swapped when they are fetched anew.
    pub agents: arc_swap::ArcSwap<crate::proof::AgentKeys>,
}

impl Doors {
    /// Answers a request.
    pub async fn answer<C: CounterStore>(
        &self,
        engine: &Engine<C>,
        outbox: &impl Outbox,
        scratch: &mut Scratch,
        params: &mut ParamBuffer,
        request: &DoorRequest<'_>,
    ) -> Answer {
        match request.path {
            "/ic3.php" if request.method == Method::Other => self.wrong_method(engine, request),
            "/ic3.php" => s2s::answer(engine, outbox, scratch, params, request).await,
            "/v1/score" => score::answer(engine, outbox, scratch, request).await,
            "/v1/outcomes" => outcomes::answer(self.outcomes.as_ref(), engine, request).await,
            "/sdk.js" | "/lib/index.js" => collector::sdk(),
            "/healthz" => text(200, "ok\n"),
            "/readyz" if self.ready.load(Ordering::Relaxed) => text(200, "ready\n"),
            "/readyz" => text(503, "not ready\n"),
            "/v1/score/batch" => Answer::problem(405, "method", "", "POST NDJSON to this path"),
            path if network::is_for(path) && request.method != Method::Other => {
                self.at_network(engine, outbox, (scratch, params), request)
                    .await
            }
            path => match route::find(path, request.host, &self.public_hosts) {
                Some(route) => {
                    let buffers = (scratch, params);
                    self.at_integration(engine, outbox, buffers, route, request)
                        .await
                }
                None => nothing_at(path),
            },
        }
    }

    /// The doors of an integration, found by its number alone.
    async fn at_integration<C: CounterStore>(
        &self,
        engine: &Engine<C>,
        outbox: &impl Outbox,
        (scratch, params): (&mut Scratch, &mut ParamBuffer),
        route: Route,
        request: &DoorRequest<'_>,
    ) -> Answer {
        let snapshot = engine.policies.load();
        let Some((account, integration)) = snapshot.integration(route.integration) else {
            return nothing_at(request.path);
        };
        if request.method == Method::Other {
            return self.wrong_method(engine, request);
        }
        match (route.door, self.conversions.as_deref()) {
            (Door::Jsp, conversions) => {
                // HEAD brings no page, so nothing comes back from it.
                if let (Some(conversions), Method::Get | Method::Post) =
                    (conversions, request.method)
                {
                    let limits = &engine.limits;
                    let click = click::announced(params, request.query, integration, limits);
                    if let Some(click) = click {
                        conversions.page_served(&click, engine.clock.now());
                    }
                }
                collector::page(request, &route.click_path(request.path))
            }
            (Door::Postback, Some(conversions)) => {
                let snapshot = Arc::clone(&snapshot);
                let whose = postback::Whose::of(&snapshot, account, integration);
                let answer = postback::answer(
                    conversions,
                    engine,
                    outbox,
                    scratch,
                    params,
                    &whose,
                    request,
                )
                .await;
                // A page's script may read what became of its conversion.
                match request.headers.get("origin") {
                    Some(_) => answer.with("access-control-allow-origin", "*"),
                    None => answer,
                }
            }
            (Door::Rejection, Some(conversions)) => {
                let whose = postback::Whose::of(&snapshot, account, integration);
                rejection::answer(conversions, engine, params, &whose, request).await
            }
            (Door::Postback | Door::Rejection, None) => {
                let detail = "this process takes no conversions";
                Answer::problem(503, "unavailable", "", detail)
            }
            (door @ (Door::Click | Door::Impression), _) => {
                let kind = match door {
                    Door::Impression => EventKind::Impression,
                    _ => EventKind::Click,
                };
                let owner = click::Owner {
                    account,
                    integration,
                    link: None,
                };
                click::answer(
                    (engine, self),
                    outbox,
                    scratch,
                    params,
                    request,
                    owner,
                    kind,
                )
                .await
            }
        }
    }
}

impl Doors {
    /// A method that no door has: listed, and refused with those that there are.
    fn wrong_method<C: CounterStore>(
        &self,
        engine: &Engine<C>,
        request: &DoorRequest<'_>,
    ) -> Answer {
        let detail = "use GET or POST";
        let query = String::from_utf8_lossy(request.query);
        let target = format!("{}?{query}", request.path);
        self.note_unread(engine, (&target, request.host), "method", detail);
        Answer::problem(405, "method", "", detail).with("allow", "GET, HEAD, POST")
    }
}

fn nothing_at(path: &str) -> Answer {
    let detail = format!("there is nothing at {}", cut(path));
    Answer::problem(404, "not_found", "", &detail)
}

fn text(status: u16, body: &str) -> Answer {
    Answer::new(
        status,
        "text/plain; charset=utf-8",
        body.as_bytes().to_vec(),
    )
}

pub(crate) use outcomes::BODY_BYTES as OUTCOMES_BYTES;
pub use outcomes::Outcomes;
use route::{Door, Route};
pub(crate) use score::{Caller, authorize, score_event};
pub(crate) use unread::{host_of, target_of};

/// A refused call, for the integration's error log: parameter names only, no values.
pub(crate) fn door_error<C: CounterStore>(
    engine: &Engine<C>,
    door: &'static str,
    of: (Option<AccountId>, Option<IntegrationId>),
    error: &FieldError,
    sample: String,
) -> DoorError {
    DoorError {
        account: of.0,
        integration: of.1,
        at: engine.clock.now(),
        door,
        code: error.code,
        field: error.field.clone(),
        cause: error.to_string(),
        sample,
    }
}
