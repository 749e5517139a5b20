//! Flags one device that comes from too many networks and, where the rule asks for it, a
//! conversion from another network than its click.
//!
//! Phones change addresses within their carrier all day, so networks (IPv4 /24, IPv6 /48)
//! are told apart, not addresses; and people go home, so the click's is only compared when
//! the rule says so.
//!
//! Reads: distinct networks per device id, the click's address. Emits: `IP_HOPPING`, medium.

use std::net::IpAddr;

use assay_model::Span;
use assay_model::document::Problem;
use assay_model::facts::Facts;
use assay_model::reason::Reason;
use assay_model::recall::{CounterSpec, Subject};
use assay_model::verdict::{Check, Finding, Missing};
use serde::Deserialize;

use super::limit::{self, Limit};
use super::{BuildContext, Settings, in_range, span_in_range};
use crate::filter::{Filter, Readings};

/// Settings of `ip_hopping`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IpHoppingSettings {
    max_ips: u32,
    time_window: Span,
    /// Whether a conversion must come from its click's network.
    same_as_click: bool,
}

impl Default for IpHoppingSettings {
    fn default() -> Self {
        Self {
            max_ips: 12,
            time_window: Span(3600),
            same_as_click: false,
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
    limit: Limit,
    same_as_click: bool,
}

impl IpHopping {
    pub fn new(settings: IpHoppingSettings, context: BuildContext) -> Self {
        let window = settings.time_window;
        let spec = limit::members(Subject::Device, Subject::Subnet, window, context);
        Self {
            limit: Limit::new(Reason::IpHopping, settings.max_ips, spec),
            same_as_click: settings.same_as_click,
        }
    }
}

impl Filter for IpHopping {
    fn needs(&self) -> Vec<CounterSpec> {
        vec![self.limit.spec()]
    }

    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        readings: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        let moved = self
            .same_as_click
            .then(|| since_click(facts, readings))
            .flatten();
        let hopped = self.hopped(facts, readings, found);
        match moved {
            None => hopped,
            Some(None) if hopped == Check::Flagged => Check::Flagged,
            Some(None) => Check::Clean,
            Some(Some(finding)) => {
                found.push(finding);
                Check::Flagged
            }
        }
    }
}

impl IpHopping {
    fn hopped<'a>(
        &self,
        facts: &'a Facts<'_>,
        readings: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        let Some(device) = facts.device_key() else {
            return Check::Skipped(Missing::DeviceId);
        };
        let broken = self.limit.broken(readings, 0);
        limit::answer(broken.map(|finding| finding.with("key", device)), found)
    }
}

/// The click's network against the conversion's; `None` = nothing to compare.
fn since_click<'a>(facts: &Facts<'_>, readings: Readings<'_>) -> Option<Option<Finding<'a>>> {
    let click = readings.click().filter(|click| !click.displaced)?;
    let now = facts.ip.as_ref().filter(|ip| !ip.displaces_people())?.ip;
    let then = click.ip.filter(|_| facts.hit.event.is_conversion())?;
    let same = match (then, now) {
        (IpAddr::V4(a), IpAddr::V4(b)) => a.to_bits() >> 8 == b.to_bits() >> 8,
        (IpAddr::V6(a), IpAddr::V6(b)) => a.to_bits() >> 80 == b.to_bits() >> 80,
        // One visitor has both families: they cannot be compared.
        _ => return None,
    };
    Some((!same).then(|| {
        Finding::new(Reason::IpHopping)
            .with("distinct_ips", 2u32)
            .with("key", "click")
            .over(1u32)
    }))
}
