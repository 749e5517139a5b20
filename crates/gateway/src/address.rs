//! Whose address a call comes from: the socket's, or what a trusted proxy says.
//!
//! Proxies write behind what they were sent, so the chain is read from its end: the first
//! address that is no trusted proxy is the client. What a visitor wrote before is never
//! reached. Without trusted proxies no header is looked at.
//!
//! Source: SPEC "Client address"; RFC 7239 for `Forwarded`.

use std::net::{IpAddr, SocketAddr};

use assay_model::facts::canonical_ip;

use crate::headers::Headers;
use crate::policy::in_range;

/// The client's address. `Forwarded` counts where no proxy writes `X-Forwarded-For`.
#[must_use]
pub fn client_address(peer: IpAddr, headers: Headers<'_>, trusted: &[(IpAddr, u8)]) -> IpAddr {
    let peer = canonical_ip(peer);
    let is_trusted = |ip: IpAddr| {
        trusted
            .iter()
            .any(|(base, bits)| in_range(ip, *base, *bits))
    };
    if !is_trusted(peer) {
        return peer;
    }
    let mut client = peer;
    for hop in chain(headers).into_iter().rev() {
        let Some(ip) = hop else { break };
        client = ip;
        if !is_trusted(client) {
            break;
        }
    }
    client
}

/// The hops in the order in which they were written, over all headers of the name: a proxy
/// may add a line of its own. `None` = no address: unknown, hidden, or broken.
fn chain(headers: Headers<'_>) -> Vec<Option<IpAddr>> {
    let (mut plain, mut forwarded) = (Vec::new(), Vec::new());
    headers.each(|name, value| {
        let hops = || value.split(|c| *c == b',').map(str::from_utf8);
        if name.eq_ignore_ascii_case("x-forwarded-for") {
            plain.extend(hops().map(|hop| node(hop.ok()?)));
        } else if name.eq_ignore_ascii_case("forwarded") {
            // Split without regard to quotes: one that a visitor leaves open hides nothing.
            forwarded.extend(hops().map(|hop| node(for_of(hop.ok()?)?)));
        }
    });
    if plain.is_empty() { forwarded } else { plain }
}

/// The `for=` of one element of `Forwarded`.
fn for_of(element: &str) -> Option<&str> {
    element.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let own = name.trim().eq_ignore_ascii_case("for");
        own.then(|| value.trim().trim_matches('"'))
    })
}

/// `192.0.2.1`, `2001:db8::1`, either with a port, an IPv6 address in brackets.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = || text.parse::<IpAddr>().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    bare()
        .or_else(with_port)
        .or_else(bracketed)
        .map(canonical_ip)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::{HeaderMap, HeaderName, HeaderValue};

    /// Socket address, headers, and whose call it is.
    type Case<'c> = (&'c str, &'c [(&'c str, &'c [u8])], &'c str);

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// The same headers as a lane reads them and as hyper does.
    fn client(peer: &str, headers: &[(&str, &[u8])], trusted: &[(IpAddr, u8)]) -> IpAddr {
        let mut head = b"GET / HTTP/1.1\r\n".to_vec();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            head.extend_from_slice(&[name.as_bytes(), b": ", value, b"\r\n"].concat());
            let name: HeaderName = name.to_ascii_lowercase().parse().unwrap();
            map.append(name, HeaderValue::from_bytes(value).unwrap());
        }
        head.extend_from_slice(b"\r\n");
        let read = client_address(ip(peer), Headers::Head(&head), trusted);
        assert_eq!(read, client_address(ip(peer), Headers::Map(&map), trusted));
        read
    }

    #[test]
    fn a_forwarded_header_counts_only_through_trusted_proxies() {
        const XFF: &str = "X-Forwarded-For";
        let trusted = [(ip("10.0.0.0"), 8)];
        let proxy = "10.0.0.1";
        let cases: [Case<'_>; 18] = [
            ("203.0.113.9", &[(XFF, b"1.1.1.1")], "203.0.113.9"),
            (
                "203.0.113.9",
                &[("Forwarded", b"for=1.1.1.1")],
                "203.0.113.9",
            ),
            (proxy, &[(XFF, b"1.1.1.1")], "1.1.1.1"),
            (proxy, &[(XFF, b"6.6.6.6, 1.1.1.1, 10.0.0.2")], "1.1.1.1"),
            (proxy, &[(XFF, b"6.6.6.6"), (XFF, b"1.1.1.1")], "1.1.1.1"),
            (proxy, &[(XFF, b"1.1.1.1"), (XFF, b"10.0.0.2")], "1.1.1.1"),
            (proxy, &[(XFF, b"\xff, 1.1.1.1")], "1.1.1.1"),
            (proxy, &[(XFF, b"1.1.1.1:50123")], "1.1.1.1"),
            (proxy, &[(XFF, b"[2001:db8::7]:443")], "2001:db8::7"),
            (proxy, &[(XFF, b"2001:db8::7")], "2001:db8::7"),
            (proxy, &[(XFF, b"rubbish")], proxy),
            (proxy, &[(XFF, b"1.1.1.1, unknown")], proxy),
            (proxy, &[], proxy),
            (
                proxy,
                &[(
                    "Forwarded",
                    b"for=6.6.6.6, For=1.1.1.1;proto=https;by=10.0.0.1",
                )],
                "1.1.1.1",
            ),
            (
                proxy,
                &[("Forwarded", b"for=\"[2001:db8::7]:4711\"")],
                "2001:db8::7",
            ),
            (proxy, &[("Forwarded", b"for=\", for=1.1.1.1")], "1.1.1.1"),
            (proxy, &[("Forwarded", b"for=6.6.6.6, for=_hidden")], proxy),
            (
                proxy,
                &[("Forwarded", b"for=6.6.6.6"), (XFF, b"1.1.1.1")],
                "1.1.1.1",
            ),
        ];
        for (peer, headers, expected) in cases {
            assert_eq!(client(peer, headers, &trusted), ip(expected), "{headers:?}");
        }
        assert_eq!(client(proxy, &[(XFF, b"1.1.1.1")], &[]), ip(proxy));
    }
}
