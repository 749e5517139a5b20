//! Flags the clicks of sources whose conversions are mostly rejected.
//!
//! Rejections count as the ledger has them, those of advertisers and people too; those that
//! only follow from what is held against the source do not, or nobody would ever recover.
//!
//! Reads: what is held against the source. Emits: `REJECTION_RATE`, medium.
//! Source: facts.md 1.A.6 (names, defaults).
//! Test: exact binomial; assumes that conversions are judged independently.

use assay_model::Span;
use assay_model::document::Problem;
use assay_model::reason::Reason;
use assay_model::recall::Family;
use assay_model::sources::SourceLevel;
use serde::Deserialize;

use super::of_source::{Catches, OfSource, level};
use super::{BuildContext, Settings, in_range, share_in_range, span_in_range};
use crate::sources::{Part, Peers, SourceTest, Tally, Tested, share};

/// Settings of `rejection_threshold`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RejectionThresholdSettings {
    max_rejection_percentage: f64,
    min_conversions: u32,
    lookback_window: Span,
}

impl Default for RejectionThresholdSettings {
    fn default() -> Self {
        Self {
            max_rejection_percentage: 70.0,
            min_conversions: 20,
            lookback_window: Span(7 * 86_400),
        }
    }
}

impl Settings for RejectionThresholdSettings {
    fn check(&self, out: &mut Vec<Problem>) {
        let share = self.max_rejection_percentage;
        share_in_range("max_rejection_percentage", share, 1.0, out);
        in_range(
            "min_conversions",
            self.min_conversions,
            1..=1_000_000,
            "",
            out,
        );
        let window = self.lookback_window;
        span_in_range("lookback_window", window, 2 * 3600..=30 * 86_400, out);
    }
}

struct RejectionThreshold(RejectionThresholdSettings);

/// The filter.
pub fn build(
    settings: RejectionThresholdSettings,
    context: BuildContext,
) -> impl crate::Filter + 'static {
    OfSource::new(
        RejectionThreshold(settings),
        context.sub_id,
        Catches::Clicks,
    )
}

fn counted(tally: &Tally) -> (u32, u32) {
    let of = |part| tally.total(Family::Conversions, part);
    let rejected = of(Part::Rejected).saturating_sub(of(Part::Reinstated));
    let all = of(Part::Events);
    (rejected.min(all), all)
}

impl SourceTest for RejectionThreshold {
    fn level(&self) -> SourceLevel {
        level(true, false)
    }

    fn window_s(&self) -> u32 {
        self.0.lookback_window.0
    }

    fn test(&self, own: &Tally, peers: &Peers<'_, '_>, _: u8, out: &mut Vec<Tested>) {
        let (rejected, all) = counted(own);
        let limit = (self.0.max_rejection_percentage, self.0.min_conversions);
        let tested = share((Reason::RejectionRate, "rate"), counted, own, peers, limit);
        out.extend(tested.map(|tested| tested.with("rejected", rejected).with("total", all)));
    }
}
