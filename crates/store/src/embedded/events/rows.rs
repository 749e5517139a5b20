//! From event records to columns in memory: the unsealed tail.

use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, StringBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::ArrowError;
use assay_model::{EventRecord, base32};

use super::columns::{self, SCHEMA, Text};
use super::fixed::{BEFORE_TEXTS, Fixed};
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
    ids: StringBuilder,
    fixed: Fixed,
    texts: Vec<(Text, TextColumn)>,
    records: BinaryBuilder,
    id: String,
}

impl Default for Rows {
    fn default() -> Self {
        Self {
            ids: StringBuilder::new(),
            fixed: Fixed::with_capacity(0),
            texts: columns::texts()
                .map(|text| (text, TextColumn::default()))
                .collect(),
            records: BinaryBuilder::new(),
            id: String::new(),
        }
    }
}

impl Rows {
    /// Adds events, column by column: neighbours in a column are alike.
    pub fn extend(&mut self, events: &[Decoded<'_>]) {
        for event in events {
            self.id.clear();
            base32::encode_into(&event.record.event_id.0, &mut self.id);
            self.ids.append_value(&self.id);
            self.fixed.push(&event.record);
            self.records.append_value(event.bytes);
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
        self.records.values_slice().len() + self.len() * FIXED_BYTES + texts.sum::<usize>()
    }

    /// The rows as a batch; starts over.
    ///
    /// # Errors
    /// Arrow's; a column of another length would be a bug.
    pub fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let (ids, records) = (self.ids.finish(), self.records.finish());
        let fixed = self.fixed.finish();
        let batch = self.batch(Arc::new(ids), fixed, Arc::new(records));
        for (_, column) in &mut self.texts {
            column.clear();
        }
        batch
    }

    /// The rows so far as a batch; goes on.
    ///
    /// # Errors
    /// As [`Self::finish`].
    pub fn snapshot(&mut self) -> Result<RecordBatch, ArrowError> {
        let (ids, records) = (self.ids.finish_cloned(), self.records.finish_cloned());
        let fixed = self.fixed.snapshot();
        self.batch(Arc::new(ids), fixed, Arc::new(records))
    }

    fn batch(
        &mut self,
        ids: ArrayRef,
        mut fixed: Vec<ArrayRef>,
        records: ArrayRef,
    ) -> Result<RecordBatch, ArrowError> {
        let after = fixed.split_off(BEFORE_TEXTS);
        let mut arrays = vec![ids];
        arrays.extend(fixed);
        for (_, column) in &mut self.texts {
            arrays.push(column.array()?);
        }
        arrays.extend(after);
        arrays.push(records);
        RecordBatch::try_new(Arc::clone(&SCHEMA), arrays)
    }
}
