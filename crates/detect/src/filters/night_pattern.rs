//! Flags sources that are awake when their visitors sleep: too much between midnight and six
//! on the visitors' own clock, against the offer's other publishers in the same countries.
//!
//! Night workers, holidays and travellers exist, so it is low.
//!
//! Reads: what is held against the source. Emits: `NIGHT_PATTERN`, low.
//! Test: exact binomial against the others' share and half the limit more; assumes that events are independent.

use assay_model::Span;
use assay_model::document::Problem;
use assay_model::reason::Reason;
use assay_model::recall::Family;
use assay_model::sources::SourceLevel;
use serde::Deserialize;

use super::excess::Excess;
use super::of_source::{Catches, OfSource, level};
use super::{BuildContext, Settings, in_range, share_in_range, span_in_range};
use crate::sources::{Part, Peers, SourceTest, Tally, Tested, among};

/// Night: from midnight to this hour.
const NIGHT_ENDS: u16 = 6;
/// Bits of a bin below its country.
const BITS: u32 = 5;

/// Settings of `night_pattern`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NightPatternSettings {
    /// How far the share of the night may be above the others', in percent of all events.
    max_excess: f64,
    min_count: u32,
    lookback_time: Span,
    check_by_subid: bool,
}

impl Default for NightPatternSettings {
    fn default() -> Self {
        Self {
            max_excess: 20.0,
            min_count: 100,
            lookback_time: Span(7 * 86_400),
            check_by_subid: false,
        }
    }
}

impl Settings for NightPatternSettings {
    fn check(&self, out: &mut Vec<Problem>) {
        share_in_range("max_excess", self.max_excess, 5.0, out);
        in_range("min_count", self.min_count, 50..=1_000_000, "", out);
        let window = self.lookback_time;
        span_in_range("lookback_time", window, 4 * 86_400..=30 * 86_400, out);
    }
}

struct NightPattern(NightPatternSettings);

/// The filter.
pub fn build(
    settings: NightPatternSettings,
    context: BuildContext,
) -> impl crate::Filter + 'static {
    OfSource::new(NightPattern(settings), context.sub_id, Catches::Both)
}

impl NightPattern {
    fn tested(&self, own: &Tally, peers: &Peers<'_, '_>, family: Family) -> Option<Tested> {
        let hours = (family, Part::Hour, BITS);
        let among = among(own, peers, hours, |hour| hour < NIGHT_ENDS)?;
        let excess = Excess {
            reason: Reason::NightPattern,
            max: self.0.max_excess,
            min_count: self.0.min_count,
        };
        excess.tested(own, among)
    }
}

impl SourceTest for NightPattern {
    fn level(&self) -> SourceLevel {
        level(self.0.check_by_subid, true)
    }

    fn window_s(&self) -> u32 {
        self.0.lookback_time.0
    }

    fn test(&self, own: &Tally, peers: &Peers<'_, '_>, _: u8, out: &mut Vec<Tested>) {
        for family in [Family::Conversions, Family::Clicks] {
            out.extend(self.tested(own, peers, family));
        }
    }
}
