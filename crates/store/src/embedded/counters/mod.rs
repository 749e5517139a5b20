//! Counters in memory: one table of 32-byte slots that all lanes share.
//!
//! Keys are looked up by hash alone: a colliding tag merges two counts, it never fails.
//! A full bucket loses its coldest slot, and the loss is counted; a key that is missing
//! undercounts, so it can never accuse. A call never waits and never panics: the future
//! is ready when it is made.
//!
//! Windows are in event time: an event counts where it belongs, one older than the
//! window is not counted. See `count` and `distinct` for what a slot remembers.

mod bump;
mod checkpoint;
mod count;
mod distinct;
mod slot;
mod stats;
mod table;
#[cfg(test)]
mod tests;
mod time;
mod total;

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use assay_model::ports::{CounterStore, RecallError};
use assay_model::recall::{Bump, Reading};
use assay_model::{AccountId, Timestamp};

pub use checkpoint::{CheckpointError, POSITION_MAX, Restored};
pub use stats::TableStats;

use slot::ACCOUNT_CLASSES;
use stats::Cells;
use table::{SLICES, Table};

/// Slices of every table; see [`CounterTable::checkpoint_slice`].
pub const SLICE_COUNT: usize = SLICES;

/// Settings of a [`CounterTable`].
#[derive(Clone, Copy, Debug)]
pub struct CounterOptions {
    /// Slots of 32 bytes. For next to no evictions: half as many again as live keys.
    pub slots: usize,
    /// Slots an account may hold before its own are the first to go; `None` = no limit.
    pub account_slots_max: Option<u32>,
}

impl Default for CounterOptions {
    fn default() -> Self {
        Self {
            slots: 15_000_000,
            account_slots_max: None,
        }
    }
}

/// Some of the slices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Slices(u64);

impl Slices {
    /// Every slice.
    pub const ALL: Self = Self(u64::MAX);
    /// No slice.
    pub const NONE: Self = Self(0);

    /// Adds a slice; one that does not exist is left out.
    pub fn insert(&mut self, slice: usize) {
        if slice < SLICE_COUNT {
            self.0 |= 1 << slice;
        }
    }

    /// Whether the slice is one of them.
    #[must_use]
    pub fn contains(self, slice: usize) -> bool {
        slice < SLICE_COUNT && self.0 >> slice & 1 == 1
    }
}

/// Counters in memory.
#[derive(Debug)]
pub struct CounterTable {
    table: Table,
    cells: Cells,
    /// Slots each class of accounts holds.
    held: Box<[AtomicU32]>,
    account_slots_max: Option<u32>,
    warming: AtomicBool,
    generation: AtomicU64,
}

impl CounterTable {
    /// An empty table. Its memory is taken as keys arrive.
    #[must_use]
    pub fn new(options: CounterOptions) -> Self {
        Self {
            table: Table::new(options.slots),
            cells: Cells::default(),
            held: (0..ACCOUNT_CLASSES).map(|_| AtomicU32::new(0)).collect(),
            account_slots_max: options.account_slots_max,
            warming: AtomicBool::new(false),
            generation: AtomicU64::new(0),
        }
    }

    /// Bumps each key at `at` and puts its reading into `out`; [`CounterStore::recall`]
    /// without the future.
    ///
    /// While the table warms, keys are bumped all the same: who replays older events
    /// need not replay these.
    ///
    /// # Errors
    /// [`RecallError::Warming`] while the table warms; [`RecallError::Quota`] when a key
    /// found no room because the account has used up its share (the others are bumped).
    pub fn bump(
        &self,
        account: AccountId,
        at: Timestamp,
        bumps: &[Bump],
        out: &mut Vec<Reading>,
    ) -> Result<(), RecallError> {
        out.clear();
        out.reserve(bumps.len());
        let refused = self.bump_all(account, at, bumps, Slices::ALL, |reading| out.push(reading));
        if self.warming.load(Ordering::Relaxed) {
            return Err(RecallError::Warming);
        }
        match refused {
            0 => Ok(()),
            _ => Err(RecallError::Quota),
        }
    }

    /// Bumps again what an event bumped, for keys of these slices only.
    ///
    /// After a restart each slice stands at its own position of the spool: a record is
    /// replayed for the slices that were written out before it, and is counted once.
    pub fn replay(&self, account: AccountId, at: Timestamp, bumps: &[Bump], only: Slices) {
        self.bump_all(account, at, bumps, only, |_| ());
    }

    /// The slice that a key lies in.
    #[must_use]
    pub fn slice_of(&self, key: u64) -> usize {
        self.table.slice_of(self.table.bucket_of(bump::mix(key)))
    }

    /// Says whether older events are still being replayed.
    pub fn set_warming(&self, warming: bool) {
        self.warming.store(warming, Ordering::Relaxed);
    }

    /// Whether older events are still being replayed.
    #[must_use]
    pub fn is_warming(&self) -> bool {
        self.warming.load(Ordering::Relaxed)
    }
}

impl CounterStore for CounterTable {
    fn expect(&self, bumps: &[Bump]) {
        for bump in bumps {
            let bucket = self.table.bucket_of(bump::mix(bump.key));
            self.table.touch_heads(bucket);
        }
    }

    fn recall(
        &self,
        account: AccountId,
        at: Timestamp,
        bumps: &[Bump],
        out: &mut Vec<Reading>,
    ) -> impl Future<Output = Result<(), RecallError>> {
        std::future::ready(self.bump(account, at, bumps, out))
    }
}
