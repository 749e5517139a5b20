//! Flags an event whose declared place is not where its address is.
//!
//! Relays and carriers place people elsewhere on purpose, so shared networks are skipped,
//! and it is low at most.
//!
//! Reads: `geo_country`, `geo_city`, `facts.ip`. Emits: `GEO_MISMATCH`, low.

use assay_model::facts::{Benign, Country, Facts, IpFacts};
use assay_model::hit::Field;
use assay_model::reason::Reason;
use assay_model::verdict::{Check, Finding, Missing};

use crate::filter::{Filter, Readings};

pub struct GeoMismatch;

impl Filter for GeoMismatch {
    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        _: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        let Some(ip) = &facts.ip else {
            return Check::Skipped(Missing::Ip);
        };
        if matches!(ip.benign, Some(Benign::Relay | Benign::Satellite)) {
            return Check::Skipped(Missing::SharedNetwork);
        }
        let Some(mismatch) = country(facts, ip).or_else(|| city(facts, ip)) else {
            return Check::Skipped(Missing::Values);
        };
        let Some(finding) = mismatch else {
            return Check::Clean;
        };
        found.push(finding.with("ip", ip.ip.to_string()));
        Check::Flagged
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
    if same_city(declared, seen) {
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
fn same_city(a: &str, b: &str) -> bool {
    let fold = |text: &str| -> String {
        text.chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect()
    };
    let (a, b) = (fold(a), fold(b));
    a.contains(&b) || b.contains(&a)
}
