//! Flags a user agent that is sent but empty.
//!
//! One that was not given at all is unknown, not blank: the filter skips.
//!
//! Reads: `facts.ua`. Emits: `BLANK_UA`, medium.

use assay_model::facts::{Facts, UaKind};
use assay_model::hit::Field;
use assay_model::reason::Reason;
use assay_model::verdict::{Check, Finding, Missing};

use crate::filter::{Filter, Readings};

pub struct BlankUa;

impl Filter for BlankUa {
    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        _: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        let Some(ua) = &facts.ua else {
            return Check::Skipped(Missing::UserAgent);
        };
        if ua.kind != UaKind::Blank {
            return Check::Clean;
        }
        let text = facts.hit.get(Field::UserAgent).unwrap_or("");
        found.push(Finding::new(Reason::BlankUa).with("user_agent", text));
        Check::Flagged
    }
}
