//! A table of words in order of priority, searched in one pass.
//!
//! Asking for forty words one after the other costs more than everything else here together.

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, MatchKind};

/// Words by priority: the first of the list that occurs anywhere wins.
pub(super) struct Table {
    search: AhoCorasick,
}

impl Table {
    /// A table of words written exactly as given.
    pub fn exact(words: impl IntoIterator<Item = &'static str>) -> Self {
        Self::build(words, false)
    }

    /// A table of words in any case.
    pub fn any_case(words: impl IntoIterator<Item = &'static str>) -> Self {
        Self::build(words, true)
    }

    #[expect(
        clippy::expect_used,
        reason = "built from constants; every table is used by a test"
    )]
    fn build(words: impl IntoIterator<Item = &'static str>, any_case: bool) -> Self {
        let search = AhoCorasickBuilder::new()
            .ascii_case_insensitive(any_case)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(words)
            .expect("a table of constants is small enough for an automaton");
        Self { search }
    }

    /// Place in the table of the most important word that occurs in `text`.
    pub fn first(&self, text: &str) -> Option<usize> {
        self.search
            .find_overlapping_iter(text)
            .map(|found| found.pattern().as_usize())
            .min()
    }

    /// Whether any of the words occurs in `text`.
    pub fn any(&self, text: &str) -> bool {
        self.search.is_match(text)
    }

    /// Offset of the first occurrence of any word.
    pub fn at(&self, text: &str) -> Option<usize> {
        self.search.find(text).map(|found| found.start())
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn the_order_of_the_table_decides() {
        let table = Table::exact(["Edge", "Chrome", "Edg"]);
        assert_eq!(table.first("Chrome Edg"), Some(1));
        assert_eq!(table.first("Chrome Edge"), Some(0));
        assert_eq!(table.first("chrome"), None);
        assert!(Table::any_case(["edg"]).any("EDG"));
        assert_eq!(Table::any_case(["b", "a"]).at("xAb"), Some(1));
    }
}
