//! The browser collector: `/jsp`, a page that collects signals and goes on to the click, and
//! `/sdk.js`, the same collector with the functions that pages call.
//!
//! The page goes on by posting a form to the click door: one navigation, one event, and what
//! is decided there is decided with the signals. Without scripts it goes on without them.
//! The page's script gives up collecting after 100 ms, so the whole detour stays under 150.
//!
//! Source: SPEC §2.3 and §2.9, facts.md 1.A.2.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::LazyLock;

use assay_model::facts::SignalFacts;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use super::{Answer, DoorRequest};

/// Collects, then sends the page's form.
const PAGE_SCRIPT: &str = concat!(
    "\"use strict\";\n",
    include_str!("../../assets/collect.js"),
    include_str!("../../assets/jsp.js"),
);

/// The page script for others' pages.
pub const SDK: &str = concat!(
    "(function () {\n\"use strict\";\n",
    include_str!("../../assets/collect.js"),
    include_str!("../../assets/sdk.js"),
    "})();\n",
);

/// Nothing but our own script runs in the page, and it may be framed by nobody.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = STANDARD.encode(Sha256::digest(PAGE_SCRIPT));
    format!(
        "default-src 'none'; script-src 'sha256-{hash}'; frame-ancestors 'none'; base-uri 'none'"
    )
});

/// The page of an integration; `click` is the path of its click door.
pub fn page(request: &DoorRequest<'_>, click: &str) -> Answer {
    // The query goes into the page as it came: what it holds is the click door's to judge.
    let query = String::from_utf8_lossy(request.query);
    let target = escaped(&format!("{click}?{query}"));
    let mut html = String::with_capacity(PAGE_SCRIPT.len() + target.len() * 2 + 512);
    // Writing into a string cannot fail.
    let _ = write!(
        html,
        "<!doctype html><meta charset=utf-8><meta name=robots content=noindex><title></title>\
         <noscript><meta http-equiv=refresh content=\"0;url={target}\"></noscript>\
         <form method=post action=\"{target}\"><input type=hidden name=referer>\
         <input type=hidden name=js_check_data></form><script>{PAGE_SCRIPT}</script>"
    );
    Answer::new(200, "text/html; charset=utf-8", html.into_bytes())
        .with("content-security-policy", POLICY.as_str())
        .with("x-robots-tag", "noindex")
        .with("x-content-type-options", "nosniff")
}

/// `/sdk.js`, also at the original's `/lib/index.js`.
pub fn sdk() -> Answer {
    Answer::new(
        200,
        "text/javascript; charset=utf-8",
        SDK.as_bytes().to_vec(),
    )
    .with("access-control-allow-origin", "*")
    .with("x-content-type-options", "nosniff")
}

/// Text inside a double-quoted attribute.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
    out
}

/// What a page's collector sent.
#[derive(Debug)]
pub struct Collected<'p> {
    /// The signals, as JSON.
    pub json: Cow<'p, str>,
    /// The browser's own id.
    pub uuid: Option<String>,
    /// The browser's print.
    pub fingerprint: Option<String>,
}

impl<'p> Collected<'p> {
    /// Reads `js_check_data`: JSON, or the SDK's base64url of it. `None` when it is neither,
    /// or longer than signals may be.
    pub fn read(given: &'p str) -> Option<Self> {
        let json = if given.starts_with('{') {
            Cow::Borrowed(given)
        } else {
            let bytes = URL_SAFE_NO_PAD.decode(given.trim_end_matches('=')).ok()?;
            Cow::Owned(String::from_utf8(bytes).ok()?)
        };
        let signals = SignalFacts::read(&json)?;
        Some(Self {
            json,
            uuid: signals.uuid,
            fingerprint: signals.fingerprint,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn the_sdk_stays_under_8_kb_gzipped() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(SDK.as_bytes()).unwrap();
        let bytes = encoder.finish().unwrap().len();
        assert!(bytes < 8 * 1024, "{bytes} bytes");
    }

    #[test]
    fn a_query_cannot_leave_its_attribute() {
        let text = escaped("/click/7?a=\"><script>alert(1)</script>&b='x'");
        assert_eq!(
            text,
            "/click/7?a=&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;b='x'"
        );
        assert!(
            !PAGE_SCRIPT.contains("</script"),
            "it would end the page's script"
        );
    }

    #[test]
    fn signals_are_json_or_base64url_of_it() {
        let json = r#"{"webdriver":true,"uuid":"u1","time_zone":"Europe/Köln"}"#;
        let encoded = URL_SAFE_NO_PAD.encode(json);
        for given in [json, &encoded, &format!("{encoded}==")] {
            let read = Collected::read(given).unwrap();
            assert_eq!((&*read.json, read.uuid.as_deref()), (json, Some("u1")));
            assert_eq!(read.fingerprint, None);
        }
        for wrong in ["", "{", "nonsense!", "bm90IGpzb24", "[1]"] {
            assert!(Collected::read(wrong).is_none(), "{wrong:?}");
        }
    }
}
