//! Sources judged by their statistics: pure, beside the hot path.
//!
//! Judged events are folded into [`Profiles`]; [`judge`] holds each source of each rule
//! against what its filters allow and what is ordinary on its offer, and makes the snapshot
//! that the hot path looks up ([`assay_model::sources::Standings`]). A source is condemned
//! only when all of three hold: its volume is over the filter's minimum; the value is over
//! the limit; and that is no chance, by a named test, with the share of wrong accusations
//! bounded over all tests of the judgement ([`stats`]). What is held lifts by itself.

mod compare;
pub mod ctit;
mod judge;
mod observe;
mod peers;
mod profiles;
mod seen;
pub mod stats;
mod tally;
mod times;

use assay_model::facts::Facts;
use assay_model::reason::{Reason, Test};
use assay_model::sources::SourceLevel;
use assay_model::verdict::Value;

pub use compare::{Among, Distance, Hot, among, distance, hot, rate, share, still_clicks};
pub use judge::{
    Explanation, Held, Judgement, Recovery, SourceChange, Surveyed, What, judge, survey,
};
pub use observe::{DEVICE_KNOWN, DEVICE_LIMITED, DEVICE_NEW};
pub use peers::{PEERS_MIN, Panel, Peers, Spread, stratum};
pub use profiles::{Limits, Origin, Outcome, Profiles, Size};
pub use tally::{Part, Slot, Tally};
pub use times::{Apart, Dense, Times};

/// How far below its limit a value must come before its source is free again.
const HYSTERESIS: f64 = 0.1;

/// How far apart honest publishers may be, as a part of a limit on distance: what counts as
/// chance. Offers, places and habits differ, and a small sample shows more than there is.
pub const USUAL: f64 = 0.7;

/// What a filter says about one source.
pub trait SourceTest: Send + Sync {
    /// What one source is.
    fn level(&self) -> SourceLevel;

    /// How far back it looks.
    fn window_s(&self) -> u32;

    /// Whether an event bears the filter's mark; `None` = it cannot be told.
    fn marks(&self, facts: &Facts<'_>) -> Option<bool> {
        let _ = facts;
        None
    }

    /// Tests a source; pushes one entry per question that could be asked, broken or not.
    /// Below its minimum volume it pushes nothing. `place` is the filter's own.
    fn test(&self, own: &Tally, peers: &Peers<'_, '_>, place: u8, out: &mut Vec<Tested>);
}

/// One question to a source, answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Tested {
    /// The reason if it is condemned.
    pub reason: Reason,
    /// The values of the reason's catalogue row, the compared one included.
    pub observed: Vec<(&'static str, Value<'static>)>,
    /// The compared value.
    pub seen: f64,
    /// Whether more is worse.
    pub above: bool,
    /// What must not be broken.
    pub limit: f64,
    /// What a held source must come back to.
    pub release: f64,
    /// Sample size.
    pub n: u32,
    /// The least sample that is judged.
    pub n_min: u32,
    /// Chance of this value, or a worse one, in an ordinary source.
    pub p: f64,
    /// The test that says so.
    pub test: &'static str,
}

impl Tested {
    /// A share, rate or distance that must not be over its limit. The compared value's name
    /// is the catalogue's; where it has none, `name`.
    #[must_use]
    pub fn above(reason: Reason, name: &'static str, seen: f64, limit: f64) -> Self {
        Self::compared(reason, name, seen, limit, true)
    }

    /// A value that must not be under its limit.
    #[must_use]
    pub fn below(reason: Reason, name: &'static str, seen: f64, limit: f64) -> Self {
        Self::compared(reason, name, seen, limit, false)
    }

    fn compared(reason: Reason, name: &'static str, seen: f64, limit: f64, above: bool) -> Self {
        let (seen, limit) = (rounded(seen), rounded(limit));
        debug_assert!(match reason.info().test {
            Test::Above(own) => above && own == name,
            Test::Below(own) => !above && own == name,
            Test::Fact => true,
        });
        let back = if above {
            1.0 - HYSTERESIS
        } else {
            1.0 + HYSTERESIS
        };
        Self {
            reason,
            observed: vec![(name, Value::Float(seen))],
            seen,
            above,
            limit,
            release: rounded(limit * back),
            n: 0,
            n_min: 0,
            p: 1.0,
            test: "",
        }
    }

    /// Adds a value of the reason's row.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value<'static>>) -> Self {
        self.observed.push((name, value.into()));
        self
    }

    /// Says how sure it is.
    #[must_use]
    pub fn by(mut self, test: &'static str, p: f64, n: u32, n_min: u32) -> Self {
        (self.test, self.p, self.n, self.n_min) = (test, p.clamp(0.0, 1.0), n, n_min);
        self
    }

    /// Whether the value is beyond a limit.
    #[must_use]
    pub fn breaks(&self, limit: f64) -> bool {
        if self.above {
            self.seen > limit
        } else {
            self.seen < limit
        }
    }
}

/// Six decimals: what is compared is what people read.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

/// Whether a rejection for this reason is the work of a filter of sources, or follows from
/// one: such a rejection says nothing new about its source and must not be held against it.
#[must_use]
pub const fn is_own_rejection(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::ClickRejected
            | Reason::ClickSpam
            | Reason::CtitShortShare
            | Reason::CtitLowVariance
            | Reason::OutdatedDeviceShare
            | Reason::DeviceAttributeOutlier
            | Reason::NewDeviceRatio
            | Reason::IpDistribution
            | Reason::NightPattern
            | Reason::CrHigh
            | Reason::CrLow
            | Reason::RejectionRate
            | Reason::SourceReputation
    )
}

#[cfg(test)]
mod tests;
