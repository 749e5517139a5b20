//! Words in network names, in the languages operators write them.
//!
//! What a word weighs beyond a plain yes is fitted in `points`.
//!
//! In: `data/name_words.tsv`.

use std::collections::HashMap;

const WORDS: &str = include_str!("../../../data/name_words.tsv");

/// What a word can tell; the order is that of [`GROUPS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    Hosting,
    Vpn,
    MailScanner,
    Satellite,
    Education,
    Business,
    Mobile,
    Isp,
    Carrier,
    Doubt,
}

const GROUPS: [(&str, Group); 10] = [
    ("hosting", Group::Hosting),
    ("vpn", Group::Vpn),
    ("mail_scanner", Group::MailScanner),
    ("satellite", Group::Satellite),
    ("education", Group::Education),
    ("business", Group::Business),
    ("mobile", Group::Mobile),
    ("isp", Group::Isp),
    ("carrier", Group::Carrier),
    ("doubt", Group::Doubt),
];

/// The groups a name's words are in, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct GroupSet(u16);

impl GroupSet {
    /// Whether some word is in `group`.
    pub(super) const fn has(self, group: Group) -> bool {
        self.0 & (1 << group as u16) != 0
    }

    fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// The table, so that a word is looked up once for all groups.
#[derive(Default)]
pub(super) struct Words {
    whole: HashMap<&'static str, GroupSet>,
    starts: Vec<(&'static str, GroupSet)>,
    ends: Vec<(&'static str, GroupSet)>,
    pairs: Vec<(&'static str, &'static str, GroupSet)>,
}

impl Words {
    /// Reads the compiled-in table.
    pub(super) fn builtin() -> Self {
        let mut new = Self::default();
        for line in WORDS.lines().filter(|l| !l.starts_with('#')) {
            let Some((name, words)) = line.split_once('\t') else {
                continue;
            };
            let (name, end) = name
                .strip_suffix("_end")
                .map_or((name, false), |n| (n, true));
            let Some((_, group)) = GROUPS.into_iter().find(|(n, _)| *n == name) else {
                continue;
            };
            let set = GroupSet(1 << group as u16);
            for word in words.split(' ') {
                if end {
                    new.ends.push((word, set));
                } else {
                    new.put(word, set);
                }
            }
        }
        new
    }

    fn put(&mut self, word: &'static str, set: GroupSet) {
        if let Some((first, second)) = word.split_once('+') {
            self.pairs.push((first, second, set));
        } else if let Some(start) = word.strip_suffix('*') {
            self.starts.push((start, set));
        } else {
            self.whole.entry(word).or_default().add(set);
        }
    }

    /// The groups a name's lower-case words are in.
    pub(super) fn groups(&self, words: &[&str]) -> GroupSet {
        let mut found = GroupSet::default();
        for word in words {
            self.add_word(word, &mut found);
        }
        for pair in words.windows(2) {
            let hits = self.pairs.iter().filter(|(a, b, _)| pair == [*a, *b]);
            hits.for_each(|(_, _, set)| found.add(*set));
        }
        found
    }

    fn add_word(&self, word: &str, found: &mut GroupSet) {
        if let Some(set) = self.whole.get(word) {
            found.add(*set);
        }
        let first = word.as_bytes().first();
        for (start, set) in &self.starts {
            if start.as_bytes().first() == first && word.starts_with(start) {
                found.add(*set);
            }
        }
        for (end, set) in &self.ends {
            if word.len() > end.len() && word.ends_with(end) {
                found.add(*set);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_names_a_group() {
        let known = |name: &str| {
            let name = name.strip_suffix("_end").unwrap_or(name);
            GROUPS.iter().any(|(n, _)| *n == name)
        };
        let lines = WORDS.lines().filter(|l| !l.starts_with('#'));
        for line in lines {
            assert!(
                line.split_once('\t').is_some_and(|(name, _)| known(name)),
                "{line}"
            );
        }
    }

    #[test]
    fn words_starts_ends_and_pairs_are_found() {
        let words = Words::builtin();
        let has = |name: &[&str], group| words.groups(name).has(group);
        assert!(has(&["vps"], Group::Hosting) && !has(&["vpsx"], Group::Hosting));
        assert!(has(&["telecommunications"], Group::Isp));
        assert!(has(&["acmehost"], Group::Hosting));
        assert!(has(&["data", "center"], Group::Hosting) && !has(&["data"], Group::Hosting));
    }
}
