//! Combinations that no real client sends.
//!
//! Each rule holds for every browser ever released, oddities included; a rule that a single real
//! browser breaks is not in here.

use super::parse::{Parsed, has_ci, starts_ci};

/// Name of the first rule that is broken.
pub(super) fn find(parsed: &Parsed<'_>) -> Option<&'static str> {
    RULES.iter().find(|(_, broken)| broken(parsed)).map(|(name, _)| *name)
}

type Rule = (&'static str, fn(&Parsed<'_>) -> bool);

const RULES: &[Rule] = &[
    ("mozilla_version", mozilla_version),
    ("quoted", quoted),
    ("header_name", header_name),
    ("webkit_version", webkit_version),
    ("chrome_version", chrome_version),
    ("firefox_version", firefox_version),
    ("windows_version", windows_version),
    ("two_systems", two_systems),
    ("platform_unclosed", platform_unclosed),
    ("mac_grammar", mac_grammar),
];

/// Netscape 1 to 4 and then 5.0 for good.
fn mozilla_version(p: &Parsed<'_>) -> bool {
    let Some(first) = p.products.first().filter(|f| f.name.eq_ignore_ascii_case("Mozilla")) else { return false };
    let known = first.version.starts_with(['0', '1', '2', '3', '4']) || starts_ci(first.version, "5.0") || first.version == "5";
    !known
}

fn quoted(p: &Parsed<'_>) -> bool {
    p.raw.starts_with(['"', '\'', '<', '(', ';'])
}

fn header_name(p: &Parsed<'_>) -> bool {
    starts_ci(p.raw, "User-Agent") || starts_ci(p.raw, "useragent")
}

fn webkit_version(p: &Parsed<'_>) -> bool {
    p.products.iter().filter(|w| starts_ci(w.name, "AppleWeb")).any(|w| {
        !w.name.eq_ignore_ascii_case("AppleWebKit") || !w.version.starts_with(|c: char| c.is_ascii_digit())
    })
}

/// Chrome's numbers: four of them, build zero only with patch zero, a major that exists.
fn chrome_version(p: &Parsed<'_>) -> bool {
    let Some(version) = p.version_of("Chrome") else { return false };
    let version = version.trim_end_matches([';', ',']);
    if version.is_empty() || !version.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return true;
    }
    let parts: Vec<u32> = version.split('.').filter_map(|n| n.parse().ok()).collect();
    matches!(parts.as_slice(), [major, 0, 0, patch] if *patch != 0 && *major > 100) || parts.first().is_some_and(|m| *m > 400)
}

/// `rv:` says the same as `Firefox/` since version 5, but for 109 which stood still.
fn firefox_version(p: &Parsed<'_>) -> bool {
    let Some(version) = p.version_of("Firefox").and_then(major) else { return false };
    let Some(at) = p.platform().find("rv:") else { return false };
    let Some(rv) = p.platform().get(at + 3..).and_then(major) else { return false };
    rv >= 5 && version >= 5 && rv != version && !(rv == 109 && (110..=119).contains(&version)) || version > 400
}

fn windows_version(p: &Parsed<'_>) -> bool {
    has_ci(p.platform(), "Windows NT 11") || has_ci(p.platform(), "Windows NT 12")
}

fn two_systems(p: &Parsed<'_>) -> bool {
    let platform = p.platform();
    let windows = platform.contains("Windows NT");
    let phone = platform.contains("iPhone") || platform.contains("Android ") || platform.contains("Macintosh");
    windows && phone && !has_ci(p.raw, "Windows Phone") && !has_ci(p.raw, "WPDesktop") && !has_ci(p.raw, "Edge/")
}

/// The platform of a browser of today is closed; a cut string is long.
fn platform_unclosed(p: &Parsed<'_>) -> bool {
    let Some(first) = p.comments.first() else { return false };
    p.unclosed && p.comments.len() == 1 && p.raw.len() < 200 && first.after == 1 && (has_ci(first.text, "Windows NT") || has_ci(first.text, "Macintosh"))
}

fn mac_grammar(p: &Parsed<'_>) -> bool {
    let platform = p.platform();
    starts_ci(platform, "Macintosh") && platform.len() > 9 && !starts_ci(platform, "Macintosh;")
}

fn major(text: &str) -> Option<u32> {
    let len = text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    text.get(..len)?.parse().ok()
}
