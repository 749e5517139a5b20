//! What is strange in a string and yet no proof.
//!
//! Forks, privacy tools, proxies that shorten and programs that embed a browser break each of these
//! now and then; nobody's browser breaks two. So one is a note in the evidence, and a verdict takes a
//! second one, here or in [`structure`](super::structure).

use super::parse::{Parsed, major, starts_ci};
use super::{engine, releases, structure};

/// Name of the oddity and the product or part it is about.
pub(super) type Oddity = (&'static str, &'static str);

/// Every oddity that counts.
pub(super) fn all(parsed: &Parsed<'_>) -> impl Iterator<Item = Oddity> {
    let rigid = structure::is_rigid(parsed);
    let loose = LOOSE.iter().filter(|(_, _, odd)| odd(parsed));
    let desktop = RIGID.iter().filter(move |(_, _, odd)| rigid && odd(parsed));
    loose.chain(desktop).map(|(name, about, _)| (*name, *about))
}

/// The first oddity, or a Chrome build that was never released under its major.
///
/// Rotating made-up builds over a few developer-tool devices is a known click generator; its strings
/// also sit in public collections of "real" user agents, so that one never counts.
pub(super) fn note(parsed: &Parsed<'_>, first: Option<Oddity>) -> Option<Oddity> {
    let chrome = parsed.version_of("Chrome").unwrap_or("");
    if releases::is_unreleased(chrome) {
        return Some(("chrome_build_unreleased", "Chrome"));
    }
    first
}

type Rule = (&'static str, &'static str, fn(&Parsed<'_>) -> bool);

/// What is odd in any browser.
const LOOSE: &[Rule] = &[
    ("chrome_version_short", "Chrome", chrome_short),
    ("browser_missing", "AppleWebKit", browser_missing),
    ("engine_missing", "Mozilla", engine::is_engine_missing),
    ("mozilla_version_odd", "Mozilla", mozilla_version_odd),
    ("webkit_misspelt", "AppleWebKit", webkit_misspelt),
    ("webkit_of_chrome", "AppleWebKit", webkit_of_chrome),
    ("platform_missing", "Mozilla", platform_missing),
    ("khtml_missing", "AppleWebKit", stripped),
    ("platform_grammar", "Mozilla", platform_grammar),
    ("gecko_of_chrome", "Gecko", gecko_of_chrome),
    ("rv_of_fork", "Firefox", rv_of_fork),
    ("firefox_too_new", "Firefox", firefox_too_new),
    ("chrome_too_new", "Chrome", chrome_too_new),
    ("windows_version_odd", "Windows NT", windows_version_odd),
];

/// What is odd in a desktop's or an iPhone's browser of today.
const RIGID: &[Rule] = &[
    ("khtml_missing", "AppleWebKit", khtml_missing),
    ("safari_missing", "Chrome", safari_missing),
    ("safari_first", "Safari", safari_first),
    ("safari_number", "Safari", safari_number),
    ("rv_of_chrome", "Chrome", rv_of_chrome),
    ("said_twice", "Mozilla", said_twice),
    ("unspaced", "Mozilla", unspaced),
    ("bare_number", "Chrome", bare_number),
];

fn chrome_major(p: &Parsed<'_>) -> Option<u32> {
    p.version_of("Chrome").and_then(major)
}

/// `Chrome/124.0`, as some privacy tools and many scripts write it; a cut string ends there.
fn chrome_short(p: &Parsed<'_>) -> bool {
    let short = p
        .version_of("Chrome")
        .is_some_and(|v| major(v).is_some_and(|m| m >= 64) && v.matches('.').count() < 3);
    short && p.products.last().is_some_and(|w| w.name != "Chrome")
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

/// `Mozilla/5.1`.
fn mozilla_version_odd(p: &Parsed<'_>) -> bool {
    p.products.first().is_some_and(|f| {
        f.name.eq_ignore_ascii_case("Mozilla")
            && f.version.starts_with('5')
            && f.version != "5"
            && f.version != "5.0"
    })
}

fn webkit_misspelt(p: &Parsed<'_>) -> bool {
    let spellings = ["AppleWebit", "AppleWebkti", "AppleWebKits"];
    p.products
        .iter()
        .any(|w| spellings.iter().any(|s| starts_ci(w.name, s)))
}

/// Chrome's WebKit number stands at 537 since version 27; 534 is one maker's desktop mode.
fn webkit_of_chrome(p: &Parsed<'_>) -> bool {
    let (Some(chrome), Some(webkit)) =
        (chrome_major(p), p.version_of("AppleWebKit").and_then(major))
    else {
        return false;
    };
    let desktop = ["Windows NT", "Macintosh", "X11"]
        .iter()
        .any(|w| p.platform().contains(w));
    p.is_modern() && (webkit < 500 || desktop && chrome >= 64 && webkit != 537 && webkit != 534)
}

/// A Chrome of today says what it runs on.
fn platform_missing(p: &Parsed<'_>) -> bool {
    p.is_mozilla()
        && chrome_major(p).is_some_and(|v| v >= 50)
        && p.comments.first().is_none_or(|c| c.after > 1)
}

pub(super) fn platform_grammar(p: &Parsed<'_>) -> bool {
    let platform = p.platform();
    starts_ci(platform, "Macintosh ")
        || starts_ci(platform, "Macintosh:")
        || starts_ci(platform, "Windows NT;") && platform.contains("Mac OS")
        || starts_ci(platform, "Windows NT") && platform.contains(" Win64 ")
}

/// WebKit is followed by `(KHTML, like Gecko)`, to the letter.
fn khtml_missing(p: &Parsed<'_>) -> bool {
    p.product("AppleWebKit").is_some()
        && !p
            .comments
            .iter()
            .any(|c| starts_ci(c.text, "KHTML, like Gecko"))
}

/// Every parenthesis was lost.
fn stripped(p: &Parsed<'_>) -> bool {
    p.comments.is_empty() && platform_missing(p)
}

fn safari_missing(p: &Parsed<'_>) -> bool {
    chrome_major(p).is_some() && p.product("AppleWebKit").is_some() && p.product("Safari").is_none()
}

/// `Safari/537.36 Chrome/120.0.0.0`: Chrome puts itself first.
pub(super) fn safari_first(p: &Parsed<'_>) -> bool {
    let place = |name: &str| p.products.iter().position(|w| w.name == name);
    matches!((place("Safari"), place("Chrome")), (Some(safari), Some(chrome)) if safari < chrome)
}

/// Chrome's Safari number is WebKit's; a cut string ends inside it.
pub(super) fn safari_number(p: &Parsed<'_>) -> bool {
    let (Some(webkit), Some(safari)) = (p.version_of("AppleWebKit"), p.version_of("Safari")) else {
        return false;
    };
    chrome_major(p).is_some() && !webkit.starts_with(safari)
}

fn gecko_of_chrome(p: &Parsed<'_>) -> bool {
    p.product("Gecko").is_some_and(|w| w.has_version()) && chrome_major(p).is_some_and(|v| v >= 28)
}

pub(super) fn rv_of_chrome(p: &Parsed<'_>) -> bool {
    p.platform().contains("rv:") && chrome_major(p).is_some() && p.product("Firefox").is_none()
}

fn rv_of_fork(p: &Parsed<'_>) -> bool {
    let other = ["Goanna", "SeaMonkey", "PaleMoon", "Thunderbird"]
        .iter()
        .any(|w| p.raw.contains(w));
    let last = p.products.last().is_some_and(|w| w.name == "Firefox");
    !other
        && !last
        && p.version_of("Firefox")
            .and_then(major)
            .is_some_and(|v| v >= 80 && rv_differs(p, v))
}

/// Whether `rv:` speaks against Firefox's own version.
pub(super) fn rv_differs(p: &Parsed<'_>, firefox: u32) -> bool {
    let rv = p
        .platform()
        .split_once("rv:")
        .and_then(|(_, version)| major(version));
    rv.is_some_and(|rv| rv != firefox && !(rv == 109 && (110..=119).contains(&firefox)))
}

/// Firefox 115 was the last for Windows 7 and 8; one fork goes on under its name.
fn firefox_too_new(p: &Parsed<'_>) -> bool {
    ["Windows NT 5.", "Windows NT 6."]
        .iter()
        .any(|w| p.platform().contains(w))
        && p.version_of("Firefox")
            .and_then(major)
            .is_some_and(|v| v >= 116)
}

/// Chrome 109 was the last for Windows 7 and 8; forks go on.
fn chrome_too_new(p: &Parsed<'_>) -> bool {
    is_old_desktop(p.platform()) && chrome_major(p).is_some_and(|v| v >= 110)
}

/// Windows before 10, macOS before 10.13.
pub(super) fn is_old_desktop(platform: &str) -> bool {
    let mac = platform
        .split_once("Mac OS X 10_")
        .and_then(|(_, minor)| major(minor));
    platform.contains("Windows NT 5.")
        || platform.contains("Windows NT 6.")
        || mac.is_some_and(|minor| minor < 13)
}

/// Windows NT has had 5.0 to 5.2, 6.0 to 6.4 and 10.0 since browsers of today exist.
fn windows_version_odd(p: &Parsed<'_>) -> bool {
    let Some((_, rest)) = p.platform().split_once("Windows NT ") else {
        return false;
    };
    let len = rest
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(rest.len());
    let version = rest.get(..len).unwrap_or("");
    let known = ["5.0", "5.1", "5.2", "6.0", "6.1", "6.2", "6.3", "6.4", "10"];
    p.is_modern() && !known.contains(&version) && !version.starts_with("10.0")
}

/// A second `Mozilla/5.0` or `Chrome/` in a desktop's string.
fn said_twice(p: &Parsed<'_>) -> bool {
    let times = |name: &str| p.products.iter().filter(|w| w.name == name).count();
    times("Mozilla") > 1 || times("Chrome") > 1
}

/// `Mozilla/5.0(Windows NT 10.0;Win64)`: browsers of today put a space.
fn unspaced(p: &Parsed<'_>) -> bool {
    let Some(comment) = p.comments.first() else {
        return false;
    };
    let glued = p
        .raw
        .get(..comment.start.saturating_sub(1))
        .is_some_and(|left| left.ends_with(|c: char| c.is_ascii_digit()));
    let tight = comment.text.contains(";Win64") || comment.text.contains(";Intel");
    glued || tight
}

/// `Chrome/120,0,0,0`: a number without a name.
fn bare_number(p: &Parsed<'_>) -> bool {
    p.products
        .iter()
        .any(|w| !w.has_version() && w.name.bytes().all(|b| b.is_ascii_digit()))
}
