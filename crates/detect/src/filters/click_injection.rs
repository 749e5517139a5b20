//! Flags installs whose click came when the install was already under way.
//!
//! An app on the phone saw the installation begin and sent a click to claim it.
//!
//! Reads: the time of the click, `begin_install_time`. Emits: `CLICK_INJECTION`, high.

use assay_model::Timestamp;
use assay_model::facts::Facts;
use assay_model::hit::{EventKind, Field};
use assay_model::reason::Reason;
use assay_model::verdict::{Check, Finding, Missing};

use crate::filter::{Filter, Readings};

pub struct ClickInjection;

impl Filter for ClickInjection {
    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        readings: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        if !facts.hit.event.is_conversion() {
            return Check::Skipped(Missing::EventKind);
        }
        let click = readings
            .click()
            .filter(|click| click.kind == EventKind::Click);
        let Some(click) = click.and_then(|click| click.time) else {
            return Check::Skipped(Missing::Click);
        };
        let begin = facts.hit.get(Field::BeginInstallTime);
        let Some(begin) = begin.and_then(|text| Timestamp::parse(text).ok()) else {
            return Check::Skipped(Missing::Values);
        };
        // Stores give whole seconds: within the same second nobody was first.
        if click.0.div_euclid(1000) <= begin.0.div_euclid(1000) {
            return Check::Clean;
        }
        found.push(
            Finding::new(Reason::ClickInjection)
                .with("click_time", click.to_string())
                .with("install_begin", begin.to_string()),
        );
        Check::Flagged
    }
}
