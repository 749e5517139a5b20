//! Forms from elsewhere are refused: by where they come from, and by the session's token.
//!
//! Source: OWASP ASVS 5.0, 3.5.1 to 3.5.3.

use axum::http::{HeaderMap, header};

/// Whether a request comes from our own pages, as far as the browser says.
///
/// `Sec-Fetch-Site` decides; without it `Origin` must name the host that was asked. With
/// neither it is no browser of today, and the token in the form decides alone.
#[must_use]
pub fn same_origin(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = headers.get(header::ORIGIN) else {
        return true;
    };
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let origin = origin.to_str().ok().and_then(|o| o.split_once("://"));
    matches!((origin, host), (Some((_, named)), Some(host)) if named.eq_ignore_ascii_case(host))
}

/// Compares a form's token with the session's in constant time.
#[must_use]
pub fn token_matches(sent: &str, expected: &str) -> bool {
    let (sent, expected) = (sent.as_bytes(), expected.as_bytes());
    let differ = sent
        .iter()
        .zip(expected)
        .fold(0u8, |differ, (a, b)| differ | (a ^ b));
    sent.len() == expected.len() && differ == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_may_post() {
        for (site, origin, ok) in [
            (Some("same-origin"), None, true),
            (Some("none"), None, true),
            (Some("cross-site"), Some("http://console.example"), false),
            (Some("same-site"), None, false),
            (None, Some("http://console.example"), true),
            (None, Some("https://evil.example"), false),
            (None, Some("null"), false),
            (None, None, true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "console.example".parse().unwrap());
            if let Some(site) = site {
                headers.insert("sec-fetch-site", site.parse().unwrap());
            }
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            assert_eq!(same_origin(&headers), ok, "{site:?} {origin:?}");
        }
        assert!(token_matches("abc", "abc"));
        assert!(!token_matches("abd", "abc"));
        assert!(!token_matches("", "abc"));
    }
}
