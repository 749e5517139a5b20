//! Words looked for inside a text, in any case: one automaton however many there are.

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};
use assay_model::document::Problem;

/// Longest word taken.
const BYTES_MAX: usize = 1024;

/// Words as they were given, and the automaton that finds them.
#[derive(Debug, Default)]
pub(super) struct Words {
    words: Vec<Box<str>>,
    automaton: Option<AhoCorasick>,
}

impl Words {
    /// Builds the automaton; [`check`] has said what cannot be built.
    pub fn new(words: Vec<Box<str>>) -> Self {
        let automaton = build(&words).unwrap_or(None);
        Self { words, automaton }
    }

    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The place of the first word that is in the text.
    pub fn find(&self, text: &str) -> Option<usize> {
        let found = self.automaton.as_ref()?.find(text)?;
        Some(found.pattern().as_usize())
    }

    pub fn get(&self, place: usize) -> &str {
        self.words.get(place).map_or("", |word| word)
    }
}

fn build(words: &[Box<str>]) -> Result<Option<AhoCorasick>, String> {
    if words.is_empty() {
        return Ok(None);
    }
    let mut builder = AhoCorasickBuilder::new();
    builder
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::LeftmostLongest);
    let trimmed = words.iter().map(|word| word.trim());
    builder
        .build(trimmed)
        .map(Some)
        .map_err(|error| error.to_string())
}

/// Pushes what is wrong with words of `field`, of which there may be `most`.
pub(super) fn check(field: &str, words: &[Box<str>], most: usize, out: &mut Vec<Problem>) {
    if words.len() > most {
        let detail = format!("holds {} entries, at most {most} are taken", words.len());
        out.push(Problem::new(field, detail));
        return;
    }
    let before = out.len();
    for (at, word) in words.iter().enumerate() {
        let cause = match word.trim().len() {
            0 => "is empty: it would be found everywhere",
            1..=BYTES_MAX => continue,
            _ => "is longer than 1024 bytes",
        };
        out.push(Problem::new(format!("{field}[{at}]"), cause));
    }
    if out.len() == before
        && let Err(cause) = build(words)
    {
        out.push(Problem::new(field, cause));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_word_is_found_in_any_case() {
        let words = Words::new(vec!["free".into(), "Free Movies".into()]);
        let found = words.find("get FREE MOVIES now").map(|at| words.get(at));
        assert_eq!(found, Some("Free Movies"));
        assert_eq!(words.find("nothing"), None);
        assert_eq!(Words::default().find("x"), None);
    }

    #[test]
    fn what_cannot_be_looked_for_is_named() {
        let mut out = Vec::new();
        check("words", &["ok".into(), " ".into()], 9, &mut out);
        assert_eq!(out[0].field, "words[1]");
        check("words", &["a".into(), "b".into()], 1, &mut out);
        assert_eq!(out[1].field, "words");
    }
}
