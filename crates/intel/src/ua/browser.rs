//! Family and version of a browser.

use super::parse::{Parsed, find_ci};
use super::table::Table;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Product names in order of particularity: Chrome and Safari come last because all others name them too.
const FAMILIES: &[(&str, &str)] = &[
    ("OPR", "Opera"),
    ("OPT", "Opera Touch"),
    ("OPX", "Opera GX"),
    ("OPiOS", "Opera Mini"),
    ("EdgA", "Edge"),
    ("EdgiOS", "Edge"),
    ("Edg", "Edge"),
    ("Edge", "Edge"),
    ("OculusBrowser", "Oculus"),
    ("SamsungBrowser", "Samsung Internet"),
    ("YaBrowser", "Yandex"),
    ("UCBrowser", "UC Browser"),
    ("UBrowser", "UC Browser"),
    ("MiuiBrowser", "Miui"),
    ("HuaweiBrowser", "Huawei"),
    ("VivoBrowser", "Vivo"),
    ("HeyTapBrowser", "HeyTap"),
    ("OppoBrowser", "Oppo"),
    ("RealmeBrowser", "Realme"),
    ("OnePlusBrowser", "OnePlus"),
    ("MQQBrowser", "QQ Browser"),
    ("QQBrowser", "QQ Browser"),
    ("baidubrowser", "Baidu"),
    ("baiduboxapp", "Baidu"),
    ("Quark", "Quark"),
    ("Vivaldi", "Vivaldi"),
    ("Brave", "Brave"),
    ("DuckDuckGo", "DuckDuckGo"),
    ("Ddg", "DuckDuckGo"),
    ("Silk", "Silk"),
    ("Whale", "Whale"),
    ("coc_coc_browser", "Coc Coc"),
    ("Puffin", "Puffin"),
    ("Maxthon", "Maxthon"),
    ("MxBrowser", "Maxthon"),
    ("AlohaBrowser", "Aloha"),
    ("Dolphin", "Dolphin"),
    ("Focus", "Focus"),
    ("Klar", "Focus"),
    ("PaleMoon", "Pale Moon"),
    ("SeaMonkey", "SeaMonkey"),
    ("Iceweasel", "Iceweasel"),
    ("Waterfox", "Waterfox"),
    ("Thunderbird", "Thunderbird"),
    ("Netscape", "Netscape"),
    ("Camino", "Camino"),
    ("Epiphany", "Epiphany"),
    ("Midori", "Midori"),
    ("Falkon", "Falkon"),
    ("Konqueror", "Konqueror"),
    ("Electron", "Electron"),
    ("Cobalt", "Cobalt"),
    ("NintendoBrowser", "Nintendo"),
    ("GSA", "Google App"),
    ("CriOS", "Chrome"),
    ("FxiOS", "Firefox"),
    ("HeadlessChrome", "Chrome"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Chromium", "Chromium"),
    ("Dolfin", "Dolfin"),
    ("NokiaBrowser", "Nokia"),
    ("BrowserNG", "Nokia"),
    ("UP.Browser", "UP.Browser"),
    ("NetFront", "NetFront"),
    ("ELinks", "ELinks"),
    ("Lynx", "Lynx"),
    ("Links", "Links"),
    ("w3m", "w3m"),
    ("Dillo", "Dillo"),
    ("NetSurf", "NetSurf"),
    ("Dalvik", "Dalvik"),
    ("okhttp", "okhttp"),
    ("CFNetwork", "CFNetwork"),
];

static PLACES: LazyLock<HashMap<&'static str, usize>> = LazyLock::new(|| {
    FAMILIES
        .iter()
        .enumerate()
        .rev()
        .map(|(place, (name, _))| (*name, place))
        .collect()
});

/// Family and version as written; empty when unknown.
pub(super) fn read<'a>(parsed: &Parsed<'a>) -> (&'static str, &'a str) {
    if let Some(found) = in_comments(parsed.raw) {
        return found;
    }
    let named = parsed
        .products
        .iter()
        .filter(|p| p.has_version())
        .filter_map(|p| Some((*PLACES.get(p.name)?, p.version)));
    if let Some((place, version)) = named.min_by_key(|(place, _)| *place) {
        return (
            FAMILIES.get(place).map_or("", |(_, family)| family),
            digits(version),
        );
    }
    if let Some(version) = parsed.version_of("Opera").filter(|v| !v.is_empty()) {
        return (
            "Opera",
            parsed.version_of("Version").map_or(digits(version), digits),
        );
    }
    safari(parsed)
}

/// Browsers that name themselves inside the platform comment.
const IN_COMMENTS: &[(&str, &str)] = &[
    ("Opera Mini/", "Opera Mini"),
    ("Opera Mobi", "Opera Mobile"),
    ("IEMobile/", "IE Mobile"),
    ("IEMobile ", "IE Mobile"),
    ("MSIE ", "Internet Explorer"),
    ("Trident/7.0", "Internet Explorer"),
];

static IN_COMMENTS_TABLE: LazyLock<Table> =
    LazyLock::new(|| Table::exact(IN_COMMENTS.iter().map(|(mark, _)| *mark)));

fn in_comments(raw: &str) -> Option<(&'static str, &str)> {
    let (mark, family) = IN_COMMENTS_TABLE
        .first(raw)
        .and_then(|at| IN_COMMENTS.get(at))?;
    if *mark == "MSIE " && raw.contains("Opera") {
        return raw
            .find("Opera ")
            .map(|at| ("Opera", digits(raw.get(at + 6..).unwrap_or(""))));
    }
    let lead = if *mark == "Trident/7.0" { "rv:" } else { mark };
    let at = find_ci(raw, lead)?;
    Some((family, digits(raw.get(at + lead.len()..).unwrap_or(""))))
}

fn safari<'a>(parsed: &Parsed<'a>) -> (&'static str, &'a str) {
    let Some(safari) = parsed.product("Safari") else {
        return ("", "");
    };
    let version = parsed.version_of("Version").map_or("", digits);
    let family = match (
        parsed.raw.contains("Android"),
        parsed.products.iter().any(|p| p.name == "Mobile"),
    ) {
        (true, _) => "Android Browser",
        (false, true) => "Mobile Safari",
        (false, false) => "Safari",
    };
    (
        family,
        if version.is_empty() {
            digits(safari.version).get(..0).unwrap_or("")
        } else {
            version
        },
    )
}

/// Digits and dots at the front.
fn digits(text: &str) -> &str {
    let len = text
        .bytes()
        .position(|b| !(b.is_ascii_digit() || b == b'.'))
        .unwrap_or(text.len())
        .min(24);
    text.get(..len).unwrap_or("").trim_end_matches('.')
}
