//! Conformance over the real spool and files, and crashes between any two steps of sealing.

use std::path::Path;
use std::sync::Arc;

use assay_model::Timestamp;
use assay_model::ports::{EventLog, EventReader, ReportReader};
use tempfile::TempDir;

use super::*;
use crate::conformance::events::EventBackend;
use crate::conformance::{events, reports};
use crate::spool::{FolderLock, LaneLog, Spool, SpoolOptions};

/// The embedded store, as `serve` wires it.
pub struct Embedded {
    pub log: LaneLog,
    pub spool: Spool,
    pub store: EventStore,
    pub sealer: Sealer,
    _folder: Option<TempDir>,
}

pub fn batch(records: &[Vec<u8>]) -> Vec<u8> {
    let mut batch = Vec::new();
    for record in records {
        batch.extend((record.len() as u32).to_le_bytes());
        batch.extend(record);
    }
    batch
}

impl Embedded {
    pub fn open(folder: &Path, options: EventsOptions) -> Self {
        let lock = Arc::new(FolderLock::take(folder).unwrap());
        let segments = SpoolOptions {
            segment_bytes: 1 << 20,
            ..SpoolOptions::new(1, 5)
        };
        let (spool, mut logs) = Spool::open(&lock, segments).unwrap();
        let store = EventStore::open(folder, &spool, options).unwrap();
        Self {
            log: logs.remove(0),
            sealer: store.sealer(),
            store,
            spool,
            _folder: None,
        }
    }

    fn scratch(options: EventsOptions) -> Self {
        let folder = TempDir::new().unwrap();
        let mut embedded = Self::open(folder.path(), options);
        embedded._folder = Some(folder);
        embedded
    }
}

impl EventBackend for Embedded {
    fn append(&mut self, records: &[Vec<u8>]) {
        for records in records.chunks(16) {
            self.log
                .append(&batch(records), records.len() as u32)
                .unwrap();
        }
    }

    fn settle(&mut self, now: Timestamp) {
        self.sealer.seal().unwrap();
        self.spool.release(0, self.store.sealed(0)).unwrap();
        let _ = now;
    }

    fn events(&self) -> Arc<dyn EventReader> {
        Arc::new(self.store.reader())
    }

    fn reports(&self) -> Arc<dyn ReportReader> {
        Arc::new(self.store.reports())
    }
}

fn all_options() -> Vec<EventsOptions> {
    vec![
        EventsOptions::default(),
        // Hardly anything is kept decoded, and a seal takes several rounds.
        EventsOptions {
            tail_bytes: 40_000,
            seal_bytes: 30_000,
            ..EventsOptions::default()
        },
    ]
}

#[tokio::test]
async fn finds_every_event() {
    for options in all_options() {
        events::finds_every_event(&mut Embedded::scratch(options)).await;
    }
}

#[tokio::test]
async fn lists_the_newest_first() {
    for options in all_options() {
        events::lists_the_newest_first(&mut Embedded::scratch(options)).await;
    }
}

#[tokio::test]
async fn reports_agree_with_the_model() {
    for options in all_options() {
        reports::agree_with_the_model(&mut Embedded::scratch(options)).await;
    }
}

#[tokio::test]
async fn reports_refuse_wrong_questions() {
    reports::refuse_wrong_questions(&Embedded::scratch(EventsOptions::default())).await;
}
