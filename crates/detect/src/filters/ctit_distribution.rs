//! Flags sources whose click-to-conversion times are spread unlike those of the offer's other
//! publishers: too many late (sprayed clicks) or too many early (farms, injected clicks).
//!
//! Reads: what is held against the source. Emits: `CLICK_SPAM` for late ones,
//! `CTIT_SHORT_SHARE` for early ones; medium. Evidence is the time at which the difference is
//! largest, and the shares beyond it.
//! Test: one-sided Kolmogorov–Smirnov in both directions, against publishers that are
//! as far apart as honest ones are (seven tenths of the limit); assumes independent conversions.

use assay_model::Span;
use assay_model::document::Problem;
use assay_model::reason::Reason;
use assay_model::sources::SourceLevel;
use assay_model::verdict::Value;
use serde::Deserialize;

use super::of_source::{Catches, OfSource, level};
use super::{BuildContext, Settings, in_range, share_in_range, span_in_range};
use crate::sources::{Apart, Peers, SourceTest, Tally, Tested, Times, USUAL, still_clicks};

/// Settings of `ctit_distribution`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CtitDistributionSettings {
    /// Largest difference of shares, in percent of all conversions.
    max_distance: f64,
    min_conversions: u32,
    lookback_window: Span,
    check_by_subid: bool,
}

impl Default for CtitDistributionSettings {
    fn default() -> Self {
        Self {
            max_distance: 30.0,
            min_conversions: 50,
            lookback_window: Span(7 * 86_400),
            check_by_subid: false,
        }
    }
}

impl Settings for CtitDistributionSettings {
    fn check(&self, out: &mut Vec<Problem>) {
        share_in_range("max_distance", self.max_distance, 5.0, out);
        in_range(
            "min_conversions",
            self.min_conversions,
            20..=1_000_000,
            "",
            out,
        );
        let window = self.lookback_window;
        span_in_range("lookback_window", window, 12 * 3600..=30 * 86_400, out);
    }
}

struct CtitDistribution(CtitDistributionSettings);

/// The filter.
pub fn build(
    settings: CtitDistributionSettings,
    context: BuildContext,
) -> impl crate::Filter + 'static {
    OfSource::new(
        CtitDistribution(settings),
        context.sub_id,
        Catches::Conversions,
    )
}

impl CtitDistribution {
    fn tested(&self, (reason, bound): (Reason, &'static str), apart: Apart, n: u32) -> Tested {
        let over = |distance: f64| apart.baseline * 100.0 + distance;
        let limit = over(self.0.max_distance);
        let mut tested = Tested::above(reason, "share", apart.share * 100.0, limit)
            .with(bound, Value::Float(apart.at_s.round()))
            .by("Kolmogorov-Smirnov", apart.p, n, self.0.min_conversions);
        tested.release = over(self.0.max_distance * 0.9);
        tested
    }
}

impl SourceTest for CtitDistribution {
    fn level(&self) -> SourceLevel {
        level(self.0.check_by_subid, true)
    }

    fn window_s(&self) -> u32 {
        self.0.lookback_window.0
    }

    fn test(&self, own: &Tally, peers: &Peers<'_, '_>, _: u8, out: &mut Vec<Tested>) {
        let Some(times) = Times::of(own, peers, self.0.min_conversions) else {
            return;
        };
        let usual = self.0.max_distance / 100.0 * USUAL;
        let late = (Reason::ClickSpam, "ctit_max_s");
        if still_clicks(own, peers) {
            out.push(self.tested(late, times.late(usual), times.n));
        }
        let early = (Reason::CtitShortShare, "bound_s");
        out.push(self.tested(early, times.early(usual), times.n));
    }
}
