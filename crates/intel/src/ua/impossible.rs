//! Combinations that no real client sends.
//!
//! A rule stands here only when no browser ever released breaks it, oddities of televisions and
//! telephones included. What is merely strange is a note (see [`note`]), not a verdict.

use super::parse::{Parsed, has_ci, major, starts_ci};
use super::{engine, releases};

/// Name of the first rule that is broken.
pub(super) fn find(parsed: &Parsed<'_>) -> Option<&'static str> {
    all(parsed).next()
}

/// Names of all rules that are broken.
pub(super) fn all(parsed: &Parsed<'_>) -> impl Iterator<Item = &'static str> {
    RULES
        .iter()
        .filter(|(_, broken)| broken(parsed))
        .map(|(name, _)| *name)
}

type Rule = (&'static str, fn(&Parsed<'_>) -> bool);

const RULES: &[Rule] = &[
    ("mozilla_version", mozilla_version),
    ("quoted", quoted),
    ("header_name", header_name),
    ("webkit_version", webkit_version),
    ("webkit_of_chrome", webkit_of_chrome),
    ("chrome_version", chrome_version),
    ("firefox_version", firefox_version),
    ("msie_version", msie_version),
    ("windows_version", windows_version),
    ("two_systems", two_systems),
    ("platform_missing", platform_missing),
    ("platform_unclosed", platform_unclosed),
    ("platform_grammar", platform_grammar),
    ("empty_braces", empty_braces),
];

/// Something strange that is no proof: a string cut off before its browser, or a Chrome build that
/// was never released under its major.
///
/// Rotating made-up builds over a few developer-tool devices is a known click generator; its strings
/// also sit in public collections of "real" user agents, so it is told apart, not condemned.
pub(super) fn note(parsed: &Parsed<'_>) -> Option<(&'static str, &'static str)> {
    let chrome = parsed.version_of("Chrome").unwrap_or("");
    if releases::is_unreleased(chrome) {
        return Some(("chrome_build_unreleased", "Chrome"));
    }
    if is_chrome_short(chrome) {
        return Some(("chrome_version_short", "Chrome"));
    }
    if browser_missing(parsed) {
        return Some(("browser_missing", "AppleWebKit"));
    }
    engine::is_engine_missing(parsed).then_some(("engine_missing", "Mozilla"))
}

/// Netscape 1 to 4 and then 5.0 for good; a few builds of 2004 said 6.0.
fn mozilla_version(p: &Parsed<'_>) -> bool {
    let Some(first) = p
        .products
        .first()
        .filter(|f| f.name.eq_ignore_ascii_case("Mozilla"))
    else {
        return false;
    };
    let old = first.version.starts_with(['0', '1', '2', '3', '4']);
    let known = ["5.0", "6.0"].iter().any(|v| starts_ci(first.version, v));
    !old && !known && first.version != "5"
}

fn quoted(p: &Parsed<'_>) -> bool {
    p.raw.starts_with(['"', '\'', '<', '(', ';'])
}

fn header_name(p: &Parsed<'_>) -> bool {
    starts_ci(p.raw, "User-Agent") || starts_ci(p.raw, "useragent")
}

/// A misspelt engine, or a template whose number was never filled in.
fn webkit_version(p: &Parsed<'_>) -> bool {
    p.products
        .iter()
        .filter(|w| starts_ci(w.name, "AppleWeb"))
        .any(|w| {
            let word = p.raw.get(w.start + w.name.len()..).unwrap_or("");
            let unfilled =
                word.starts_with("/ ") || w.version.starts_with(['[', '{', '$', '%', '<']);
            unfilled
                || has_ci(w.name, "AppleWebit")
                || has_ci(w.name, "AppleWebkti")
                || has_ci(w.name, "AppleWebKits")
        })
}

/// Chrome's WebKit number stands at 537 since version 27; 534 is one maker's desktop mode.
fn webkit_of_chrome(p: &Parsed<'_>) -> bool {
    let (Some(chrome), Some(webkit)) = (
        p.version_of("Chrome").and_then(major),
        p.version_of("AppleWebKit").and_then(major),
    ) else {
        return false;
    };
    let desktop = ["Windows NT", "Macintosh", "X11"]
        .iter()
        .any(|w| p.platform().contains(w));
    p.is_modern() && (webkit < 500 || desktop && chrome >= 64 && webkit != 537 && webkit != 534)
}

/// `Chrome/124.0`, as some privacy tools and many scripts write it.
pub(super) fn is_chrome_short(version: &str) -> bool {
    major(version).is_some_and(|m| m >= 64) && version.matches('.').count() < 3
}

/// Chrome's numbers: digits only; build zero only with patch zero. Fewer than four of them are what
/// privacy tools and cut strings leave (see [`note`]).
fn chrome_version(p: &Parsed<'_>) -> bool {
    let Some(version) = p
        .version_of("Chrome")
        .map(|v| v.trim_end_matches([';', ',']))
    else {
        return false;
    };
    let digits = version.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let parts: Vec<u32> = version.split('.').filter_map(|n| n.parse().ok()).collect();
    let lettered = !version.is_empty() && !version.starts_with(|c: char| c.is_ascii_digit());
    if !lettered && major(version).is_none_or(|m| m < 64) {
        return false;
    }
    match parts.as_slice() {
        _ if !digits => true,
        [major, ..] if *major > 400 => true,
        [major, 0, 0, patch] => *patch != 0 && *major > 100,
        _ => false,
    }
}

/// `rv:` says the same as `Firefox/` in a Firefox of today, but for 109 which stood still.
fn firefox_version(p: &Parsed<'_>) -> bool {
    let Some(version) = p.version_of("Firefox").and_then(major) else {
        return false;
    };
    let Some(rv) = p
        .platform()
        .find("rv:")
        .and_then(|at| p.platform().get(at + 3..))
        .and_then(major)
    else {
        return false;
    };
    let other = ["Goanna", "SeaMonkey", "PaleMoon", "Thunderbird"]
        .iter()
        .any(|w| p.raw.contains(w));
    let frozen = rv == 109 && (110..=119).contains(&version);
    version > 400 || version >= 80 && rv != version && !frozen && !other
}

/// Internet Explorer from 7 on is a Mozilla 4 or 5 and ran on no Windows before XP.
fn msie_version(p: &Parsed<'_>) -> bool {
    let Some(at) = p.platform().find("MSIE ") else {
        return false;
    };
    let Some(version) = p.platform().get(at + 5..).and_then(major) else {
        return false;
    };
    let old_mozilla = p
        .products
        .first()
        .is_some_and(|f| f.name == "Mozilla" && f.version.starts_with(['1', '2', '3']));
    let old_windows = ["Windows 3.1", "Windows 95"]
        .iter()
        .any(|w| p.platform().contains(w));
    // Palm's browsers wrote what they liked; Windows' own did not.
    let windows = p.platform().contains("Windows NT");
    let alone = starts_ci(p.platform(), "X11; MSIE");
    alone || version >= 5 && old_mozilla && windows || version >= 7 && old_windows
}

fn windows_version(p: &Parsed<'_>) -> bool {
    ["Windows NT 11", "Windows NT 12"]
        .iter()
        .any(|w| p.platform().contains(w))
}

fn two_systems(p: &Parsed<'_>) -> bool {
    let platform = p.platform();
    let windows = platform.contains("Windows NT");
    let phone = platform.contains("iPhone")
        || platform.contains("Android ")
        || platform.contains("Macintosh");
    windows
        && phone
        && p.is_modern()
        && !has_ci(p.raw, "Windows Phone")
        && !has_ci(p.raw, "WPDesktop")
        && !has_ci(p.raw, "Edge/")
}

/// A Chrome or Firefox of today always says what it runs on.
fn platform_missing(p: &Parsed<'_>) -> bool {
    let chrome = p
        .version_of("Chrome")
        .and_then(major)
        .is_some_and(|v| v >= 50);
    p.is_mozilla() && chrome && p.comments.first().is_none_or(|c| c.after > 1)
}

/// A WebKit of today on Windows is always in a browser that names itself.
fn browser_missing(p: &Parsed<'_>) -> bool {
    let known = |name: &str| ["Mozilla", "AppleWebKit", "Safari", "Mobile"].contains(&name);
    let webkit = p
        .version_of("AppleWebKit")
        .and_then(major)
        .is_some_and(|v| v >= 537);
    webkit && p.platform().contains("Windows NT") && p.products.iter().all(|w| known(w.name))
}

/// The platform of a browser of today is closed; a string cut by a database is long.
fn platform_unclosed(p: &Parsed<'_>) -> bool {
    let Some(first) = p.comments.first() else {
        return false;
    };
    let desktop = has_ci(first.text, "Windows NT") || has_ci(first.text, "Macintosh");
    p.unclosed && p.comments.len() == 1 && p.raw.len() < 200 && first.after == 1 && desktop
}

fn platform_grammar(p: &Parsed<'_>) -> bool {
    let platform = p.platform();
    starts_ci(platform, "Macintosh ")
        || starts_ci(platform, "Macintosh:")
        || starts_ci(platform, "Windows NT;") && platform.contains("Mac OS")
}

/// `{}`, `()` or `[]` as a part: a value that was never filled in.
fn empty_braces(p: &Parsed<'_>) -> bool {
    p.comments.first().is_some_and(|c| {
        c.segments()
            .any(|(text, _)| matches!(text, "{}" | "[]" | "$" | "%s"))
    })
}
