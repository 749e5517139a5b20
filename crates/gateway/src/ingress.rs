//! Reading requests: heads, queries, forms.
//!
//! Limits: every length is bounded before anything is kept (`engine::Limits`).

use crate::mend::{Mended, mend};

/// A request that the lane answers itself.
#[derive(Debug)]
pub struct PlainRequest<'b> {
    /// GET, else HEAD.
    pub get: bool,
    /// Path and query as sent.
    pub target: &'b str,
    /// Whether the connection stays open.
    pub keep_alive: bool,
    /// `Authorization`.
    pub authorization: Option<&'b str>,
    /// `X-Assay-Key`.
    pub key: Option<&'b str>,
    /// `Host`.
    pub host: &'b str,
    /// The whole head, for who needs another header.
    pub head: &'b [u8],
}

/// What a buffer begins with.
#[derive(Debug)]
pub enum Head<'b> {
    /// More bytes are needed.
    Partial,
    /// A plain HTTP/1.1 GET or HEAD without a body.
    Plain(PlainRequest<'b>),
    /// Anything else that may be HTTP: hyper takes over, these bytes included.
    HandOver,
    /// Bytes that no target has were encoded: read this instead of the buffer.
    Mended(Vec<u8>),
    /// No HTTP, or over a limit: the status to refuse it with.
    Refused(u16),
}

const HEADERS_MAX: usize = 64;

/// Reads a request head. It is taken as plain only when nothing about it needs hyper: the
/// same bytes give the same request there, or are handed over.
#[must_use]
pub fn read_head(buffer: &[u8], head_bytes: usize) -> Head<'_> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    let length = match request.parse(buffer) {
        Ok(httparse::Status::Complete(length)) if length > head_bytes => return too_large(buffer),
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if buffer.len() >= head_bytes => return too_large(buffer),
        Ok(httparse::Status::Partial) => return Head::Partial,
        Err(httparse::Error::TooManyHeaders) => return Head::HandOver,
        Err(_) => return mended(buffer, head_bytes),
    };
    let (Some(method), Some(target), Some(1)) = (request.method, request.path, request.version)
    else {
        return Head::HandOver;
    };
    if !matches!(method, "GET" | "HEAD") || !target.starts_with('/') {
        return Head::HandOver;
    }
    let mut plain = PlainRequest {
        get: method == "GET",
        target,
        keep_alive: true,
        authorization: None,
        key: None,
        host: "",
        head: &buffer[..length],
    };
    let mut hosts = 0;
    for header in request.headers.iter() {
        if !read_header(header, &mut plain, &mut hosts) {
            return Head::HandOver;
        }
    }
    if hosts == 1 {
        Head::Plain(plain)
    } else {
        Head::HandOver
    }
}

/// Reads on where only the target is at fault; what still is no HTTP is refused.
fn mended(buffer: &[u8], head_bytes: usize) -> Head<'_> {
    match mend(buffer) {
        Mended::Head(head) => Head::Mended(head),
        Mended::Partial if buffer.len() >= head_bytes => too_large(buffer),
        Mended::Partial => Head::Partial,
        Mended::Hopeless => Head::Refused(400),
    }
}

/// Notes a header; false = one that needs hyper.
fn read_header<'b>(
    header: &httparse::Header<'b>,
    plain: &mut PlainRequest<'b>,
    hosts: &mut u32,
) -> bool {
    let name = header.name;
    let text = || std::str::from_utf8(header.value).ok();
    match name.len() {
        4 if name.eq_ignore_ascii_case("host") => {
            *hosts += 1;
            plain.host = text().unwrap_or("");
        }
        10 if name.eq_ignore_ascii_case("connection") => match text() {
            Some(value) if value.eq_ignore_ascii_case("close") => plain.keep_alive = false,
            Some(value) if value.eq_ignore_ascii_case("keep-alive") => {}
            _ => return false,
        },
        11 if name.eq_ignore_ascii_case("x-assay-key") => plain.key = text(),
        13 if name.eq_ignore_ascii_case("authorization") => plain.authorization = text(),
        14 if name.eq_ignore_ascii_case("content-length") => return header.value == b"0",
        17 if name.eq_ignore_ascii_case("transfer-encoding") => return false,
        6 if name.eq_ignore_ascii_case("expect") => return false,
        7 if name.eq_ignore_ascii_case("upgrade") => return false,
        _ => {}
    }
    true
}

/// 414 when not even the request line ended within the limit, else 431.
fn too_large(buffer: &[u8]) -> Head<'_> {
    Head::Refused(
        if memchr::memchr(b'\n', buffer).is_none_or(|at| at > 8192) {
            414
        } else {
            431
        },
    )
}

/// Decoded parameters, in one buffer that is kept between requests.
#[derive(Debug, Default)]
pub struct ParamBuffer {
    text: String,
    /// Ends of name and value in `text`, one after the other.
    ends: Vec<(u32, u32)>,
}

impl ParamBuffer {
    /// Forgets everything.
    pub fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    /// Decodes `a=b&c=d` once: `%XX` and `+`; broken escapes stay as they are, bytes that
    /// are no UTF-8 become replacement characters. False = more than `max` parameters.
    pub fn decode(&mut self, encoded: &[u8], max: usize) -> bool {
        let (kept_text, kept) = (self.text.len(), self.ends.len());
        // All bytes first, checked as UTF-8 once: a check per value costs as much as the rest.
        let mut bytes = std::mem::take(&mut self.text).into_bytes();
        let fits = self.decode_bytes(encoded, max, &mut bytes);
        match String::from_utf8(bytes) {
            Ok(text) if self.is_cut_well(&text, kept) => self.text = text,
            Ok(text) => self.replace_broken(text.as_bytes(), kept_text, kept),
            Err(error) => self.replace_broken(error.as_bytes(), kept_text, kept),
        }
        fits
    }

    /// One pass: eight bytes are copied at a time, up to the next one that means something.
    fn decode_bytes(&mut self, encoded: &[u8], max: usize, bytes: &mut Vec<u8>) -> bool {
        let start = bytes.len();
        bytes.resize(start + encoded.len() + RUN, 0);
        let (mut from, mut to) = (0, start);
        let (mut pair_from, mut name_end) = (0, None);
        loop {
            let run = copy_run(&encoded[from..], &mut bytes[to..]);
            from += run;
            to += run;
            let byte = match encoded.get(from) {
                Some(_) if run == RUN => continue,
                other => other.copied(),
            };
            match byte {
                Some(b'=') if name_end.is_none() => name_end = Some(to),
                Some(b'%') if let Some(decoded) = escaped_byte(encoded, from) => {
                    bytes[to] = decoded;
                    to += 1;
                    from += 2;
                }
                Some(byte @ (b'%' | b'+' | b'=')) => {
                    bytes[to] = if byte == b'+' { b' ' } else { byte };
                    to += 1;
                }
                // The end of a pair, if there is one.
                _ if from == pair_from => pair_from += 1,
                _ => {
                    if self.ends.len() == max {
                        let kept = self.ends.last().map_or(start, |(_, end)| *end as usize);
                        bytes.truncate(kept.max(start));
                        return false;
                    }
                    let name_end = name_end.take().unwrap_or(to);
                    self.ends.push((name_end as u32, to as u32));
                    pair_from = from + 1;
                }
            }
            if byte.is_none() {
                bytes.truncate(to);
                return true;
            }
            from += 1;
        }
    }

    /// Whether every name and value is UTF-8 by itself, given that all of them together are.
    fn is_cut_well(&self, text: &str, from: usize) -> bool {
        let cut = |end: u32| text.is_char_boundary(end as usize);
        self.ends[from..]
            .iter()
            .all(|(name, value)| cut(*name) && cut(*value))
    }

    /// Puts replacement characters where a name or value is no UTF-8.
    fn replace_broken(&mut self, bytes: &[u8], kept_text: usize, kept: usize) {
        // What was there before is UTF-8: it came through here.
        let mut text = String::from_utf8_lossy(&bytes[..kept_text]).into_owned();
        let mut start = kept_text;
        for (name, value) in &mut self.ends[kept..] {
            for end in [name, value] {
                text.push_str(&String::from_utf8_lossy(&bytes[start..*end as usize]));
                start = *end as usize;
                *end = text.len() as u32;
            }
        }
        self.text = text;
    }

    /// Adds a pair that needs no decoding. False = more than `max` parameters.
    pub fn push(&mut self, name: &str, value: &str, max: usize) -> bool {
        if self.ends.len() == max {
            return false;
        }
        self.text.push_str(name);
        let name_end = self.text.len() as u32;
        self.text.push_str(value);
        self.ends.push((name_end, self.text.len() as u32));
        true
    }

    /// The pairs, in the order in which they came.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        let mut start = 0;
        self.ends.iter().map(move |(name_end, end)| {
            let name = &self.text[start..*name_end as usize];
            let value = &self.text[*name_end as usize..*end as usize];
            start = *end as usize;
            (name, value)
        })
    }
}

/// Bytes looked at together.
const RUN: usize = 8;

/// Copies up to eight bytes and says how many of them mean nothing by themselves; `to` has
/// room for all eight.
fn copy_run(from: &[u8], to: &mut [u8]) -> usize {
    let run = match from.first_chunk::<RUN>() {
        Some(run) => *run,
        None => {
            let mut run = [b'&'; RUN];
            run[..from.len()].copy_from_slice(from);
            run
        }
    };
    to[..RUN].copy_from_slice(&run);
    plain_bytes(u64::from_le_bytes(run))
}

/// How many of eight bytes, the lowest first, stand before a `%`, `+`, `&` or `=`.
const fn plain_bytes(word: u64) -> usize {
    const ONES: u64 = u64::from_le_bytes([1; RUN]);
    /// The highest bit of each byte that is this one; maybe of bytes above the first, too.
    const fn marks(word: u64, byte: u8) -> u64 {
        let other = word ^ (ONES * byte as u64);
        other.wrapping_sub(ONES) & !other & (ONES << 7)
    }
    let special = marks(word, b'%') | marks(word, b'+') | marks(word, b'&') | marks(word, b'=');
    special.trailing_zeros() as usize / 8
}

fn escaped_byte(part: &[u8], at: usize) -> Option<u8> {
    let hex = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    };
    let [high, low] = *part.get(at + 1..)?.first_chunk::<2>()?;
    Some(hex(high)? << 4 | hex(low)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decoded(query: &str) -> Vec<(String, String)> {
        let mut params = ParamBuffer::default();
        assert!(params.decode(query.as_bytes(), 100));
        params
            .pairs()
            .map(|(n, v)| (n.to_owned(), v.to_owned()))
            .collect()
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn parameters_are_decoded_exactly_once() {
        assert_eq!(
            decoded("a=1&b=x%20y+z&c"),
            [pair("a", "1"), pair("b", "x y z"), pair("c", "")]
        );
        assert_eq!(
            decoded("u=%252F&%61=b=c"),
            [pair("u", "%2F"), pair("a", "b=c")]
        );
        assert_eq!(
            decoded("bad=%zz%4&nul=%00"),
            [pair("bad", "%zz%4"), pair("nul", "\0")]
        );
        assert_eq!(decoded("x=%ff%fe"), [pair("x", "\u{fffd}\u{fffd}")]);
        assert_eq!(decoded("&&a=1&"), [pair("a", "1")]);
    }

    /// What decoding means, a byte at a time.
    fn decoded_plainly(query: &[u8]) -> Vec<(String, String)> {
        let text = |part: &[u8]| {
            let mut out = Vec::new();
            let mut at = 0;
            while let Some(&byte) = part.get(at) {
                let escaped = (byte == b'%').then(|| part.get(at + 1..at + 3)).flatten();
                let decoded = escaped
                    .filter(|hex| hex.iter().all(u8::is_ascii_hexdigit))
                    .and_then(|hex| u8::from_str_radix(str::from_utf8(hex).ok()?, 16).ok());
                out.push(decoded.unwrap_or(if byte == b'+' { b' ' } else { byte }));
                at += if decoded.is_some() { 3 } else { 1 };
            }
            String::from_utf8_lossy(&out).into_owned()
        };
        query
            .split(|byte| *byte == b'&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let at = pair.iter().position(|byte| *byte == b'=');
                let (name, value) = pair.split_at(at.unwrap_or(pair.len()));
                (text(name), text(value.get(1..).unwrap_or_default()))
            })
            .collect()
    }

    #[test]
    fn a_character_cut_between_two_values_is_replaced_in_both() {
        let cut = "\u{fffd}";
        assert_eq!(decoded("a=%C3&%A4=b"), [pair("a", cut), pair(cut, "b")]);
        let mut params = ParamBuffer::default();
        assert!(params.decode(b"x=%C3%A4", 9) && params.decode(b"y=%FF", 9));
        let pairs: Vec<_> = params.pairs().collect();
        assert_eq!(
            pairs,
            [("x", "\u{e4}"), ("y", cut)],
            "what was there before stays"
        );
    }

    #[test]
    fn more_parameters_than_the_limit_are_told() {
        let mut params = ParamBuffer::default();
        assert!(!params.decode(b"a&b&c", 2));
        assert!(params.decode(b"", 2));
        let pairs: Vec<_> = params.pairs().collect();
        assert_eq!(pairs, [("a", ""), ("b", "")]);
    }

    #[test]
    fn only_plain_requests_stay() {
        let kind = |text: &str| match read_head(text.as_bytes(), 1024) {
            Head::Partial => "partial",
            Head::Plain(plain) if plain.keep_alive => "plain",
            Head::Plain(_) => "plain, close",
            Head::HandOver => "hyper",
            Head::Mended(_) => "mended",
            Head::Refused(400) => "400",
            Head::Refused(_) => "refused",
        };
        for (text, expected) in [
            ("GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n", "plain"),
            (
                "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                "plain, close",
            ),
            (
                "HEAD / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
                "plain",
            ),
            (
                "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
                "hyper",
            ),
            ("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "hyper"),
            ("GET / HTTP/1.1\r\n\r\n", "hyper"),
            ("GET / HTTP/1.0\r\nHost: x\r\n\r\n", "hyper"),
            ("POST / HTTP/1.1\r\nHost: x\r\n\r\n", "hyper"),
            (
                "GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n",
                "hyper",
            ),
            ("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\n\r\n", "hyper"),
            (
                "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
                "hyper",
            ),
            ("GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n", "hyper"),
            ("GET /a HTTP/1.1\r\nHo", "partial"),
            ("\x16\x03\x01", "400"),
            ("GET /a?b=\u{fc} HTTP/1.1\r\nHost: x\r\n\r\n", "plain"),
            ("GET /a?b=\0 HTTP/1.1\r\nHost: x\r\n\r\n", "mended"),
            ("GET /a?b=\0", "partial"),
            ("GET /a HTTP/1.1\r\nb\0d: x\r\n\r\n", "400"),
        ] {
            assert_eq!(kind(text), expected, "{text:?}");
        }
        assert!(matches!(read_head(&[b'a'; 2000], 1024), Head::Refused(414)));
        let long_header = format!("GET / HTTP/1.1\r\nHost: x\r\nA: {}", "b".repeat(2000));
        assert!(matches!(
            read_head(long_header.as_bytes(), 1024),
            Head::Refused(431)
        ));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read_head(&bytes, 128);
            let mut params = ParamBuffer::default();
            params.decode(&bytes, 16);
            prop_assert!(params.pairs().count() <= 16);
        }

        #[test]
        fn decoding_in_runs_is_decoding_byte_by_byte(
            query in proptest::collection::vec(
                prop_oneof![
                    3 => proptest::sample::select(b"%%%&&==++2fFgGaz09".to_vec()),
                    1 => any::<u8>(),
                ],
                0..80,
            ),
        ) {
            let mut params = ParamBuffer::default();
            prop_assert!(params.decode(&query, 100));
            let pairs: Vec<_> = params
                .pairs()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            prop_assert_eq!(pairs, decoded_plainly(&query));
        }

        #[test]
        fn encoding_then_decoding_gives_the_text_back(text in "\\PC{0,40}") {
            let encoded: String = text.bytes().map(|b| format!("%{b:02X}")).collect();
            prop_assert_eq!(decoded(&format!("k={encoded}")), [pair("k", &text)]);
        }
    }
}
