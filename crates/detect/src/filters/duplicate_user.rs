//! Flags a visitor who comes more often than allowed.
//!
//! One matching data point is enough; a user agent alone never identifies anybody, and on
//! shared networks an address counts only together with it.
//!
//! Reads: counters per data point. Emits: `DUPLICATE_IP`, `DUPLICATE_DEVICE`,
//! `DUPLICATE_UUID`, `DUPLICATE_FINGERPRINT`; medium.
//! Source: facts.md 1.A.6 (names, defaults, ranges); SPEC §5 ("with 1 allowed the third is caught").

use assay_model::Span;
use assay_model::document::Problem;
use assay_model::facts::Facts;
use assay_model::reason::Reason;
use assay_model::recall::{CounterSpec, Subject};
use assay_model::verdict::{Check, Finding, Missing};
use serde::Deserialize;

use super::level::DetectionLevel;
use super::{BuildContext, Settings, in_range, limit, span_in_range};
use crate::filter::{Filter, Readings};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum DataPoint {
    Ipv4,
    Ipv6,
    DeviceId,
    Uuid,
    Fingerprint,
    /// Narrows the address checks to the same user agent; never checked alone.
    UserAgent,
}

/// Settings of `duplicate_user`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DuplicateUserSettings {
    allowed_duplicates: u32,
    lookback_time: Span,
    detection_level: DetectionLevel,
    data_points: Vec<DataPoint>,
}

impl Default for DuplicateUserSettings {
    fn default() -> Self {
        use DataPoint as D;
        Self {
            allowed_duplicates: 1,
            lookback_time: Span(86_400),
            detection_level: DetectionLevel::Offer,
            data_points: vec![D::Ipv4, D::Ipv6, D::DeviceId, D::Uuid, D::Fingerprint],
        }
    }
}

impl Settings for DuplicateUserSettings {
    fn check(&self, out: &mut Vec<Problem>) {
        in_range(
            "allowed_duplicates",
            self.allowed_duplicates,
            0..=1000,
            "",
            out,
        );
        span_in_range("lookback_time", self.lookback_time, 60..=30 * 86_400, out);
        if self
            .data_points
            .iter()
            .all(|point| *point == DataPoint::UserAgent)
        {
            out.push(Problem::new(
                "data_points",
                "needs at least one besides user_agent, which never counts alone",
            ));
        }
    }
}

pub struct DuplicateUser {
    allowed: u32,
    level: DetectionLevel,
    window: Span,
    points: Vec<(Subject, Reason)>,
    /// Together with the user agent one counter serves both address families, so the
    /// families that were chosen are kept: IPv4, IPv6.
    families: [bool; 2],
    context: BuildContext,
}

impl DuplicateUser {
    pub fn new(settings: DuplicateUserSettings, context: BuildContext) -> Self {
        let with_ua = settings.data_points.contains(&DataPoint::UserAgent);
        let address = |subject| if with_ua { Subject::IpUa } else { subject };
        let mut points: Vec<(Subject, Reason)> = settings
            .data_points
            .iter()
            .filter_map(|point| {
                Some(match point {
                    DataPoint::Ipv4 => (address(Subject::Ipv4), Reason::DuplicateIp),
                    DataPoint::Ipv6 => (address(Subject::Ipv6), Reason::DuplicateIp),
                    DataPoint::DeviceId => (Subject::Device, Reason::DuplicateDevice),
                    DataPoint::Uuid => (Subject::Uuid, Reason::DuplicateUuid),
                    DataPoint::Fingerprint => (Subject::Fingerprint, Reason::DuplicateFingerprint),
                    DataPoint::UserAgent => return None,
                })
            })
            .collect();
        points.sort_by_key(|(subject, _)| *subject);
        points.dedup();
        Self {
            allowed: settings.allowed_duplicates,
            level: settings.detection_level,
            window: settings.lookback_time,
            points,
            families: [DataPoint::Ipv4, DataPoint::Ipv6]
                .map(|family| settings.data_points.contains(&family)),
            context,
        }
    }

    /// Whether the visitor's address is of a family that was chosen.
    fn looks_at_address(&self, facts: &Facts<'_>) -> bool {
        facts
            .ip
            .as_ref()
            .is_some_and(|ip| self.families[usize::from(ip.ip.is_ipv6())])
    }
}

impl Filter for DuplicateUser {
    fn needs(&self) -> Vec<CounterSpec> {
        self.points
            .iter()
            .map(|(subject, _)| {
                limit::sights(*subject, self.level.level(), self.window, self.context)
            })
            .collect()
    }

    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        readings: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        let mut check = Check::Skipped(Missing::Counter);
        for (nth, (subject, reason)) in self.points.iter().enumerate() {
            let Some(reading) = readings.get(nth) else {
                continue;
            };
            if *subject == Subject::IpUa && !self.looks_at_address(facts) {
                continue;
            }
            // The first sight is no duplicate.
            let duplicates = reading.count.saturating_sub(1);
            if duplicates > self.allowed {
                found.push(
                    Finding::new(*reason)
                        .with("key", subject.as_str())
                        .with("level", self.level.as_str())
                        .with("count", duplicates)
                        .over(self.allowed)
                        .within(self.window.0),
                );
                check = Check::Flagged;
            } else if check != Check::Flagged {
                check = Check::Clean;
            }
        }
        check
    }
}
