//! How far a replay is, and whether it shall end.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed};

use assay_model::Clock;
use serde_json::{Value, json};

use super::ReplayError;

/// What a replay is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// Reads the ledger.
    Conversions = 0,
    /// Judges events in any order.
    Events = 1,
    /// Judges events in order of their time: counters are made anew.
    Rebuilding = 2,
}

impl Phase {
    const ALL: [Self; 3] = [Self::Conversions, Self::Events, Self::Rebuilding];

    /// Stable text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Conversions => "conversions",
            Self::Events => "events",
            Self::Rebuilding => "rebuilding",
        }
    }
}

/// Shared by who replays and who looks on.
#[derive(Debug, Default)]
pub struct Progress {
    phase: AtomicU8,
    done: AtomicU64,
    of: AtomicU64,
    since_us: AtomicU64,
    cancelled: AtomicBool,
}

impl Progress {
    /// Another phase begins.
    pub fn begin(&self, phase: Phase, of: u64, clock: &dyn Clock) {
        self.phase.store(phase as u8, Relaxed);
        self.done.store(0, Relaxed);
        self.of.store(of, Relaxed);
        self.since_us.store(clock.monotonic_us(), Relaxed);
    }

    /// So many more are done.
    pub fn add(&self, more: u64) {
        self.done.fetch_add(more, Relaxed);
    }

    /// The replay shall end.
    pub fn cancel(&self) {
        self.cancelled.store(true, Relaxed);
    }

    /// Whether it shall.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Relaxed)
    }

    /// Goes on unless it shall end.
    ///
    /// # Errors
    /// [`ReplayError::Cancelled`].
    pub fn check(&self) -> Result<(), ReplayError> {
        match self.is_cancelled() {
            true => Err(ReplayError::Cancelled),
            false => Ok(()),
        }
    }

    /// How far it is: phase, events, rate and seconds to go; what is not known is null.
    #[must_use]
    pub fn json(&self, clock: &dyn Clock) -> Value {
        let phase = Phase::ALL[usize::from(self.phase.load(Relaxed)).min(2)];
        let (done, of) = (self.done.load(Relaxed), self.of.load(Relaxed));
        let us = clock
            .monotonic_us()
            .saturating_sub(self.since_us.load(Relaxed));
        let per_s = (us > 0).then(|| done.saturating_mul(1_000_000) / us);
        let left = of.saturating_sub(done);
        let eta_s = per_s
            .filter(|rate| *rate > 0 && of > 0)
            .map(|rate| left / rate);
        json!({
            "phase": phase.as_str(), "done": done, "of": (of > 0).then_some(of),
            "per_s": per_s, "eta_s": eta_s,
        })
    }
}
