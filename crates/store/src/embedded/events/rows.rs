//! From event records to columns: the one way into files and into the unsealed tail.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow_array::builder::{
    ArrayBuilder, BinaryBuilder, BooleanBuilder, StringBuilder, StringDictionaryBuilder,
    TimestampMillisecondBuilder, UInt8Builder, UInt32Builder,
};
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::ArrowError;
use assay_model::ports::Dimension;
use assay_model::{EventRecord, Reason};

use super::columns::{self, SCHEMA};

/// Collects rows into a [`RecordBatch`].
pub struct Rows {
    event_id: StringBuilder,
    account: UInt32Builder,
    times: [TimestampMillisecondBuilder; 3],
    /// In the order of [`columns::texts`].
    texts: Vec<TextColumn>,
    points: UInt8Builder,
    test: BooleanBuilder,
    decision_us: UInt32Builder,
    record: BinaryBuilder,
    dimensions: Vec<Dimension>,
    scratch: String,
    bytes: usize,
}

impl Default for Rows {
    fn default() -> Self {
        let time = || TimestampMillisecondBuilder::new().with_timezone("UTC");
        Self {
            event_id: StringBuilder::new(),
            account: UInt32Builder::new(),
            times: [time(), time(), time()],
            texts: columns::texts().map(|_| TextColumn::default()).collect(),
            points: UInt8Builder::new(),
            test: BooleanBuilder::new(),
            decision_us: UInt32Builder::new(),
            record: BinaryBuilder::new(),
            dimensions: columns::dimensions().collect(),
            scratch: String::new(),
            bytes: 0,
        }
    }
}

/// A text column. Neighbours are often alike, so a text is looked up once a run.
#[derive(Default)]
struct TextColumn {
    column: StringDictionaryBuilder<Int32Type>,
    last: String,
    run: usize,
}

impl TextColumn {
    fn push(&mut self, text: &str) {
        if self.run > 0 && self.last != text {
            self.written();
        }
        if self.run == 0 {
            self.last.clear();
            self.last.push_str(text);
        }
        self.run += 1;
    }

    /// The column with the run that was open.
    fn written(&mut self) -> &mut StringDictionaryBuilder<Int32Type> {
        if self.run > 0 {
            self.column.append_values(&self.last, self.run);
            self.run = 0;
        }
        &mut self.column
    }
}

/// Whether the event is a test, which moves no counter and stays out of reports.
#[must_use]
pub fn is_test(record: &EventRecord<'_>) -> bool {
    let findings = &record.verdict.findings;
    findings.iter().any(|f| f.reason == Reason::TestTraffic)
}

impl Rows {
    /// Adds an event; `bytes` are the record's own.
    pub fn push(&mut self, record: &EventRecord<'_>, bytes: &[u8]) {
        let hit = &record.facts.hit;
        self.scratch.clear();
        // Writing to a String cannot fail.
        let _ = write!(self.scratch, "{}", record.event_id);
        self.event_id.append_value(&self.scratch);
        self.account.append_value(hit.account.0);
        let at = record.event_id.at();
        for (column, time) in self.times.iter_mut().zip([hit.time, hit.received, at]) {
            column.append_value(time.0);
        }
        self.push_texts(record);
        self.points.append_value(record.verdict.points);
        self.test.append_value(is_test(record));
        self.decision_us.append_value(record.decision_us);
        self.record.append_value(bytes);
        // Keys, times and the rest of a row take about this much beside the record.
        self.bytes += bytes.len() + 300;
    }

    fn push_texts(&mut self, record: &EventRecord<'_>) {
        let hit = &record.facts.hit;
        let mut columns = self.texts.iter_mut();
        for (dimension, column) in self.dimensions.iter().zip(&mut columns) {
            match dimension.field() {
                // As `Dimension::value` does, without a copy.
                Some(field) => column.push(hit.get(field).unwrap_or("")),
                None => column.push(&dimension.value(record).to_string()),
            }
        }
        reasons(record, &mut self.scratch);
        let notes = [
            self.scratch.as_str(),
            record.verdict.degraded.map_or("", |why| why.as_str()),
            record.destination.unwrap_or(""),
        ];
        let fields = columns::FIELDS.map(|field| hit.get(field).unwrap_or(""));
        for (text, column) in notes.into_iter().chain(fields).zip(columns) {
            column.push(text);
        }
    }

    /// Rows so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.account.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// About how much memory they take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The rows as a batch; starts over.
    ///
    /// # Errors
    /// Arrow's; a column of another length would be a bug.
    pub fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        self.bytes = 0;
        self.batch(|column| column.finish())
    }

    /// The rows so far as a batch; goes on.
    ///
    /// # Errors
    /// As [`Self::finish`].
    pub fn snapshot(&mut self) -> Result<RecordBatch, ArrowError> {
        self.batch(|column| column.finish_cloned())
    }

    fn batch(
        &mut self,
        take: impl Fn(&mut dyn ArrayBuilder) -> ArrayRef,
    ) -> Result<RecordBatch, ArrowError> {
        let mut arrays = vec![take(&mut self.event_id), take(&mut self.account)];
        arrays.extend(self.times.iter_mut().map(|column| take(column)));
        arrays.extend(self.texts.iter_mut().map(|column| take(column.written())));
        arrays.extend([
            take(&mut self.points),
            take(&mut self.test),
            take(&mut self.decision_us),
            take(&mut self.record),
        ]);
        RecordBatch::try_new(Arc::clone(&SCHEMA), arrays)
    }
}

/// Codes of all findings, main reason first, comma between.
fn reasons(record: &EventRecord<'_>, out: &mut String) {
    out.clear();
    for finding in &record.verdict.findings {
        if !out.is_empty() {
            out.push(',');
        }
        out.push_str(finding.reason.code());
    }
}
