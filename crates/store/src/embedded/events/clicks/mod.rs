//! The click index: our id and the caller's id of every click and impression, to its record.
//!
//! Written per click, read per conversion. What is sealed has a sidecar beside its events file
//! (sorted hashes, [`sidecar`]); what is not is in memory ([`recent`]), fed by a thread that
//! follows the spool ([`ClickIndexer`]). A look-up asks memory first and files after, so what is
//! sealed meanwhile is seen in one of them. A hash only says where to look: the record decides.

mod find;
mod indexer;
mod keys;
mod make;
mod port;
mod recent;
mod sidecar;
#[cfg(test)]
mod tests;
mod watches;

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::Thread;

use tokio::sync::Notify;

pub use indexer::ClickIndexer;
pub use port::EmbeddedClicks;
pub use sidecar::{Sidecar, SidecarWriter, path_of};

use super::kept::Kept;
use recent::Recent;
use watches::Watches;

/// What look-ups, indexer and sealer share.
#[derive(Default)]
pub struct Clicks {
    /// Open sidecars.
    pub sidecars: Kept<Sidecar>,
    recent: Mutex<Recent>,
    watches: Watches,
    /// Files whose sidecar a look-up could not read; the indexer makes it again.
    broken: Mutex<HashSet<u64>>,
    /// Told after every step of the indexer.
    stepped: Notify,
    indexer: Mutex<Option<Thread>>,
}

impl Clicks {
    fn recent(&self) -> MutexGuard<'_, Recent> {
        // Every change under this lock leaves it whole.
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn broken(&self) -> MutexGuard<'_, HashSet<u64>> {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the indexer look at once instead of at its next turn.
    fn wake(&self) {
        let indexer = self.indexer.lock();
        if let Some(thread) = &*indexer.unwrap_or_else(PoisonError::into_inner) {
            thread.unpark();
        }
    }
}
