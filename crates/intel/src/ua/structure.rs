//! Robots given away by where they write, not by what.
//!
//! A browser's string is rigid: nothing stands inside `(KHTML, like Gecko)`, `compatible;` is
//! followed by one of few engines, a desktop's comment has a handful of parts and little follows
//! the last product. A robot has to put its name somewhere, and that place is almost always one a
//! browser never uses.

use super::parse::{Comment, Parsed, Product, has_ci, starts_ci};
use super::{appliance, known, oddity};

/// What was found: rule name and the offending text.
pub(super) type Oddity<'a> = (&'static str, &'a str);

/// Finds the first place where only robots write.
pub(super) fn odd_place<'a>(parsed: &Parsed<'a>) -> Option<Oddity<'a>> {
    if let Some(found) = RULES.iter().find_map(|rule| rule(parsed)) {
        return Some(found);
    }
    let mut signs = signs(parsed);
    let first = signs.next()?;
    // Tools add one thing to a person's browser: a provider's or an employer's token, a brand. A
    // second oddity makes it a robot's string.
    let second = signs.next().is_some() || oddity::all(parsed).next().is_some();
    (second || names_product(first)).then_some(first)
}

/// One oddity alone, which is a note.
pub(super) fn note<'a>(parsed: &Parsed<'a>) -> Option<Oddity<'a>> {
    signs(parsed).next()
}

/// `Thing/1.0` between the parts of a platform: robots name themselves so, providers do not.
fn names_product((rule, token): Oddity<'_>) -> bool {
    let numbered = token.split_once('/').is_some_and(|(name, version)| {
        name.len() >= 4 && version.starts_with(|c: char| c.is_ascii_digit())
    });
    rule == "odd_platform_part" && numbered
}

type Rule = for<'a> fn(&Parsed<'a>) -> Option<Oddity<'a>>;

const RULES: &[Rule] = &[compatible, khtml_comment, prefixed];

/// The rules that hold for desktop browsers and iPhones only: their strings are the most rigid.
const SIGNS: &[Rule] = &[
    platform_part,
    word_after_khtml,
    trailing_word,
    trailing_comment,
    trailing_round_version,
];

/// Every oddity of a desktop's string; each alone is weak.
fn signs<'a>(parsed: &Parsed<'a>) -> impl Iterator<Item = Oddity<'a>> {
    let signs = if is_rigid(parsed) { SIGNS } else { &[] };
    signs.iter().filter_map(move |rule| rule(parsed))
}

/// Every place where robots write, weak ones too.
pub(super) fn all<'a>(parsed: &Parsed<'a>) -> impl Iterator<Item = Oddity<'a>> {
    RULES
        .iter()
        .filter_map(move |rule| rule(parsed))
        .chain(signs(parsed))
}

/// A desktop's or an iPhone's browser of today: their strings are the most rigid.
pub(super) fn is_rigid(parsed: &Parsed<'_>) -> bool {
    let platform = parsed.platform();
    let rigid = || {
        ["Windows NT", "Macintosh", "X11", "iPhone;", "iPad;"]
            .iter()
            .any(|w| platform.contains(w))
    };
    let other = [
        "Android",
        "Phone OS",
        "Windows Phone",
        "TV",
        "Xbox",
        "Tizen",
        "Web0S",
        "Viera",
        "osmeta",
        "Symbian",
        "Maemo",
    ];
    parsed.is_modern() && rigid() && !other.iter().any(|w| parsed.raw.contains(w))
}

/// `compatible; X` where X is no browser that ever wrote that word.
fn compatible<'a>(parsed: &Parsed<'a>) -> Option<Oddity<'a>> {
    for (index, comment) in parsed.comments.iter().enumerate() {
        // Old browsers of rare systems wrote their own name there.
        if index == 0 && !parsed.is_modern() && parsed.product("AppleWebKit").is_some() {
            continue;
        }
        let mut parts = comment.segments().map(|(text, _)| text);
        while let Some(part) = parts.next() {
            if part.eq_ignore_ascii_case("compatible") {
                let name = parts.find(|p| !p.is_empty()).unwrap_or("");
                let placed = !name.is_empty() || comment.after <= 1;
                if placed && !is_compatible_browser(name, comment) {
                    return Some((
                        "compatible_unknown",
                        if name.is_empty() { "compatible" } else { name },
                    ));
                }
            }
        }
    }
    None
}

fn is_compatible_browser(name: &str, comment: &Comment<'_>) -> bool {
    let known = known::COMPATIBLE.iter().any(|k| {
        if k.len() == 1 {
            name == *k
        } else {
            starts_ci(name, k)
        }
    });
    let after_msie = starts_ci(name, "MSIE").then(|| name.get(4..).unwrap_or("").trim_start());
    let numbered =
        after_msie.is_none_or(|version| version.starts_with(|c: char| c.is_ascii_digit()));
    // `U` alone says nothing: the name is what follows.
    let only_u = name == "U" && comment.segments().count() <= 2;
    known && numbered && !only_u || appliance::is_appliance(name, comment.text)
}

/// Anything written inside `(KHTML, like Gecko)`.
fn khtml_comment<'a>(parsed: &Parsed<'a>) -> Option<Oddity<'a>> {
    for comment in parsed
        .comments
        .iter()
        .filter(|c| starts_ci(c.text, "KHTML"))
    {
        let rest = comment
            .text
            .get(5..)
            .unwrap_or("")
            .trim_start_matches([',', ' ', ';']);
        let Some(lead) = ["like gecko", "unlike gecko"]
            .into_iter()
            .find(|lead| starts_ci(rest, lead))
        else {
            continue;
        };
        let tail = rest
            .get(lead.len()..)
            .unwrap_or("")
            .trim_matches([' ', ',', ';', '.']);
        if tail.len() > 1 && !starts_ci(tail, "Safari") && !starts_ci(tail, "like") {
            return Some(("inside_khtml", tail));
        }
    }
    None
}

/// `Thing, Mozilla/5.0 (X11; …)`: telephones put their name before a whole string, desktops do not.
fn prefixed<'a>(parsed: &Parsed<'a>) -> Option<Oddity<'a>> {
    let at = parsed
        .products
        .iter()
        .position(|p| p.name == "Mozilla" && p.has_version())
        .filter(|at| *at > 0)?;
    let first = parsed.products.first()?;
    let platform = parsed
        .comments
        .iter()
        .find(|c| c.after == at + 1)
        .map_or("", |c| c.text);
    let desktop = ["Windows NT", "Macintosh", "X11"]
        .iter()
        .any(|w| platform.contains(w))
        && !platform.contains("compatible");
    let modern = desktop
        && !["armv", "aarch64"].iter().any(|w| platform.contains(w))
        && ["Chrome/", "Firefox/", "Version/"]
            .iter()
            .any(|w| parsed.raw.contains(w));
    (modern || has_ci(parsed.raw, ", Mozilla/5.0")).then_some(("before_mozilla", first.name))
}

/// A part of a modern desktop's platform comment that no system writes.
fn platform_part<'a>(parsed: &Parsed<'a>) -> Option<Oddity<'a>> {
    let comment = parsed.comments.first().filter(|c| c.after == 1)?;
    let numbered = parsed.product("Chrome").is_some() || parsed.product("Firefox").is_some();
    if !numbered || comment.text.contains("iP") || has_ci(comment.text, "Trident") {
        return None;
    }
    comment
        .segments()
        .map(|(text, _)| text)
        .find(|text| !is_desktop_part(text))
        .map(|text| ("odd_platform_part", text))
}

fn is_desktop_part(text: &str) -> bool {
    let locale = text.len() <= 10
        && text
            .get(..2)
            .is_some_and(|l| l.bytes().all(|b| b.is_ascii_lowercase()))
        && matches!(text.as_bytes().get(2), None | Some(b'-' | b'_'));
    text.len() <= 1
        || locale
        || known::DESKTOP_PARTS
            .iter()
            .any(|start| starts_ci(text, start))
}

/// `(KHTML, like Gecko) thing Safari/…`: a bare word where Chrome or Version stands. Programs built
/// on QtWebKit put their own name there (people's games do), so its numbers are left out.
fn word_after_khtml<'a>(parsed: &Parsed<'a>) -> Option<Oddity<'a>> {
    let khtml = parsed
        .comments
        .iter()
        .find(|c| starts_ci(c.text, "KHTML"))?;
    let webkit = parsed.version_of("AppleWebKit")?;
    if webkit != "537.36" && !webkit.starts_with('6') {
        return None;
    }
    let word = parsed.products.get(khtml.after)?;
    let last = parsed.products.len() == khtml.after + 1;
    let known = known::AFTER_KHTML.iter().any(|k| starts_ci(word.name, k));
    (!word.has_version() && !known && is_name(word.name) && !last)
        .then_some(("after_khtml", word.name))
}

/// `… Safari/537.36 Thing`: the last word has no version.
fn trailing_word<'a>(parsed: &Parsed<'a>) -> Option<Oddity<'a>> {
    let last = parsed.products.last()?;
    let before = parsed.products.iter().rev().nth(1)?;
    let anchored = is_anchor(before)
        && parsed
            .comments
            .last()
            .is_none_or(|c| c.after < parsed.products.len());
    let known = known::TRAILING_WORDS
        .iter()
        .any(|k| starts_ci(last.name, k));
    (anchored && !last.has_version() && !known && is_name(last.name))
        .then_some(("trailing_word", last.name))
}

/// `… Safari/537.36 (Thing Agent)`.
fn trailing_comment<'a>(parsed: &Parsed<'a>) -> Option<Oddity<'a>> {
    let comment = parsed
        .comments
        .last()
        .filter(|c| c.after == parsed.products.len() && c.after > 1)?;
    let last = parsed.products.last()?;
    let text = comment.text.trim();
    let known = known::TRAILING_COMMENTS.iter().any(|k| starts_ci(text, k));
    let uuid = text.len() >= 30 && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    (is_anchor(last) && !known && !uuid && is_name(text)).then_some(("trailing_comment", text))
}

/// `… Safari/537.36 Thing/1.0`: browsers built on another carry its long version or their own.
fn trailing_round_version<'a>(parsed: &Parsed<'a>) -> Option<Oddity<'a>> {
    let last = parsed.products.last()?;
    let before = parsed.products.iter().rev().nth(1)?;
    let round = last
        .version
        .strip_suffix(".0")
        .is_some_and(|v| v.trim_end_matches(".0").bytes().all(|b| b.is_ascii_digit()));
    let known = known::ROUND_VERSIONS
        .iter()
        .any(|k| last.name.eq_ignore_ascii_case(k))
        || has_ci(last.name, "browser");
    let short = last.version.len() <= 6;
    (is_anchor(before) && round && short && !known && !is_anchor(last))
        .then_some(("trailing_round", last.name))
}

/// The product a desktop string ends with.
fn is_anchor(product: &Product<'_>) -> bool {
    ["Safari", "Firefox", "Edg"].contains(&product.name) && product.has_version()
}

/// Letters enough to be a name, and no digits only.
fn is_name(text: &str) -> bool {
    text.bytes().filter(u8::is_ascii_alphabetic).count() >= 3
}
