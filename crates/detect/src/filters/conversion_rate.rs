//! Flags sources that convert more, or less, than is plausible.
//!
//! Reads: what is held against the source. Emits: `CR_HIGH`, `CR_LOW`; medium.
//! Source: facts.md 1.A.6 (names, defaults). Both minima are enforced: one published example
//! rejects a source below one of them, and its own newer page contradicts it.
//!
//! Test: exact binomial against twice the lower limit (half the upper), or the ordinary rate
//! of the other publishers where that lies between. Assumes that clicks are independent.

use assay_model::document::Problem;
use assay_model::reason::Reason;
use assay_model::sources::SourceLevel;
use serde::Deserialize;

use super::of_source::{Catches, OfSource, level};
use super::{BuildContext, Settings, in_range, share_in_range};
use crate::sources::{Peers, SourceTest, Tally, Tested, rate, stats};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Interval {
    Hourly,
    Daily,
    Weekly,
    Monthly,
}

impl Interval {
    /// Two hours for an hour: hours are counted whole.
    const fn window_s(self) -> u32 {
        match self {
            Self::Hourly => 2 * 3600,
            Self::Daily => 86_400,
            Self::Weekly => 7 * 86_400,
            Self::Monthly => 30 * 86_400,
        }
    }
}

/// Settings of `conversion_rate`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConversionRateSettings {
    low_cr: f64,
    high_cr: f64,
    min_clicks: u32,
    min_conversions: u32,
    time_interval: Interval,
    check_by_subid: bool,
    block_clicks: bool,
}

impl Default for ConversionRateSettings {
    fn default() -> Self {
        Self {
            low_cr: 0.5,
            high_cr: 20.0,
            min_clicks: 100,
            min_conversions: 2,
            time_interval: Interval::Weekly,
            check_by_subid: false,
            block_clicks: false,
        }
    }
}

impl Settings for ConversionRateSettings {
    fn check(&self, out: &mut Vec<Problem>) {
        share_in_range("low_cr", self.low_cr, 0.0, out);
        share_in_range("high_cr", self.high_cr, 0.0, out);
        in_range("min_clicks", self.min_clicks, 1..=10_000_000, "", out);
        in_range(
            "min_conversions",
            self.min_conversions,
            1..=1_000_000,
            "",
            out,
        );
        if self.low_cr >= self.high_cr {
            out.push(Problem::new("low_cr", "must be less than high_cr"));
        }
    }
}

struct ConversionRate(ConversionRateSettings);

/// The filter.
pub fn build(
    settings: ConversionRateSettings,
    context: BuildContext,
) -> impl crate::Filter + 'static {
    let catches = match settings.block_clicks {
        true => Catches::Both,
        false => Catches::Conversions,
    };
    OfSource::new(ConversionRate(settings), context.sub_id, catches)
}

impl SourceTest for ConversionRate {
    fn level(&self) -> SourceLevel {
        level(self.0.check_by_subid, false)
    }

    fn window_s(&self) -> u32 {
        self.0.time_interval.window_s()
    }

    fn test(&self, own: &Tally, peers: &Peers<'_, '_>, _: u8, out: &mut Vec<Tested>) {
        let (conversions, clicks) = rate(own);
        if clicks < self.0.min_clicks || conversions < self.0.min_conversions {
            return;
        }
        let seen = f64::from(conversions) / f64::from(clicks);
        let (low, high) = (self.0.low_cr / 100.0, self.0.high_cr / 100.0);
        let ordinary = peers.share(rate);
        let with = |tested: Tested, p| {
            tested
                .with("clicks", clicks)
                .with("conversions", conversions)
                .by("exact binomial", p, clicks, self.0.min_clicks)
        };
        if seen > low {
            let usual = ordinary.unwrap_or(0.0).clamp(high / 2.0, high);
            let p = stats::at_least(conversions, clicks, usual);
            let tested = Tested::above(Reason::CrHigh, "rate", seen * 100.0, high * 100.0);
            out.push(with(tested, p));
        } else {
            let usual = ordinary.unwrap_or(1.0).clamp(low, low * 2.0);
            let p = stats::at_most(conversions, clicks, usual);
            let tested = Tested::below(Reason::CrLow, "rate", seen * 100.0, low * 100.0);
            out.push(with(tested, p));
        }
    }
}
