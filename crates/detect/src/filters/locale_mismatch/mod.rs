//! Flags a browser whose clock is set to a time that nobody in its address's country has.
//!
//! Travellers and wrong clocks exist, so it is low. Languages are told with it, not judged:
//! people speak what they like. Zones are compared by their offset, since names are often
//! a neighbour's.
//!
//! Reads: `facts.signals`, `facts.ip`. Emits: `LOCALE_MISMATCH`, low.

mod offsets;

use assay_model::facts::{Benign, Country, Facts};
use assay_model::reason::Reason;
use assay_model::verdict::{Check, Finding, Missing};

use crate::filter::{Filter, Readings};
use offsets::OFFSETS;

pub struct LocaleMismatch;

impl Filter for LocaleMismatch {
    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        _: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        let Some(signals) = facts.signals.as_deref() else {
            return Check::Skipped(Missing::Signals);
        };
        let Some(ip) = &facts.ip else {
            return Check::Skipped(Missing::Ip);
        };
        // These put people elsewhere on purpose, or carry them there.
        if matches!(ip.benign, Some(Benign::Relay | Benign::Satellite)) {
            return Check::Skipped(Missing::SharedNetwork);
        }
        let (Some(offset_min), Some(country)) = (signals.offset_min, ip.country) else {
            return Check::Skipped(Missing::Values);
        };
        let Some(offsets) = offsets_of(country) else {
            return Check::Skipped(Missing::Values);
        };
        if offsets.iter().any(|own| i32::from(*own) == offset_min) {
            return Check::Clean;
        }
        let there: Vec<String> = offsets.iter().map(|own| clock(i32::from(*own))).collect();
        let browser = signals.time_zone.as_deref().unwrap_or("");
        found.push(
            Finding::new(Reason::LocaleMismatch)
                .with(
                    "ip_zone",
                    format!("{} {}", country.as_str(), there.join(" ")),
                )
                .with(
                    "browser_zone",
                    format!("{browser} {}", clock(offset_min))
                        .trim_start()
                        .to_owned(),
                )
                .with_some("language", signals.languages.first().map(String::as_str)),
        );
        Check::Flagged
    }
}

fn offsets_of(country: Country) -> Option<&'static [i16]> {
    let at = OFFSETS
        .binary_search_by_key(&country.bytes(), |(code, _)| *code)
        .ok()?;
    Some(OFFSETS[at].1)
}

/// Minutes ahead of UTC in the middle of a country, in the middle of the year.
pub(crate) fn standard_offset_min(country: Country) -> Option<i32> {
    let offsets = offsets_of(country)?;
    offsets.get(offsets.len() / 2).map(|own| i32::from(*own))
}

/// `UTC+05:30`.
fn clock(offset_min: i32) -> String {
    let sign = if offset_min < 0 { '-' } else { '+' };
    let minutes = offset_min.unsigned_abs();
    format!("UTC{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_stand_in_order_and_have_a_clock() {
        assert!(OFFSETS.is_sorted_by(|a, b| a.0 < b.0));
        let of = |code| offsets_of(Country::parse(code).unwrap());
        assert_eq!(of("in"), Some(&[330_i16][..]));
        assert_eq!(of("DE"), Some(&[60_i16, 120][..]));
        assert_eq!(of("ZZ"), None);
        assert_eq!(clock(-210), "UTC-03:30");
    }
}
