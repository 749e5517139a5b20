//! The headers of a request for doors that need them.
//!
//! Looked for when somebody asks: what the lane has read itself is kept as bytes, so a call
//! of a door that needs no header pays for none.

/// The headers of a request.
#[derive(Clone, Copy, Debug)]
pub enum Headers<'r> {
    /// A whole head that the lane has read, and httparse has found sound.
    Head(&'r [u8]),
    /// What hyper has read.
    Map(&'r hyper::HeaderMap),
}

impl<'r> Headers<'r> {
    /// Calls `take` with every header, in the order in which they came.
    pub fn each(self, mut take: impl FnMut(&'r str, &'r [u8])) {
        match self {
            Self::Map(map) => {
                for (name, value) in map {
                    take(name.as_str(), value.as_bytes());
                }
            }
            Self::Head(head) => {
                // The request line is no header.
                let mut rest = after_line(head).1;
                while let (line @ [_, ..], more) = after_line(rest) {
                    rest = more;
                    if let Some(colon) = memchr::memchr(b':', line)
                        && let Ok(name) = std::str::from_utf8(&line[..colon])
                    {
                        take(name, line[colon + 1..].trim_ascii());
                    }
                }
            }
        }
    }

    /// The first header with this name in lower case; `None` = not sent, or no UTF-8.
    #[must_use]
    pub fn get(self, name: &str) -> Option<&'r str> {
        let mut found = None;
        self.each(|own, value| {
            if found.is_none() && own.eq_ignore_ascii_case(name) {
                found = Some(value);
            }
        });
        found.and_then(|value| std::str::from_utf8(value).ok())
    }
}

/// A line without its end, and what follows it.
fn after_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b'\n', bytes) {
        Some(at) => (
            bytes[..at].strip_suffix(b"\r").unwrap_or(&bytes[..at]),
            &bytes[at + 1..],
        ),
        None => (bytes, &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::{HeaderMap, HeaderValue};

    const HEAD: &[u8] =
        b"GET /a HTTP/1.1\r\nHost: x:80\r\nUser-Agent:  A/1 \xc3\xa4 \r\nuser-agent: B\nBad: \xff\r\nEmpty:\r\n\r\nGET /b";

    #[test]
    fn names_are_found_in_any_case_and_the_first_counts() {
        let mut map = HeaderMap::new();
        map.append("host", HeaderValue::from_static("x:80"));
        map.append(
            "user-agent",
            HeaderValue::from_bytes("A/1 ä".as_bytes()).unwrap(),
        );
        map.append("user-agent", HeaderValue::from_static("B"));
        map.append("bad", HeaderValue::from_bytes(b"\xff").unwrap());
        map.append("empty", HeaderValue::from_static(""));
        for headers in [Headers::Head(HEAD), Headers::Map(&map)] {
            assert_eq!(headers.get("host"), Some("x:80"));
            assert_eq!(headers.get("user-agent"), Some("A/1 ä"));
            assert_eq!(headers.get("bad"), None, "no UTF-8");
            assert_eq!(headers.get("empty"), Some(""));
            assert_eq!(headers.get("referer"), None);
            let mut count = 0;
            headers.each(|_, _| count += 1);
            assert_eq!(count, 5, "the request line and what follows are none");
        }
    }
}
