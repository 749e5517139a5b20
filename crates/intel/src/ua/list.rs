//! Names of crawlers that neither words nor shapes give away, from freely licensed lists.
//!
//! The table is made by `crates/intel/scripts/crawler_names.py`; its header names source, version
//! and licence. General rules come first; this only fills what they cannot see.

use super::needle::{Edge, Needle};
use assay_model::facts::UaKind;

const TABLE: &str = include_str!("../../data/crawler_names.txt");

/// The names as needles: a word start is asked for, and a word end of the short ones.
pub(super) fn names() -> impl Iterator<Item = Needle> {
    TABLE
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let (edge, text) = match line.split_once('\t')? {
                ("head", text) => (Edge::Head, text),
                ("word", text) => (Edge::Word, text),
                ("left", text) => (Edge::Left, text),
                _ => return None,
            };
            Some(Needle::new(text, edge, UaKind::Crawler, "crawler_list"))
        })
}
