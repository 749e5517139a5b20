//! Operating system, its version, the kind of device and its model.

use super::masks::android_model;
use super::parse::{Parsed, find_ci, has_ci, starts_ci};
use super::table::Table;
use assay_model::facts::DeviceType;
use std::sync::LazyLock;

/// What the platform part says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Platform {
    /// Operating system; empty = unknown.
    pub os: &'static str,
    /// Its version as written, dots for underscores.
    pub os_version: String,
    /// Kind of device.
    pub device: DeviceType,
    /// Model; empty = unknown.
    pub model: String,
}

/// Reads the platform; the order matters, the most particular system comes first.
pub(super) fn read(parsed: &Parsed<'_>) -> Platform {
    let raw = parsed.raw;
    let named = match parsed.platform() {
        "" => raw,
        platform => platform,
    };
    television(raw)
        .or_else(|| console(raw))
        .or_else(|| windows_phone(parsed))
        .or_else(|| apple_mobile(parsed))
        .or_else(|| other_mobile(parsed, &BEFORE_ANDROID_TABLE, BEFORE_ANDROID))
        .or_else(|| android(parsed))
        .or_else(|| other_mobile(parsed, &AFTER_ANDROID_TABLE, AFTER_ANDROID))
        .or_else(|| desktop(named))
        .unwrap_or_default()
}

fn plain(os: &'static str, os_version: String, device: DeviceType) -> Platform {
    Platform {
        os,
        os_version,
        device,
        model: String::new(),
    }
}

/// Text and system of televisions and what is plugged into them.
const TELEVISIONS: &[(&str, &str)] = &[
    ("Web0S", "webOS"),
    ("webOS.TV", "webOS"),
    ("NetCast", "NetCast"),
    ("SMART-TV", "Tizen"),
    ("SmartTV", "Linux"),
    ("Smart-TV", "Tizen"),
    ("HbbTV", "Linux"),
    ("GoogleTV", "Android"),
    ("Google TV", "Android"),
    ("Android TV", "Android"),
    ("AFTB", "Fire OS"),
    ("AFTS", "Fire OS"),
    ("AFTT", "Fire OS"),
    ("AFTM", "Fire OS"),
    ("AppleTV", "tvOS"),
    ("Apple TV", "tvOS"),
    ("tvOS", "tvOS"),
    ("CrKey", "Cast OS"),
    ("Roku", "Roku OS"),
    ("BRAVIA", "Android"),
    ("InettvBrowser", "Linux"),
    ("SonyDTV", "Linux"),
    ("Viera", "Linux"),
    ("AQUOS", "Linux"),
    ("DTV;", "Linux"),
    ("(DTV", "Linux"),
    ("NETTV", "Linux"),
    ("Espial", "Linux"),
    ("Opera TV", "Linux"),
    ("PhilipsTV", "Linux"),
    ("VIDAA", "VIDAA"),
    ("MiTV", "Android"),
    ("OMI/", "Linux"),
    ("Maple", "Linux"),
    ("TiVo", "Linux"),
    ("SMART_TV", "Linux"),
];

static AFTER_ANDROID_TABLE: LazyLock<Table> =
    LazyLock::new(|| Table::exact(AFTER_ANDROID.iter().map(|(mark, ..)| *mark)));
static BEFORE_ANDROID_TABLE: LazyLock<Table> =
    LazyLock::new(|| Table::exact(BEFORE_ANDROID.iter().map(|(mark, ..)| *mark)));
static TELEVISION_TABLE: LazyLock<Table> =
    LazyLock::new(|| Table::exact(TELEVISIONS.iter().map(|(mark, _)| *mark)));

fn television(raw: &str) -> Option<Platform> {
    let (mark, os) = TELEVISION_TABLE
        .first(raw)
        .and_then(|at| TELEVISIONS.get(at))?;
    let version = match *mark {
        "Roku" => after(raw, "DVP-"),
        "SMART-TV" | "Smart-TV" => after(raw, "Tizen "),
        _ if *os == "Android" => after(raw, "Android "),
        _ => String::new(),
    };
    Some(plain(os, version, DeviceType::Tv))
}

/// Text and maker of consoles.
const CONSOLES: &[(&str, &str)] = &[
    ("Xbox", "Xbox"),
    ("PlayStation", "PlayStation"),
    ("PLAYSTATION", "PlayStation"),
    ("Nintendo", "Nintendo"),
    ("PSP (", "PlayStation"),
    ("PS2;", "PlayStation"),
    ("Dreamcast", "Dreamcast"),
    ("DreamPassport", "Dreamcast"),
];

static CONSOLE_TABLE: LazyLock<Table> =
    LazyLock::new(|| Table::exact(CONSOLES.iter().map(|(mark, _)| *mark)));

fn console(raw: &str) -> Option<Platform> {
    let (mark, os) = CONSOLE_TABLE.first(raw).and_then(|at| CONSOLES.get(at))?;
    let named = raw.find(')').and_then(|end| raw.get(..end)).unwrap_or(raw);
    let from = named.rfind(mark).or_else(|| raw.find(mark)).unwrap_or(0);
    let model = raw.get(from..).unwrap_or("");
    let len = model.find([';', ')', '/']).unwrap_or(model.len());
    Some(Platform {
        model: clip(model.get(..len).unwrap_or("")),
        ..plain(os, String::new(), DeviceType::Console)
    })
}

const WINDOWS_MOBILE: &[&str] = &[
    "Windows Phone OS ",
    "Windows Phone ",
    "Windows Mobile",
    "Windows CE",
    "wds ",
];

static WINDOWS_TABLE: LazyLock<Table> =
    LazyLock::new(|| Table::any_case(WINDOWS_MOBILE.iter().copied()));

fn windows_phone(parsed: &Parsed<'_>) -> Option<Platform> {
    let raw = parsed.raw;
    let mark = WINDOWS_TABLE
        .first(raw)
        .and_then(|at| WINDOWS_MOBILE.get(at))?;
    let os = if mark.starts_with("Windows Phone") || *mark == "wds " {
        "Windows Phone"
    } else {
        "Windows Mobile"
    };
    let model = parsed
        .comments
        .first()
        .and_then(|c| {
            c.segments()
                .map(|(t, _)| t)
                .filter(|t| !starts_ci(t, "rv:") && !t.is_empty())
                .last()
        })
        .filter(|text| !text.contains('/') && !starts_ci(text, "Windows"))
        .unwrap_or("");
    Some(Platform {
        model: clip(model),
        ..plain(os, after(raw, mark), DeviceType::Phone)
    })
}

fn apple_mobile(parsed: &Parsed<'_>) -> Option<Platform> {
    let raw = parsed.raw;
    let model = ["iPhone", "iPad", "iPod"]
        .into_iter()
        .find(|m| raw.contains(m))?;
    let version = [
        "iPhone OS ",
        "CPU OS ",
        "CPU iOS ",
        "iOS ",
        "iPadOS ",
        "iPh OS ",
    ]
    .into_iter()
    .map(|mark| after(raw, mark))
    .find(|v| !v.is_empty())
    .unwrap_or_default();
    let device = if model == "iPad" {
        DeviceType::Tablet
    } else {
        DeviceType::Phone
    };
    Some(Platform {
        os: "iOS",
        os_version: version,
        device,
        model: model.to_owned(),
    })
}

fn android(parsed: &Parsed<'_>) -> Option<Platform> {
    let raw = parsed.raw;
    let at = find_ci(raw, "Android").or_else(|| find_ci(raw, "; Adr "))?;
    let version = raw
        .get(at..)
        .map(|rest| after(rest, "Android "))
        .filter(|v| !v.is_empty())
        .unwrap_or_else(|| after(raw, "Adr "));
    let model = parsed
        .comments
        .iter()
        .find_map(android_model)
        .map_or("", |(text, _)| text);
    let model = model.split(" Build/").next().unwrap_or("").trim();
    let nameless = ["Build/", "Opera Mini", "Opera Mobi", "HMSCore"]
        .iter()
        .any(|w| starts_ci(model, w))
        || model == "Mobile";
    let model = if nameless {
        ""
    } else {
        model.strip_prefix("SAMSUNG ").unwrap_or(model)
    };
    let tablet = [
        "tablet", "ipad", " tab ", "sm-t", "kf", "nexus 7", "nexus 10", "pad ",
    ]
    .iter()
    .any(|w| has_ci(model, w));
    let mobile = parsed.products.iter().any(|p| p.name.starts_with("Mobile"))
        || parsed.platform().contains("Mobile");
    let webkit = has_ci(raw, "applewebkit");
    let device = match (tablet, mobile || !webkit) {
        (false, true) => DeviceType::Phone,
        _ => DeviceType::Tablet,
    };
    Some(Platform {
        os: "Android",
        os_version: version,
        device,
        model: clip(model),
    })
}

/// Text, system and device of telephones and readers.
type Mobile = (&'static str, &'static str, DeviceType);

/// Systems whose strings name Android too.
const BEFORE_ANDROID: &[Mobile] = &[
    ("KAIOS", "KaiOS", DeviceType::Phone),
    ("Kindle/", "Kindle", DeviceType::Other),
    ("OpenHarmony", "HarmonyOS", DeviceType::Phone),
    ("J2ME/MIDP", "Java", DeviceType::Phone),
    ("SpreadTrum", "Java", DeviceType::Phone),
    ("Sailfish", "Sailfish", DeviceType::Phone),
    ("PocketBook", "Linux", DeviceType::Other),
];

const AFTER_ANDROID: &[Mobile] = &[
    ("BB10", "BlackBerry", DeviceType::Phone),
    ("PlayBook", "BlackBerry", DeviceType::Tablet),
    ("BlackBerry", "BlackBerry", DeviceType::Phone),
    ("Symbian", "Symbian", DeviceType::Phone),
    ("Series60", "Symbian", DeviceType::Phone),
    ("S60", "Symbian", DeviceType::Phone),
    ("Bada", "Bada", DeviceType::Phone),
    ("Tizen", "Tizen", DeviceType::Phone),
    ("MeeGo", "MeeGo", DeviceType::Phone),
    ("Maemo", "Maemo", DeviceType::Phone),
    ("hpwOS", "webOS", DeviceType::Tablet),
    ("webOS", "webOS", DeviceType::Phone),
    ("PalmOS", "Palm OS", DeviceType::Phone),
    ("PalmSource", "Palm OS", DeviceType::Phone),
    ("Kindle", "Kindle", DeviceType::Other),
    ("Tesla", "Linux", DeviceType::Other),
    ("QtCarBrowser", "Linux", DeviceType::Other),
    ("HarmonyOS", "HarmonyOS", DeviceType::Phone),
    ("MIDP-", "Java", DeviceType::Phone),
    ("CLDC-", "Java", DeviceType::Phone),
    ("BREW", "BREW", DeviceType::Phone),
    ("UP.Browser", "", DeviceType::Phone),
    ("Obigo", "", DeviceType::Phone),
    ("jig browser", "", DeviceType::Phone),
    ("DoCoMo", "", DeviceType::Phone),
    ("(Mobile;", "Firefox OS", DeviceType::Phone),
    ("NetFront", "", DeviceType::Phone),
    ("Opera Mini", "", DeviceType::Phone),
];

fn other_mobile(parsed: &Parsed<'_>, table: &Table, marks: &[Mobile]) -> Option<Platform> {
    let (mark, os, device) = table.first(parsed.raw).and_then(|at| marks.get(at))?;
    let first = parsed.products.first().map_or("", |p| p.name);
    let model = if first == "Mozilla" || first == "Opera" || first == "UCWEB" {
        ""
    } else {
        first
    };
    let version = match *os {
        "" | "Linux" | "Java" => String::new(),
        _ => after(parsed.raw, &format!("{}/", mark.trim_end_matches('/'))),
    };
    Some(Platform {
        model: clip(model),
        ..plain(os, version, *device)
    })
}

fn desktop(raw: &str) -> Option<Platform> {
    const MARKS: &[(&str, &str, &str)] = &[
        ("Windows NT", "Windows", "Windows NT "),
        ("Windows", "Windows", "Windows "),
        ("WinNT", "Windows", "WinNT"),
        ("Win9", "Windows", "Win"),
        ("Mac OS X", "macOS", "Mac OS X "),
        ("Macintosh", "macOS", "Mac OS X "),
        ("Mac_P", "macOS", "Mac_P"),
        ("CrOS", "ChromeOS", "CrOS x86_64 "),
        ("Linux", "Linux", "Linux "),
        ("FreeBSD", "FreeBSD", "FreeBSD "),
        ("OpenBSD", "OpenBSD", "OpenBSD "),
        ("NetBSD", "NetBSD", "NetBSD "),
        ("SunOS", "Solaris", "SunOS "),
        ("X11", "Unix", "X11 "),
        ("OS/2", "OS/2", "Warp "),
        ("Amiga", "AmigaOS", "AmigaOS "),
        ("BeOS", "BeOS", "BeOS "),
        ("Haiku", "Haiku", "Haiku "),
        ("Ubuntu", "Linux", "Ubuntu/"),
    ];
    let (_, os, lead) = MARKS.iter().find(|(mark, ..)| raw.contains(mark))?;
    Some(plain(os, after(raw, lead), DeviceType::Desktop))
}

/// Digits, dots and underscores right after `mark`, underscores written as dots.
fn after(raw: &str, mark: &str) -> String {
    let Some(at) = find_ci(raw, mark) else {
        return String::new();
    };
    let rest = raw.get(at + mark.len()..).unwrap_or("").trim_start();
    let len = rest
        .bytes()
        .position(|b| !(b.is_ascii_digit() || b == b'.' || b == b'_'))
        .unwrap_or(rest.len())
        .min(24);
    rest.get(..len)
        .unwrap_or("")
        .trim_end_matches(['.', '_'])
        .replace('_', ".")
}

/// At most 64 bytes of a name a stranger chose.
fn clip(text: &str) -> String {
    let mut end = text.len().min(64);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or("").trim().to_owned()
}
