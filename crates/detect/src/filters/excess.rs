//! A share of a source that is too far above what is ordinary for its own mix: what the
//! filters that hold sources against such a share have in common.
//!
//! Test: exact binomial against the ordinary share and half the limit more.

use assay_model::reason::Reason;
use assay_model::verdict::Value;

use crate::sources::{Among, Tally, Tested, stats};

/// A source must have been there on so many days: one evening of a new campaign is no pattern.
const DAYS_MIN: u32 = 3;

/// How far a share may be above the ordinary one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Excess {
    pub reason: Reason,
    /// In percent of all that is looked at.
    pub max: f64,
    /// Least volume.
    pub min_count: u32,
}

impl Excess {
    /// The test of a share; `None` = too little volume, or too young a source.
    pub fn tested(self, own: &Tally, Among { k, n, usual }: Among) -> Option<Tested> {
        if n < self.min_count || own.days() < DAYS_MIN {
            return None;
        }
        let (share, baseline) = (100.0 * f64::from(k) / f64::from(n), 100.0 * usual);
        let p = stats::at_least(k, n, usual + self.max / 200.0);
        let mut tested = Tested::above(self.reason, "share", share, baseline + self.max)
            .with("baseline", Value::Float(baseline))
            .by("exact binomial", p, n, self.min_count);
        tested.release = baseline + self.max * 0.9;
        Some(tested)
    }
}
