//! Flags one device that engages more than a person does.
//!
//! Reads: a counter per device id. Emits: `HYPER_ENGAGEMENT`, medium.

use assay_model::Span;
use assay_model::document::Problem;
use assay_model::facts::Facts;
use assay_model::reason::Reason;
use assay_model::recall::{CounterSpec, Level, Subject};
use assay_model::verdict::{Check, Finding, Missing};
use serde::Deserialize;

use super::limit::{self, Limit};
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
    limit: Limit,
}

impl HyperEngagement {
    pub fn new(settings: HyperEngagementSettings, context: BuildContext) -> Self {
        let window = settings.time_window;
        let spec = limit::sights(Subject::Device, Level::Account, window, context);
        Self {
            limit: Limit::new(Reason::HyperEngagement, settings.max_engagements, spec),
        }
    }
}

impl Filter for HyperEngagement {
    fn needs(&self) -> Vec<CounterSpec> {
        vec![self.limit.spec()]
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
        let broken = self.limit.broken(readings, 0);
        limit::answer(broken.map(|finding| finding.with("key", device)), found)
    }
}
