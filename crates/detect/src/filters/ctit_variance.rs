//! Flags sources whose click-to-conversion times are more alike than people's: a program
//! waited.
//!
//! Looked at is the shortest stretch of time, by its ratio, that holds two fifths of the
//! conversions: real conversions of the same source around it change it little. It is held
//! against the same stretch of the offer's other publishers.
//!
//! Reads: what is held against the source. Emits: `CTIT_LOW_VARIANCE`, medium.
//! Test: exact binomial, corrected for every place where the stretch could lie; assumes that
//! conversions are independent, and nothing of the shape of their times.

use assay_model::Span;
use assay_model::document::Problem;
use assay_model::reason::Reason;
use assay_model::sources::SourceLevel;
use assay_model::verdict::Value;
use serde::Deserialize;

use super::of_source::{Catches, OfSource, level};
use super::{BuildContext, Settings, in_range, share_in_range, span_in_range};
use crate::sources::{Peers, SourceTest, Tally, Tested, Times};

/// Part of the conversions that the stretch holds.
const PART: f64 = 0.4;

/// Settings of `ctit_variance`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CtitVarianceSettings {
    /// Least spread, in percent of the others'.
    min_spread_percentage: f64,
    min_conversions: u32,
    lookback_window: Span,
    check_by_subid: bool,
}

impl Default for CtitVarianceSettings {
    fn default() -> Self {
        Self {
            min_spread_percentage: 50.0,
            min_conversions: 50,
            lookback_window: Span(7 * 86_400),
            check_by_subid: false,
        }
    }
}

impl Settings for CtitVarianceSettings {
    fn check(&self, out: &mut Vec<Problem>) {
        let share = self.min_spread_percentage;
        share_in_range("min_spread_percentage", share, 1.0, out);
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

struct CtitVariance(CtitVarianceSettings);

/// The filter.
pub fn build(
    settings: CtitVarianceSettings,
    context: BuildContext,
) -> impl crate::Filter + 'static {
    OfSource::new(CtitVariance(settings), context.sub_id, Catches::Conversions)
}

impl SourceTest for CtitVariance {
    fn level(&self) -> SourceLevel {
        level(self.0.check_by_subid, true)
    }

    fn window_s(&self) -> u32 {
        self.0.lookback_window.0
    }

    fn test(&self, own: &Tally, peers: &Peers<'_, '_>, _: u8, out: &mut Vec<Tested>) {
        let n_min = self.0.min_conversions;
        let Some(times) = Times::of(own, peers, n_min) else {
            return;
        };
        let Some(dense) = times.densest(PART) else {
            return;
        };
        let limit = dense.expected_sd_s * self.0.min_spread_percentage / 100.0;
        let tested = Tested::below(Reason::CtitLowVariance, "sd_s", dense.sd_s, limit)
            .with("expected_sd_s", Value::Float(dense.expected_sd_s))
            .by("exact binomial, every place", dense.p, times.n, n_min);
        out.push(tested);
    }
}
