//! Flags sources with too many devices that were never seen before, or that hide their id:
//! farms reset the id after each install.
//!
//! People get new devices and switch tracking off too, most of all on Apple's: a source is
//! held against what is ordinary for its own mix of operating systems.
//!
//! Reads: what is held against the source. Emits: `NEW_DEVICE_RATIO`, medium.
//! Test: exact binomial against the ordinary share and half the limit more; assumes that devices are independent.

use assay_model::Span;
use assay_model::document::Problem;
use assay_model::reason::Reason;
use assay_model::recall::Family;
use assay_model::sources::SourceLevel;
use serde::Deserialize;

use super::excess::Excess;
use super::of_source::{Catches, OfSource, level};
use super::{BuildContext, Settings, in_range, share_in_range, span_in_range};
use crate::sources::{DEVICE_LIMITED, DEVICE_NEW, Part, Peers, SourceTest, Tally, Tested, among};

/// Bits of a bin below its operating system.
const BITS: u32 = 6;
/// What is asked: how many hide their id, and how many have none that was seen before.
const KINDS: [(&str, &[u16]); 2] = [
    ("limited", &[DEVICE_LIMITED]),
    ("new or limited", &[DEVICE_NEW, DEVICE_LIMITED]),
];

/// Settings of `new_device`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NewDeviceSettings {
    /// How far the share may be above the ordinary one, in percent of all devices.
    max_excess: f64,
    min_count: u32,
    lookback_time: Span,
    check_by_subid: bool,
}

impl Default for NewDeviceSettings {
    fn default() -> Self {
        Self {
            max_excess: 25.0,
            min_count: 100,
            lookback_time: Span(7 * 86_400),
            check_by_subid: false,
        }
    }
}

impl Settings for NewDeviceSettings {
    fn check(&self, out: &mut Vec<Problem>) {
        share_in_range("max_excess", self.max_excess, 5.0, out);
        in_range("min_count", self.min_count, 50..=1_000_000, "", out);
        let window = self.lookback_time;
        span_in_range("lookback_time", window, 12 * 3600..=30 * 86_400, out);
    }
}

struct NewDevice(NewDeviceSettings);

/// The filter.
pub fn build(settings: NewDeviceSettings, context: BuildContext) -> impl crate::Filter + 'static {
    OfSource::new(NewDevice(settings), context.sub_id, Catches::Conversions)
}

impl NewDevice {
    fn tested(
        &self,
        own: &Tally,
        peers: &Peers<'_, '_>,
        family: Family,
        (name, kinds): (&'static str, &[u16]),
    ) -> Option<Tested> {
        let devices = (family, Part::Device, BITS);
        let among = among(own, peers, devices, |kind| kinds.contains(&kind))?;
        let excess = Excess {
            reason: Reason::NewDeviceRatio,
            max: self.0.max_excess,
            min_count: self.0.min_count,
        };
        Some(excess.tested(own, among)?.with("kind", name))
    }
}

impl SourceTest for NewDevice {
    fn level(&self) -> SourceLevel {
        level(self.0.check_by_subid, true)
    }

    fn window_s(&self) -> u32 {
        self.0.lookback_time.0
    }

    fn test(&self, own: &Tally, peers: &Peers<'_, '_>, _: u8, out: &mut Vec<Tested>) {
        for family in [Family::Conversions, Family::Clicks] {
            for kinds in KINDS {
                out.extend(self.tested(own, peers, family, kinds));
            }
        }
    }
}
