//! Is this a browser at all?
//!
//! Browsers of thirty years begin in a few ways and name one of few engines; whatever does neither
//! is a program. Telephones from before WebKit begin with their maker's name.

use super::parse::{Parsed, Product, has_ci, starts_ci};
use super::table::Table;
use super::{appliance, heads};
use std::sync::LazyLock;

/// Words of an engine or of a browser old enough to name none.
const ENGINES: &[&str] = &[
    "applewebkit",
    "gecko/",
    "khtml/",
    "trident",
    "presto",
    "msie ",
    "opera",
    "goanna",
    "netfront",
    "obigo",
    "teleca",
    "up.browser",
    "up.link",
    "openwave",
    "dolfin",
    "polaris",
    "jasmine",
    "midp-",
    "cldc-",
    "espial",
    "inettvbrowser",
    "ucweb",
    "ucbrowser",
    "uc browser",
    "browserng",
    "servo/",
    "maple",
    "hbbtv",
    "netcast",
    "konqueror",
    "webkit/",
    "icab",
    "omniweb",
    "netpositive",
    "ibrowse",
    "amiga",
    "voyager",
    "avantgo",
    "blazer",
    "plink",
    "doris",
    "jig browser",
    "charon",
    "iemobile",
    "series60",
    "series80",
    "symbian",
    "bada",
    "mmp/2.0",
    "profile/",
    "dillo",
    "netsurf",
    "hotjava",
    "webtv",
    "qtwebengine",
    "silk/",
    "sailfish",
    "tizen",
    "webpositive",
    "chromium/",
    "weboshybrid",
    "novarra",
    "nintendo",
    "playstation",
    "danger hiptop",
    "wap browser",
    "like gecko",
    "mib/",
    "mib2.",
    "roku/",
    "maui",
    "brew/",
    "rex/",
    "libweb/",
    " gecko ",
    "ekioh",
    "aol ",
    "elaine/",
];

/// Platforms that a `Mozilla/` string without an engine may name.
const PLATFORMS: &[&str] = &[
    "psp",
    "playstation",
    "nintendo",
    "pda;",
    "pda ",
    "mobilephone",
    "brew",
    "rex;",
    "jig browser",
    "charon",
    "webtv",
    "amigaos",
    "os/2",
    "beos",
    "risc os",
    "hp-ux",
    "sunos",
    "irix",
    "osf1",
    "aix",
    "freebsd",
    "netbsd",
    "foma",
    "symbian",
    "maemo",
    "meego",
    "smarttv",
    "smart-tv",
    "smarthub",
    "dtv",
    "tv;",
    "hiptop",
    "palmos",
    "windows ce",
    "inferno",
    "dreamcast",
    "dreampassport",
    "iriver",
    "wap browser",
    "series60",
    "syllable",
    "s60v",
    "s40",
    "dplus",
    "polaris",
    "locationfree",
    "networkav",
    "bada",
    "kindle",
    "tvwithvideo",
    "unix",
    "mfp",
];

/// What a telephone whose maker is not in [`heads`] still names.
const PROFILES: &[&str] = &[
    "midp-",
    "cldc-",
    "up.browser",
    "up.link",
    "netfront",
    "obigo",
    "teleca",
    "ucbrowser",
    "ucweb",
    "openwave",
    "mmp/2.0",
];

static ENGINE_TABLE: LazyLock<Table> = LazyLock::new(|| Table::any_case(ENGINES.iter().copied()));
static PROFILE_TABLE: LazyLock<Table> = LazyLock::new(|| Table::any_case(PROFILES.iter().copied()));
static PLATFORM_TABLE: LazyLock<Table> =
    LazyLock::new(|| Table::any_case(PLATFORMS.iter().copied()));

/// Whether the string has a browser's shape: it renders pages or did so on an old device.
pub(super) fn is_browser(parsed: &Parsed<'_>) -> bool {
    if parsed.is_mozilla() || starts_ci(parsed.raw, "mozilla/") {
        return mozilla_has_engine(parsed);
    }
    let model = parsed
        .products
        .first()
        .is_some_and(|p| is_model_number(p.name) && parsed.products.len() <= 4);
    if model || heads::HEADS.iter().any(|head| starts_ci(parsed.raw, head)) {
        return true;
    }
    parsed.raw.len() > 24 && PROFILE_TABLE.any(parsed.raw) || webkit_inside(parsed)
}

/// `LG-D690 Mozilla/5.0 (Linux; Android …) AppleWebKit/…`: a prefix before a whole browser string.
fn webkit_inside(parsed: &Parsed<'_>) -> bool {
    parsed
        .products
        .iter()
        .skip(1)
        .any(|p| p.name == "Mozilla" || p.name.ends_with("Mozilla"))
        && has_ci(parsed.raw, "applewebkit")
}

fn mozilla_has_engine(parsed: &Parsed<'_>) -> bool {
    if ENGINE_TABLE.any(parsed.raw) {
        return true;
    }
    let old = parsed
        .products
        .first()
        .is_some_and(|p| p.version.starts_with(['1', '2', '3', '4']));
    let platform = parsed.platform();
    if old
        && parsed.comments.len() <= 2
        && ["X11", "Win", "Mac"].iter().any(|w| has_ci(platform, w))
    {
        // Netscape up to 4.x names nothing but itself.
        return !has_ci(platform, "compatible");
    }
    PLATFORM_TABLE.any(platform)
        || names_device(parsed)
        || gecko_without_name(parsed)
        || is_engine_missing(parsed)
        || appliance::in_platform(parsed)
}

/// `Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/120.0.0.0`: a whole platform and a browser's
/// name, shortened by a proxy or a privacy tool. Strange, and no proof.
pub(super) fn is_engine_missing(parsed: &Parsed<'_>) -> bool {
    let platform = parsed.platform();
    let whole = platform.contains("; ")
        && ["Windows NT", "Macintosh; ", "X11; ", "Android "]
            .iter()
            .any(|w| platform.contains(w))
        && !has_ci(platform, "compatible");
    let named = |p: &Product<'_>| {
        ["Chrome", "Firefox", "Safari", "Edg", "OPR"].contains(&p.name) && p.has_version()
    };
    let only = parsed.products.iter().skip(1).all(named);
    whole
        && only
        && parsed.products.len() >= 2
        && parsed.product("AppleWebKit").is_none()
        && !has_ci(parsed.raw, "gecko")
}

/// Old televisions, readers and telephones say what they are and name no engine; a desktop always
/// has one, and a robot's comment is a single part or says `compatible`.
fn names_device(parsed: &Parsed<'_>) -> bool {
    let platform = parsed.platform();
    let desktop = [
        "Windows NT",
        "Macintosh",
        "X11",
        "compatible",
        "Linux x86_64",
        "Linux i686",
    ]
    .iter()
    .any(|w| has_ci(platform, w));
    let parts = platform
        .split(';')
        .filter(|part| !part.trim().is_empty())
        .count();
    !desktop && parts >= 2 && platform.bytes().any(|b| b.is_ascii_digit())
}

/// `LG9100`, `MOT-EX132/1.0`, `QTEK8310/1.0`: capitals, then digits, as makers number telephones.
fn is_model_number(word: &str) -> bool {
    let capitals = word.bytes().filter(u8::is_ascii_uppercase).count();
    let small = word.bytes().filter(u8::is_ascii_lowercase).count();
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let plain = word
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    plain
        && word.len() <= 20
        && capitals >= 2
        && capitals > small
        && digits >= 2
        && word.starts_with(|c: char| c.is_ascii_uppercase())
}

/// Gecko's platform comment ends in `rv:` and is followed by a build date, whatever the engine's name.
fn gecko_without_name(parsed: &Parsed<'_>) -> bool {
    let platform = parsed.platform();
    let dated = parsed
        .products
        .get(1)
        .is_some_and(|p| p.version.len() >= 8 && p.version.bytes().all(|b| b.is_ascii_digit()));
    platform.contains("rv:") && (dated || parsed.product("Firefox").is_some())
}
