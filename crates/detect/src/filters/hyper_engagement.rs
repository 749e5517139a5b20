//! Flags one device that engages more than a person does.
//!
//! Reads: a counter per device id. Emits: `HYPER_ENGAGEMENT`, medium.

use assay_model::Span;
use assay_model::document::Problem;
use assay_model::facts::Facts;
use assay_model::reason::Reason;
use assay_model::recall::{CounterSpec, Level, Measure, Subject};
use assay_model::verdict::{Check, Finding, Missing};
use serde::Deserialize;

use super::{BuildContext, Settings, in_range, span_in_range};
use crate::filter::{Filter, Readings};

/// Settings of `hyper_engagement`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HyperEngagementSettings {
    max_engagements: u32,
    time_window: Span,
}

impl Default for HyperEngagementSettings {
    fn default() -> Self {
        // A click a minute for an hour: nobody opens ads like that.
        Self {
            max_engagements: 60,
            time_window: Span(3600),
        }
    }
}

impl Settings for HyperEngagementSettings {
    fn check(&self, out: &mut Vec<Problem>) {
        in_range(
            "max_engagements",
            self.max_engagements,
            1..=100_000,
            "",
            out,
        );
        span_in_range("time_window", self.time_window, 60..=30 * 86_400, out);
    }
}

pub struct HyperEngagement {
    settings: HyperEngagementSettings,
    context: BuildContext,
}

impl HyperEngagement {
    pub fn new(settings: HyperEngagementSettings, context: BuildContext) -> Self {
        Self { settings, context }
    }
}

impl Filter for HyperEngagement {
    fn needs(&self) -> Vec<CounterSpec> {
        vec![CounterSpec {
            measure: Measure::Count,
            subject: Subject::Device,
            member: Subject::Device,
            level: Level::Account,
            window_s: self.settings.time_window.0,
            sub_id: self.context.sub_id,
        }]
    }

    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        readings: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        if facts.hit.event.is_conversion() {
            return Check::Skipped(Missing::EventKind);
        }
        let Some(device) = facts.device_key() else {
            return Check::Skipped(Missing::DeviceId);
        };
        let Some(reading) = readings.get(0) else {
            return Check::Skipped(Missing::Counter);
        };
        if reading.count <= self.settings.max_engagements {
            return Check::Clean;
        }
        found.push(
            Finding::new(Reason::HyperEngagement)
                .with("count", reading.count)
                .with("key", device)
                .over(self.settings.max_engagements)
                .within(self.settings.time_window.0),
        );
        Check::Flagged
    }
}
