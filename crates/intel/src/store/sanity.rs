//! Checks that a readable file is also a credible one.
//!
//! An upstream that is hacked, emptied or mixed up would block people or let
//! everything through; each check here can be overruled by the operator.

use std::net::{IpAddr, Ipv4Addr};

use super::{StoreError, StoredVersion};
use crate::ip::{Kind, Place, Source, Span};

/// Public resolvers: in no list of exits, relays or crawlers.
const SENTINELS: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(8, 8, 8, 8)),
    IpAddr::V4(Ipv4Addr::new(1, 1, 1, 1)),
    IpAddr::V4(Ipv4Addr::new(9, 9, 9, 9)),
];

/// Largest part of the IPv4 space a list of a kind may cover, as 1 in so many.
const fn share_min(kind: Kind) -> Option<u64> {
    match kind {
        Kind::Asn | Kind::Country | Kind::City | Kind::Isp => None,
        Kind::Hosting | Kind::Cloud => Some(4),
        Kind::Vpn | Kind::Proxy | Kind::Residential => Some(16),
        Kind::Tor | Kind::Relay | Kind::Crawler => Some(256),
    }
}

/// Refuses content that no list of this kind can have.
pub(super) fn check(source: &Source, file: &str) -> Result<(), StoreError> {
    let suspect = |cause: String| {
        Err(StoreError::Suspect {
            file: file.into(),
            cause,
        })
    };
    let kind = source.kind;
    if matches!(
        kind,
        Kind::Tor | Kind::Residential | Kind::Relay | Kind::Crawler
    ) && let Some(ip) = SENTINELS.into_iter().find(|&ip| covers(source, ip))
    {
        return suspect(format!(
            "{ip} is a public resolver and cannot be in a {kind} list"
        ));
    }
    if let Some(parts) = share_min(kind)
        && covered_v4(source) > (1 << 32) / parts
    {
        return suspect(format!("covers more than 1/{parts} of all IPv4 addresses"));
    }
    if kind == Kind::Asn && wrong_network(source) {
        return suspect("8.8.8.8 is not in network 15169: columns mixed up?".into());
    }
    Ok(())
}

/// Refuses a file that lost over 30 % of the rows its last version had.
pub(super) fn check_shrink(
    source: &Source,
    before: Option<&StoredVersion>,
    file: &str,
) -> Result<(), StoreError> {
    let rows = source.entries.len() as u64;
    match before {
        Some(b) if rows * 10 < b.rows * 7 => Err(StoreError::Suspect {
            file: file.into(),
            cause: format!(
                "{rows} rows, the version before had {}: shrunk over 30 %",
                b.rows
            ),
        }),
        _ => Ok(()),
    }
}

fn spans(source: &Source) -> impl Iterator<Item = Span> {
    source.entries.iter().filter_map(|e| match e.place {
        Place::Span(span) => Some(span),
        Place::Asn(_) => None,
    })
}

fn covers(source: &Source, ip: IpAddr) -> bool {
    spans(source).any(|s| s.contains(ip))
}

/// Addresses covered, doubles counted twice: good enough for a limit.
fn covered_v4(source: &Source) -> u64 {
    spans(source)
        .map(|s| match s {
            Span::V4(first, last) => u64::from(last - first) + 1,
            Span::V6(..) => 0,
        })
        .sum()
}

fn wrong_network(source: &Source) -> bool {
    let covering = source.entries.iter().filter(|e| match e.place {
        Place::Span(span) => span.contains(SENTINELS[0]),
        Place::Asn(_) => false,
    });
    let mut numbers = covering.filter_map(|e| source.value_of(e)?.asn).peekable();
    numbers.peek().is_some() && numbers.all(|n| n != 15169)
}
