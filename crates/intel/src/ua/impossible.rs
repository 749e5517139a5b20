//! Combinations that no real client sends.
//!
//! A rule stands here only when no browser ever released breaks it, oddities of televisions and
//! telephones included. What is merely strange is an [`oddity`]: one is a note, two are a verdict.

use super::parse::{Parsed, has_ci, major, starts_ci};
use super::{oddity, structure};

/// Name of the first rule that is broken.
pub(super) fn find(parsed: &Parsed<'_>) -> Option<&'static str> {
    broken(parsed).next()
}

/// Names of all rules that are broken; oddities count from the second on.
pub(super) fn all(parsed: &Parsed<'_>) -> impl Iterator<Item = &'static str> {
    let two = oddity::all(parsed).nth(1).is_some();
    let odd = oddity::all(parsed).filter(move |_| two);
    broken(parsed).chain(odd.map(|(name, _)| name))
}

fn broken(parsed: &Parsed<'_>) -> impl Iterator<Item = &'static str> {
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
    ("unfilled", unfilled),
    ("chrome_version", chrome_version),
    ("chrome_form", chrome_form),
    ("firefox_version", firefox_version),
    ("msie_version", msie_version),
    ("system_version", system_version),
    ("system_too_old", system_too_old),
    ("safari_on_windows", safari_on_windows),
    ("two_systems", two_systems),
    ("two_browsers", two_browsers),
    ("platform_unclosed", platform_unclosed),
    ("empty_braces", empty_braces),
];

/// Netscape 1 to 4 and then 5 for good; a few builds before 2010 said 6.0.
fn mozilla_version(p: &Parsed<'_>) -> bool {
    p.products
        .first()
        .filter(|f| f.name.eq_ignore_ascii_case("Mozilla"))
        .is_some_and(|f| {
            let old = f.version.starts_with("6.0") && !p.is_modern();
            major(f.version).is_none_or(|v| v >= 6) && !old
        })
}

fn quoted(p: &Parsed<'_>) -> bool {
    p.raw.starts_with(['"', '\'', '<', '(', ';'])
}

fn header_name(p: &Parsed<'_>) -> bool {
    starts_ci(p.raw, "User-Agent") || starts_ci(p.raw, "useragent")
}

/// A template whose places were never filled in: `{version}`, `%s`, `AppleWebKit/ (`.
///
/// Apps write braces too, but behind the browser and with values in them.
fn unfilled(p: &Parsed<'_>) -> bool {
    let platform = p.comments.first().map_or("", |c| c.text);
    let named = platform.split('{').skip(1).any(|rest| {
        rest.split_once('}').is_some_and(|(name, _)| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        })
    });
    let webkit = p
        .products
        .iter()
        .filter(|w| starts_ci(w.name, "AppleWeb"))
        .any(|w| {
            let word = p.raw.get(w.start + w.name.len()..).unwrap_or("");
            word.starts_with("/ ") || w.version.starts_with(['[', '{', '$', '%', '<'])
        });
    let chrome = p.raw.contains(" Chrome/ ") && p.product("AppleWebKit").is_some();
    named || webkit || chrome || ["%s", "%d"].iter().any(|mark| platform.contains(mark))
}

/// Chrome's numbers: digits only; build zero only with patch zero. Fewer than four of them are what
/// privacy tools and cut strings leave (an [`oddity`]).
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

/// `rv:` says the same as `Firefox/` in a Firefox of today, but for 109 which stood still. Browsers
/// built on it name themselves behind it and write what they like.
fn firefox_version(p: &Parsed<'_>) -> bool {
    let Some(version) = p.version_of("Firefox").and_then(major) else {
        return false;
    };
    let plain = p.products.last().is_some_and(|w| w.name == "Firefox");
    version > 400 || plain && version >= 80 && oddity::rv_differs(p, version)
}

/// Internet Explorer ended with 11 and its engine with 8; from 7 on it is a Mozilla 4 or 5 and ran on
/// no Windows before XP.
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
    let engine = p
        .platform()
        .split_once("Trident/")
        .and_then(|(_, v)| major(v));
    let new_windows = ["Windows NT 6.2", "Windows NT 6.3", "Windows NT 10"]
        .iter()
        .any(|w| p.platform().contains(w));
    // In its compatibility modes it names its engine, and on these systems it always had one.
    let engineless = new_windows && version <= 9 && engine.is_none();
    let never = engineless || version >= 12 || engine.is_some_and(|v| v >= 9);
    alone || never || version >= 5 && old_mozilla && windows || version >= 7 && old_windows
}

/// Versions of systems that are years away; Windows' own number stands at 10.
fn system_version(p: &Parsed<'_>) -> bool {
    let after = |mark: &str| {
        p.platform()
            .split_once(mark)
            .and_then(|(_, version)| major(version))
    };
    let windows = after("Windows NT ").is_some_and(|v| (7..=9).contains(&v) || v >= 11);
    let android = after("Android ").is_some_and(|v| v >= 30);
    let apple = after("iPhone OS ").is_some_and(|v| v >= 40);
    p.is_mozilla() && (windows || android || apple)
}

/// A plain Chrome on a system it left years before.
///
/// Since 107 Chrome writes `Windows NT 10.0` and `10_15_7` whatever it runs on. Browsers built on it
/// for old systems name themselves, views inside apps are older than they say: both are left alone.
fn system_too_old(p: &Parsed<'_>) -> bool {
    let Some(chrome) = p.version_of("Chrome").and_then(major) else {
        return false;
    };
    let platform = p.platform();
    let last = if oddity::is_old_desktop(platform) {
        109
    } else {
        match platform.split_once("Android ").and_then(|(_, v)| major(v)) {
            Some(4) => 99,
            Some(5) => 105,
            Some(6) => 115,
            Some(7) => 125,
            _ if ["Windows 9", "Windows ME", "Windows 3."]
                .iter()
                .any(|w| platform.contains(w)) =>
            {
                63
            }
            _ => return false,
        }
    };
    chrome > last && is_plain_chrome(p)
}

/// Nothing but Chrome's own words, and yet not in Chrome's form.
///
/// Proxies and privacy tools shorten that form, so what is missing is an [`oddity`]; nobody's tool
/// turns it round or renumbers it. Forks name themselves and are left alone.
fn chrome_form(p: &Parsed<'_>) -> bool {
    if !is_plain_chrome(p) || !structure::is_rigid(p) {
        return false;
    }
    let misspelt = p
        .comments
        .iter()
        .any(|c| starts_ci(c.text, "KHTML") && !starts_ci(c.text, "KHTML, like Gecko"));
    let turned = oddity::safari_first(p)
        || oddity::safari_number(p)
        || oddity::rv_of_chrome(p)
        || oddity::platform_grammar(p);
    misspelt || turned
}

/// Nothing but what Chrome itself writes.
fn is_plain_chrome(p: &Parsed<'_>) -> bool {
    let own = ["Mozilla", "AppleWebKit", "Chrome", "Mobile", "Safari"];
    p.products.iter().all(|w| own.contains(&w.name))
        && p.bracket.is_empty()
        && p.comments.len() == 2
        && !p.platform().contains("wv")
}

/// Safari left Windows with version 5, and its telephone's build number was never there.
fn safari_on_windows(p: &Parsed<'_>) -> bool {
    let own = ["Mozilla", "AppleWebKit", "Version", "Mobile", "Safari"];
    let version = p.version_of("Version").and_then(major);
    p.platform().contains("Windows NT")
        && version.is_some_and(|v| v >= 8)
        && p.products.iter().all(|w| own.contains(&w.name))
}

fn two_systems(p: &Parsed<'_>) -> bool {
    let platform = p.platform();
    if !platform.contains("Windows NT") {
        return false;
    }
    let other = ["iPhone", "Android ", "Macintosh", "Linux x86_64"]
        .iter()
        .any(|w| platform.contains(w));
    other
        && p.is_modern()
        && !has_ci(p.raw, "Windows Phone")
        && !has_ci(p.raw, "WPDesktop")
        && !has_ci(p.raw, "Edge/")
}

/// Nobody builds a Firefox on Chrome.
fn two_browsers(p: &Parsed<'_>) -> bool {
    ["Firefox", "Chrome"]
        .iter()
        .all(|name| p.version_of(name).and_then(major).is_some_and(|v| v >= 40))
}

/// The platform of a browser of today is closed; a string cut by a database is long.
fn platform_unclosed(p: &Parsed<'_>) -> bool {
    let Some(first) = p.comments.first() else {
        return false;
    };
    let desktop = has_ci(first.text, "Windows NT") || has_ci(first.text, "Macintosh");
    p.unclosed && p.comments.len() == 1 && p.raw.len() < 200 && first.after == 1 && desktop
}

/// `{}` or `[]` as a part: a value that was never filled in.
fn empty_braces(p: &Parsed<'_>) -> bool {
    p.comments.first().is_some_and(|c| {
        c.segments()
            .any(|(text, _)| matches!(text, "{}" | "[]" | "$"))
    })
}
