//! The writing end of a lane: one `append` is one `pwritev`.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, IoSlice};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use assay_model::ports::{EventLog, LogError, LogPosition};

use super::SpoolOptions;
use super::frame::{HEADER, Header, Kind};
use super::lock::FolderLock;
use super::position::SharedPosition;
use super::segment::{self, SEGMENT_HEADER};

/// What all lanes of a spool share.
#[derive(Debug)]
pub(super) struct SpoolShared {
    pub options: SpoolOptions,
    /// Bytes of all segments on disk, at their preallocated size.
    pub used: AtomicU64,
    /// Cleared for good by a failed fsync: what the disk has is then unknown.
    pub healthy: AtomicBool,
    /// Held as long as anything can still be written.
    pub _lock: Arc<FolderLock>,
}

impl SpoolShared {
    /// Reserves room for one more segment within the quota.
    fn reserve(&self) -> Result<(), LogError> {
        let size = self.options.segment_bytes;
        self.used
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |used| {
                used.checked_add(size)
                    .filter(|sum| *sum <= self.options.quota_bytes)
            })
            .map(|_| ())
            .map_err(|_| LogError::Full)
    }

    pub fn unreserve(&self) {
        self.used
            .fetch_sub(self.options.segment_bytes, Ordering::AcqRel);
    }
}

/// An open segment.
#[derive(Debug, Clone)]
pub(super) struct Open {
    pub number: u64,
    pub seed: u32,
    pub file: Arc<File>,
}

/// What a lane's writer, the fsync thread, readers and the owner share.
#[derive(Debug)]
pub(super) struct LaneShared {
    pub lane: u8,
    pub folder: PathBuf,
    pub written: SharedPosition,
    pub synced: SharedPosition,
    pub released: SharedPosition,
    pub lost_records: AtomicU64,
    /// Held while a segment is made, so that the lane and the fsync thread never make the same one.
    making: Mutex<()>,
    files: Mutex<LaneFiles>,
}

/// Touched when a segment is changed and by the fsync thread, never by a plain append.
#[derive(Debug, Default)]
pub(super) struct LaneFiles {
    /// The segment that is written to.
    pub current: Option<Open>,
    /// Full ones that the fsync thread has not reached.
    pub retired: Vec<Arc<File>>,
    /// The next one, made ahead so that a lane does not wait for it.
    pub spare: Option<Open>,
    /// Rounds of the fsync thread until it tries to make one again.
    pub spare_wait: u8,
    /// Numbers on disk.
    pub numbers: BTreeSet<u64>,
}

impl LaneShared {
    pub fn new(lane: u8, folder: PathBuf, end: LogPosition, numbers: BTreeSet<u64>) -> Self {
        Self {
            lane,
            folder,
            written: SharedPosition::at(end),
            synced: SharedPosition::at(end),
            released: SharedPosition::default(),
            lost_records: AtomicU64::new(0),
            making: Mutex::new(()),
            files: Mutex::new(LaneFiles {
                numbers,
                ..LaneFiles::default()
            }),
        }
    }

    pub fn files(&self) -> MutexGuard<'_, LaneFiles> {
        // The lists stay right at every step, so a panic elsewhere does not spoil them.
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn making(&self) -> MutexGuard<'_, ()> {
        self.making.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes segment `number`, within the quota.
    pub fn make(&self, spool: &SpoolShared, number: u64) -> Result<Open, LogError> {
        spool.reserve()?;
        let options = &spool.options;
        let seed = seed_of(options.salt, self.lane, number);
        match segment::create(&self.folder, self.lane, number, seed, options.segment_bytes) {
            Ok(file) => Ok(Open {
                number,
                seed,
                file: Arc::new(file),
            }),
            Err(cause) => {
                spool.unreserve();
                Err(full_or_failed(cause))
            }
        }
    }
}

/// Where checksums of a segment start.
fn seed_of(salt: u64, lane: u8, number: u64) -> u32 {
    let crc = crc32c::crc32c(&salt.to_le_bytes());
    crc32c::crc32c_append(crc32c::crc32c_append(crc, &[lane]), &number.to_le_bytes())
}

fn full_or_failed(cause: io::Error) -> LogError {
    match cause.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => LogError::Full,
        _ => LogError::Io(cause),
    }
}

/// The log of one lane; it belongs to one thread.
#[derive(Debug)]
pub struct LaneLog {
    pub(super) shared: Arc<LaneShared>,
    pub(super) spool: Arc<SpoolShared>,
    pub(super) open: Open,
    pub(super) offset: u64,
    /// Records lost since the last batch that was kept.
    pub(super) gap: u64,
}

impl LaneLog {
    /// Number of the lane.
    #[must_use]
    pub fn lane(&self) -> u8 {
        self.shared.lane
    }

    /// Where the log ends.
    #[must_use]
    pub fn position(&self) -> LogPosition {
        self.shared.written.get()
    }

    fn try_append(&mut self, batch: &[u8], records: u32) -> Result<LogPosition, LogError> {
        let gap_len = if self.gap > 0 { HEADER + 8 } else { 0 };
        let needed = (gap_len + HEADER + batch.len()) as u64;
        let size = self.spool.options.segment_bytes;
        if needed > size - SEGMENT_HEADER {
            return Err(LogError::Io(io::ErrorKind::InvalidInput.into()));
        }
        if self.offset + needed > size {
            self.change_segment()?;
        }
        let seed = self.open.seed;
        let header = Header::of(Kind::Batch, batch, records, seed).bytes(seed);
        if self.gap > 0 {
            let lost = self.gap.to_le_bytes();
            let gap = Header::of(Kind::Gap, &lost, 0, seed).bytes(seed);
            self.write([&gap, &lost, &header, batch])?;
            self.gap = 0;
        } else {
            self.write([&header, batch])?;
        }
        self.offset += needed;
        let end = LogPosition {
            segment: self.open.number,
            offset: self.offset,
        };
        self.shared.written.set(end);
        Ok(end)
    }

    /// One `pwritev`; what the kernel leaves over is written after it.
    fn write<const N: usize>(&self, parts: [&[u8]; N]) -> Result<(), LogError> {
        let mut slices = parts.map(IoSlice::new);
        let mut slices = &mut slices[..];
        let mut at = self.offset;
        while !slices.is_empty() {
            match rustix::io::pwritev(&*self.open.file, slices, at) {
                Ok(0) => return Err(LogError::Io(io::ErrorKind::WriteZero.into())),
                Ok(n) => {
                    at += n as u64;
                    IoSlice::advance_slices(&mut slices, n);
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(full_or_failed(errno.into())),
            }
        }
        Ok(())
    }

    fn change_segment(&mut self) -> Result<(), LogError> {
        let number = self.open.number + 1;
        let making = self.shared.making();
        let spare = self.shared.files().spare.take();
        let next = match spare.filter(|spare| spare.number == number) {
            Some(spare) => spare,
            None => self.shared.make(&self.spool, number)?,
        };
        let mut files = self.shared.files();
        files.numbers.insert(number);
        files.retired.push(Arc::clone(&self.open.file));
        files.current = Some(next.clone());
        drop(files);
        drop(making);
        self.open = next;
        self.offset = SEGMENT_HEADER;
        Ok(())
    }
}

impl EventLog for LaneLog {
    fn append(&mut self, batch: &[u8], records: u32) -> Result<LogPosition, LogError> {
        if batch.is_empty() {
            return Ok(self.position());
        }
        let appended = self.try_append(batch, records);
        if appended.is_err() {
            self.lose(records);
        }
        appended
    }

    fn lose(&mut self, records: u32) {
        self.gap += u64::from(records);
        self.shared
            .lost_records
            .fetch_add(u64::from(records), Ordering::Relaxed);
    }
}
