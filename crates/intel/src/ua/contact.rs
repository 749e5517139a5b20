//! Addresses inside a user agent: robots leave one so that people can complain or read.
//!
//! Browsers never do. What looks alike and is none: `android@88.0` (Ecosia's version), reversed
//! domains of apps (`com.example.app`), file names of firmware.

use super::parse::{Parsed, find_ci, has_ci, starts_ci};
use super::shapes::word_around;
use super::table::Table;
use std::sync::LazyLock;

/// Finds an address; the rule's name and the address.
pub(super) fn find<'a>(parsed: &Parsed<'a>, people: bool) -> Option<(&'static str, &'a str)> {
    url(parsed)
        .map(|text| ("contact_url", text))
        .or_else(|| email(parsed.raw).map(|text| ("contact_mail", text)))
        .or_else(|| site(parsed, people).map(|text| ("site_name", text)))
}

static MARKS: LazyLock<Table> =
    LazyLock::new(|| Table::any_case(["://", "http:", "https:", "http//", "mailto:", "+www"]));

fn url<'a>(parsed: &Parsed<'a>) -> Option<&'a str> {
    let raw = parsed.raw;
    // A component of Delphi programs that people browsed with names its author's site.
    if ["bsalsa.com", "dunkels.com"]
        .iter()
        .any(|own| has_ci(raw, own))
    {
        return None;
    }
    let www = || find_ci(raw, "www.").filter(|_| !has_ci(raw, "MSIE"));
    let at = MARKS.at(raw).or_else(www)?;
    let from = raw
        .get(..at)?
        .rfind([' ', ';', '(', ',', '+'])
        .map_or(0, |i| i + 1);
    let rest = raw.get(from..)?;
    let len = rest.find([' ', ';', ')', ',']).unwrap_or(rest.len());
    rest.get(..len)
}

/// `name@host.tld`: a name before, a dotted word with a lettered end after.
fn email(raw: &str) -> Option<&str> {
    for (at, _) in raw.match_indices('@') {
        let host = raw.get(at + 1..).unwrap_or("");
        let len = host
            .bytes()
            .position(|b| !is_host_byte(b))
            .unwrap_or(host.len());
        let host = host.get(..len).unwrap_or("");
        let tld = host.trim_end_matches('.').rsplit('.').next().unwrap_or("");
        let named = raw
            .get(..at)
            .is_some_and(|left| left.ends_with(|c: char| c.is_ascii_alphanumeric()));
        if named
            && host.contains('.')
            && tld.len() >= 2
            && tld.bytes().all(|b| b.is_ascii_alphabetic())
        {
            return Some(word_around(raw, at, at + 1 + len));
        }
    }
    None
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-'
}

/// Ends of site names that nothing else ends in.
const ENDS_ALWAYS: &[&str] = &["com", "net", "org", "info", "biz"];

/// Ends that count in a program's string; in a browser's they are too often something else.
const ENDS_OF_PROGRAMS: &[&str] = &[
    "io", "co", "eu", "de", "fr", "nl", "it", "es", "ru", "uk", "ch", "at", "be", "pl", "cz", "se",
    "dk", "jp", "br", "app", "dev", "ai", "me",
];

/// `Example.com/1.0`: a site's name where a browser has its own.
fn site<'a>(parsed: &Parsed<'a>, people: bool) -> Option<&'a str> {
    let raw = parsed.raw;
    // Shops and employers call their apps and toolbars after their sites; robots that say no more
    // than that in a browser's string were never seen.
    if people {
        return None;
    }
    // Versions have a digit after their dots; only what has a letter is worth a look.
    let lettered = raw.match_indices('.').filter(|(dot, _)| {
        raw.as_bytes()
            .get(dot + 1)
            .is_some_and(u8::is_ascii_alphabetic)
    });
    lettered
        .map(|(dot, _)| word_around(raw, dot, dot + 1))
        .find(|word| {
            let Some((host, tld)) = word.trim_end_matches(['.', '-']).rsplit_once('.') else {
                return false;
            };
            let ends = |list: &[&str]| list.iter().any(|end| tld.eq_ignore_ascii_case(end));
            let label = host.rsplit('.').next().unwrap_or("");
            let lettered = label.len() >= 2 && label.bytes().any(|b| b.is_ascii_alphabetic());
            lettered
                && !is_reversed(word)
                && !word.eq_ignore_ascii_case("battle.net")
                && (ends(ENDS_ALWAYS) || !people && ends(ENDS_OF_PROGRAMS))
        })
}

/// `com.example.app`, as apps and firmware write their names.
fn is_reversed(word: &str) -> bool {
    const LEADS: &[&str] = &[
        "com.", "net.", "org.", "io.", "jp.", "de.", "ru.", "cn.", "co.", "kr.", "me.", "tv.",
        "fr.", "it.", "nl.", "uk.", "br.", "app.",
    ];
    LEADS.iter().any(|lead| starts_ci(word, lead))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found() {
        for (ua, rule, text) in [
            (
                "ExampleReader (+http://reader.example/about)",
                "contact_url",
                "http://reader.example/about",
            ),
            (
                "Mozilla/5.0 (compatible; Thing; www.thing.example)",
                "contact_url",
                "www.thing.example",
            ),
            (
                "Thing/1.0 (owner@thing.example)",
                "contact_mail",
                "owner@thing.example",
            ),
        ] {
            assert_eq!(find(&Parsed::new(ua), true), Some((rule, text)), "{ua}");
        }
        let program = Parsed::new("Printing.com/1.0");
        assert_eq!(find(&program, false), Some(("site_name", "Printing.com")));
    }

    #[test]
    fn versions_and_bundle_ids_are_no_addresses() {
        for ua in [
            "Mozilla/5.0 (Linux; Android 10; CLT-L29) Chrome/88.0 Mobile Safari/537.36 (Ecosia android@88.0.4324.181)",
            "Mozilla/5.0 (iPhone) Mobile/15E148 YJApp-IOS jp.co.yahoo.ipn.appli/4.61.0",
            "[FBAN/FB4A;FBPN/com.facebook.katana;FBDV/SM-G970U]",
            "Mozilla/5.0 (SymbianOS/9.1) Safari/413 Digia @Web/2.1",
            "sony.hbbtv.tv.2015HE",
        ] {
            assert_eq!(find(&Parsed::new(ua), true), None, "{ua}");
        }
    }
}
