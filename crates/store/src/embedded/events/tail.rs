//! Unsealed events, decoded once and kept as columns.

use std::collections::{BTreeMap, VecDeque};

use arrow_array::RecordBatch;
use assay_model::ports::LogPosition;

use super::EventsError;
use super::rows::{Decoded, Rows};
use super::snapshot::Rest;
use crate::spool::{Spool, SpoolReader};

/// Rows of a finished chunk.
const CHUNK_ROWS: usize = 16_384;

/// The tails of all lanes.
pub struct Tail {
    spool: Spool,
    lanes: Vec<LaneTail>,
    limit_bytes: usize,
}

struct LaneTail {
    reader: SpoolReader,
    chunks: VecDeque<Chunk>,
    open: Rows,
    /// Where each row of `open` ends in the log.
    open_ends: Vec<LogPosition>,
    /// `open` as a batch, until more rows come.
    open_batch: Option<RecordBatch>,
}

/// Rows that do not change any more, and where each ends in the log.
struct Chunk {
    batch: RecordBatch,
    ends: Vec<LogPosition>,
    bytes: usize,
}

impl Tail {
    /// Starts after what is sealed.
    pub fn new(spool: &Spool, sealed: &BTreeMap<u8, LogPosition>, limit_bytes: usize) -> Self {
        let lanes = spool.lanes().filter_map(|lane| {
            let from = sealed.get(&lane).copied().unwrap_or_default();
            Some(LaneTail::new(spool.reader(lane, from)?))
        });
        Self {
            lanes: lanes.collect(),
            spool: spool.clone(),
            limit_bytes,
        }
    }

    /// Forgets what is sealed, and decodes what was appended since, as far as memory allows.
    pub fn refresh(&mut self, sealed: &BTreeMap<u8, LogPosition>) -> Result<(), EventsError> {
        self.forget(sealed)?;
        let mut bytes: usize = self.lanes.iter().map(LaneTail::bytes).sum();
        for lane in &mut self.lanes {
            let room = self.limit_bytes.saturating_sub(bytes);
            let before = lane.bytes();
            lane.refresh(room)?;
            bytes += lane.bytes() - before;
        }
        Ok(())
    }

    fn forget(&mut self, sealed: &BTreeMap<u8, LogPosition>) -> Result<(), EventsError> {
        for lane in &mut self.lanes {
            let number = lane.reader.lane();
            let position = sealed.get(&number).copied().unwrap_or_default();
            if position > lane.reader.position()
                && let Some(reader) = self.spool.reader(number, position)
            {
                // Sealing has overtaken the tail: nothing that is decoded is needed.
                *lane = LaneTail::new(reader);
            }
            lane.forget(position)?;
        }
        Ok(())
    }

    /// The rows past `sealed`; forgets the others.
    pub fn slices(
        &mut self,
        sealed: &BTreeMap<u8, LogPosition>,
    ) -> Result<Vec<RecordBatch>, EventsError> {
        self.forget(sealed)?;
        let mut slices = Vec::new();
        for lane in &mut self.lanes {
            let position = sealed.get(&lane.reader.lane()).copied();
            lane.slices(position.unwrap_or_default(), &mut slices)?;
        }
        Ok(slices)
    }

    /// What did not fit into memory.
    pub fn rest(&self) -> Vec<Rest> {
        let lanes = self.lanes.iter().filter_map(|lane| {
            let (from, to) = (
                lane.reader.position(),
                self.spool.written(lane.reader.lane()),
            );
            (from < to).then(|| Rest {
                lane: lane.reader.lane(),
                from,
                to,
                spool: self.spool.clone(),
            })
        });
        lanes.collect()
    }
}

impl LaneTail {
    fn new(reader: SpoolReader) -> Self {
        Self {
            reader,
            chunks: VecDeque::new(),
            open: Rows::default(),
            open_ends: Vec::new(),
            open_batch: None,
        }
    }

    fn bytes(&self) -> usize {
        self.open.bytes() + self.chunks.iter().map(|chunk| chunk.bytes).sum::<usize>()
    }

    fn refresh(&mut self, room: usize) -> Result<(), EventsError> {
        let mut added = 0;
        while added < room {
            let Some(batch) = self.reader.next_batch()? else {
                break;
            };
            let before = self.open.bytes();
            let events: Vec<_> = batch.records.filter_map(Decoded::of).collect();
            if !events.is_empty() {
                self.open.extend(&events);
                let ends = self.open_ends.len() + events.len();
                self.open_ends.resize(ends, batch.end);
                self.open_batch = None;
            }
            added += self.open.bytes() - before;
            if self.open.len() >= CHUNK_ROWS {
                self.close_chunk()?;
            }
        }
        Ok(())
    }

    fn close_chunk(&mut self) -> Result<(), EventsError> {
        let bytes = self.open.bytes();
        self.open_batch = None;
        self.chunks.push_back(Chunk {
            batch: self.open.finish()?,
            ends: std::mem::take(&mut self.open_ends),
            bytes,
        });
        Ok(())
    }

    fn forget(&mut self, sealed: LogPosition) -> Result<(), EventsError> {
        while self
            .chunks
            .front()
            .is_some_and(|c| c.ends.last() <= Some(&sealed))
        {
            self.chunks.pop_front();
        }
        if self.open_ends.last().is_some_and(|end| *end <= sealed) {
            self.open.finish()?;
            self.open_ends.clear();
            self.open_batch = None;
        }
        Ok(())
    }

    fn slices(
        &mut self,
        sealed: LogPosition,
        out: &mut Vec<RecordBatch>,
    ) -> Result<(), EventsError> {
        for chunk in &self.chunks {
            out.extend(past(&chunk.batch, &chunk.ends, sealed));
        }
        if !self.open.is_empty() {
            let batch = match self.open_batch.take() {
                Some(batch) => batch,
                None => self.open.snapshot()?,
            };
            out.extend(past(&batch, &self.open_ends, sealed));
            self.open_batch = Some(batch);
        }
        Ok(())
    }
}

/// The rows of `batch` that end past `sealed`.
fn past(batch: &RecordBatch, ends: &[LogPosition], sealed: LogPosition) -> Option<RecordBatch> {
    let from = ends.partition_point(|end| *end <= sealed);
    (from < ends.len()).then(|| batch.slice(from, ends.len() - from))
}
