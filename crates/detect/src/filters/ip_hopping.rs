//! Flags one device that comes from too many networks.
//!
//! Phones change addresses within their carrier all day, so networks (IPv4 /24, IPv6 /48)
//! are told apart, not addresses.
//!
//! Reads: distinct networks per device id. Emits: `IP_HOPPING`, medium.

use assay_model::Span;
use assay_model::document::Problem;
use assay_model::facts::Facts;
use assay_model::reason::Reason;
use assay_model::recall::{CounterSpec, Level, Measure, Subject};
use assay_model::verdict::{Check, Finding, Missing};
use serde::Deserialize;

use super::{BuildContext, Settings, in_range, span_in_range};
use crate::filter::{Filter, Readings};

/// Settings of `ip_hopping`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IpHoppingSettings {
    max_ips: u32,
    time_window: Span,
}

impl Default for IpHoppingSettings {
    fn default() -> Self {
        Self {
            max_ips: 12,
            time_window: Span(3600),
        }
    }
}

impl Settings for IpHoppingSettings {
    fn check(&self, out: &mut Vec<Problem>) {
        in_range("max_ips", self.max_ips, 1..=1000, "", out);
        span_in_range("time_window", self.time_window, 60..=30 * 86_400, out);
    }
}

pub struct IpHopping {
    settings: IpHoppingSettings,
    context: BuildContext,
}

impl IpHopping {
    pub fn new(settings: IpHoppingSettings, context: BuildContext) -> Self {
        Self { settings, context }
    }
}

impl Filter for IpHopping {
    fn needs(&self) -> Vec<CounterSpec> {
        vec![CounterSpec {
            measure: Measure::Distinct,
            subject: Subject::Device,
            member: Subject::Subnet,
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
        let Some(device) = facts.device_key() else {
            return Check::Skipped(Missing::DeviceId);
        };
        let Some(reading) = readings.get(0) else {
            return Check::Skipped(Missing::Counter);
        };
        if reading.count <= self.settings.max_ips {
            return Check::Clean;
        }
        found.push(
            Finding::new(Reason::IpHopping)
                .with("distinct_ips", reading.count)
                .with("key", device)
                .over(self.settings.max_ips)
                .within(self.settings.time_window.0),
        );
        Check::Flagged
    }
}
