//! Is this a browser at all?
//!
//! Browsers of thirty years begin in a few ways and name one of few engines; whatever does neither
//! is a program. Telephones from before WebKit begin with their maker's name.

use super::parse::{Parsed, has_ci, starts_ci};
use super::table::Table;
use std::sync::LazyLock;

/// Words of an engine or of a browser old enough to name none.
const ENGINES: &[&str] = &[
    "applewebkit", "gecko/", "khtml/", "trident", "presto", "msie ", "opera", "goanna", "netfront", "obigo", "teleca",
    "up.browser", "up.link", "openwave", "dolfin", "polaris", "jasmine", "midp-", "cldc-", "espial", "inettvbrowser",
    "ucweb", "ucbrowser", "uc browser", "browserng", "servo/", "maple", "hbbtv", "netcast", "konqueror", "webkit/",
    "icab", "omniweb", "netpositive", "ibrowse", "amiga", "voyager", "avantgo", "blazer", "plink", "doris", "jig browser",
    "charon", "iemobile", "series60", "series80", "symbian", "bada", "mmp/2.0", "profile/", "dillo", "netsurf", "hotjava",
    "webtv", "qtwebengine", "silk/", "sailfish", "tizen", "webpositive", "chromium/", "weboshybrid", "novarra", "nintendo",
    "playstation", "danger hiptop", "wap browser", "like gecko", "mib/", "mib2.", "roku/", "maui", "brew/", "rex/",
];

/// How browsers that are not `Mozilla/` begin.
const HEADS: &[&str] = &[
    "opera/", "opera ", "nokia", "blackberry", "samsung", "sec-", "lg-", "lg ", "lge", "lg/", "mot-", "motorola",
    "sonyericsson", "sie-", "siemens", "pantech", "panasonic", "sharp", "sagem", "alcatel", "htc", "huawei", "zte",
    "docomo/", "kddi-", "j-phone", "vodafone", "softbank", "up.browser", "philips", "sanyo", "kyocera", "kwc-", "audiovox",
    "cdm", "micromax", "spice", "karbonn", "lava", "maui", "ucweb", "juc", "netfront", "lynx/", "lynx ", "elinks", "links (",
    "links/", "w3m/", "dillo/", "netsurf/", "emacs-w3", "emacs/w3", "retawq", "hotjava", "icab/", "ibrowse", "amiga",
    "voyager", "doris/", "psp ", "roku/", "telecabrowser", "toshiba", "portalmmm", "xiaomi", "mi_", "oppo", "vivo",
    "lenovo", "coolpad", "tianyu", "gionee", "hisense", "k-touch", "amoi", "haier", "hs-", "bird", "ericsson", "palm",
    "mqqbrowser", "ncsa_mosaic", "ncsa mosaic", "mosaic", "cello", "arachne", "galaxy", "qc-", "nec-", "i-mobile", "mitsu",
    "astro", "hutchison", "iphone-", "tecno", "itel", "infinix", "gt-", "sm-", "sgh-", "sch-", "sph-", "sam-", "kindle",
    "prestigio", "fly_", "fly-", "fly ", "explay", "videocon", "intex", "celkon", "lephone", "bleu", "dallab", "compal",
    "benq", "mercury", "pg-", "gigabyte", "o2-", "t-mobile", "orange", "sendo", "vertu", "helio", "novarra", "webos",
    "lg browser", "netcast", "hbbtv", "playstation", "nintendo", "bunjalloo", "sonybdp", "viera", "aquos", "inettv",
    "appletv", "xda", "dopod", "casio", "nexian", "cherry", "ktouch", "mtk", "bada", "symbian", "series60", "danger",
];

/// Platforms that a `Mozilla/` string without an engine may name.
const PLATFORMS: &[&str] = &[
    "psp", "playstation", "nintendo", "pda;", "pda ", "mobilephone", "brew", "rex;", "jig browser", "charon", "webtv",
    "amigaos", "os/2", "beos", "risc os", "hp-ux", "sunos", "irix", "osf1", "aix", "freebsd", "netbsd", "foma", "symbian",
    "maemo", "meego", "smarttv", "smart-tv", "smarthub", "dtv", "tv;", "hiptop", "palmos", "windows ce", "inferno",
    "dreamcast", "dreampassport", "iriver", "wap browser", "series60", "syllable", "s60v", "s40", "dplus", "polaris",
    "locationfree", "networkav", "bada", "kindle", "tvwithvideo", "unix", "mfp",
];

/// What a telephone whose maker is not in [`HEADS`] still names.
const PROFILES: &[&str] =
    &["midp-", "cldc-", "up.browser", "up.link", "netfront", "obigo", "teleca", "ucbrowser", "ucweb", "openwave", "mmp/2.0"];

static ENGINE_TABLE: LazyLock<Table> = LazyLock::new(|| Table::any_case(ENGINES.iter().copied()));
static PROFILE_TABLE: LazyLock<Table> = LazyLock::new(|| Table::any_case(PROFILES.iter().copied()));
static PLATFORM_TABLE: LazyLock<Table> = LazyLock::new(|| Table::any_case(PLATFORMS.iter().copied()));

/// Whether the string has a browser's shape: it renders pages or did so on an old device.
pub(super) fn is_browser(parsed: &Parsed<'_>) -> bool {
    if parsed.is_mozilla() || starts_ci(parsed.raw, "mozilla/") {
        return mozilla_has_engine(parsed);
    }
    let lg = parsed.raw.strip_prefix("LG").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    if lg || HEADS.iter().any(|head| starts_ci(parsed.raw, head)) {
        return true;
    }
    parsed.raw.len() > 24 && PROFILE_TABLE.any(parsed.raw) || webkit_inside(parsed)
}

/// `LG-D690 Mozilla/5.0 (Linux; Android …) AppleWebKit/…`: a prefix before a whole browser string.
fn webkit_inside(parsed: &Parsed<'_>) -> bool {
    parsed.products.iter().skip(1).any(|p| p.name == "Mozilla" || p.name.ends_with("Mozilla")) && has_ci(parsed.raw, "applewebkit")
}

fn mozilla_has_engine(parsed: &Parsed<'_>) -> bool {
    if ENGINE_TABLE.any(parsed.raw) {
        return true;
    }
    let old = parsed.products.first().is_some_and(|p| p.version.starts_with(['1', '2', '3', '4']));
    let platform = parsed.platform();
    if old && parsed.comments.len() <= 2 && ["X11", "Win", "Mac"].iter().any(|w| has_ci(platform, w)) {
        // Netscape up to 4.x names nothing but itself.
        return !has_ci(platform, "compatible");
    }
    PLATFORM_TABLE.any(platform) || gecko_without_name(parsed)
}

/// Gecko's platform comment ends in `rv:` and is followed by a build date, whatever the engine's name.
fn gecko_without_name(parsed: &Parsed<'_>) -> bool {
    let platform = parsed.platform();
    let dated = parsed.products.get(1).is_some_and(|p| p.version.len() >= 8 && p.version.bytes().all(|b| b.is_ascii_digit()));
    platform.contains("rv:") && (dated || parsed.product("Firefox").is_some())
}
