//! The indexer: follows the spool and notes where each click is.

use std::collections::HashSet;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use assay_model::EventKind;
use assay_model::ports::LogPosition;
use assay_model::record::peek_external_id;

use super::super::EventsError;
use super::super::store::EventStore;
use super::keys;
use super::recent::Spooled;
use crate::spool::SpoolReader;

/// How long it sleeps when nobody waits for it.
const IDLE: Duration = Duration::from_millis(20);
/// Entries gathered before the index takes them.
const AT_ONCE: usize = 4096;

/// Feeds the index; one thread runs it, at the lanes' own priority.
pub struct ClickIndexer {
    store: EventStore,
    readers: Vec<SpoolReader>,
    /// Files whose index could not be made.
    failed: HashSet<u64>,
}

impl std::fmt::Debug for ClickIndexer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClickIndexer").finish_non_exhaustive()
    }
}

impl ClickIndexer {
    pub(in super::super) fn new(store: EventStore) -> Self {
        let inner = &store.0;
        let lanes = inner.spool.lanes();
        let readers = lanes.filter_map(|lane| inner.spool.reader(lane, inner.sealed(lane)));
        Self {
            readers: readers.collect(),
            failed: HashSet::new(),
            store,
        }
    }

    /// Indexes until told to stop; `failed` is told of what went wrong, and it is tried again.
    pub fn run(&mut self, stop: &AtomicBool, mut failed: impl FnMut(EventsError)) {
        let clicks = &self.store.0.clicks;
        let mut indexer = clicks
            .indexer
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *indexer = Some(std::thread::current());
        drop(indexer);
        while !stop.load(Ordering::Acquire) {
            if let Err(error) = self.step() {
                failed(error);
                std::thread::park_timeout(Duration::from_secs(1));
            }
            std::thread::park_timeout(IDLE);
        }
    }

    /// Indexes what was appended since the last call.
    ///
    /// # Errors
    /// [`EventsError`] of the disk; the next call goes on.
    pub fn step(&mut self) -> Result<(), EventsError> {
        let inner = &self.store.0;
        for reader in &mut self.readers {
            let lane = reader.lane();
            let sealed = inner.sealed(lane);
            inner.clicks.recent().forget(lane, sealed);
            if sealed > reader.position()
                && let Some(ahead) = inner.spool.reader(lane, sealed)
            {
                // What was passed over is in files; who waits must look there.
                *reader = ahead;
                inner.clicks.watches.tell_all();
            }
        }
        for at in 0..self.readers.len() {
            self.follow(at)?;
        }
        self.store.0.clicks.stepped.notify_waiters();
        self.store.index_a_file(&mut self.failed)
    }

    fn follow(&mut self, at: usize) -> Result<(), EventsError> {
        let inner = &self.store.0;
        let reader = &mut self.readers[at];
        // Read before the frames: everything up to here is seen when the reader finds no more.
        let written = inner.spool.written(reader.lane());
        let mut found = Vec::new();
        while !inner.clicks.recent().is_full() {
            let more = gather(reader, &mut found)?;
            let end = match more {
                true => reader.position(),
                false => reader.position().max(written),
            };
            let mut recent = inner.clicks.recent();
            recent.add(reader.lane(), &found, end);
            drop(recent);
            inner
                .clicks
                .watches
                .tell(found.drain(..).map(|entry| entry.hash));
            if !more {
                break;
            }
        }
        Ok(())
    }
}

/// Gathers entries from the spool; false = there are no more.
fn gather(reader: &mut SpoolReader, found: &mut Vec<Spooled>) -> Result<bool, EventsError> {
    while found.len() < AT_ONCE {
        let from = reader.position();
        let Some(batch) = reader.next_batch()? else {
            return Ok(false);
        };
        for (nth, bytes) in batch.records.enumerate() {
            add(bytes, from, nth as u32, found);
        }
    }
    Ok(true)
}

fn add(bytes: &[u8], from: LogPosition, nth: u32, found: &mut Vec<Spooled>) {
    // What does not decode is counted when it is sealed.
    let Ok((frame, external_id)) = peek_external_id(bytes) else {
        return;
    };
    if !keys::is_indexed(frame.event) {
        return;
    }
    let entry = |hash| Spooled {
        hash,
        impression: frame.event == EventKind::Impression,
        time: frame.time,
        from,
        nth,
    };
    found.push(entry(keys::own(frame.account, frame.event_id)));
    if !external_id.is_empty() {
        let hash = keys::external(frame.account, frame.integration, external_id);
        found.push(entry(hash));
    }
}
