//! One counter against one limit: what the filters that only count have in common.
//!
//! A limit is the most that is allowed: it takes one more to be caught. What the counter
//! says is stored under the name that the catalogue holds against the threshold.

use assay_model::Span;
use assay_model::reason::{Reason, Test};
use assay_model::recall::{CounterSpec, Level, Measure, Reading, Subject};
use assay_model::verdict::{Check, Finding, Missing};

use super::BuildContext;
use crate::filter::Readings;

/// How often somebody was seen.
pub(super) fn sights(
    subject: Subject,
    level: Level,
    window: Span,
    context: BuildContext,
) -> CounterSpec {
    CounterSpec {
        measure: Measure::Count,
        subject,
        member: subject,
        level,
        window_s: window.0,
        sub_id: context.sub_id,
    }
}

/// How many different members were seen with somebody, in the whole account.
pub(super) fn members(
    subject: Subject,
    member: Subject,
    window: Span,
    context: BuildContext,
) -> CounterSpec {
    CounterSpec {
        measure: Measure::Distinct,
        member,
        ..sights(subject, Level::Account, window, context)
    }
}

/// The filter's `nth` counter, or that it was not read.
pub(super) fn read(readings: Readings<'_>, nth: usize) -> Result<Reading, Check> {
    readings.get(nth).ok_or(Check::Skipped(Missing::Counter))
}

/// A counter and the most that it may say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    reason: Reason,
    most: u32,
    spec: CounterSpec,
}

impl Limit {
    pub fn new(reason: Reason, most: u32, spec: CounterSpec) -> Self {
        Self { reason, most, spec }
    }

    pub const fn spec(&self) -> CounterSpec {
        self.spec
    }

    /// What is to be said when the counter is over the limit, else how the filter answers.
    pub fn broken<'a>(&self, readings: Readings<'_>, nth: usize) -> Result<Finding<'a>, Check> {
        let count = read(readings, nth)?.count;
        self.broken_by(count)
    }

    /// The same of a count that the filter has worked out itself.
    pub fn broken_by<'a>(&self, count: u32) -> Result<Finding<'a>, Check> {
        if count <= self.most {
            return Err(Check::Clean);
        }
        let finding = Finding::new(self.reason);
        let counted = match self.reason.info().test {
            Test::Above(name) => finding.with(name, count),
            Test::Fact | Test::Below(_) => finding,
        };
        Ok(counted.over(self.most).within(self.spec.window_s))
    }
}

/// How a filter answers that found something, or not.
pub(super) fn answer<'a>(
    outcome: Result<Finding<'a>, Check>,
    found: &mut Vec<Finding<'a>>,
) -> Check {
    match outcome {
        Ok(finding) => {
            found.push(finding);
            Check::Flagged
        }
        Err(check) => check,
    }
}
