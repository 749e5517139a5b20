//! Reading events files: footers kept in memory, row groups by their statistics, rows by place.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder, RowSelection, RowSelector,
};
use parquet::file::metadata::PageIndexPolicy;
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::statistics::Statistics;

use super::EventsError;
use super::columns::{self, RECORD};
use super::kept::Kept;
use super::snapshot::StoredFile;

/// A file that several threads read at once: every read says where.
#[derive(Clone, Debug)]
pub(crate) struct Shared(Arc<File>);

impl Length for Shared {
    fn len(&self) -> u64 {
        self.0.metadata().map_or(0, |meta| meta.len())
    }
}

impl ChunkReader for Shared {
    type T = From;

    fn get_read(&self, start: u64) -> parquet::errors::Result<From> {
        Ok(From {
            file: Arc::clone(&self.0),
            at: start,
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        let mut bytes = vec![0; length];
        self.0.read_exact_at(&mut bytes, start)?;
        Ok(bytes.into())
    }
}

/// Reads on from a place.
#[derive(Debug)]
pub(crate) struct From {
    file: Arc<File>,
    at: u64,
}

impl Read for From {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// An open file and what its end says of it.
#[derive(Debug)]
pub(crate) struct Footer {
    file: Shared,
    metadata: ArrowReaderMetadata,
}

impl Footer {
    fn open(file: &StoredFile) -> Result<Self, EventsError> {
        let shared = Shared(Arc::new(File::open(&file.path)?));
        let options = ArrowReaderOptions::new().with_offset_index_policy(PageIndexPolicy::Optional);
        let metadata = ArrowReaderMetadata::load(&shared, options)?;
        Ok(Self {
            file: shared,
            metadata,
        })
    }

    pub fn row_groups(&self) -> usize {
        self.metadata.metadata().num_row_groups()
    }

    pub fn rows(&self, row_group: usize) -> usize {
        let rows = self.metadata.metadata().row_group(row_group).num_rows();
        usize::try_from(rows).unwrap_or(0)
    }

    /// Lowest and highest value of a number column in a row group.
    pub fn range(&self, row_group: usize, column: &'static str) -> Option<(i64, i64)> {
        match self.statistics(row_group, column)? {
            Statistics::Int64(s) => Some((*s.min_opt()?, *s.max_opt()?)),
            // Unsigned numbers, stored bit by bit.
            Statistics::Int32(s) => {
                let wide = |n: i32| i64::from(n.cast_unsigned());
                Some((wide(*s.min_opt()?), wide(*s.max_opt()?)))
            }
            Statistics::Boolean(s) => Some(((*s.min_opt()?).into(), (*s.max_opt()?).into())),
            _ => None,
        }
    }

    fn statistics(&self, row_group: usize, column: &'static str) -> Option<&Statistics> {
        let at = self.metadata.schema().index_of(column).ok()?;
        let group = self.metadata.metadata().row_group(row_group);
        group.column(at).statistics()
    }

    /// Whether `text` may be in the column of the row group, by its bloom filter.
    pub fn may_have(
        &self,
        row_group: usize,
        column: &'static str,
        text: &str,
    ) -> Result<bool, EventsError> {
        let Ok(at) = self.metadata.schema().index_of(column) else {
            return Ok(true);
        };
        let builder = self.builder();
        let filter = builder.get_row_group_column_bloom_filter(row_group, at)?;
        Ok(filter.is_none_or(|filter| filter.check(&text)))
    }

    /// Reads columns of a row group.
    pub fn read<'a>(
        &self,
        row_group: usize,
        columns: impl IntoIterator<Item = &'a str>,
        batch_rows: usize,
    ) -> Result<ParquetRecordBatchReader, EventsError> {
        let builder = self.builder().with_row_groups(vec![row_group]);
        let mask = ProjectionMask::columns(builder.parquet_schema(), columns);
        let builder = builder.with_projection(mask).with_batch_size(batch_rows);
        Ok(builder.build()?)
    }

    /// Reads columns of a whole row group as one batch.
    pub fn read_whole<'a>(
        &self,
        row_group: usize,
        columns: impl IntoIterator<Item = &'a str>,
    ) -> Result<Option<RecordBatch>, EventsError> {
        let mut batches = self.read(row_group, columns, self.rows(row_group).max(1))?;
        Ok(batches.next().transpose()?)
    }

    /// The records of a row group, some at a time; `wanted` = only those of these rows.
    pub fn records_of(
        &self,
        row_group: usize,
        wanted: Option<&[bool]>,
        batch_rows: usize,
    ) -> Result<ParquetRecordBatchReader, EventsError> {
        let builder = self.builder().with_row_groups(vec![row_group]);
        let mask = ProjectionMask::columns(builder.parquet_schema(), [RECORD]);
        let builder = builder.with_projection(mask).with_batch_size(batch_rows);
        let Some(wanted) = wanted else {
            return Ok(builder.build()?);
        };
        let runs = wanted.chunk_by(|a, b| a == b);
        let selectors = runs.map(|run| match run {
            [true, ..] => RowSelector::select(run.len()),
            _ => RowSelector::skip(run.len()),
        });
        let selection = RowSelection::from(selectors.collect::<Vec<_>>());
        Ok(builder.with_row_selection(selection).build()?)
    }

    /// The records at these rows of a row group (ascending).
    pub fn records(&self, row_group: usize, rows: &[usize]) -> Result<Vec<Vec<u8>>, EventsError> {
        let mut selectors = Vec::with_capacity(rows.len() * 2);
        let mut at = 0;
        for &row in rows {
            if row > at {
                selectors.push(RowSelector::skip(row - at));
            }
            selectors.push(RowSelector::select(1));
            at = row + 1;
        }
        let builder = self.builder().with_row_groups(vec![row_group]);
        let mask = ProjectionMask::columns(builder.parquet_schema(), [RECORD]);
        let batches = builder
            .with_projection(mask)
            .with_row_selection(RowSelection::from(selectors))
            .build()?;
        let mut records = Vec::with_capacity(rows.len());
        for batch in batches {
            let batch = batch?;
            let column = batch.column_by_name(RECORD);
            let column = column.and_then(|column| column.as_binary_opt::<i32>());
            let column = column.ok_or(EventsError::Column(columns::RECORD))?;
            records.extend(
                column
                    .iter()
                    .map(|bytes| bytes.unwrap_or_default().to_vec()),
            );
        }
        Ok(records)
    }

    fn builder(&self) -> ParquetRecordBatchReaderBuilder<Shared> {
        ParquetRecordBatchReaderBuilder::new_with_metadata(self.file.clone(), self.metadata.clone())
    }
}

/// Footers that were read lately.
#[derive(Debug, Default)]
pub(crate) struct Footers(Kept<Footer>);

impl Footers {
    /// The footer of a file.
    pub fn of(&self, file: &StoredFile) -> Result<Arc<Footer>, EventsError> {
        self.0.of(file.row.id, || Footer::open(file))
    }

    /// Closes a file that is gone.
    pub fn forget(&self, id: u64) {
        self.0.forget(id);
    }
}
