//! The spool: the write-ahead log of events, one append-only log per lane.
//!
//! ```text
//! DIR/lock                       held by the one process that writes
//! DIR/spool/lane-00/000000000001.seg, …    64 MiB each, preallocated
//! ```
//! A lane writes a batch with one `pwritev` and then answers; another thread fsyncs all lanes in
//! groups. A start checks every frame, cuts a torn tail and drops no valid frame. Segments are
//! deleted when their owner says that nobody needs them any more.

mod flush;
mod frame;
mod lane;
mod lock;
mod position;
mod reader;
mod recover;
mod segment;
mod steady;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use assay_model::Timestamp;
use assay_model::ports::{LogError, LogPosition};
use assay_model::record::peek_event_id;

pub use flush::Flusher;
pub use frame::Records;
pub use lane::LaneLog;
pub use lock::{FolderLock, LockError};
pub use position::{MAX_SEGMENT_BYTES, pack, unpack};
pub use reader::{Batch, SpoolReader};
pub use recover::Recovered;
pub use steady::{SteadyLog, SteadyOptions, SteadyStats};

use lane::{LaneShared, Open, SpoolShared};

/// How a spool is set up.
#[derive(Clone, Debug)]
pub struct SpoolOptions {
    /// Lanes that write; lanes left over from an earlier, larger number are still read.
    pub lanes: u8,
    /// Size of a segment.
    pub segment_bytes: u64,
    /// Most bytes on disk, segments made ahead included.
    pub quota_bytes: u64,
    /// A random number: it keeps bytes that a visitor chooses from passing for a frame.
    pub salt: u64,
}

impl SpoolOptions {
    /// 64 MiB segments, 16 GiB in all.
    #[must_use]
    pub const fn new(lanes: u8, salt: u64) -> Self {
        Self {
            lanes,
            segment_bytes: 64 << 20,
            quota_bytes: 16 << 30,
            salt,
        }
    }
}

/// A spool could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// An option cannot be.
    #[error("spool.{0}")]
    Invalid(&'static str),
    /// The quota or the disk has no room for a lane's first segment.
    #[error("spool: {0}")]
    Log(#[from] LogError),
    /// The disk failed.
    #[error("spool: {0}")]
    Io(#[from] io::Error),
}

/// State of one lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LaneStats {
    /// The lane.
    pub lane: u8,
    /// Where its log ends.
    pub written: LogPosition,
    /// How far it survives a power cut.
    pub synced: LogPosition,
    /// How far it was released.
    pub released: LogPosition,
    /// Bytes of its segments on disk.
    pub disk_bytes: u64,
    /// Records lost since the start.
    pub lost_records: u64,
    /// When the oldest event that is not released came in.
    pub oldest: Option<Timestamp>,
}

/// The spool of a data folder; a handle to share.
#[derive(Clone, Debug)]
pub struct Spool {
    shared: Arc<SpoolShared>,
    lanes: Arc<Vec<Arc<LaneShared>>>,
    recovered: Arc<Vec<Recovered>>,
}

impl Spool {
    /// Opens the spool of the locked folder: recovers all lanes and returns their writing ends.
    ///
    /// # Errors
    /// [`SpoolError`] when an option is wrong or the disk fails.
    pub fn open(
        lock: &Arc<FolderLock>,
        options: SpoolOptions,
    ) -> Result<(Self, Vec<LaneLog>), SpoolError> {
        check(&options)?;
        let root = root_of(lock.folder());
        for lane in 0..options.lanes {
            std::fs::create_dir_all(lane_folder(&root, lane))?;
        }
        let shared = Arc::new(SpoolShared {
            used: AtomicU64::new(0),
            healthy: AtomicBool::new(true),
            options,
            _lock: Arc::clone(lock),
        });
        let (mut lanes, mut logs, mut recovered) = (Vec::new(), Vec::new(), Vec::new());
        for lane in lanes_in(&root)? {
            let folder = lane_folder(&root, lane);
            let on_disk = recover::lane(&folder, lane, shared.options.segment_bytes)?;
            let bytes = on_disk.numbers.len() as u64 * shared.options.segment_bytes;
            shared.used.fetch_add(bytes, Ordering::AcqRel);
            recovered.push(on_disk.found.clone());
            let end = on_disk.found.end;
            let state = LaneShared::new(lane, folder, end, on_disk.numbers);
            let state = Arc::new(state);
            if lane < shared.options.lanes {
                logs.push(writer(&shared, &state, on_disk.seed)?);
            }
            lanes.push(state);
        }
        let spool = Self {
            shared,
            lanes: Arc::new(lanes),
            recovered: Arc::new(recovered),
        };
        Ok((spool, logs))
    }

    /// What the start found, lane by lane.
    #[must_use]
    pub fn recovered(&self) -> &[Recovered] {
        &self.recovered
    }

    /// Numbers of all lanes that hold or take records.
    pub fn lanes(&self) -> impl Iterator<Item = u8> + '_ {
        self.lanes.iter().map(|lane| lane.lane)
    }

    /// Starts the thread that fsyncs all lanes; stop it by dropping what is returned.
    ///
    /// # Errors
    /// The operating system's, when it gives no thread.
    pub fn start_flusher(&self, every: Duration) -> io::Result<Flusher> {
        Flusher::start(Arc::clone(&self.shared), self.lanes.to_vec(), every)
    }

    /// Fsyncs all lanes now.
    ///
    /// # Errors
    /// The disk's; the spool is unhealthy from then on.
    pub fn flush(&self) -> io::Result<()> {
        flush::round(&self.shared, &self.lanes)
    }

    /// Whether every fsync so far has worked.
    #[must_use]
    pub fn healthy(&self) -> bool {
        self.shared.healthy.load(Ordering::Acquire)
    }

    /// Reads a lane from `from` on; `None` when there is no such lane.
    #[must_use]
    pub fn reader(&self, lane: u8, from: LogPosition) -> Option<SpoolReader> {
        self.lane(lane)
            .map(|shared| SpoolReader::live(Arc::clone(shared), from))
    }

    /// Where a lane's log ends.
    #[must_use]
    pub fn written(&self, lane: u8) -> LogPosition {
        self.lane(lane)
            .map_or_else(LogPosition::default, |lane| lane.written.get())
    }

    /// How far a lane survives a power cut.
    #[must_use]
    pub fn synced(&self, lane: u8) -> LogPosition {
        self.lane(lane)
            .map_or_else(LogPosition::default, |lane| lane.synced.get())
    }

    /// About how many bytes lie between two positions of a lane.
    #[must_use]
    pub fn distance(&self, from: LogPosition, to: LogPosition) -> u64 {
        let segments = to.segment.saturating_sub(from.segment.max(1));
        (segments * self.shared.options.segment_bytes + to.offset).saturating_sub(from.offset)
    }

    /// Deletes the segments before `up_to`: they are sealed *and* checkpointed.
    ///
    /// The segment that is written to stays, so the newest event id is always found again.
    ///
    /// # Errors
    /// The disk's; what could not be deleted is tried again next time.
    pub fn release(&self, lane: u8, up_to: LogPosition) -> io::Result<()> {
        let Some(lane) = self.lane(lane) else {
            return Ok(());
        };
        let end = lane.written.get();
        lane.released.raise(up_to.min(end));
        let keep_from = lane.released.get().segment.min(end.segment);
        let old: Vec<u64> = lane.files().numbers.range(..keep_from).copied().collect();
        for number in old {
            match std::fs::remove_file(segment::path(&lane.folder, number)) {
                Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
                _ => {}
            }
            lane.files().numbers.remove(&number);
            self.shared.unreserve();
        }
        Ok(())
    }

    /// Bytes on disk, all lanes.
    #[must_use]
    pub fn disk_bytes(&self) -> u64 {
        self.shared.used.load(Ordering::Acquire)
    }

    /// State of every lane.
    #[must_use]
    pub fn stats(&self) -> Vec<LaneStats> {
        self.lanes
            .iter()
            .map(|lane| self.lane_stats(lane))
            .collect()
    }

    fn lane_stats(&self, lane: &Arc<LaneShared>) -> LaneStats {
        let segments = {
            let files = lane.files();
            files.numbers.len() + usize::from(files.spare.is_some())
        };
        let released = lane.released.get();
        LaneStats {
            lane: lane.lane,
            written: lane.written.get(),
            synced: lane.synced.get(),
            released,
            disk_bytes: segments as u64 * self.shared.options.segment_bytes,
            lost_records: lane.lost_records.load(Ordering::Relaxed),
            oldest: oldest(SpoolReader::live(Arc::clone(lane), released)),
        }
    }

    fn lane(&self, lane: u8) -> Option<&Arc<LaneShared>> {
        self.lanes.iter().find(|shared| shared.lane == lane)
    }
}

/// Reads a lane of a data folder that another process may be writing to.
#[must_use]
pub fn read_only(data_folder: &Path, lane: u8, from: LogPosition) -> SpoolReader {
    SpoolReader::files(lane, lane_folder(&root_of(data_folder), lane), from)
}

/// The lanes of a data folder.
///
/// # Errors
/// The disk's; no folder is no lanes.
pub fn lanes_of(data_folder: &Path) -> io::Result<Vec<u8>> {
    match lanes_in(&root_of(data_folder)) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        other => other,
    }
}

fn root_of(data_folder: &Path) -> PathBuf {
    data_folder.join("spool")
}

fn lane_folder(root: &Path, lane: u8) -> PathBuf {
    root.join(format!("lane-{lane:02}"))
}

fn lanes_in(root: &Path) -> io::Result<Vec<u8>> {
    let mut lanes = Vec::new();
    for entry in std::fs::read_dir(root)? {
        let name = entry?.file_name();
        let lane = name.to_str().and_then(|name| name.strip_prefix("lane-"));
        lanes.extend(lane.and_then(|text| text.parse::<u8>().ok()));
    }
    lanes.sort_unstable();
    Ok(lanes)
}

fn check(options: &SpoolOptions) -> Result<(), SpoolError> {
    if options.lanes == 0 || options.lanes > 64 {
        return Err(SpoolError::Invalid("lanes: expected 1 to 64"));
    }
    if !(4096..=MAX_SEGMENT_BYTES).contains(&options.segment_bytes) {
        return Err(SpoolError::Invalid("segment: expected 4 KiB to 256 MiB"));
    }
    if options.quota_bytes < options.segment_bytes * u64::from(options.lanes) {
        return Err(SpoolError::Invalid(
            "quota: expected one segment per lane or more",
        ));
    }
    Ok(())
}

/// The writing end of a lane, at the end of what was found.
fn writer(
    spool: &Arc<SpoolShared>,
    lane: &Arc<LaneShared>,
    seed: Option<u32>,
) -> Result<LaneLog, SpoolError> {
    let last = lane.files().numbers.last().copied().unwrap_or(0);
    let open = match seed {
        Some(seed) => Open {
            number: last,
            seed,
            file: Arc::new(
                std::fs::OpenOptions::new()
                    .read(true)
                    .write(true)
                    .open(segment::path(&lane.folder, last))?,
            ),
        },
        None => lane.make(spool, last + 1)?,
    };
    let offset = if seed.is_some() {
        lane.written.get().offset
    } else {
        segment::SEGMENT_HEADER
    };
    let end = LogPosition {
        segment: open.number,
        offset,
    };
    lane.written.set(end);
    // What recovery kept may not be on the disk yet: the first round syncs it.
    let mut files = lane.files();
    files.numbers.insert(open.number);
    files.current = Some(open.clone());
    drop(files);
    Ok(LaneLog {
        shared: Arc::clone(lane),
        spool: Arc::clone(spool),
        open,
        offset,
        gap: 0,
    })
}

fn oldest(mut reader: SpoolReader) -> Option<Timestamp> {
    let mut batch = reader.next_batch().ok()??;
    let first = batch.records.next()?;
    peek_event_id(first).ok().map(|id| id.at())
}
