//! Flags sources most of whose conversions come long after their click: clicks were sprayed
//! over everybody, and some of them convert anyway (cookie dropping).
//!
//! Reads: what is held against the source. Emits: `CLICK_SPAM`, medium.
//! Source: facts.md 1.A.6 (names, defaults, ranges).
//! Test: exact binomial; assumes that conversions are independent.

use assay_model::Span;
use assay_model::document::Problem;
use assay_model::reason::Reason;
use assay_model::recall::Family;
use assay_model::sources::SourceLevel;
use assay_model::verdict::Value;
use serde::Deserialize;

use super::of_source::{Catches, OfSource, level};
use super::{BuildContext, Settings, in_range, share_in_range, span_in_range};
use crate::sources::{Part, Peers, SourceTest, Tally, Tested, ctit, share, still_clicks};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Scope {
    SubId,
    Publisher,
}

/// Settings of `click_spam`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClickSpamSettings {
    min_session_time: Span,
    ctit_max: Span,
    threshold_percentage: f64,
    min_conversion_count: u32,
    lookback_window: Span,
    scope: Scope,
}

impl Default for ClickSpamSettings {
    fn default() -> Self {
        Self {
            min_session_time: Span(0),
            ctit_max: Span(86_400),
            threshold_percentage: 80.0,
            min_conversion_count: 50,
            lookback_window: Span(7 * 86_400),
            scope: Scope::SubId,
        }
    }
}

impl Settings for ClickSpamSettings {
    fn check(&self, out: &mut Vec<Problem>) {
        span_in_range("ctit_max", self.ctit_max, 3600..=168 * 3600, out);
        share_in_range("threshold_percentage", self.threshold_percentage, 1.0, out);
        let count = self.min_conversion_count;
        in_range("min_conversion_count", count, 10..=10_000, "", out);
        let window = self.lookback_window;
        span_in_range("lookback_window", window, 12 * 3600..=30 * 86_400, out);
        if self.min_session_time.0 >= self.ctit_max.0 {
            out.push(Problem::new(
                "min_session_time",
                "must be less than ctit_max",
            ));
        }
    }
}

struct ClickSpam(ClickSpamSettings);

/// The filter.
pub fn build(settings: ClickSpamSettings, context: BuildContext) -> impl crate::Filter + 'static {
    OfSource::new(ClickSpam(settings), context.sub_id, Catches::Conversions)
}

impl ClickSpam {
    /// Late conversions, and those that took long enough to be judged here at all.
    fn counted(&self, tally: &Tally) -> (u32, u32) {
        let (from, late) = (
            ctit::bin_from(self.0.min_session_time.0),
            ctit::bin_from(self.0.ctit_max.0),
        );
        let bins = tally.bins(Family::Conversions, Part::Ctit);
        bins.filter(|(bin, _)| *bin >= from)
            .fold((0, 0), |(k, n), (bin, count)| {
                (k + if bin >= late { count } else { 0 }, n + count)
            })
    }
}

impl SourceTest for ClickSpam {
    fn level(&self) -> SourceLevel {
        level(self.0.scope == Scope::SubId, false)
    }

    fn window_s(&self) -> u32 {
        self.0.lookback_window.0
    }

    fn test(&self, own: &Tally, peers: &Peers<'_, '_>, _: u8, out: &mut Vec<Tested>) {
        if !still_clicks(own, peers) {
            return;
        }
        let limit = (self.0.threshold_percentage, self.0.min_conversion_count);
        let reason = (Reason::ClickSpam, "share");
        let tested = share(reason, |tally| self.counted(tally), own, peers, limit);
        let ctit_max = Value::from(self.0.ctit_max.0);
        out.extend(tested.map(|tested| tested.with("ctit_max_s", ctit_max)));
    }
}
