//! Numbers of the table, counted per slice so that lanes do not share a cache line.

use std::sync::atomic::{AtomicU64, Ordering};

use assay_model::Timestamp;

use super::CounterTable;
use super::slot::{expiry, is_used};
use super::table::{SLICES, SLOTS};
use super::time::{Tick, life_left};

/// Numbers of a [`CounterTable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct TableStats {
    /// Slots the table has.
    pub slots: u64,
    /// Slots that hold a key, live or not.
    pub used: u64,
    /// Keys that still counted when they had to leave.
    pub evicted: u64,
    /// Keys that no longer counted and made room for others.
    pub expired: u64,
    /// Bumps that found no room because the account's share was used up.
    pub refused: u64,
    /// Size of the table; its resident memory is less until it has filled once.
    pub bytes: u64,
    /// Grows with every load: readings before and after are not of one table.
    pub generation: u64,
}

/// Counts of one slice, a cache line of their own.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(super) struct Cell {
    pub used: AtomicU64,
    pub evicted: AtomicU64,
    pub expired: AtomicU64,
    pub refused: AtomicU64,
}

/// Counts of all slices.
#[derive(Debug)]
pub(super) struct Cells(Box<[Cell]>);

impl Default for Cells {
    fn default() -> Self {
        Self((0..SLICES).map(|_| Cell::default()).collect())
    }
}

impl Cells {
    pub fn of(&self, slice: usize) -> &Cell {
        &self.0[slice]
    }

    fn sum(&self, of: impl Fn(&Cell) -> &AtomicU64) -> u64 {
        self.0
            .iter()
            .map(|cell| of(cell).load(Ordering::Relaxed))
            .sum()
    }
}

impl CounterTable {
    /// The table's numbers; cheap.
    #[must_use]
    pub fn stats(&self) -> TableStats {
        TableStats {
            slots: (self.table.buckets() * SLOTS) as u64,
            used: self.cells.sum(|cell| &cell.used),
            evicted: self.cells.sum(|cell| &cell.evicted),
            expired: self.cells.sum(|cell| &cell.expired),
            refused: self.cells.sum(|cell| &cell.refused),
            bytes: self.table.bytes(),
            generation: self.generation.load(Ordering::Relaxed),
        }
    }

    /// Keys that still count at `now`, to two minutes. Reads every head of the table:
    /// tens of milliseconds for a full one, so not for a lane.
    #[must_use]
    pub fn live_keys(&self, now: Timestamp) -> u64 {
        let now = Tick::of(now).expiry_unit();
        let live = |head: u64| is_used(head) && life_left(expiry(head), now) >= 0;
        let buckets = 0..self.table.buckets();
        buckets.map(|bucket| self.table.count(bucket, live)).sum()
    }
}
