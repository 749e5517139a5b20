//! The reading end of a lane: records from a position on, of finished and of live segments.

use std::path::PathBuf;
use std::sync::Arc;
use std::{fmt, io};

use assay_model::ports::LogPosition;

use super::frame::{Kind, Records};
use super::lane::LaneShared;
use super::segment::{self, Found, SegmentReader, lost_in};

/// The records of one write.
#[derive(Clone, Debug)]
pub struct Batch<'a> {
    /// Where the log stands after it; what to go on from, and what to release.
    pub end: LogPosition,
    /// How many records there are.
    pub count: u32,
    /// Their bytes, in the order written.
    pub records: Records<'a>,
}

/// How far a reader may go.
enum Bound {
    /// As far as this process has written.
    Live(Arc<LaneShared>),
    /// As far as there are valid frames: another process writes, or none.
    Files,
}

/// Reads a lane's records in the order they were appended.
///
/// It holds its segment open, so a release while it reads takes nothing away.
pub struct SpoolReader {
    lane: u8,
    folder: PathBuf,
    bound: Bound,
    position: LogPosition,
    current: Option<(u64, SegmentReader)>,
    damaged_bytes: u64,
    lost_records: u64,
}

impl fmt::Debug for SpoolReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpoolReader")
            .field("lane", &self.lane)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

impl SpoolReader {
    pub(super) fn live(shared: Arc<LaneShared>, from: LogPosition) -> Self {
        Self::new(
            shared.lane,
            shared.folder.clone(),
            Bound::Live(shared),
            from,
        )
    }

    pub(super) fn files(lane: u8, folder: PathBuf, from: LogPosition) -> Self {
        Self::new(lane, folder, Bound::Files, from)
    }

    fn new(lane: u8, folder: PathBuf, bound: Bound, from: LogPosition) -> Self {
        Self {
            lane,
            folder,
            bound,
            position: from,
            current: None,
            damaged_bytes: 0,
            lost_records: 0,
        }
    }

    /// The lane.
    #[must_use]
    pub fn lane(&self) -> u8 {
        self.lane
    }

    /// Just past the last batch that was read.
    #[must_use]
    pub fn position(&self) -> LogPosition {
        self.position
    }

    /// Bytes passed over because no valid frame stood there.
    #[must_use]
    pub fn damaged_bytes(&self) -> u64 {
        self.damaged_bytes + self.current.as_ref().map_or(0, |(_, open)| open.damaged)
    }

    /// Records that the log says were lost in the part that was read.
    #[must_use]
    pub fn lost_records(&self) -> u64 {
        self.lost_records
    }

    /// The next batch; `None` = none yet.
    ///
    /// # Errors
    /// The disk's.
    pub fn next_batch(&mut self) -> io::Result<Option<Batch<'_>>> {
        loop {
            let Some(found) = self.next_frame()? else {
                return Ok(None);
            };
            let Some((number, open)) = &self.current else {
                return Ok(None);
            };
            self.position = LogPosition {
                segment: *number,
                offset: found.end,
            };
            match found.header.kind {
                Kind::Gap => self.lost_records += lost_in(&found, open.payload(&found)),
                Kind::Batch => break self.batch(&found),
            }
        }
    }

    fn batch(&self, found: &Found) -> io::Result<Option<Batch<'_>>> {
        Ok(self.current.as_ref().map(|(_, open)| Batch {
            end: self.position,
            count: found.header.records,
            records: Records(open.payload(found)),
        }))
    }

    fn next_frame(&mut self) -> io::Result<Option<Found>> {
        loop {
            // Read before the frames: a segment that is found finished stays so.
            let last = self.last_segment()?;
            if self.current.is_none() && !self.open_next(self.position.segment)? {
                return Ok(None);
            }
            let Some((number, open)) = &mut self.current else {
                return Ok(None);
            };
            let number = *number;
            let limit = match &self.bound {
                Bound::Live(shared) => match shared.written.get() {
                    end if end.segment < number => return Ok(None),
                    end if end.segment == number => end.offset,
                    _ => open.file_len()?,
                },
                Bound::Files => open.file_len()?,
            };
            if let Some(found) = open.next(limit)? {
                return Ok(Some(found));
            }
            if number >= last || !self.open_next(number + 1)? {
                return Ok(None);
            }
        }
    }

    fn last_segment(&self) -> io::Result<u64> {
        match &self.bound {
            Bound::Live(shared) => Ok(shared.written.get().segment),
            Bound::Files => Ok(segment::list(&self.folder)?.last().copied().unwrap_or(0)),
        }
    }

    /// Opens the first readable segment from `number` on.
    fn open_next(&mut self, number: u64) -> io::Result<bool> {
        for found in segment::list(&self.folder)? {
            if found < number {
                continue;
            }
            let offset = if found == self.position.segment {
                self.position.offset
            } else {
                0
            };
            match SegmentReader::open(&segment::path(&self.folder, found), offset) {
                Ok(Some(open)) => {
                    self.damaged_bytes += self.current.take().map_or(0, |(_, old)| old.damaged);
                    self.current = Some((found, open));
                    return Ok(true);
                }
                Ok(None) => {}
                // Released between listing and opening.
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
                Err(cause) => return Err(cause),
            }
        }
        Ok(false)
    }
}
