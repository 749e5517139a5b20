//! What a start finds in a lane's folder: checks every frame and cuts a torn tail.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io;
use std::path::Path;

use assay_model::EventId;
use assay_model::ports::LogPosition;
use assay_model::record::peek_event_id;

use super::frame::{Kind, Records};
use super::segment::{self, SEGMENT_HEADER, SegmentReader, lost_in};

/// What was found in a lane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// The lane.
    pub lane: u8,
    /// Where its log ends.
    pub end: LogPosition,
    /// The newest event id in it; new ids must be above.
    pub last_event_id: Option<EventId>,
    /// Records that can be read.
    pub records: u64,
    /// Records that gap frames say were lost while running.
    pub lost_records: u64,
    /// Bytes cut off the end: a write that a crash tore.
    pub cut_bytes: u64,
    /// Bytes passed over between valid frames: the disk lost them.
    pub damaged_bytes: u64,
    /// Segments whose header does not read; they are left alone.
    pub unreadable_segments: u64,
}

/// A lane's folder after recovery.
pub(super) struct LaneOnDisk {
    pub found: Recovered,
    pub numbers: BTreeSet<u64>,
    /// Seed of the last segment when it can be written on.
    pub seed: Option<u32>,
}

/// Scans a lane; cuts the last segment after its last valid frame.
pub(super) fn lane(folder: &Path, lane: u8, segment_bytes: u64) -> io::Result<LaneOnDisk> {
    let numbers = segment::list(folder)?;
    let last = numbers.last().copied().unwrap_or(0);
    let mut on_disk = LaneOnDisk {
        found: Recovered {
            lane,
            ..Recovered::default()
        },
        numbers: numbers.iter().copied().collect(),
        seed: None,
    };
    for number in numbers {
        let path = segment::path(folder, number);
        let Some(mut reader) = SegmentReader::open(&path, 0)? else {
            on_disk.found.unreadable_segments += 1;
            continue;
        };
        let end = scan(&mut reader, &mut on_disk.found)?;
        // What a killed process left in the page cache counts as kept: make it so.
        reader.sync()?;
        on_disk.found.end = LogPosition {
            segment: number,
            offset: end,
        };
        if number == last {
            on_disk.seed = Some(reader.seed);
            on_disk.found.cut_bytes = cut(&path, end, segment_bytes)?;
        }
    }
    Ok(on_disk)
}

/// Reads all frames; returns where the last valid one ends.
fn scan(reader: &mut SegmentReader, found: &mut Recovered) -> io::Result<u64> {
    let limit = reader.file_len()?;
    let mut end = SEGMENT_HEADER;
    while let Some(frame) = reader.next(limit)? {
        end = frame.end;
        let payload = reader.payload(&frame);
        found.lost_records += lost_in(&frame, payload);
        if frame.header.kind == Kind::Batch {
            for record in Records(payload) {
                found.records += 1;
                found.last_event_id = found.last_event_id.max(peek_event_id(record).ok());
            }
        }
    }
    found.damaged_bytes += reader.damaged;
    Ok(end)
}

/// Makes everything after `end` zeros again; returns how many bytes there were.
fn cut(path: &Path, end: u64, segment_bytes: u64) -> io::Result<u64> {
    let garbage = bytes_until_zeros(path, end)?;
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    if garbage > 0 {
        file.set_len(end)?;
    }
    if garbage > 0 || file.metadata()?.len() < segment_bytes {
        segment::preallocate(&file, segment_bytes)?;
        file.sync_all()?;
    }
    Ok(garbage)
}

/// Length from `from` to the last byte that is not zero.
fn bytes_until_zeros(path: &Path, from: u64) -> io::Result<u64> {
    use std::io::{Read, Seek, SeekFrom};
    let mut file = std::fs::File::open(path)?;
    file.seek(SeekFrom::Start(from))?;
    let mut chunk = vec![0; 1 << 20];
    let (mut at, mut last) = (0, 0);
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            return Ok(last);
        }
        if let Some(place) = chunk[..read].iter().rposition(|byte| *byte != 0) {
            last = at + place as u64 + 1;
        }
        at += read as u64;
    }
}
