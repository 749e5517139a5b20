//! Words that look like a robot's and are not.
//!
//! Each hit is seen with the whole word it stands in, so that `Dolphin http client` and
//! `libhttp`, `CamScanner` and `scanner` are told apart.

use super::needle::{Hit, Needle};
use super::parse::has_ci;

/// Words (lower case) that people's software holds although they hold a robot's word.
const PEOPLES_WORDS: &[&str] = &[
    "cubot",
    "abbott",
    "bottle",
    "bottom",
    "botswana",
    "botany",
    "camscanner",
    "newssapphire",
    "bingsapphire",
    "searchlite",
    "googlequicksearchbox",
    "searchbox",
    "pmservice",
    "securitypay",
    "securityinstalled",
    "naversearch",
    "spiderman",
    "sogousearch",
    "searchcraft",
    "bingsearch",
    "yahoosearch",
    "librarian",
    "metaiab",
    "servo",
    "msearch",
];

/// Words that toolbars of people's Internet Explorers used as well.
const SOFT: &[&str] = &[
    "search",
    "agent",
    "check",
    "verify",
    "detector",
    "optimizer",
    "survey",
    "user-agent",
    "useragent",
    "seo",
    "scan",
    "monitor",
    "rss",
    "thumbnail",
];

/// Words for the robot itself. In a view inside an app only they count: there the last product is the
/// app's name, and people's apps check, scan, verify, monitor and search.
const ROBOT_NOUNS: &[&str] = &[
    "bot",
    "b0t",
    "crawl",
    "spider",
    "spyder",
    "scrap",
    "slurp",
    "harvest",
    "fetch",
    "externalhit",
    "facebookexternal",
    "bingpreview",
];

/// A page inside an app: Android's mark, or an Apple telephone without its browser's name.
fn is_view(raw: &str) -> bool {
    let apple = raw.contains("(iPhone; ") || raw.contains("(iPad; ");
    raw.contains("; wv)") || apple && !raw.contains("Safari/") && !raw.contains("compatible")
}

/// Whether the hit is part of a word that people's software has.
pub(super) fn innocent(raw: &str, needle: &Needle, hit: &Hit) -> bool {
    if needle.rule == "injection" {
        return false;
    }
    if SOFT.contains(&needle.text) && raw.contains("MSIE ") {
        return true;
    }
    if needle.rule == "crawler_word" && is_view(raw) && !ROBOT_NOUNS.contains(&needle.text) {
        return true;
    }
    let word = word_around(raw, hit.start, hit.end);
    if needle.text == "search" && word.eq_ignore_ascii_case("search") {
        return true;
    }
    PEOPLES_WORDS.iter().any(|known| has_ci(word, known)) || is_bundle_id(word)
}

/// Name of the client a hit belongs to: the word around it, with its neighbours when the hit has spaces.
pub(super) fn name_around(raw: &str, start: usize, end: usize) -> &str {
    word_around(raw, start, end).trim_matches(['.', '-', '_'])
}

/// The run of letters, digits, dots, dashes and underscores around `start..end`.
pub(super) fn word_around(raw: &str, start: usize, end: usize) -> &str {
    let inside = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    let bytes = raw.as_bytes();
    let from = bytes
        .iter()
        .take(start)
        .rposition(|b| !inside(b))
        .map_or(0, |i| i + 1);
    let to = bytes
        .iter()
        .skip(end)
        .position(|b| !inside(b))
        .map_or(bytes.len(), |i| end + i);
    raw.get(from..to).unwrap_or("")
}

/// `com.google.android.googlequicksearchbox`: at least three labels, the first a domain's last.
fn is_bundle_id(word: &str) -> bool {
    let mut labels = word.split('.');
    let first = labels.next().unwrap_or("");
    let lead = matches!(
        first,
        "com" | "net" | "org" | "io" | "jp" | "de" | "ru" | "cn" | "uk" | "fr" | "kr" | "me" | "tv"
    );
    lead && labels.filter(|l| !l.is_empty()).count() >= 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_around_a_hit_is_whole() {
        let raw = "a (x; CamScanner/1.0) é";
        let at = raw.find("Scanner").unwrap();
        assert_eq!(word_around(raw, at, at + 7), "CamScanner");
        assert_eq!(word_around("é", 0, 2), "é");
    }

    #[test]
    fn bundle_ids_are_known() {
        assert!(is_bundle_id("com.google.android.googlequicksearchbox"));
        assert!(!is_bundle_id("search.example.com"));
        assert!(!is_bundle_id("com.example"));
    }
}
