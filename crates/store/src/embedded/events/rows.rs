//! From event records to columns in memory: the unsealed tail.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::ArrowError;
use assay_model::EventRecord;

use super::columns::{self, BEFORE_TEXTS, SCHEMA, Text};
use super::fixed::Fixed;
use super::texts::TextColumn;

/// What a row takes beside its record and its texts: id, account, times and the rest.
const FIXED_BYTES: usize = 64;

/// Events decoded at a time: enough to go column by column, few enough to stay in the cache.
pub const AT_ONCE: usize = 128;

/// An event and the bytes that it borrows from.
pub struct Decoded<'a> {
    /// The event.
    pub record: EventRecord<'a>,
    /// Its record.
    pub bytes: &'a [u8],
}

impl<'a> Decoded<'a> {
    /// Decodes a record; `None` = it cannot be, which is counted when it is sealed.
    pub fn of(bytes: &'a [u8]) -> Option<Self> {
        let record = EventRecord::decode(bytes).ok()?;
        Some(Self { record, bytes })
    }
}

/// Collects rows into a [`RecordBatch`].
pub struct Rows {
    fixed: Fixed,
    texts: Vec<(Text, TextColumn)>,
    record_bytes: usize,
}

impl Default for Rows {
    fn default() -> Self {
        Self {
            fixed: Fixed::default(),
            texts: columns::texts()
                .map(|text| (text, TextColumn::default()))
                .collect(),
            record_bytes: 0,
        }
    }
}

impl Rows {
    /// Adds events, column by column: neighbours in a column are alike.
    pub fn extend(&mut self, events: &[Decoded<'_>]) {
        for event in events {
            self.fixed.push(event);
            self.record_bytes += event.bytes.len();
        }
        for (text, column) in &mut self.texts {
            for event in events {
                column.push(&text.value(&event.record));
            }
        }
    }

    /// Rows so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fixed.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// About how much memory they take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let texts = self.texts.iter().map(|(_, column)| column.bytes());
        self.record_bytes + self.len() * FIXED_BYTES + texts.sum::<usize>()
    }

    /// The rows as a batch; starts over.
    ///
    /// # Errors
    /// Arrow's; a column of another length would be a bug.
    pub fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let fixed = self.fixed.finish();
        let batch = self.batch(fixed);
        for (_, column) in &mut self.texts {
            column.clear();
        }
        self.record_bytes = 0;
        batch
    }

    /// The rows so far as a batch; goes on.
    ///
    /// # Errors
    /// As [`Self::finish`].
    pub fn snapshot(&mut self) -> Result<RecordBatch, ArrowError> {
        let fixed = self.fixed.snapshot();
        self.batch(fixed)
    }

    fn batch(&mut self, mut fixed: Vec<ArrayRef>) -> Result<RecordBatch, ArrowError> {
        let after = fixed.split_off(BEFORE_TEXTS);
        let mut arrays = fixed;
        for (_, column) in &mut self.texts {
            arrays.push(column.array()?);
        }
        arrays.extend(after);
        RecordBatch::try_new(Arc::clone(&SCHEMA), arrays)
    }
}
