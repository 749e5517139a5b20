//! Reads several sorted files as one: the next record in (account, integration, time) order.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use arrow_array::RecordBatch;
use assay_model::EventId;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use super::EventsError;
use super::columns::{ACCOUNT, EVENT_ID, RECORD, TIME};
use super::get::{ids, record_at};
use super::mask::{accounts, dictionary, times};
use super::parquet_file::Footer;

/// Rows read ahead of each file: with 64 files, some 30 MB of records.
const AHEAD: usize = 1024;

/// What rows are sorted by; the id makes the order of equal times the same every time.
type SortKey = (u32, u32, i64, EventId);

/// The files, each at its next record.
pub struct Merge {
    inputs: Vec<Input>,
    next: BinaryHeap<Reverse<(SortKey, usize)>>,
}

struct Input {
    footer: Arc<Footer>,
    group: usize,
    rows: Option<ParquetRecordBatchReader>,
    ahead: VecDeque<(SortKey, Vec<u8>)>,
}

impl Merge {
    /// Starts at the first record of each file.
    pub fn new(footers: Vec<Arc<Footer>>) -> Result<Self, EventsError> {
        let inputs = footers.into_iter().map(|footer| Input {
            footer,
            group: 0,
            rows: None,
            ahead: VecDeque::new(),
        });
        let mut merge = Self {
            inputs: inputs.collect(),
            next: BinaryHeap::new(),
        };
        for input in 0..merge.inputs.len() {
            merge.look_ahead(input)?;
        }
        Ok(merge)
    }

    /// The next records, so many if there are; none = all were read.
    pub fn take(&mut self, count: usize) -> Result<Vec<Vec<u8>>, EventsError> {
        let mut records = Vec::with_capacity(count);
        while records.len() < count
            && let Some(record) = self.next()?
        {
            records.push(record);
        }
        Ok(records)
    }

    /// The next record; `None` = all were read.
    fn next(&mut self) -> Result<Option<Vec<u8>>, EventsError> {
        let Some(Reverse((_, input))) = self.next.pop() else {
            return Ok(None);
        };
        let record = self.inputs[input].ahead.pop_front();
        self.look_ahead(input)?;
        Ok(record.map(|(_, bytes)| bytes))
    }

    fn look_ahead(&mut self, at: usize) -> Result<(), EventsError> {
        let input = &mut self.inputs[at];
        if input.ahead.is_empty() {
            input.read()?;
        }
        if let Some((key, _)) = input.ahead.front() {
            self.next.push(Reverse((*key, at)));
        }
        Ok(())
    }
}

impl Input {
    fn read(&mut self) -> Result<(), EventsError> {
        const COLUMNS: [&str; 5] = [ACCOUNT, "integration", TIME, EVENT_ID, RECORD];
        loop {
            if let Some(rows) = &mut self.rows
                && let Some(batch) = rows.next().transpose()?
            {
                return self.take(&batch);
            }
            if self.group == self.footer.row_groups() {
                return Ok(());
            }
            self.rows = Some(self.footer.read(self.group, COLUMNS, AHEAD)?);
            self.group += 1;
        }
    }

    fn take(&mut self, batch: &RecordBatch) -> Result<(), EventsError> {
        let (accounts, times, ids) = (accounts(batch)?, times(batch, TIME)?, ids(batch)?);
        let (keys, texts) = dictionary(batch, "integration")?;
        for row in 0..batch.num_rows() {
            let wrong = || EventsError::Column("integration");
            let integration = texts
                .value(keys[row] as usize)
                .parse()
                .map_err(|_| wrong())?;
            let id = ids.value(row).parse();
            let id = id.map_err(|_| EventsError::Column(EVENT_ID))?;
            let key = (accounts[row], integration, times[row], id);
            self.ahead.push_back((key, record_at(batch, row)?.to_vec()));
        }
        Ok(())
    }
}
