//! Flags sources whose conversions follow their click too fast, too often.
//!
//! What is fast is the offer's own: the time below which one in twenty of the other
//! publishers' conversions lies. A source has three in ten below it before it is flagged.
//!
//! Reads: what is held against the source. Emits: `CTIT_SHORT_SHARE`, medium.
//! Source: facts.md 1.A.6 (on and off only, a dynamic threshold per sub id); the rest is ours.
//! Test: exact binomial against seven tenths of that; assumes that conversions are independent.

use assay_model::reason::Reason;
use assay_model::sources::SourceLevel;
use assay_model::verdict::Value;

use super::of_source::{Catches, OfSource};
use super::{BuildContext, NoSettings};
use crate::sources::{Peers, SourceTest, Tally, Tested, Times, USUAL, ctit, stats};

/// Part of the others' conversions that is fast.
const FAST: f64 = 0.05;
/// Part of a source that may be.
const LIMIT: f64 = 0.3;
const CONVERSIONS_MIN: u32 = 50;
const WINDOW_S: u32 = 7 * 86_400;

struct LowSessionTime;

/// The filter.
pub fn build(_: NoSettings, context: BuildContext) -> impl crate::Filter + 'static {
    OfSource::new(LowSessionTime, context.sub_id, Catches::Conversions)
}

impl SourceTest for LowSessionTime {
    fn level(&self) -> SourceLevel {
        SourceLevel::SubIdOffer
    }

    fn window_s(&self) -> u32 {
        WINDOW_S
    }

    fn test(&self, own: &Tally, peers: &Peers<'_, '_>, _: u8, out: &mut Vec<Tested>) {
        let Some(times) = Times::of(own, peers, CONVERSIONS_MIN) else {
            return;
        };
        let bound = times.quantile(FAST);
        let (fast, usual) = times.below(bound);
        let share = f64::from(fast) / f64::from(times.n);
        let p = stats::at_least(fast, times.n, usual.max(LIMIT * USUAL));
        let tested = Tested::above(
            Reason::CtitShortShare,
            "share",
            share * 100.0,
            LIMIT * 100.0,
        )
        .with("bound_s", Value::Float(ctit::start_s(bound).round()))
        .by("exact binomial", p, times.n, CONVERSIONS_MIN);
        out.push(tested);
    }
}
