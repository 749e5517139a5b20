//! Flags clicks that a browser fetched ahead of a person's decision.
//!
//! A redirect link answers a prefetch with 204 and judges nothing; this is for clicks that
//! a server tells of, header and all.
//!
//! Reads: `sec_purpose`. Emits: `PREFETCH`, medium.

use assay_model::facts::Facts;
use assay_model::hit::{EventKind, Field};
use assay_model::reason::Reason;
use assay_model::verdict::{Check, Finding, Missing};

use crate::filter::{Filter, Readings};

/// What browsers send in `Sec-Purpose`, `Purpose`, `X-Purpose` and `X-Moz`.
const AHEAD: [&str; 3] = ["prefetch", "prerender", "preview"];

pub struct Prefetch;

impl Filter for Prefetch {
    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        _: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        if facts.hit.event != EventKind::Click {
            return Check::Skipped(Missing::EventKind);
        }
        let Some(purpose) = facts.hit.get(Field::SecPurpose) else {
            return Check::Skipped(Missing::Values);
        };
        let mut words = purpose.split([',', ';', ' ']);
        if !words.any(|word| AHEAD.iter().any(|own| word.eq_ignore_ascii_case(own))) {
            return Check::Clean;
        }
        found.push(Finding::new(Reason::Prefetch).with("header", purpose));
        Check::Flagged
    }
}
