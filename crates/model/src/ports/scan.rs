//! Reading many events in one go: for replay, and for what is counted event by event.

use std::ops::ControlFlow;

use super::StoreError;
use super::events::EventFilter;
use crate::recall::{Bump, Reading};
use crate::{AccountId, Timestamp};

/// Which events.
#[derive(Clone, Debug)]
pub struct ScanQuery {
    /// From here on, by the event's own time.
    pub from: Timestamp,
    /// Before here.
    pub to: Timestamp,
    /// All must match.
    pub filters: Vec<EventFilter>,
}

/// Takes records one by one, test events too; `Break` ends the whole scan.
pub type Visit<'v> = dyn FnMut(&[u8]) -> ControlFlow<()> + Send + 'v;

/// Opens scans. Its calls block: they belong on threads that nothing waits for.
pub trait EventScan: Send + Sync {
    /// One moment of the store: what is appended later is not seen.
    ///
    /// # Errors
    /// [`StoreError`].
    fn open(&self, account: AccountId, query: &ScanQuery) -> Result<Box<dyn Scan>, StoreError>;

    /// Empty counters that count as the store's own do, and take no more memory than it
    /// gives them.
    fn counters(&self) -> Box<dyn ScratchCounters>;
}

/// A scan of one account's events. Memory is bounded whatever its length; its threads give
/// way to everything else on the machine.
pub trait Scan: Send + Sync {
    /// About how many events there are, to tell how far a scan is: what a filter or a range
    /// leaves out of a file is not known before, nor what is in no file yet and not in memory.
    fn events(&self) -> u64;

    /// Every event once, in no order, by as many threads as there are visitors.
    ///
    /// # Errors
    /// [`StoreError`]; visitors have seen some of the events then.
    fn each(&self, visitors: Vec<Box<Visit<'_>>>) -> Result<(), StoreError>;

    /// Every event once, ascending by its own time.
    ///
    /// # Errors
    /// As [`Self::each`].
    fn in_time_order(&self, visit: &mut Visit<'_>) -> Result<(), StoreError>;
}

/// Counters of a replay, which are thrown away after it.
pub trait ScratchCounters: Send {
    /// Bumps each key at `at` and puts its reading into `out`, in order; a key that found no
    /// room has `None`.
    fn bump(
        &mut self,
        account: AccountId,
        at: Timestamp,
        bumps: &[Bump],
        out: &mut Vec<Option<Reading>>,
    );
}
