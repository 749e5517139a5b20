//! Robots given away by where they write, not by what.
//!
//! A browser's string is rigid: nothing stands inside `(KHTML, like Gecko)`, `compatible;` is
//! followed by one of few engines, a desktop's comment has a handful of parts. A robot has to put
//! its name somewhere, and that place is almost always one a browser never uses.

use super::parse::{Comment, Parsed, has_ci, starts_ci};
use super::shapes::word_around;

/// What was found: rule name and the offending text.
pub(super) type Oddity<'a> = (&'static str, &'a str);

/// Finds the first place where only robots write.
pub(super) fn odd_place<'a>(parsed: &Parsed<'a>) -> Option<Oddity<'a>> {
    contact(parsed)
        .or_else(|| compatible(parsed))
        .or_else(|| khtml_comment(parsed))
        .or_else(|| desktop_comment(parsed))
        .or_else(|| domain_name(parsed))
}

/// An address to write to or to read about it.
fn contact<'a>(parsed: &Parsed<'a>) -> Option<Oddity<'a>> {
    let raw = parsed.raw;
    for mark in ["http:", "https:", "http//", "mailto:", "+www", "://"] {
        if let Some(at) = super::parse::find_ci(raw, mark) {
            return Some(("contact_url", until_gap(raw, at)));
        }
    }
    let www = super::parse::find_ci(raw, "www.").filter(|_| !has_ci(raw, "MSIE"));
    if let Some(at) = www {
        return Some(("contact_url", until_gap(raw, at)));
    }
    email(raw).map(|text| ("contact_mail", text))
}

/// `name@host.tld`: letters before and a dotted word of letters after. `android@88.0` is none.
fn email(raw: &str) -> Option<&str> {
    for (at, _) in raw.match_indices('@') {
        let host = raw.get(at + 1..).unwrap_or("");
        let len = host.bytes().position(|b| !(b.is_ascii_alphanumeric() || b == b'.' || b == b'-')).unwrap_or(host.len());
        let host = host.get(..len).unwrap_or("");
        let tld = host.trim_end_matches('.').rsplit('.').next().unwrap_or("");
        let named = raw.get(..at).is_some_and(|left| left.ends_with(|c: char| c.is_ascii_alphanumeric()));
        if named && host.contains('.') && tld.len() >= 2 && tld.bytes().all(|b| b.is_ascii_alphabetic()) {
            return Some(word_around(raw, at, at + 1 + len));
        }
    }
    None
}

/// `compatible; X` where X is no browser that ever wrote that word.
fn compatible<'a>(parsed: &Parsed<'a>) -> Option<Oddity<'a>> {
    for comment in &parsed.comments {
        let mut parts = comment.segments().map(|(text, _)| text);
        while let Some(part) = parts.next() {
            if !part.eq_ignore_ascii_case("compatible") {
                continue;
            }
            let name = parts.find(|p| !p.is_empty()).unwrap_or("");
            if !is_compatible_browser(name, comment) {
                return Some(("compatible_unknown", if name.is_empty() { "compatible" } else { name }));
            }
        }
    }
    None
}

fn is_compatible_browser(name: &str, comment: &Comment<'_>) -> bool {
    const KNOWN: &[&str] = &[
        "MSIE", "Konqueror", "U", "Polaris", "DPlus", "Gecko/", "WAP Browser", "iCab", "OmniWeb", "NetPositive", "Windows",
        "AvantGo", "Opera", "Embedded", "IBrowse", "Voyager", "AmigaVoyager", "ABrowse", "Haiku", "x86 Haiku", "x64 Haiku",
        "Netscape", "Mozilla", "StarOffice", "Lotus-Notes", "Dillo", "Warp", "OS/2", "EudoraWeb", "Novarra", "Teleca",
        "Brew", "BREW", "Syllable", "InfiNet", "Intel Mac OS", "X11",
    ];
    let known = KNOWN.iter().any(|k| if k.len() == 1 { name == *k } else { starts_ci(name, k) });
    let numbered = starts_ci(name, "MSIE").then(|| name.get(4..).unwrap_or("").trim_start());
    let honest = numbered.is_none_or(|version| version.starts_with(|c: char| c.is_ascii_digit()));
    // `U` alone says nothing: the name is what follows.
    let only_u = name == "U" && comment.segments().count() <= 2;
    known && honest && !only_u
}

/// Anything written inside `(KHTML, like Gecko)`.
fn khtml_comment<'a>(parsed: &Parsed<'a>) -> Option<Oddity<'a>> {
    for comment in &parsed.comments {
        if !starts_ci(comment.text, "KHTML") {
            continue;
        }
        let rest = comment.text.get(5..).unwrap_or("").trim_start_matches([',', ' ', ';']);
        for lead in ["like gecko", "unlike gecko", "like geckoo"] {
            if let Some(tail) = starts_ci(rest, lead).then(|| rest.get(lead.len()..).unwrap_or("")) {
                let tail = tail.trim_matches([' ', ',', ';', '.']);
                if !tail.is_empty() && !starts_ci(tail, "Safari") && !starts_ci(tail, "like") {
                    return Some(("inside_khtml", tail));
                }
                break;
            }
        }
    }
    None
}

/// A part in a desktop's platform comment that no system writes.
fn desktop_comment<'a>(parsed: &Parsed<'a>) -> Option<Oddity<'a>> {
    let modern = parsed.product("Chrome").is_some()
        || parsed.version_of("Firefox").and_then(major).is_some_and(|v| v >= 10)
        || has_ci(parsed.platform(), "Trident/7");
    let comment = parsed.comments.first().filter(|c| c.after == 1)?;
    let desktop = ["Windows NT", "Macintosh", "X11"].iter().any(|w| has_ci(comment.text, w));
    let other = ["Android", "Phone", "TV", "Xbox", "Tizen", "Web0S", "Viera", "HbbTV", "PlayStation", "Nintendo"];
    if !modern || !desktop || other.iter().any(|w| has_ci(comment.text, w)) {
        return None;
    }
    comment.segments().map(|(text, _)| text).find(|text| !is_desktop_part(text)).map(|text| ("odd_platform_part", text))
}

fn is_desktop_part(text: &str) -> bool {
    const STARTS: &[&str] = &[
        "Windows", "Win64", "Win32", "Win9", "WOW64", "x64", "x86", "ARM", "Macintosh", "Intel Mac OS", "PPC Mac OS", "X11", "Linux",
        "CrOS", "FreeBSD", "OpenBSD", "NetBSD", "SunOS", "DragonFly", "rv:", "U", "Ubuntu", "Fedora", "Debian", "Trident/", "Touch",
        "like Gecko", ".NET", "WebView/", "Tablet PC", "MDDR", "MAL", "SLCC", "Media Center", "InfoPath", "Cortana", "Gentoo",
        "Arch", "openSUSE", "SUSE", "Mandriva", "Mageia", "elementary", "Slackware", "Kubuntu", "Xubuntu", "Red Hat", "CentOS", "Jolicloud",
        "Haiku", "Mobile", "Tablet", "i686", "i586", "amd64", "aarch64", "arm", "Wayland", "GNU", "Avant", "Maxthon", "Zoom", "MS-RTC", "MAS",
        "LCJB", "MDD", "MAAR", "MAMI", "ASU2", "TNJB", "BOIE", "ASJB", "HPNTDF", "HPDTDF", "LEN", "Dell", "EIE10", "EIE11", "NP0", "GWX", "WPDesktop",
        "Microsoft", "Unknown", "Black Lab", "GENIX", "UBrowser", "IE7", "PPC", "Vivaldi", "Lumia", "BRI/", "chromeframe", "OPR/", "Core", "Chrome", "Edge",
        "QQBrowser", "360", "SE 2", "MetaSr", "compatible", "MSIE", "WebBrowser", "MAR", "MANM", "MATB", "MALC", "MAGW", "MDDS", "MALN", "MASM", "MASA", "MAEM", "CMDTDF", "CPNTDF", "CPDTDF", "NMTE", "SMJB", "MSBROWSERIE", "PRU_IE",
        "like iPhone", "Solaris", "Sailfish", "Maemo", "Raspbian", "Kali", "Mint", "Zorin", "Deepin", "UOS", "Kylin", "NeoKylin", "Loongson", "mips", "ppc64", "riscv", "s390", "sparc", "AIX", "HP-UX", "IRIX", "OSF1", "Android",
    ];
    let locale = text.len() <= 10
        && text.get(..2).is_some_and(|l| l.bytes().all(|b| b.is_ascii_lowercase()))
        && matches!(text.as_bytes().get(2), None | Some(b'-' | b'_'));
    text.is_empty() || locale || STARTS.iter().any(|start| if *start == "U" { text == "U" } else { starts_ci(text, start) })
}

/// `Example.com/1.0`, `(theoldreader.com)`: a site's name stands where a browser has its own.
fn domain_name<'a>(parsed: &Parsed<'a>) -> Option<Oddity<'a>> {
    const ENDS: &[&str] = &[
        "com", "net", "org", "io", "info", "biz", "co", "eu", "de", "fr", "nl", "it", "es", "ru", "uk", "ch", "at", "be", "pl", "cz",
        "se", "dk", "no", "fi", "jp", "cn", "br", "ca", "au", "app", "dev", "ai", "me", "is", "us", "nu", "si", "hu", "ro", "gr", "to",
    ];
    let raw = parsed.raw;
    for (dot, _) in raw.match_indices('.') {
        let word = word_around(raw, dot, dot + 1);
        let (host, tld) = word.trim_end_matches(['.', '-']).rsplit_once('.')?;
        let last = tld.to_ascii_lowercase();
        let site = host.rsplit('.').next().unwrap_or("");
        let lettered = site.len() >= 2 && site.bytes().any(|b| b.is_ascii_alphabetic()) && !host.starts_with("com.");
        if ENDS.contains(&last.as_str()) && lettered && !is_reverse_domain(word) && !is_peoples_host(word) {
            return Some(("site_name", word));
        }
    }
    None
}

fn is_reverse_domain(word: &str) -> bool {
    ["com.", "net.", "org.", "io.", "jp.", "de.", "ru.", "cn.", "co.", "kr.", "me.", "tv.", "fr.", "it.", "nl."]
        .iter()
        .any(|lead| starts_ci(word, lead))
}

fn is_peoples_host(word: &str) -> bool {
    ["multibrowser.de", "digisoft.tv"].iter().any(|known| word.eq_ignore_ascii_case(known))
}

fn until_gap(raw: &str, at: usize) -> &str {
    let rest = raw.get(at..).unwrap_or("");
    let len = rest.find([' ', ';', ')', ',']).unwrap_or(rest.len());
    rest.get(..len).unwrap_or("")
}

fn major(version: &str) -> Option<u32> {
    version.split('.').next()?.parse().ok()
}
