//! The order in which the rules speak.

use super::native::{self, App};
use super::parse::Parsed;
use super::{
    browser, contact, emulator, engine, impossible, masks::Masks, needle, oddity, platform,
    retired, shapes, structure, webview,
};
use assay_model::facts::{UaFacts, UaKind, UaMark};

/// Bytes of evidence kept.
const TOKEN_BYTES_MAX: usize = 64;

/// Says everything a user agent string says about itself.
///
/// Shape: any text; control characters and invalid names are welcome. A string that was
/// URL-encoded once too often is decoded first.
#[must_use]
pub fn classify(ua: &str) -> UaFacts {
    let trimmed = ua.trim();
    if is_blank(trimmed) {
        let mut facts = UaFacts::bare(UaKind::Blank);
        facts.mark = mark("blank", trimmed, "");
        return facts;
    }
    match decoded(trimmed) {
        Some(text) => classify_text(text.trim()),
        None => classify_text(trimmed),
    }
}

fn classify_text(ua: &str) -> UaFacts {
    let parsed = Parsed::new(ua);
    let masks = Masks::new(&parsed);
    let mut facts = judge(&parsed, &masks);
    describe(&parsed, &mut facts);
    facts
}

/// The kind and why.
fn judge(parsed: &Parsed<'_>, masks: &Masks) -> UaFacts {
    let app = native::recognise(parsed);
    let people = app.is_some() || engine::is_browser(parsed);
    if let Some(hit) = needle::find(parsed.raw, masks, !people) {
        let token = parsed.raw.get(hit.start..hit.end).unwrap_or("");
        return decided(
            hit.kind,
            hit.rule,
            token,
            shapes::name_around(parsed.raw, hit.start, hit.end),
        );
    }
    if let Some((rule, token)) =
        contact::find(parsed, people).or_else(|| structure::odd_place(parsed))
    {
        return decided(UaKind::Crawler, rule, token, "");
    }
    match app {
        Some(App::Stack(token)) => return decided(UaKind::NativeApp, "app_stack", token, ""),
        Some(App::Desktop(token)) => {
            return decided(UaKind::NonBrowser, "desktop_program", token, "");
        }
        Some(App::People(name)) => {
            let mut facts = decided(UaKind::InApp, "app", "", "");
            facts.host_app = name.into();
            return facts;
        }
        None => {}
    }
    if !people {
        let first = parsed.products.first().map_or(parsed.raw, |p| p.name);
        return decided(UaKind::NonBrowser, "no_engine", first, "");
    }
    person(parsed)
}

/// A browser's string: plain, inside an app, or one that no browser has.
fn person(parsed: &Parsed<'_>) -> UaFacts {
    let mut facts = UaFacts::bare(UaKind::Browser);
    if let Some(app) = webview::host(parsed) {
        facts.kind = UaKind::InApp;
        facts.mark = mark("web_view", if app.is_empty() { "wv" } else { app }, "");
        facts.host_app = app.into();
    }
    if let Some(kit) = emulator::DEVELOPER_KITS
        .iter()
        .find(|kit| parsed.raw.contains(**kit))
    {
        facts.mark = mark("developer_kit", kit, "");
    }
    let mut oddities = oddity::all(parsed);
    let first = oddities.next();
    if let Some((rule, token)) = oddity::note(parsed, first).or_else(|| structure::note(parsed)) {
        facts.mark = mark(rule, token, "");
    }
    let two = first.filter(|_| oddities.next().is_some());
    if let Some(rule) = impossible::find(parsed).or(two.map(|(rule, _)| rule)) {
        facts.impossible = rule.into();
    }
    facts
}

/// Family, system and device, whatever the kind.
fn describe(parsed: &Parsed<'_>, facts: &mut UaFacts) {
    let (family, version) = browser::read(parsed);
    facts.browser = family.into();
    facts.browser_version = version.into();
    let platform = platform::read(parsed);
    facts.os = platform.os.into();
    facts.os_version = platform.os_version.into();
    facts.device_type = platform.device;
    facts.device_model = platform.model.into();
    facts.retired = retired::find(facts).into();
}

fn decided(kind: UaKind, rule: &str, token: &str, name: &str) -> UaFacts {
    let mut facts = UaFacts::bare(kind);
    facts.mark = mark(rule, token, name);
    facts
}

fn mark(rule: &str, token: &str, name: &str) -> Option<UaMark> {
    Some(UaMark {
        rule: rule.into(),
        token: clip(token).into(),
        name: clip(name).into(),
    })
}

fn clip(text: &str) -> &str {
    let mut end = text.len().min(TOKEN_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or("")
}

/// Nothing, or a word programs print for nothing.
fn is_blank(ua: &str) -> bool {
    const WORDS: &[&str] = &[
        "null",
        "undefined",
        "none",
        "nil",
        "nan",
        "n/a",
        "na",
        "unknown",
        "empty",
        "(null)",
        "not set",
        "(not set)",
        "false",
        "[object object]",
    ];
    let bare = ua.trim_matches(['-', '"', '\'', '.', '_', '*', '?', ' ', '\t']);
    bare.is_empty() || WORDS.iter().any(|word| bare.eq_ignore_ascii_case(word))
}

/// `Mozilla%2F5.0%20(…` and `Mozilla/5.0+(…`: encoded by a sender, decoded once.
fn decoded(ua: &str) -> Option<String> {
    let percent = ua.starts_with("Mozilla%2F")
        || ua.starts_with("Mozilla%2f")
        || ua.starts_with("Mozilla/5.0%20");
    let plus = ua.starts_with("Mozilla/5.0+(") && !ua.contains(' ');
    if plus {
        return Some(ua.replace('+', " "));
    }
    percent.then(|| percent_decode(ua))
}

fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = (byte == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match hex.and_then(|h| u8::from_str_radix(h, 16).ok()) {
            Some(value) => {
                out.push(value);
                at += 3;
            }
            None => {
                out.push(if byte == b'+' { b' ' } else { byte });
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Whether the string alone gives a robot, a tool or a made-up client away.
#[cfg(test)]
pub(super) fn is_caught(facts: &UaFacts) -> bool {
    use UaKind as K;
    let kind = matches!(
        facts.kind,
        K::Blank
            | K::Crawler
            | K::Automation
            | K::Library
            | K::Scanner
            | K::NonBrowser
            | K::Emulator
    );
    kind || !facts.impossible.is_empty()
}
