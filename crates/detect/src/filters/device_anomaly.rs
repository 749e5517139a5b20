//! Flags the clicks of sources with too large a share of outdated devices: emulators and
//! racks of old phones.
//!
//! Reads: what is held against the source. Emits: `OUTDATED_DEVICE_SHARE`, medium.
//! Source: facts.md 1.A.6 (names, defaults); which versions are outdated is ours, and a
//! setting: below them far under a hundredth of today's people are.
//! Test: exact binomial; assumes that clicks are independent.

use std::collections::BTreeMap;

use assay_model::Span;
use assay_model::document::Problem;
use assay_model::facts::Facts;
use assay_model::reason::Reason;
use assay_model::recall::Family;
use assay_model::sources::SourceLevel;
use serde::Deserialize;

use super::of_source::{Catches, OfSource, level};
use super::{BuildContext, Settings, in_range, share_in_range, span_in_range};
use crate::sources::{Part, Peers, SourceTest, Tally, Tested, share};

/// Settings of `device_anomaly`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeviceAnomalySettings {
    threshold_percentage: f64,
    min_click_count: u32,
    lookback_time: Span,
    check_by_subid: bool,
    /// Least version in use, by operating system; what is not named is not judged.
    min_os_version: BTreeMap<String, u32>,
    /// The same by browser.
    min_browser_version: BTreeMap<String, u32>,
}

impl Default for DeviceAnomalySettings {
    fn default() -> Self {
        let own = |rows: &[(&str, u32)]| {
            let row = |(name, version): &(&str, u32)| ((*name).to_owned(), *version);
            rows.iter().map(row).collect()
        };
        Self {
            threshold_percentage: 50.0,
            min_click_count: 100,
            lookback_time: Span(86_400),
            check_by_subid: false,
            min_os_version: own(&[("Android", 8), ("iOS", 13), ("Windows", 7)]),
            min_browser_version: own(&[("Chrome", 80), ("Edge", 80), ("Firefox", 78)]),
        }
    }
}

impl Settings for DeviceAnomalySettings {
    fn check(&self, out: &mut Vec<Problem>) {
        share_in_range("threshold_percentage", self.threshold_percentage, 1.0, out);
        in_range(
            "min_click_count",
            self.min_click_count,
            1..=10_000_000,
            "",
            out,
        );
        let window = self.lookback_time;
        span_in_range("lookback_time", window, 2 * 3600..=30 * 86_400, out);
    }
}

struct DeviceAnomaly(DeviceAnomalySettings);

/// The filter.
pub fn build(
    settings: DeviceAnomalySettings,
    context: BuildContext,
) -> impl crate::Filter + 'static {
    OfSource::new(DeviceAnomaly(settings), context.sub_id, Catches::Clicks)
}

/// The number before the first dot.
fn major(version: &str) -> Option<u32> {
    version.split(['.', '_']).next()?.parse().ok()
}

/// Whether a version is below its floor; `None` = there is none, or no version.
fn is_below(floors: &BTreeMap<String, u32>, name: &str, version: Option<u32>) -> Option<bool> {
    Some(version? < *floors.get(name)?)
}

impl SourceTest for DeviceAnomaly {
    fn level(&self) -> SourceLevel {
        level(self.0.check_by_subid, false)
    }

    fn window_s(&self) -> u32 {
        self.0.lookback_time.0
    }

    fn marks(&self, facts: &Facts<'_>) -> Option<bool> {
        let ua = facts.ua.as_deref()?;
        let os = is_below(&self.0.min_os_version, &ua.os, major(&ua.os_version));
        let floors = &self.0.min_browser_version;
        let browser = is_below(floors, &ua.browser, ua.browser_major());
        match (os, browser) {
            (None, None) => None,
            (os, browser) => Some(os == Some(true) || browser == Some(true)),
        }
    }

    fn test(&self, own: &Tally, peers: &Peers<'_, '_>, place: u8, out: &mut Vec<Tested>) {
        let bin = u16::from(place);
        let counted = |tally: &Tally| {
            let of = |part| tally.count(Family::Clicks, part, bin);
            (of(Part::Marked), of(Part::Asked))
        };
        let limit = (self.0.threshold_percentage, self.0.min_click_count);
        let reason = (Reason::OutdatedDeviceShare, "share");
        out.extend(share(reason, counted, own, peers, limit));
    }
}
