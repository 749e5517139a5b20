//! The columns that are no dictionary-coded texts.

use std::sync::Arc;

use arrow_array::builder::{
    BinaryBuilder, BooleanBuilder, StringBuilder, TimestampMillisecondBuilder, UInt8Builder,
    UInt32Builder,
};
use arrow_array::{ArrayRef, builder::ArrayBuilder};
use assay_model::{EventRecord, Reason, base32};

use super::rows::Decoded;

/// Collects rows of the columns that are no texts.
pub struct Fixed {
    event_id: StringBuilder,
    account: UInt32Builder,
    times: [TimestampMillisecondBuilder; 3],
    points: UInt8Builder,
    test: BooleanBuilder,
    decision_us: UInt32Builder,
    record: BinaryBuilder,
    id: String,
}

impl Default for Fixed {
    fn default() -> Self {
        let time = || TimestampMillisecondBuilder::new().with_timezone("UTC");
        Self {
            event_id: StringBuilder::new(),
            account: UInt32Builder::new(),
            times: [time(), time(), time()],
            points: UInt8Builder::new(),
            test: BooleanBuilder::new(),
            decision_us: UInt32Builder::new(),
            record: BinaryBuilder::new(),
            id: String::new(),
        }
    }
}

/// Whether the event is a test, which moves no counter and stays out of reports.
#[must_use]
pub fn is_test(record: &EventRecord<'_>) -> bool {
    let findings = &record.verdict.findings;
    findings.iter().any(|f| f.reason == Reason::TestTraffic)
}

impl Fixed {
    /// Adds an event.
    pub fn push(&mut self, Decoded { record, bytes }: &Decoded<'_>) {
        let hit = &record.facts.hit;
        self.id.clear();
        base32::encode_into(&record.event_id.0, &mut self.id);
        self.event_id.append_value(&self.id);
        self.account.append_value(hit.account.0);
        let at = record.event_id.at();
        for (column, time) in self.times.iter_mut().zip([hit.time, hit.received, at]) {
            column.append_value(time.0);
        }
        self.points.append_value(record.verdict.points);
        self.test.append_value(is_test(record));
        self.decision_us.append_value(record.decision_us);
        self.record.append_value(bytes);
    }

    /// Rows so far.
    pub fn len(&self) -> usize {
        self.account.len()
    }

    /// The columns in stored order, [`super::columns::BEFORE_TEXTS`] of them before the texts; starts over.
    pub fn finish(&mut self) -> Vec<ArrayRef> {
        let [time, received, id_time] = &mut self.times;
        vec![
            Arc::new(self.event_id.finish()),
            Arc::new(self.account.finish()),
            Arc::new(time.finish()),
            Arc::new(received.finish()),
            Arc::new(id_time.finish()),
            Arc::new(self.points.finish()),
            Arc::new(self.test.finish()),
            Arc::new(self.decision_us.finish()),
            Arc::new(self.record.finish()),
        ]
    }

    /// As [`Self::finish`], but goes on.
    pub fn snapshot(&self) -> Vec<ArrayRef> {
        let [time, received, id_time] = &self.times;
        vec![
            Arc::new(self.event_id.finish_cloned()),
            Arc::new(self.account.finish_cloned()),
            Arc::new(time.finish_cloned()),
            Arc::new(received.finish_cloned()),
            Arc::new(id_time.finish_cloned()),
            Arc::new(self.points.finish_cloned()),
            Arc::new(self.test.finish_cloned()),
            Arc::new(self.decision_us.finish_cloned()),
            Arc::new(self.record.finish_cloned()),
        ]
    }
}
