//! The tables in use, swapped while lanes read them.
//!
//! Building takes most of a second, so it runs on the caller's thread, never on a
//! lane; the old tables come back to the caller, who drops them where that does
//! not hurt.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::{ArcSwap, Guard};

use super::{Fingerprint, IntelStore, StoreError};
use crate::ip::IpTables;

/// The current tables, their generation, and the folder they came from.
#[derive(Debug)]
pub struct IntelHandle {
    tables: ArcSwap<IpTables>,
    generation: AtomicU64,
    store: Option<IntelStore>,
    seen: Mutex<Option<Fingerprint>>,
    problems: Mutex<Vec<String>>,
}

/// What a reload brought.
#[derive(Debug)]
pub struct Reloaded {
    /// The tables that were in use; drop them off the lanes.
    pub old: Arc<IpTables>,
    /// Sources that could not be used, each with its cause.
    pub problems: Vec<String>,
}

impl IntelHandle {
    /// Tables without a folder: [`IntelHandle::reload`] changes nothing.
    #[must_use]
    pub fn of_tables(tables: IpTables) -> Self {
        Self {
            tables: ArcSwap::from_pointee(tables),
            generation: AtomicU64::new(1),
            store: None,
            seen: Mutex::new(None),
            problems: Mutex::default(),
        }
    }

    /// Loads the folder; `problems` names what could not be used.
    ///
    /// Errors: [`StoreError`] when the manifest cannot be read.
    pub fn open(store: IntelStore, now: i64) -> Result<(Self, Vec<String>), StoreError> {
        let seen = store.fingerprint();
        let loaded = store.load(now)?;
        let handle = Self {
            store: Some(store),
            seen: Mutex::new(Some(seen)),
            problems: Mutex::new(loaded.problems.clone()),
            ..Self::of_tables(loaded.tables)
        };
        Ok((handle, loaded.problems))
    }

    /// The tables in use, cheap enough for every turn of a lane.
    pub fn tables(&self) -> Guard<Arc<IpTables>> {
        self.tables.load()
    }

    /// The tables in use, to be kept.
    #[must_use]
    pub fn tables_full(&self) -> Arc<IpTables> {
        self.tables.load_full()
    }

    /// Rises with every swap; a lane compares it once a turn.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Puts new tables in use and returns the old ones.
    pub fn swap(&self, tables: IpTables) -> Arc<IpTables> {
        let old = self.tables.swap(Arc::new(tables));
        self.generation.fetch_add(1, Ordering::AcqRel);
        old
    }

    /// Sources that the tables in use lack, or have in an older version, each with its cause.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        self.locked_problems().clone()
    }

    fn locked_problems(&self) -> MutexGuard<'_, Vec<String>> {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether another process has changed the folder since the last load.
    #[must_use]
    pub fn changed_on_disk(&self) -> bool {
        let Some(store) = &self.store else {
            return false;
        };
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen != Some(store.fingerprint())
    }

    /// Builds from the folder and swaps; call it off the lanes.
    ///
    /// Errors: [`StoreError`]; the tables in use stay.
    pub fn reload(&self, now: i64) -> Result<Reloaded, StoreError> {
        let Some(store) = &self.store else {
            return Ok(Reloaded {
                old: self.tables_full(),
                problems: Vec::new(),
            });
        };
        // Before reading: a change during the load is seen by the next poll.
        let fingerprint = store.fingerprint();
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(fingerprint);
        let loaded = store.load(now)?;
        self.locked_problems().clone_from(&loaded.problems);
        Ok(Reloaded {
            old: self.swap(loaded.tables),
            problems: loaded.problems,
        })
    }
}
