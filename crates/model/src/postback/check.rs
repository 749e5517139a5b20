//! Everything wrong with a postback, named at once when it is saved.

use super::{FireOn, HttpMethod, Postback, Secret};
use crate::document::{Problem, check_name};
use crate::reason::Reason;
use crate::template::UrlTemplate;

/// Longest delay: seven days.
const DELAY_MAX_S: u32 = 7 * 86_400;
/// Most headers, and longest header value.
const HEADERS_MAX: usize = 32;
const HEADER_VALUE_MAX: usize = 4096;
/// Longest body template: what Standard Webhooks lets a body be.
const BODY_MAX: usize = 20 * 1024;

/// Headers that belong to the connection, or that only the sender knows (RFC 9110 §7.6.1).
const NOT_THEIRS: [&str; 17] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
];

impl Postback {
    /// Everything wrong with the document.
    #[must_use]
    pub fn check(&self) -> Vec<Problem> {
        let mut out = Vec::new();
        check_name("name", &self.name, 100, &mut out);
        self.check_condition(&mut out);
        self.scope.check("scope", &mut out);
        if self.delay_s > DELAY_MAX_S {
            let detail = format!("is {} s, at most {DELAY_MAX_S} (7 days)", self.delay_s);
            out.push(Problem::new("delay_s", detail));
        }
        if let Err(detail) = UrlTemplate::parse(&self.url) {
            out.push(Problem::new("url", detail));
        }
        self.check_headers(&mut out);
        self.check_body(&mut out);
        if let Some(secret) = &self.secret
            && let Err(wrong) = Secret::parse(secret)
        {
            out.push(Problem::new("secret", wrong.to_string()));
        }
        out
    }

    fn check_condition(&self, out: &mut Vec<Problem>) {
        if !self.reasons.is_empty() && self.fire_on != FireOn::Rejected {
            let detail = "only go with fire_on \"rejected\": nothing else has a reason to choose";
            out.push(Problem::new("reasons", detail));
        }
        for (at, code) in self.reasons.iter().enumerate() {
            if Reason::from_code(code).is_none() {
                let detail = format!("{code:?} is not in the reason catalogue (GET /reasons)");
                out.push(Problem::new(format!("reasons[{at}]"), detail));
            }
        }
    }

    fn check_headers(&self, out: &mut Vec<Problem>) {
        if self.headers.len() > HEADERS_MAX {
            let detail = format!("are {}, at most {HEADERS_MAX}", self.headers.len());
            out.push(Problem::new("headers", detail));
        }
        for (name, value) in &self.headers {
            if let Some(detail) = header_fault(name, value) {
                out.push(Problem::new(format!("headers.{name}"), detail));
            }
        }
    }

    fn check_body(&self, out: &mut Vec<Problem>) {
        let Some(body) = &self.body else { return };
        if self.method == HttpMethod::Get {
            out.push(Problem::new(
                "body",
                "goes with POST or PUT: a GET has none",
            ));
        }
        if body.len() > BODY_MAX {
            let detail = format!("has {} bytes, at most {BODY_MAX}", body.len());
            out.push(Problem::new("body", detail));
        }
    }
}

/// What is wrong with a header.
fn header_fault(name: &str, value: &str) -> Option<String> {
    let token = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c);
    if name.is_empty() || name.len() > 128 || !name.bytes().all(token) {
        return Some("the name needs 1 to 128 letters, digits or dashes".to_owned());
    }
    let lower = name.to_ascii_lowercase();
    if NOT_THEIRS.contains(&lower.as_str()) {
        return Some("is set by the sender or belongs to the connection".to_owned());
    }
    if value.len() > HEADER_VALUE_MAX {
        return Some(format!(
            "has {} bytes, at most {HEADER_VALUE_MAX}",
            value.len()
        ));
    }
    let bad = value.chars().find(|c| c.is_control() || !c.is_ascii());
    bad.map(|c| format!("holds {c:?}: only visible ASCII and blanks"))
}
