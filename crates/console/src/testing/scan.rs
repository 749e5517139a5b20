//! Scans over the events in memory.

use std::ops::ControlFlow;
use std::sync::Arc;

use assay_model::ports::{EventScan, Scan, ScanQuery, ScratchCounters, StoreError, Visit};
use assay_model::recall::{Bump, Reading};
use assay_model::{AccountId, EventRecord, Timestamp};

use super::MemoryEvents;

/// Scans [`MemoryEvents`].
pub struct MemoryScan(pub Arc<MemoryEvents>);

impl EventScan for MemoryScan {
    fn open(&self, account: AccountId, query: &ScanQuery) -> Result<Box<dyn Scan>, StoreError> {
        let wanted = |record: &EventRecord<'_>| {
            let hit = &record.facts.hit;
            let of = |f: &assay_model::ports::EventFilter| {
                f.values.contains(&f.dimension.value(record).to_string())
            };
            hit.account == account
                && (query.from..query.to).contains(&hit.time)
                && query.filters.iter().all(of)
        };
        let mut records: Vec<(Timestamp, Vec<u8>)> = Vec::new();
        for bytes in self.0.records() {
            let record = EventRecord::decode(&bytes).unwrap();
            if wanted(&record) {
                records.push((record.facts.hit.time, bytes));
            }
        }
        records.sort();
        Ok(Box::new(Opened(records)))
    }

    fn counters(&self) -> Box<dyn ScratchCounters> {
        Box::<Counts>::default()
    }
}

struct Opened(Vec<(Timestamp, Vec<u8>)>);

impl Scan for Opened {
    fn events(&self) -> u64 {
        self.0.len() as u64
    }

    fn each(&self, mut visitors: Vec<Box<Visit<'_>>>) -> Result<(), StoreError> {
        self.in_time_order(&mut *visitors[0])
    }

    fn in_time_order(&self, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        let all = self.0.iter().try_for_each(|(_, bytes)| visit(bytes));
        let (ControlFlow::Continue(()) | ControlFlow::Break(())) = all;
        Ok(())
    }
}

/// Counts each key, whatever its window.
#[derive(Default)]
struct Counts(std::collections::HashMap<u64, u32>);

impl ScratchCounters for Counts {
    fn bump(&mut self, _: AccountId, _: Timestamp, bumps: &[Bump], out: &mut Vec<Option<Reading>>) {
        out.clear();
        for bump in bumps {
            let count = self.0.entry(bump.key).or_default();
            *count += 1;
            out.push(Some(Reading {
                count: *count,
                ..Reading::default()
            }));
        }
    }
}
