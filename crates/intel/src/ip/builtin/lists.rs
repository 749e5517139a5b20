//! Clouds, hosting, VPN sellers, relays and crawlers that need no download.
//!
//! In: `data/lists.tsv`, written by `scripts/build_lists.py`.

use super::VERSION;
use crate::ip::load;
use crate::ip::{Kind, Source};

const LISTS: &str = include_str!("../../../data/lists.tsv");

/// One source for each kind.
pub(super) fn sources() -> Vec<Source> {
    let kinds = [
        Kind::Relay,
        Kind::Crawler,
        Kind::Cloud,
        Kind::Hosting,
        Kind::Vpn,
    ];
    kinds.into_iter().filter_map(source).collect()
}

fn source(kind: Kind) -> Option<Source> {
    let mine = LISTS.lines().filter_map(|line| {
        let (first, rest) = line.split_once('\t')?;
        (first == kind.as_str()).then_some(rest)
    });
    let text = mine.collect::<Vec<_>>().join("\n");
    load::parse(kind, VERSION, "lists.tsv", text.as_bytes())
        .ok()
        .map(|(source, _)| source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_read() {
        let rows = LISTS.lines().filter(|l| !l.starts_with('#')).count();
        let read: usize = sources().iter().map(|s| s.entries.len()).sum();
        assert_eq!(read, rows);
    }
}
