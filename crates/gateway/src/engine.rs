//! What all lanes share: policies, intelligence, counters, clocks and limits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use assay_intel::store::IntelHandle;
use assay_intel::ua::UaCache;
use assay_model::Clock;
use assay_model::ports::{CounterStore, DoorError, ErrorLog};

use crate::policy::Policies;
use crate::sources::SourceSnapshots;

/// Limits of the data plane, each with its unit.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most bytes of a request head.
    pub head_bytes: usize,
    /// Most parameters of a request.
    pub params: usize,
    /// Most bytes of one event's body.
    pub event_bytes: usize,
    /// Most lines of a batch.
    pub batch_lines: usize,
    /// Time a decision may take before it is answered by `on_degraded`.
    pub budget_us: u64,
    /// Furthest a given time may be ahead.
    pub ahead_ms: i64,
    /// Furthest a given time may be back.
    pub back_ms: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_bytes: 16 * 1024,
            params: 512,
            event_bytes: 64 * 1024,
            batch_lines: 10_000,
            budget_us: 5_000,
            ahead_ms: 5 * 60_000,
            back_ms: 90 * 86_400_000,
        }
    }
}

/// Counts since start, for `/metrics`.
#[derive(Debug, Default)]
pub struct EngineStats {
    /// Decisions by action, in the order of [`assay_model::Action::ALL`].
    pub decisions: [AtomicU64; 4],
    /// Decisions that lacked inputs.
    pub degraded: AtomicU64,
    /// Calls refused before a decision.
    pub refused: AtomicU64,
    /// Records that could not be written.
    pub lost_records: AtomicU64,
    /// Decision times: count per bucket of [`BUCKETS_US`], the last one is the rest.
    pub decision_us: [AtomicU64; BUCKETS_US.len() + 1],
    /// Sum of decision times.
    pub decision_us_sum: AtomicU64,
    /// Open connections.
    pub connections: AtomicU64,
}

/// Upper bounds of the decision-time buckets.
pub const BUCKETS_US: [u32; 10] = [2, 5, 10, 20, 50, 100, 250, 1_000, 5_000, 50_000];

impl EngineStats {
    /// Counts one decision.
    pub fn decided(&self, action: assay_model::Action, degraded: bool, decision_us: u32) {
        self.decisions[action as usize].fetch_add(1, Ordering::Relaxed);
        if degraded {
            self.degraded.fetch_add(1, Ordering::Relaxed);
        }
        let bucket = BUCKETS_US
            .iter()
            .position(|bound| decision_us <= *bound)
            .unwrap_or(BUCKETS_US.len());
        self.decision_us[bucket].fetch_add(1, Ordering::Relaxed);
        self.decision_us_sum
            .fetch_add(u64::from(decision_us), Ordering::Relaxed);
    }
}

/// Everything that lanes share.
pub struct Engine<C> {
    /// Policies in force.
    pub policies: Policies,
    /// What is held against sources, and what outcomes taught.
    pub sources: SourceSnapshots,
    /// Address tables.
    pub intel: Arc<IntelHandle>,
    /// User agents seen.
    pub user_agents: UaCache,
    /// Counters.
    pub counters: C,
    /// Where refused calls are noted.
    pub errors: Arc<dyn ErrorLog>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Limits.
    pub limits: Limits,
    /// Counts.
    pub stats: EngineStats,
}

impl<C: CounterStore> Engine<C> {
    /// Notes a refused call.
    pub fn refuse(&self, error: DoorError) {
        self.stats.refused.fetch_add(1, Ordering::Relaxed);
        self.errors.note(error);
    }
}
