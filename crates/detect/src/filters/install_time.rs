//! Flags installs whose times are in an order that cannot be.
//!
//! Click, landing page, begin and end of the installation, conversion: each at most
//! `tolerance` after the next. What is not given is passed over.
//!
//! Reads: the time of the click, `landing_page_time`, `begin_install_time`,
//! `finish_install_time`, the conversion's time. Emits: `INSTALL_TIME_SEQUENCE`, high.
//! Source: facts.md 1.A.6 (Wrong Install Time: tolerance 5 to 99 s; the default is ours).

use assay_model::document::Problem;
use assay_model::facts::Facts;
use assay_model::hit::{EventKind, Field};
use assay_model::reason::Reason;
use assay_model::verdict::{Check, Finding, Missing, Value};
use assay_model::{Span, Timestamp};
use serde::Deserialize;

use super::{Settings, span_in_range};
use crate::filter::{Filter, Readings};

/// Settings of `install_time`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InstallTimeSettings {
    tolerance: Span,
}

impl Default for InstallTimeSettings {
    fn default() -> Self {
        Self {
            tolerance: Span(30),
        }
    }
}

impl Settings for InstallTimeSettings {
    fn check(&self, out: &mut Vec<Problem>) {
        span_in_range("tolerance", self.tolerance, 5..=99, out);
    }
}

pub struct InstallTime {
    tolerance: Span,
}

impl InstallTime {
    pub const fn new(settings: &InstallTimeSettings) -> Self {
        Self {
            tolerance: settings.tolerance,
        }
    }
}

impl Filter for InstallTime {
    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        readings: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        // A later event happens long after the install: its own time says nothing of it.
        if facts.hit.event != EventKind::Conversion {
            return Check::Skipped(Missing::EventKind);
        }
        let times = times(facts, readings);
        if !times.iter().any(|(name, _)| INSTALL.contains(name)) {
            return Check::Skipped(Missing::Values);
        }
        let before = found.len();
        for pair in times.windows(2) {
            let [(first, at), (second, next)] = pair else {
                continue;
            };
            let gap_s = at.ms_since(*next).div_euclid(1000);
            if gap_s > i64::from(self.tolerance.0) {
                found.push(
                    Finding::new(Reason::InstallTimeSequence)
                        .with("before", *first)
                        .with("after", *second)
                        .with("gap_s", Value::Int(gap_s))
                        .over(self.tolerance.0),
                );
            }
        }
        if found.len() > before {
            Check::Flagged
        } else {
            Check::Clean
        }
    }
}

/// The times that only an installation has.
const INSTALL: [&str; 3] = [
    "landing_page_time",
    "begin_install_time",
    "finish_install_time",
];

/// The times that are given, in the order in which they must come.
fn times(facts: &Facts<'_>, readings: Readings<'_>) -> Vec<(&'static str, Timestamp)> {
    let click = readings
        .click()
        .filter(|click| click.kind == EventKind::Click)
        .and_then(|click| click.time);
    let given = |field: Field| Timestamp::parse(facts.hit.get(field)?).ok();
    let all = [
        ("click_time", click),
        (INSTALL[0], given(Field::LandingPageTime)),
        (INSTALL[1], given(Field::BeginInstallTime)),
        (INSTALL[2], given(Field::FinishInstallTime)),
        ("conversion_time", Some(facts.hit.time)),
    ];
    all.into_iter()
        .filter_map(|(name, time)| Some((name, time?)))
        .collect()
}
