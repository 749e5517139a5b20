//! Flags clicks of one visitor that follow each other faster than a person acts.
//!
//! People do double-click, so it takes a run of clicks; page views load several pages at
//! once and are left alone; on shared networks two people can look like one.
//!
//! Reads: a counter per address and user agent. Emits: `FAST_CLICKER`, medium.

use assay_model::Span;
use assay_model::document::Problem;
use assay_model::facts::Facts;
use assay_model::hit::EventKind;
use assay_model::reason::Reason;
use assay_model::recall::{CounterSpec, Level, Subject};
use assay_model::verdict::{Check, Finding, Missing};
use serde::Deserialize;

use super::{BuildContext, Settings, in_range, limit, span_in_range};
use crate::filter::{Filter, Readings};

/// Settings of `fast_clicker`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FastClickerSettings {
    min_gap_ms: u32,
    min_clicks: u32,
    time_window: Span,
}

impl Default for FastClickerSettings {
    fn default() -> Self {
        Self {
            min_gap_ms: 400,
            min_clicks: 4,
            time_window: Span(10),
        }
    }
}

impl Settings for FastClickerSettings {
    fn check(&self, out: &mut Vec<Problem>) {
        in_range("min_gap_ms", self.min_gap_ms, 1..=60_000, " ms", out);
        in_range("min_clicks", self.min_clicks, 2..=1000, "", out);
        span_in_range("time_window", self.time_window, 1..=3600, out);
    }
}

pub struct FastClicker {
    settings: FastClickerSettings,
    context: BuildContext,
}

impl FastClicker {
    pub fn new(settings: FastClickerSettings, context: BuildContext) -> Self {
        Self { settings, context }
    }
}

impl Filter for FastClicker {
    fn needs(&self) -> Vec<CounterSpec> {
        let window = self.settings.time_window;
        vec![limit::sights(
            Subject::IpUa,
            Level::Account,
            window,
            self.context,
        )]
    }

    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        readings: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        if !matches!(facts.hit.event, EventKind::Click | EventKind::Impression) {
            return Check::Skipped(Missing::EventKind);
        }
        if facts.ip.as_ref().is_some_and(|ip| ip.benign.is_some()) {
            return Check::Skipped(Missing::SharedNetwork);
        }
        let reading = match limit::read(readings, 0) {
            Ok(reading) => reading,
            Err(check) => return check,
        };
        let Some(gap_ms) = reading.gap_ms else {
            return Check::Clean;
        };
        if reading.count < self.settings.min_clicks || gap_ms >= self.settings.min_gap_ms {
            return Check::Clean;
        }
        let mut finding = Finding::new(Reason::FastClicker)
            .with("gap_ms", gap_ms)
            .with("key", Subject::IpUa.as_str())
            .over(self.settings.min_gap_ms)
            .within(self.settings.time_window.0);
        finding.n = reading.count;
        found.push(finding);
        Check::Flagged
    }
}
