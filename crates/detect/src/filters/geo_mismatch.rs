//! Flags an event whose declared place is not where its address is, and a conversion that
//! comes from elsewhere than its click.
//!
//! Relays and carriers place people elsewhere on purpose, so shared networks are skipped,
//! and it is low at most: people travel between click and conversion.
//!
//! Reads: `geo_country`, `geo_city`, `facts.ip`, the click's place. Emits: `GEO_MISMATCH`, low.

use assay_model::click::ClickMatch;
use assay_model::facts::{Country, Facts, IpFacts};
use assay_model::hit::Field;
use assay_model::reason::Reason;
use assay_model::verdict::{Check, Finding, Missing};

use crate::filter::{Filter, Readings};

pub struct GeoMismatch;

impl Filter for GeoMismatch {
    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        readings: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        let Some(ip) = &facts.ip else {
            return Check::Skipped(Missing::Ip);
        };
        if ip.displaces_people() {
            return Check::Skipped(Missing::SharedNetwork);
        }
        let declared = country(facts, ip).or_else(|| city(facts, ip));
        let click = readings.click().filter(|_| facts.hit.event.is_conversion());
        let moved = click.and_then(|click| since_click(click, ip));
        if declared.is_none() && moved.is_none() {
            return Check::Skipped(Missing::Values);
        }
        let before = found.len();
        for mismatch in [declared, moved].into_iter().flatten().flatten() {
            found.push(mismatch.with("ip", ip.ip.to_string()));
        }
        if found.len() > before {
            Check::Flagged
        } else {
            Check::Clean
        }
    }
}

/// The click's place against the conversion's, by their addresses.
fn since_click<'a>(click: &ClickMatch, ip: &'a IpFacts<'_>) -> Option<Option<Finding<'a>>> {
    if click.displaced {
        return None;
    }
    let moved = |declared: String, observed: String, level: &'static str| {
        Finding::new(Reason::GeoMismatch)
            .with("declared", declared)
            .with("observed", observed)
            .with("level", level)
    };
    if let (Some(from), Some(to)) = (click.country, ip.country)
        && from != to
    {
        return Some(Some(moved(
            from.to_string(),
            to.to_string(),
            "click_country",
        )));
    }
    // Cities of one country are compared only when both are known.
    match (&*click.city, ip.city) {
        ("", _) | (_, None) => (click.country.is_some() && ip.country.is_some()).then_some(None),
        (from, Some(to)) => {
            if same_city(from, to)? {
                return Some(None);
            }
            Some(Some(moved(from.to_owned(), to.to_owned(), "click_city")))
        }
    }
}

/// `None` = nothing to compare; `Some(None)` = the same place.
fn country<'a>(facts: &'a Facts<'_>, ip: &'a IpFacts<'_>) -> Option<Option<Finding<'a>>> {
    let declared = facts.hit.get(Field::GeoCountry)?;
    let (told, seen) = (Country::parse(declared)?, ip.country?);
    if told == seen {
        // The same country: a declared city may still differ.
        return city(facts, ip).or(Some(None));
    }
    Some(Some(
        Finding::new(Reason::GeoMismatch)
            .with("declared", declared)
            .with("observed", seen.to_string())
            .with("level", "country"),
    ))
}

fn city<'a>(facts: &'a Facts<'_>, ip: &'a IpFacts<'_>) -> Option<Option<Finding<'a>>> {
    let (declared, seen) = (facts.hit.get(Field::GeoCity)?, ip.city?);
    if same_city(declared, seen)? {
        return Some(None);
    }
    Some(Some(
        Finding::new(Reason::GeoMismatch)
            .with("declared", declared)
            .with("observed", seen)
            .with("level", "city"),
    ))
}

/// City names differ in case, accents and suffixes; one inside the other is the same city.
///
/// `None` = cannot be compared: a name without a letter, or names in different scripts.
fn same_city(a: &str, b: &str) -> Option<bool> {
    let (short_a, short_b) = (folded(a, false), folded(b, false));
    if short_a.is_empty() || short_b.is_empty() || short_a.is_ascii() != short_b.is_ascii() {
        return None;
    }
    let within = |a: &str, b: &str| a.contains(b) || b.contains(a);
    // Umlauts are written both ways, so both spellings of each name are tried.
    let (long_a, long_b) = (folded(a, true), folded(b, true));
    Some(
        [&short_a, &long_a]
            .iter()
            .any(|a| within(a, &short_b) || within(a, &long_b)),
    )
}

/// Letters and digits only, in lower case, Latin ones without accents; `long` writes
/// `ä ö ü å ø` with two letters (Muenchen, Aarhus).
fn folded(name: &str, long: bool) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name
        .chars()
        .flat_map(char::to_lowercase)
        .filter(|c| c.is_alphanumeric())
    {
        match (c, long) {
            ('ä' | 'æ', true) => out.push_str("ae"),
            ('ö' | 'ø' | 'œ', true) => out.push_str("oe"),
            ('ü', true) => out.push_str("ue"),
            ('å', true) => out.push_str("aa"),
            ('ß', _) => out.push_str("ss"),
            ('þ', _) => out.push_str("th"),
            _ => out.push(base_letter(c)),
        }
    }
    out
}

/// The letter under an accent, for Latin-1, Latin Extended-A and Romanian; others as they
/// are. Accents written as combining marks are no letters and are gone before.
const fn base_letter(c: char) -> char {
    match c {
        'à'..='å' | 'æ' | 'ā' | 'ă' | 'ą' => 'a',
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => 'c',
        'ď' | 'đ' | 'ð' => 'd',
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => 'e',
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => 'g',
        'ĥ' | 'ħ' => 'h',
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => 'i',
        'ĵ' => 'j',
        'ķ' => 'k',
        'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' => 'l',
        'ñ' | 'ń' | 'ņ' | 'ň' => 'n',
        'ò'..='ö' | 'ø' | 'œ' | 'ō' | 'ŏ' | 'ő' => 'o',
        'ŕ' | 'ŗ' | 'ř' => 'r',
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => 's',
        'ţ' | 'ť' | 'ŧ' | 'ț' => 't',
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => 'u',
        'ŵ' => 'w',
        'ý' | 'ÿ' | 'ŷ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        other => other,
    }
}
