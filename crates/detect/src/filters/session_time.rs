//! Flags conversions that follow their click faster or later than people do.
//!
//! Reads: the time of the click, or `session_time` where only the sender knows it.
//! Emits: `CTIT_TOO_SHORT`, `CTIT_TOO_LONG`; medium.
//! Source: facts.md 1.A.6 (names, ranges), SPEC §5 (10 s at least: 30 reject too many
//! real installs).

use assay_model::Span;
use assay_model::document::Problem;
use assay_model::facts::Facts;
use assay_model::hit::{EventKind, Field};
use assay_model::reason::Reason;
use assay_model::verdict::{Check, Finding, Missing, Value};
use serde::Deserialize;

use super::{Settings, span_in_range};
use crate::filter::{Filter, Readings};

/// Settings of `session_time`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SessionTimeSettings {
    min_session_time: Span,
    max_session_time: Span,
}

impl Default for SessionTimeSettings {
    fn default() -> Self {
        Self {
            min_session_time: Span(10),
            max_session_time: Span(30 * 86_400),
        }
    }
}

impl Settings for SessionTimeSettings {
    fn check(&self, out: &mut Vec<Problem>) {
        span_in_range("min_session_time", self.min_session_time, 0..=86_400, out);
        span_in_range(
            "max_session_time",
            self.max_session_time,
            60..=90 * 86_400,
            out,
        );
        if self.min_session_time.0 > self.max_session_time.0 {
            out.push(Problem::new(
                "min_session_time",
                "must not be longer than max_session_time",
            ));
        }
    }
}

pub struct SessionTime {
    settings: SessionTimeSettings,
}

impl SessionTime {
    pub const fn new(settings: SessionTimeSettings) -> Self {
        Self { settings }
    }
}

impl Filter for SessionTime {
    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        readings: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        if !facts.hit.event.is_conversion() {
            return Check::Skipped(Missing::EventKind);
        }
        let Some(ctit_s) = since_click(facts, readings) else {
            return Check::Skipped(Missing::Click);
        };
        if ctit_s < 0 {
            return Check::Skipped(Missing::ClockOrder);
        }
        let (min, max) = (
            self.settings.min_session_time,
            self.settings.max_session_time,
        );
        let (reason, limit) = if ctit_s < i64::from(min.0) {
            (Reason::CtitTooShort, min)
        } else if ctit_s > i64::from(max.0) {
            (Reason::CtitTooLong, max)
        } else {
            return Check::Clean;
        };
        found.push(
            Finding::new(reason)
                .with("ctit_s", Value::Int(ctit_s))
                .over(limit.0),
        );
        Check::Flagged
    }
}

/// Seconds from click to conversion. A sighted ad is no click: nobody acted yet.
fn since_click(facts: &Facts<'_>, readings: Readings<'_>) -> Option<i64> {
    let click = readings
        .click()
        .filter(|click| click.kind == EventKind::Click);
    click
        .and_then(|click| click.age_s(facts.hit.time))
        .or_else(|| facts.hit.get(Field::SessionTime)?.trim().parse().ok())
}
