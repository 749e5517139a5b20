//! The fsync thread: makes what lanes wrote survive a power cut, and makes segments ahead.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::lane::{LaneShared, SpoolShared};

/// One round over all lanes; a failure clears the healthy flag for good.
///
/// After a failed fsync the kernel may have dropped the pages and marked them clean, so a later
/// success proves nothing (the PostgreSQL "fsyncgate" of 2018).
pub(super) fn round(spool: &SpoolShared, lanes: &[Arc<LaneShared>]) -> io::Result<()> {
    let mut result = Ok(());
    for lane in lanes {
        if let Err(cause) = sync_lane(lane) {
            spool.healthy.store(false, Ordering::Release);
            result = Err(cause);
        }
        make_ahead(spool, lane);
    }
    result
}

fn sync_lane(lane: &LaneShared) -> io::Result<()> {
    // Read before the files are taken: a segment changed in between only means syncing more.
    let written = lane.written.get();
    if written <= lane.synced.get() {
        return Ok(());
    }
    let (retired, current) = {
        let mut files = lane.files();
        let current = files.current.as_ref().map(|open| Arc::clone(&open.file));
        (std::mem::take(&mut files.retired), current)
    };
    for file in retired.iter().chain(&current) {
        file.sync_data()?;
    }
    lane.synced.raise(written);
    Ok(())
}

/// Makes the next segment once the current one is half full; when it cannot, the lane will try
/// by itself and say why.
fn make_ahead(spool: &SpoolShared, lane: &LaneShared) {
    let written = lane.written.get();
    if written.offset < spool.options.segment_bytes / 2 {
        return;
    }
    let next = written.segment + 1;
    let making = lane.making();
    let wanted = {
        let files = lane.files();
        files.spare.is_none()
            && files
                .current
                .as_ref()
                .is_some_and(|open| open.number < next)
    };
    if wanted && is_due(lane) {
        match lane.make(spool, next) {
            Ok(spare) => lane.files().spare = Some(spare),
            Err(_) => lane.files().spare_wait = ROUNDS_AFTER_FAILURE,
        }
    }
    drop(making);
}

/// A full disk is left alone for so many rounds.
const ROUNDS_AFTER_FAILURE: u8 = 5;

/// Whether a segment may be made this round, counting down to it after a failure.
fn is_due(lane: &LaneShared) -> bool {
    let mut files = lane.files();
    let due = files.spare_wait == 0;
    files.spare_wait = files.spare_wait.saturating_sub(1);
    due
}

/// Runs rounds on a thread of its own; dropping it runs a last one.
#[derive(Debug)]
pub struct Flusher {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Flusher {
    pub(super) fn start(
        spool: Arc<SpoolShared>,
        lanes: Vec<Arc<LaneShared>>,
        every: Duration,
    ) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("assay-fsync".to_owned())
            .spawn(move || {
                while !seen.load(Ordering::Acquire) {
                    std::thread::park_timeout(every);
                    // The healthy flag carries the failure; health checks read it.
                    let _ = round(&spool, &lanes);
                }
            })?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}
