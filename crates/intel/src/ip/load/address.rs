//! Addresses, prefixes, ranges and AS numbers as lists write them.

use std::net::{IpAddr, Ipv6Addr};

use crate::ip::{Place, Span};

/// Reads one entry: `1.2.3.0/24`, `1.2.3.4`, `1.2.3.0-1.2.3.9`, `AS64500`, `host:port`.
pub(super) fn place(text: &str) -> Result<Place, String> {
    if let Some(number) = asn(text) {
        return Ok(Place::Asn(number));
    }
    span(text).map(Place::Span)
}

/// Reads one run of addresses.
pub(super) fn span(text: &str) -> Result<Span, String> {
    let text = host(text);
    if let Some((ip, bits)) = text.split_once('/') {
        return prefix(ip, bits);
    }
    if let Some(ip) = ip(text) {
        return Ok(Span::of_ip(ip));
    }
    match text.split_once('-').map(|(a, b)| (ip(a), ip(b))) {
        Some((Some(first), Some(last))) => range(first, last),
        _ => Err("not an address, prefix, range or AS number".into()),
    }
}

/// An inclusive range from two addresses.
pub(super) fn range(first: IpAddr, last: IpAddr) -> Result<Span, String> {
    Span::of_range(first, last)
        .ok_or_else(|| "range ends before it starts or mixes families".into())
}

/// Reads one address, brackets and port allowed.
pub(super) fn ip(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    text.parse().ok().or_else(|| host(text).parse().ok())
}

/// Reads an address written as a whole number.
pub(super) fn number_ip(text: &str) -> Option<IpAddr> {
    let number: u128 = text.trim().parse().ok()?;
    Some(match u32::try_from(number) {
        Ok(v4) => IpAddr::V4(v4.into()),
        Err(_) => IpAddr::V6(Ipv6Addr::from(number)),
    })
}

/// Reads `AS64500` or `64500`.
pub(super) fn asn(text: &str) -> Option<u32> {
    let text = text.trim();
    let digits = match text.get(..2) {
        Some(mark) if mark.eq_ignore_ascii_case("as") => &text[2..],
        _ => text,
    };
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
        .then(|| digits.parse().ok())?
}

fn prefix(ip_text: &str, bits: &str) -> Result<Span, String> {
    let ip = ip(ip_text).ok_or("not an address before the slash")?;
    let bits = bits
        .trim()
        .parse()
        .map_err(|_| "not a prefix length after the slash")?;
    Span::of_prefix(ip, bits).ok_or_else(|| format!("prefix length {bits} is too long"))
}

/// Strips scheme, credentials, brackets and port.
fn host(text: &str) -> &str {
    let text = text.trim();
    let text = match text.split_once("://") {
        Some((_, rest)) => rest
            .rsplit('@')
            .next()
            .unwrap_or(rest)
            .trim_end_matches('/'),
        None => text,
    };
    if let Some(rest) = text.strip_prefix('[') {
        return rest.split_once(']').map_or(text, |(host, _)| host);
    }
    match text.split_once(':') {
        Some((host, port)) if is_port(port) && host.contains('.') => host,
        _ => text,
    }
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_lists_write() {
        let ten = Span::V4(0x0a00_0001, 0x0a00_0001);
        for text in [
            "10.0.0.1",
            "10.0.0.1:3128",
            "http://10.0.0.1:80",
            "socks5://u:p@10.0.0.1:1/",
        ] {
            assert_eq!(place(text), Ok(Place::Span(ten)), "{text}");
        }
        let range = Ok(Place::Span(Span::V4(0x0a00_0000, 0x0a00_00ff)));
        assert_eq!(place("10.0.0.0/24"), range);
        assert_eq!(place("10.0.0.0-10.0.0.255"), range);
        assert_eq!(place("10.0.0.0 - 10.0.0.255"), range);
        assert_eq!(place("AS64500"), Ok(Place::Asn(64500)));
        assert_eq!(place("as64500"), Ok(Place::Asn(64500)));
        assert_eq!(place("64500"), Ok(Place::Asn(64500)));
        assert!(matches!(
            place("[2001:db8::1]:443"),
            Ok(Place::Span(Span::V6(..)))
        ));
        assert!(matches!(
            place("2001:db8::/32"),
            Ok(Place::Span(Span::V6(..)))
        ));
    }

    #[test]
    fn refuses_the_rest() {
        for text in [
            "",
            "hello",
            "10.0.0.256",
            "10.0.0.0/33",
            "10.0.0.0/x",
            "10.0.0.9-10.0.0.1",
            "AS",
            "ASx",
            "99999999999",
            "2001:db8::/129",
        ] {
            assert!(place(text).is_err(), "{text}");
        }
    }
}
