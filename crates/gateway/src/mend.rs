//! Request targets with bytes that no URI has, made readable.
//!
//! Trackers paste what they have into a URL: city names in Latin-1, user agents with their
//! spaces, now and then a NUL. Refused as HTTP, such a call would name no integration and stand
//! in no error log; with its bytes percent-encoded it is answered like any other.

/// What can be done about a head that was refused.
#[derive(Debug, PartialEq, Eq)]
pub enum Mended {
    /// Its request line has not ended yet.
    Partial,
    /// The same buffer with a target that can be read.
    Head(Vec<u8>),
    /// It is no HTTP.
    Hopeless,
}

/// Encodes what does not belong into the target of the request that `buffer` begins with.
///
/// Raw bytes above 127 change nothing about where the target ends. Spaces and control bytes
/// may, to a proxy in front of us: after such a request the connection is closed, so that
/// nothing behind it can be taken for another's request.
#[must_use]
pub fn mend(buffer: &[u8]) -> Mended {
    let Some((method, rest)) = split_method(buffer) else {
        return Mended::Hopeless;
    };
    let Some(line_end) = memchr::memchr(b'\n', rest) else {
        return Mended::Partial;
    };
    let line = &rest[..line_end];
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let Some((target, version)) = split_version(line) else {
        return Mended::Hopeless;
    };
    if !target.iter().copied().any(is_foreign) {
        return Mended::Hopeless;
    }
    let mut out = Vec::with_capacity(buffer.len() + 2 * target.len() + 32);
    out.extend_from_slice(method);
    out.push(b' ');
    encode(target, &mut out);
    out.extend_from_slice(version);
    out.extend_from_slice(b"\r\n");
    if target.iter().copied().any(is_ambiguous) {
        out.extend_from_slice(b"Connection: close\r\n");
    }
    out.extend_from_slice(&rest[line_end + 1..]);
    Mended::Head(out)
}

/// `GET` and what follows its space, when that begins like a path.
fn split_method(buffer: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(b' ', buffer.get(..buffer.len().min(16))?)?;
    let (method, rest) = (&buffer[..at], &buffer[at + 1..]);
    let named = !method.is_empty() && method.iter().all(u8::is_ascii_uppercase);
    (named && rest.first() == Some(&b'/')).then_some((method, rest))
}

/// A target, and ` HTTP/1.1` behind it.
fn split_version(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr::memrchr(b' ', line)?;
    let (target, version) = line.split_at(at);
    matches!(version, b" HTTP/1.1" | b" HTTP/1.0").then_some((target, version))
}

const fn is_ambiguous(byte: u8) -> bool {
    byte <= b' ' || byte == 0x7f
}

const fn is_foreign(byte: u8) -> bool {
    is_ambiguous(byte) || byte >= 0x80
}

fn encode(target: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in target.iter().copied() {
        if is_foreign(byte) {
            let (high, low) = (usize::from(byte >> 4), usize::from(byte & 15));
            out.extend_from_slice(&[b'%', HEX[high], HEX[low]]);
        } else {
            out.push(byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_bytes_are_encoded_and_ambiguous_ones_end_the_connection() {
        for (head, expected) in [
            (
                &b"GET /a?s7=M\xfcnchen HTTP/1.1\r\nHost: x\r\n\r\nrest"[..],
                &b"GET /a?s7=M%FCnchen HTTP/1.1\r\nHost: x\r\n\r\nrest"[..],
            ),
            (
                b"GET /a?s6=Mozilla/5.0 (X11) HTTP/1.1\nHost: x\n\n",
                b"GET /a?s6=Mozilla/5.0%20(X11) HTTP/1.1\r\nConnection: close\r\nHost: x\n\n",
            ),
            (
                b"POST /a?\0\x7f\r HTTP/1.0\r\n\r\n",
                b"POST /a?%00%7F%0D HTTP/1.0\r\nConnection: close\r\n\r\n",
            ),
        ] {
            let mended = mend(head);
            assert_eq!(mended, Mended::Head(expected.to_vec()));
            assert_eq!(mend(expected), Mended::Hopeless, "mended once is enough");
        }
    }

    #[test]
    fn what_is_no_http_is_left_alone() {
        for head in [
            &b"\x16\x03\x01\x02\x00\xff /"[..],
            b"hello there\r\n\r\n",
            b"GET \xff HTTP/1.1\r\n\r\n",
            b"GET /a\xff HTTP/2.0\r\n\r\n",
            b"GET /a\xff\r\n\r\n",
            b"GET /a HTTP/1.1\r\nbad header\r\n\r\n",
            b"get /\xff HTTP/1.1\r\n\r\n",
            b"",
        ] {
            assert_eq!(mend(head), Mended::Hopeless, "{head:?}");
        }
        assert_eq!(mend(b"GET /a\xff HTT"), Mended::Partial);
    }
}
