//! What a request itself shows of a visitor's browser: its headers, read in one pass.

use std::borrow::Cow;

use assay_model::Hit;
use assay_model::hit::Field;

use crate::headers::Headers;

/// Headers of a click.
#[derive(Debug, Default)]
pub struct Seen<'r> {
    user_agent: Option<Cow<'r, str>>,
    referer: Option<&'r str>,
    languages: Option<&'r str>,
    forwarded: Option<&'r str>,
    accept: &'r str,
    hints: [Option<&'r str>; 9],
    /// Whether a browser fetched the link ahead of a person's decision.
    pub is_prefetch: bool,
    /// Whether a script of a page sends the call: only browsers send these headers, and no
    /// script can leave them out.
    pub is_script: bool,
}

/// What only a browser says of itself and of what it loads the link for.
const HINTS: [(&str, Field); 9] = [
    ("sec-ch-ua", Field::ChUa),
    ("sec-ch-ua-platform", Field::ChPlatform),
    ("sec-ch-ua-mobile", Field::ChMobile),
    ("sec-ch-ua-model", Field::ChModel),
    ("sec-ch-ua-platform-version", Field::ChPlatformVersion),
    ("sec-ch-ua-full-version-list", Field::ChFullVersionList),
    ("sec-fetch-dest", Field::FetchDest),
    ("sec-fetch-mode", Field::FetchMode),
    ("sec-fetch-user", Field::FetchUser),
];

impl<'r> Seen<'r> {
    /// Reads the headers.
    pub fn read(headers: Headers<'r>) -> Self {
        let mut seen = Self::default();
        headers.each(|name, value| seen.take(name, value));
        seen
    }

    fn take(&mut self, name: &'r str, value: &'r [u8]) {
        let is = |own: &str| name.eq_ignore_ascii_case(own);
        let text = || std::str::from_utf8(value).ok();
        let holds = |word: &str| {
            text().is_some_and(|text| {
                text.to_ascii_lowercase()
                    .split([',', ';', ' '])
                    .any(|w| w == word)
            })
        };
        match name.len() {
            6 if is("accept") => self.accept = text().unwrap_or(""),
            6 if is("origin") => self.is_script = true,
            5 if is("x-moz") => self.is_prefetch |= holds("prefetch"),
            7 if is("purpose") => self.is_prefetch |= holds("prefetch") || holds("prerender"),
            9 if is("x-purpose") => self.is_prefetch |= holds("preview") || holds("prefetch"),
            11 if is("sec-purpose") => self.is_prefetch |= holds("prefetch") || holds("prerender"),
            7 if is("referer") => self.referer = text(),
            10 if is("user-agent") && self.user_agent.is_none() => {
                self.user_agent = Some(String::from_utf8_lossy(value));
            }
            14 if is("sec-fetch-mode") => {
                self.is_script |= holds("cors") || holds("no-cors");
                self.hints[7] = text();
            }
            15 if is("accept-language") => self.languages = text(),
            15 if is("x-forwarded-for") => self.forwarded = text(),
            9.. if name.as_bytes()[..4].eq_ignore_ascii_case(b"sec-") => {
                if let Some(place) = HINTS.iter().position(|(own, _)| is(own)) {
                    self.hints[place] = text();
                }
            }
            _ => {}
        }
    }

    /// Whether the caller asks for JSON, and not for a page.
    pub fn wants_json(&self) -> bool {
        let accept = self.accept.to_ascii_lowercase();
        accept.contains("application/json") && !accept.contains("text/html")
    }

    /// Puts what the browser shows into its event. A user agent that is not sent is blank. A
    /// forwarding chain is evidence where no proxy of ours has written it.
    pub fn fill<'h>(&'h self, hit: &mut Hit<'h>, chain_is_theirs: bool) {
        let user_agent = self.user_agent.as_deref().unwrap_or("");
        hit.set(Field::UserAgent, Some(user_agent));
        let mut fallback = |field, text: Option<&'h str>| {
            if let Some(text) = text.filter(|text| !text.is_empty())
                && hit.get(field).is_none()
            {
                hit.set(field, Some(text));
            }
        };
        // A page that goes on to the link for the visitor knows where they come from.
        fallback(Field::Referer, self.referer);
        fallback(Field::Languages, self.languages);
        if chain_is_theirs {
            fallback(Field::Xff, self.forwarded);
        }
        for ((_, field), text) in HINTS.iter().zip(self.hints) {
            fallback(*field, text);
        }
    }
}
