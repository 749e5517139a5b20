//! One pass over the string for every word of every list.
//!
//! A single case-insensitive automaton finds all words; each hit is then tried against the letters
//! around it and against the places where words mean nothing (the device name). Highest rank wins:
//! attack text, then tools, then crawlers, libraries, emulators.

use super::{automation, crawler, emulator, library, list, masks::Masks, scanner, shapes};
use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, MatchKind};
use assay_model::facts::UaKind;
use std::sync::LazyLock;

/// What may stand around a word for it to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    /// Anything.
    Any,
    /// No letter or digit before it.
    Left,
    /// No letter or digit after it.
    Right,
    /// Neither before nor after.
    Word,
    /// Only at the very beginning.
    Head,
}

/// A word and what it says about a string that holds it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Needle {
    /// The word, lower case.
    pub text: &'static str,
    /// What may stand around it.
    pub edge: Edge,
    /// Kind of client it gives away.
    pub kind: UaKind,
    /// Rule name for the evidence.
    pub rule: &'static str,
    /// Only names the kind of what is no browser; in a browser's or an app's string it means nothing.
    pub weak: bool,
}

impl Needle {
    /// A word with its edge, kind and rule name.
    pub const fn new(text: &'static str, edge: Edge, kind: UaKind, rule: &'static str) -> Self {
        Self {
            text,
            edge,
            kind,
            rule,
            weak: false,
        }
    }

    /// The same, for a word that people's software can hold too.
    pub const fn weak(self) -> Self {
        Self { weak: true, ..self }
    }

    fn rank(&self) -> u8 {
        match self.kind {
            // The list names libraries too; what a word says is nearer the truth.
            UaKind::Crawler if self.rule == "crawler_list" => 4,
            UaKind::Scanner => 0,
            UaKind::Automation => 1,
            UaKind::Crawler => 2,
            UaKind::Library => 3,
            _ => 5,
        }
    }
}

/// A word found where it counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    /// Kind of client it gives away.
    pub kind: UaKind,
    /// Rule name.
    pub rule: &'static str,
    /// Offset of the word.
    pub start: usize,
    /// Offset after the word.
    pub end: usize,
}

struct Automaton {
    needles: Vec<Needle>,
    search: AhoCorasick,
}

static AUTOMATON: LazyLock<Automaton> = LazyLock::new(Automaton::build);

impl Automaton {
    #[expect(clippy::expect_used, reason = "built from constants; a test builds it")]
    fn build() -> Self {
        let parts = [
            scanner::FRAGMENTS,
            scanner::TOOLS,
            automation::TOOLS,
            crawler::WORDS,
            crawler::WEAK,
            library::NAMES,
            emulator::NAMES,
        ];
        let mut needles: Vec<Needle> = parts.into_iter().flatten().copied().collect();
        needles.extend(list::names());
        let search = AhoCorasickBuilder::new()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(needles.iter().map(|n| n.text))
            .expect("the word lists are small enough for an automaton");
        Self { needles, search }
    }
}

/// Finds the word that counts most in `raw`, outside `masks`; weak words only where `weak` says so.
pub(super) fn find(raw: &str, masks: &Masks, weak: bool) -> Option<Hit> {
    let automaton = &*AUTOMATON;
    let mut hits: Vec<(u8, Hit)> = Vec::new();
    for found in automaton.search.find_overlapping_iter(raw) {
        let Some(needle) = automaton.needles.get(found.pattern().as_usize()) else {
            continue;
        };
        if needle.weak && !weak {
            continue;
        }
        let hit = Hit {
            kind: needle.kind,
            rule: needle.rule,
            start: found.start(),
            end: found.end(),
        };
        if counts(raw, needle, &hit, masks) {
            hits.push((needle.rank(), hit));
        }
    }
    // A library's name may hold what crawlers are called by: `node-fetch` is none.
    let in_a_name = |hit: &Hit| {
        let mut all = hits.iter().map(|(_, other)| other);
        hit.kind == UaKind::Crawler && all.any(|other| other.names_library_around(hit))
    };
    let mut best = hits.iter().filter(|(_, hit)| !in_a_name(hit));
    let first = best.next()?;
    let best = best.fold(
        first,
        |best, next| if next.0 < best.0 { next } else { best },
    );
    Some(best.1)
}

impl Hit {
    fn names_library_around(&self, other: &Self) -> bool {
        let within = self.start <= other.start && other.end <= self.end;
        let longer = self.end - self.start > other.end - other.start;
        self.kind == UaKind::Library && within && longer
    }
}

/// Every word that counts, with its rule: for whoever tunes the lists.
pub(super) fn all<'a>(
    raw: &'a str,
    masks: &'a Masks,
    weak: bool,
) -> impl Iterator<Item = (&'static str, &'static str)> + 'a {
    let automaton = &*AUTOMATON;
    automaton
        .search
        .find_overlapping_iter(raw)
        .filter_map(move |found| {
            let needle = automaton.needles.get(found.pattern().as_usize())?;
            let hit = Hit {
                kind: needle.kind,
                rule: needle.rule,
                start: found.start(),
                end: found.end(),
            };
            let heard = weak || !needle.weak;
            (heard && counts(raw, needle, &hit, masks)).then_some((needle.rule, needle.text))
        })
}

fn counts(raw: &str, needle: &Needle, hit: &Hit, masks: &Masks) -> bool {
    let masked = match needle.kind {
        UaKind::Scanner if needle.rule == "injection" => false,
        UaKind::Emulator => false,
        _ => masks.cover(hit.start),
    };
    if masked {
        return false;
    }
    let bytes = raw.as_bytes();
    let before = hit.start.checked_sub(1).and_then(|i| bytes.get(i)).copied();
    let after = bytes.get(hit.end).copied();
    let left = !before.is_some_and(|b| b.is_ascii_alphanumeric());
    let right = !after.is_some_and(|b| b.is_ascii_alphanumeric());
    let edge = match needle.edge {
        Edge::Any => true,
        Edge::Left => left,
        Edge::Right => right,
        Edge::Word => left && right,
        Edge::Head => hit.start == 0,
    };
    edge && !shapes::innocent(raw, needle, hit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_lower_case_and_not_empty() {
        for needle in &AUTOMATON.needles {
            assert_eq!(needle.text, needle.text.to_ascii_lowercase());
            assert!(
                needle.text.len() > 1 || "`\0".contains(needle.text),
                "{needle:?}"
            );
        }
    }
}
