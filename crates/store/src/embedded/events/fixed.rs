//! The columns that are numbers.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::builder::{
    ArrayBuilder, BooleanBuilder, TimestampMillisecondBuilder, UInt8Builder, UInt32Builder,
};
use assay_model::{EventRecord, Reason};

/// How many of them stand before the texts.
pub const BEFORE_TEXTS: usize = 4;

/// Collects rows of the columns that are numbers.
pub struct Fixed {
    account: UInt32Builder,
    times: [TimestampMillisecondBuilder; 3],
    points: UInt8Builder,
    test: BooleanBuilder,
    decision_us: UInt32Builder,
}

impl Fixed {
    /// With room for so many rows.
    pub fn with_capacity(rows: usize) -> Self {
        let time = || TimestampMillisecondBuilder::with_capacity(rows).with_timezone("UTC");
        Self {
            account: UInt32Builder::with_capacity(rows),
            times: [time(), time(), time()],
            points: UInt8Builder::with_capacity(rows),
            test: BooleanBuilder::with_capacity(rows),
            decision_us: UInt32Builder::with_capacity(rows),
        }
    }

    /// Adds an event.
    pub fn push(&mut self, record: &EventRecord<'_>) {
        let hit = &record.facts.hit;
        self.account.append_value(hit.account.0);
        let at = record.event_id.at();
        for (column, time) in self.times.iter_mut().zip([hit.time, hit.received, at]) {
            column.append_value(time.0);
        }
        self.points.append_value(record.verdict.points);
        self.test.append_value(is_test(record));
        self.decision_us.append_value(record.decision_us);
    }

    /// Rows so far.
    pub fn len(&self) -> usize {
        self.account.len()
    }

    /// The columns in stored order, [`BEFORE_TEXTS`] of them before the texts; starts over.
    pub fn finish(&mut self) -> Vec<ArrayRef> {
        let [time, received, id_time] = &mut self.times;
        vec![
            Arc::new(self.account.finish()),
            Arc::new(time.finish()),
            Arc::new(received.finish()),
            Arc::new(id_time.finish()),
            Arc::new(self.points.finish()),
            Arc::new(self.test.finish()),
            Arc::new(self.decision_us.finish()),
        ]
    }

    /// As [`Self::finish`], but goes on.
    pub fn snapshot(&self) -> Vec<ArrayRef> {
        let [time, received, id_time] = &self.times;
        vec![
            Arc::new(self.account.finish_cloned()),
            Arc::new(time.finish_cloned()),
            Arc::new(received.finish_cloned()),
            Arc::new(id_time.finish_cloned()),
            Arc::new(self.points.finish_cloned()),
            Arc::new(self.test.finish_cloned()),
            Arc::new(self.decision_us.finish_cloned()),
        ]
    }
}

/// Whether the event is a test, which moves no counter and stays out of reports.
#[must_use]
pub fn is_test(record: &EventRecord<'_>) -> bool {
    let findings = &record.verdict.findings;
    findings.iter().any(|f| f.reason == Reason::TestTraffic)
}
