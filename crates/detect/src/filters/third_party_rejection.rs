//! Catches conversions that another system has rejected, and keeps its words.
//!
//! Reads: `third_party_rejected_reason`. Emits: `THIRD_PARTY_REJECTED`, which rejects by
//! itself.
//! Source: facts.md 1.A.6 (acts when the reason is not empty and the filter is on).

use assay_model::facts::Facts;
use assay_model::hit::Field;
use assay_model::reason::Reason;
use assay_model::verdict::{Check, Finding, Missing};

use crate::filter::{Filter, Readings};

pub struct ThirdPartyRejection;

impl Filter for ThirdPartyRejection {
    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        _: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        if !facts.hit.event.is_conversion() {
            return Check::Skipped(Missing::EventKind);
        }
        let told = facts.hit.get(Field::ThirdPartyRejectedReason);
        match told.map(str::trim) {
            None | Some("") => Check::Clean,
            Some(raw) => {
                found.push(Finding::new(Reason::ThirdPartyRejected).with("raw", raw));
                Check::Flagged
            }
        }
    }
}
