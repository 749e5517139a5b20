//! A row group being written: texts as keys, everything else through the Parquet crate.

use std::fs::File;

use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::file::writer::SerializedFileWriter;

use super::EventsError;
use super::chunk::{Squeeze, TextChunk};
use super::columns::{self, BEFORE_TEXTS, SCHEMA, Text};
use super::fixed::Fixed;
use super::rows::Decoded;

/// Rows of the other columns that are handed over at a time.
const BATCH_ROWS: usize = 8192;
/// Files are sorted by it within an account, so its bounds skip something.
const BOUNDED: &str = "integration";
/// Looked up one by one by whoever reads the files.
const BLOOMED: &str = "external_transaction_id";

/// The row group.
pub struct Group {
    fixed: Fixed,
    /// Writers of the columns that are no texts, in stored order.
    writers: Vec<ArrowColumnWriter>,
    texts: Vec<(Text, TextChunk)>,
    rows: usize,
}

impl Group {
    /// Starts row group `number`; `rows` is how many will come at most.
    pub fn new(
        factory: &ArrowRowGroupWriterFactory,
        number: usize,
        rows: u64,
    ) -> Result<Self, EventsError> {
        let texts = columns::texts().map(|text| {
            let bloomed = text.name() == BLOOMED;
            let chunk = bloomed.then(|| TextChunk::with_bloom(rows)).transpose();
            Ok((text, chunk?.unwrap_or_default()))
        });
        let texts = texts.collect::<Result<Vec<_>, EventsError>>()?;
        let mut writers = factory.create_column_writers(number)?;
        writers.drain(columns::text_places());
        Ok(Self {
            fixed: Fixed::default(),
            writers,
            texts,
            rows: 0,
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
            self.fixed.push(event);
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
        let arrays = self.fixed.finish();
        let fields = SCHEMA.fields();
        let after = columns::text_places().end;
        let fields = fields[..BEFORE_TEXTS].iter().chain(&fields[after..]);
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
        for (at, descr) in descr.into_iter().enumerate() {
            if columns::text_places().contains(&at) {
                if let Some((text, chunk)) = texts.next() {
                    let bounds = text.name() == BOUNDED;
                    let (bytes, close) = chunk.close(descr, bounds, squeeze)?;
                    group.append_column(&bytes, close)?;
                }
            } else if let Some(writer) = writers.next() {
                writer.close()?.append_to_row_group(&mut group)?;
            }
        }
        group.close()?;
        Ok(())
    }
}
