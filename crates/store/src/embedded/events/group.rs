//! A row group being written: texts as keys, ids and records as they are, numbers through the
//! Parquet crate.

use std::fs::File;

use assay_model::base32;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::file::writer::SerializedFileWriter;

use super::EventsError;
use super::chunk::{Squeeze, TextChunk};
use super::columns::{self, SCHEMA, Text};
use super::fixed::Fixed;
use super::rows::Decoded;

/// Rows of the numbers that are handed over at a time.
const BATCH_ROWS: usize = 8192;
/// Files are sorted by it within an account, so its bounds skip something.
const BOUNDED: &str = "integration";
/// Looked up one by one by whoever reads the files, as event ids are.
const BLOOMED: &str = "external_transaction_id";
/// A record is read by itself: pages small enough for that, large enough to compress.
const RECORD_PAGE_BYTES: usize = 256 << 10;
const ID_PAGE_BYTES: usize = 256 << 10;

/// The row group.
pub struct Group {
    ids: TextChunk,
    fixed: Fixed,
    /// Writers of the numbers, in stored order.
    writers: Vec<ArrowColumnWriter>,
    texts: Vec<(Text, TextChunk)>,
    records: TextChunk,
    rows: usize,
    id: String,
}

impl Group {
    /// Starts row group `number`; `rows` is how many will come at most.
    pub fn new(
        factory: &ArrowRowGroupWriterFactory,
        number: usize,
        rows: u64,
    ) -> Result<Self, EventsError> {
        let texts = columns::texts().map(|text| {
            let chunk = TextChunk::default();
            let bloomed = text.name() == BLOOMED;
            let chunk = if bloomed {
                chunk.with_bloom(rows)?
            } else {
                chunk
            };
            Ok((text, chunk))
        });
        let texts = texts.collect::<Result<Vec<_>, EventsError>>()?;
        let mut writers = factory.create_column_writers(number)?;
        writers.truncate(writers.len() - 1);
        writers.drain(columns::text_places());
        writers.remove(0);
        Ok(Self {
            ids: TextChunk::plain(ID_PAGE_BYTES).with_bloom(rows)?,
            fixed: Fixed::with_capacity(BATCH_ROWS),
            writers,
            texts,
            records: TextChunk::plain(RECORD_PAGE_BYTES),
            rows: 0,
            id: String::new(),
        })
    }

    /// Rows so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Adds events, column by column: neighbours in a column are alike.
    pub fn extend(
        &mut self,
        events: &[Decoded<'_>],
        squeeze: &mut Squeeze,
    ) -> Result<(), EventsError> {
        self.rows += events.len();
        for event in events {
            self.id.clear();
            base32::encode_into(&event.record.event_id.0, &mut self.id);
            self.ids.push_plain(self.id.as_bytes(), squeeze)?;
            self.fixed.push(&event.record);
            self.records.push_plain(event.bytes, squeeze)?;
        }
        if self.fixed.len() >= BATCH_ROWS {
            self.write_fixed()?;
        }
        for (text, chunk) in &mut self.texts {
            for event in events {
                chunk.push(&text.value(&event.record), squeeze)?;
            }
        }
        Ok(())
    }

    fn write_fixed(&mut self) -> Result<(), EventsError> {
        let arrays = std::mem::replace(&mut self.fixed, Fixed::with_capacity(BATCH_ROWS)).finish();
        let fields = SCHEMA.fields();
        let texts = columns::text_places();
        let fields = fields[1..texts.start].iter().chain(&fields[texts.end..]);
        for ((field, array), writer) in fields.zip(&arrays).zip(&mut self.writers) {
            for leaf in compute_leaves(field, array)? {
                writer.write(&leaf)?;
            }
        }
        Ok(())
    }

    /// Writes the row group to the file.
    pub fn finish(
        mut self,
        out: &mut SerializedFileWriter<File>,
        squeeze: &mut Squeeze,
    ) -> Result<(), EventsError> {
        self.write_fixed()?;
        let descr = out.schema_descr().columns().to_vec();
        let mut group = out.next_row_group()?;
        let (mut writers, mut texts) = (self.writers.into_iter(), self.texts.into_iter());
        let (mut ids, mut records) = (Some(self.ids), Some(self.records));
        for descr in descr {
            let text = match descr.name() {
                columns::EVENT_ID => ids.take(),
                columns::RECORD => records.take(),
                name if columns::texts().any(|text| text.name() == name) => {
                    texts.next().map(|(_, chunk)| chunk)
                }
                _ => None,
            };
            if let Some(text) = text {
                let bounds = descr.name() == BOUNDED;
                let (bytes, close) = text.close(descr, bounds, squeeze)?;
                group.append_column(&bytes, close)?;
            } else if let Some(writer) = writers.next() {
                writer.close()?.append_to_row_group(&mut group)?;
            }
        }
        group.close()?;
        Ok(())
    }
}
