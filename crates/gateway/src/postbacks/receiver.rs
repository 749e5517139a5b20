//! A postback definition, compiled: from a message to the request that tells it.

use std::borrow::Cow;

use assay_model::hit::name_of_v1;
use assay_model::ports::{EXCERPT_BYTES, Message};
use assay_model::postback::{HttpMethod, Postback, Secret};
use assay_model::template::{Encoding, Template, UrlTemplate, Values};
use assay_model::{EventKind, Field, Timestamp};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Uri};

use super::sign;

/// What receivers see us as, unless a definition says otherwise.
const OUR_NAME: &str = concat!("Assay-Postback/", env!("CARGO_PKG_VERSION"));

/// Where messages of one definition go, ready to be filled.
#[derive(Debug)]
pub struct Receiver {
    method: Method,
    url: UrlTemplate,
    headers: Vec<(HeaderName, Template)>,
    body: Option<(Template, Encoding, &'static str)>,
    secret: Option<Secret>,
}

/// A request ready to go, and how the delivery log shows it.
#[derive(Debug)]
pub struct Filled {
    /// The request.
    pub request: Request<Full<Bytes>>,
    /// Method, URL and the beginning of the body. Headers are left out: they hold secrets.
    pub shown: String,
}

impl Receiver {
    /// Compiles a stored definition.
    ///
    /// # Errors
    /// What does not compile; documents are checked when they are saved, so only one from
    /// another version can.
    pub fn compile(postback: &Postback) -> Result<Self, String> {
        let url = UrlTemplate::parse(&postback.url).map_err(|why| format!("url {why}"))?;
        let headers = postback.headers.iter().map(|(name, value)| {
            let read = HeaderName::try_from(name.as_str()).map_err(|e| format!("{name}: {e}"))?;
            Ok((read, Template::parse(value)))
        });
        let headers: Vec<_> = headers.collect::<Result<_, String>>()?;
        let secret = postback.secret.as_deref().map(Secret::parse).transpose();
        Ok(Self {
            method: match postback.method {
                HttpMethod::Get => Method::GET,
                HttpMethod::Post => Method::POST,
                HttpMethod::Put => Method::PUT,
            },
            body: postback.body.as_deref().map(|text| {
                let own = postback
                    .headers
                    .iter()
                    .find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
                let (encoding, kind) = encoding_of(own.map(|(_, value)| value.as_str()), text);
                (Template::parse(text), encoding, kind)
            }),
            url,
            headers,
            secret: secret.map_err(|why| format!("secret {why}"))?,
        })
    }

    /// Fills a message in.
    ///
    /// # Errors
    /// When the values make a request that HTTP cannot carry.
    pub fn fill(&self, message: &Message, now: Timestamp) -> Result<Filled, String> {
        let values = Told {
            message,
            id: message.owed.message_id(),
        };
        let url = self.url.expand(&values);
        let mut body = String::new();
        if let Some((template, encoding, _)) = &self.body {
            template.expand(*encoding, &values, &mut body);
        }
        let shown = shown(&self.method, &url, &body);
        let uri = Uri::try_from(url).map_err(|why| format!("the URL cannot be sent: {why}"))?;
        let body = Bytes::from(body);
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri;
        self.fill_headers(&mut request, &values, now, &body)?;
        Ok(Filled { request, shown })
    }

    fn fill_headers(
        &self,
        request: &mut Request<Full<Bytes>>,
        values: &Told<'_>,
        now: Timestamp,
        body: &[u8],
    ) -> Result<(), String> {
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, HeaderValue::from_static(OUR_NAME));
        if let Some((_, _, kind)) = &self.body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        for (name, template) in &self.headers {
            let mut text = String::new();
            template.expand(Encoding::Line, values, &mut text);
            headers.insert(name, header_value(name.as_str(), &text)?);
        }
        let seconds = sign::timestamp(now);
        if let Some(secret) = &self.secret
            && let Some(signature) = sign::signature(secret, &values.id, &seconds, body)
        {
            let name = HeaderName::from_static("webhook-signature");
            headers.insert(name, header_value("webhook-signature", &signature)?);
        }
        for (name, text) in [("webhook-id", &values.id), ("webhook-timestamp", &seconds)] {
            headers.insert(HeaderName::from_static(name), header_value(name, text)?);
        }
        Ok(())
    }
}

fn header_value(name: &str, text: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_bytes(text.as_bytes()).map_err(|why| format!("header {name}: {why}"))
}

/// How values go into a body, and its type where the definition names none.
fn encoding_of(content_type: Option<&str>, body: &str) -> (Encoding, &'static str) {
    const FORM: (Encoding, &str) = (Encoding::Url, "application/x-www-form-urlencoded");
    const JSON: (Encoding, &str) = (Encoding::Json, "application/json");
    let Some(kind) = content_type else {
        let is_json = body.trim_start().starts_with(['{', '[']);
        return if is_json { JSON } else { FORM };
    };
    let kind = kind
        .split(';')
        .next()
        .unwrap_or("")
        .trim()
        .to_ascii_lowercase();
    match kind.as_str() {
        k if k.ends_with("/json") || k.ends_with("+json") => JSON,
        "application/x-www-form-urlencoded" => FORM,
        k if k.ends_with("/xml") || k.ends_with("+xml") => (Encoding::Xml, "application/xml"),
        _ => (Encoding::Line, "text/plain; charset=utf-8"),
    }
}

/// The request as the log shows it, cut to its length between characters.
fn shown(method: &Method, url: &str, body: &str) -> String {
    let mut text = format!("{method} {url}");
    if !body.is_empty() {
        text.push('\n');
        text.push_str(body);
    }
    let mut end = text.len().min(EXCERPT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

/// The values of a message's macros: its own first, then those of click and conversion.
struct Told<'a> {
    message: &'a Message,
    id: String,
}

impl Values for Told<'_> {
    fn value(&self, name: &str) -> Option<Cow<'_, str>> {
        let owed = &self.message.owed;
        let own: Cow<'_, str> = match name {
            "status" => owed.outcome.as_str().into(),
            "reason" | "rejection_reason" => owed.reason.as_str().into(),
            "message_id" => self.id.as_str().into(),
            "conversion_id" if owed.event != EventKind::Click => owed.subject.to_string().into(),
            _ => return self.given(name).map(Cow::Borrowed),
        };
        Some(own)
    }
}

impl Told<'_> {
    /// A field's value, under its name or a documented alias.
    fn given(&self, name: &str) -> Option<&str> {
        let values = &self.message.values;
        let found = values.get(name).or_else(|| {
            let ours = name_of_v1(name).unwrap_or(name);
            let field = || values.get(Field::parse(ours)?.as_str());
            values.get(ours).or_else(field)
        })?;
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use assay_model::postback::{Outcome, Owed};
    use assay_model::testing::NOW;
    use assay_model::{AccountId, EventId};
    use http_body_util::BodyExt as _;

    use super::*;

    fn message() -> Message {
        let values = [
            ("external_transaction_id", "a&b=c/ü"),
            ("sub_id_2", "two"),
            ("payout", "1.50"),
            ("publisher", "p\"1\r\nX: y"),
            ("status", "never this one"),
        ];
        Message {
            id: 1,
            account: AccountId(1),
            owed: Owed {
                postback: 3,
                subject: EventId([7; 10]),
                event: EventKind::Conversion,
                seq: 2,
                due: NOW,
                outcome: Outcome::Rejected,
                reason: "VPN".into(),
            },
            attempts: 0,
            values: values.map(|(a, b)| (a.to_owned(), b.to_owned())).into(),
        }
    }

    fn filled(definition: &str) -> Filled {
        let postback: Postback = serde_json::from_str(definition).unwrap();
        assert_eq!(postback.check(), []);
        Receiver::compile(&postback)
            .unwrap()
            .fill(&message(), NOW)
            .unwrap()
    }

    async fn body_of(filled: Filled) -> String {
        let bytes = filled
            .request
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn a_url_is_filled_and_encoded_once() {
        let made = filled(
            r#"{"name":"n","url":"https://Partner.Example/pb?cid={external_transaction_id}&s={status}&r={rejection_reason}&two={sub_id2}&v1={fs_transaction_id}&x={unknown}&c={conversion_id}",
                "headers":{"X-Publisher":"id {publisher}"}}"#,
        );
        let url = format!(
            "https://partner.example/pb?cid=a%26b%3Dc%2F%C3%BC&s=rejected&r=VPN&two=two&v1=a%26b%3Dc%2F%C3%BC&x=&c={}",
            EventId([7; 10])
        );
        assert_eq!(made.request.uri().to_string(), url);
        assert_eq!(made.shown, format!("GET {url}"));
        let header = |name: &str| made.request.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("x-publisher"), "id p\"1X: y");
        assert_eq!(header("webhook-id"), message().owed.message_id());
        assert_eq!(header("webhook-timestamp"), "1767225600");
        assert!(!made.request.headers().contains_key("webhook-signature"));
        assert!(!made.request.headers().contains_key("content-type"));
    }

    #[tokio::test]
    async fn a_body_is_encoded_by_its_type() {
        let cases = [
            (
                "",
                r#"{"p":"{publisher}","n":{payout}}"#,
                r#"{"p":"p\"1\r\nX: y","n":1.50}"#,
                "application/json",
            ),
            (
                "",
                "cid={external_transaction_id}&p={publisher}",
                "cid=a%26b%3Dc%2F%C3%BC&p=p%221%0D%0AX%3A%20y",
                "application/x-www-form-urlencoded",
            ),
            (
                "application/vnd.x+json; v=1",
                "[\"{publisher}\"]",
                "[\"p\\\"1\\r\\nX: y\"]",
                "application/vnd.x+json; v=1",
            ),
            (
                "text/xml",
                "<c>{external_transaction_id}</c>",
                "<c>a&amp;b=c/ü</c>",
                "text/xml",
            ),
            ("text/plain", "{publisher}", "p\"1X: y", "text/plain"),
        ];
        for (given, body, sent, kind) in cases {
            let mut definition = serde_json::json!({"name": "n", "method": "POST",
                "url": "https://a.example/", "body": body});
            if !given.is_empty() {
                definition["headers"] = serde_json::json!({"Content-Type": given});
            }
            let made = filled(&definition.to_string());
            assert_eq!(made.request.headers()["content-type"], kind, "{body}");
            assert_eq!(made.request.method(), Method::POST);
            assert_eq!(body_of(made).await, sent);
        }
    }

    #[tokio::test]
    async fn a_signature_covers_id_time_and_body() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let made = filled(&format!(
            r#"{{"name":"n","method":"PUT","url":"https://a.example/","body":"{{}}","secret":"{secret}"}}"#
        ));
        let expected = sign::signature(
            &Secret::parse(secret).unwrap(),
            &message().owed.message_id(),
            "1767225600",
            b"{}",
        );
        let sent = made.request.headers()["webhook-signature"]
            .to_str()
            .unwrap();
        assert_eq!(Some(sent), expected.as_deref());
        assert!(!made.shown.contains("whsec"), "{}", made.shown);
        assert_eq!(body_of(made).await, "{}");
    }

    #[test]
    fn what_the_log_keeps_is_cut_between_characters() {
        let long = shown(&Method::POST, "https://a.example/", &"ü".repeat(2000));
        assert!(long.len() <= EXCERPT_BYTES && long.len() > EXCERPT_BYTES - 4);
    }
}
