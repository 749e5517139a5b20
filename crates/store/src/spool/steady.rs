//! A lane's log that holds its lane up once at most, whatever the disk does.
//!
//! A write that stalls moves the log to a thread of its own: from then on the lane hands its
//! batches over and goes on, up to a bounded number of bytes. Once the disk has kept up for a
//! while the log comes back. What waits is lost by a `kill -9`; that is the price of answering
//! while the disk does not, and health says so.
//!
//! A log that fails (disk full) is not tried again at every batch: what comes in between is
//! counted, and a gap stands before the next batch that is kept.

mod away;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use assay_model::Clock;
use assay_model::ports::{EventLog, LogError, LogPosition};

use away::Away;

/// When a lane's log is moved away, and how much may wait for it.
#[derive(Clone, Copy, Debug)]
pub struct SteadyOptions {
    /// A write that takes longer moves the log to its own thread.
    pub stall_us: u64,
    /// The log comes back once no write stalled for so long.
    pub calm_us: u64,
    /// A log that failed is tried again after so long.
    pub retry_us: u64,
    /// Most bytes of records that wait for a stalled log, each lane.
    pub buffer_bytes: usize,
}

impl Default for SteadyOptions {
    fn default() -> Self {
        Self {
            stall_us: 5_000,
            calm_us: 1_000_000,
            retry_us: 250_000,
            buffer_bytes: 16 << 20,
        }
    }
}

/// How the logs of all lanes are, for health and metrics.
#[derive(Debug, Default)]
pub struct SteadyStats {
    /// Writes that stalled.
    pub stalls: AtomicU64,
    /// Lanes whose records wait in memory for the disk.
    pub lanes_buffered: AtomicU64,
    /// Bytes of these records.
    pub bytes_buffered: AtomicU64,
    /// Lanes whose last write failed.
    pub lanes_failing: AtomicU64,
    /// Records lost after they were taken: their answers had left.
    pub lost_late: AtomicU64,
}

/// What lane and thread share beside the log.
#[derive(Clone)]
struct Setting {
    clock: Arc<dyn Clock>,
    options: SteadyOptions,
    stats: Arc<SteadyStats>,
}

/// A log, and how it was last.
struct Watched<L> {
    log: L,
    /// When a failed log is tried again; `None` = it has not failed.
    retry_at_us: Option<u64>,
}

/// How a write went.
struct Written {
    result: Result<LogPosition, LogError>,
    stalled: bool,
}

impl<L: EventLog> Watched<L> {
    fn append(&mut self, batch: &[u8], records: u32, setting: &Setting) -> Written {
        let start_us = setting.clock.monotonic_us();
        let result = self.log.append(batch, records);
        let end_us = setting.clock.monotonic_us();
        let failing = &setting.stats.lanes_failing;
        match (result.is_err(), self.retry_at_us) {
            (true, None) => failing.fetch_add(1, Ordering::Relaxed),
            (false, Some(_)) => failing.fetch_sub(1, Ordering::Relaxed),
            _ => 0,
        };
        self.retry_at_us = result.is_err().then(|| end_us + setting.options.retry_us);
        let stalled = end_us.saturating_sub(start_us) > setting.options.stall_us;
        if stalled {
            setting.stats.stalls.fetch_add(1, Ordering::Relaxed);
        }
        Written { result, stalled }
    }

    /// Microseconds until the log may be tried again.
    fn wait_us(&self, now_us: u64) -> u64 {
        self.retry_at_us.map_or(0, |at| at.saturating_sub(now_us))
    }
}

/// Where the log is.
enum Place<L> {
    Here(Watched<L>),
    Away(Away<L>),
    /// Its thread panicked: everything is lost from here on, and counted.
    Gone,
}

/// A lane's log behind a bounded wait.
pub struct SteadyLog<L> {
    place: Place<L>,
    setting: Setting,
    /// Where the log ended when it was last here.
    end: LogPosition,
}

impl<L: EventLog + 'static> SteadyLog<L> {
    /// Watches a log.
    #[must_use]
    pub fn new(
        log: L,
        clock: Arc<dyn Clock>,
        options: SteadyOptions,
        stats: Arc<SteadyStats>,
    ) -> Self {
        Self {
            place: Place::Here(Watched {
                log,
                retry_at_us: None,
            }),
            setting: Setting {
                clock,
                options,
                stats,
            },
            end: LogPosition::default(),
        }
    }

    fn append_here(&mut self, batch: &[u8], records: u32) -> Result<LogPosition, LogError> {
        let Place::Here(watched) = &mut self.place else {
            return Err(LogError::Full);
        };
        if watched.retry_at_us.is_some() && watched.wait_us(self.setting.clock.monotonic_us()) > 0 {
            watched.log.lose(records);
            return Err(LogError::Full);
        }
        let written = watched.append(batch, records, &self.setting);
        if let Ok(end) = written.result {
            self.end = end;
        }
        if written.stalled {
            self.move_away();
        }
        written.result
    }

    fn move_away(&mut self) {
        let Place::Here(watched) = std::mem::replace(&mut self.place, Place::Gone) else {
            return;
        };
        self.place = match Away::start(watched, self.setting.clone()) {
            Ok(away) => Place::Away(away),
            // No thread to be had: the lane goes on waiting for its writes.
            Err(watched) => watched.map_or(Place::Gone, Place::Here),
        };
    }
}

impl<L: EventLog + 'static> EventLog for SteadyLog<L> {
    /// While the log is away, `Ok` says that the batch waits in memory.
    fn append(&mut self, batch: &[u8], records: u32) -> Result<LogPosition, LogError> {
        if let Place::Away(away) = &mut self.place {
            if !away.is_back() {
                return away.push(batch, records).map(|()| self.end);
            }
            let back = away.take();
            self.place = back.map_or(Place::Gone, Place::Here);
        }
        self.append_here(batch, records)
    }

    fn lose(&mut self, records: u32) {
        match &mut self.place {
            Place::Here(watched) => watched.log.lose(records),
            Place::Away(away) => away.lose(records),
            Place::Gone => {}
        }
    }
}
