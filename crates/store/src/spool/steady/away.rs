//! A log on a thread of its own, and what waits for it.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use assay_model::ports::{EventLog, LogError};

use super::{Setting, Watched};

/// Batches that wait, and where the log is.
struct Waiting<L> {
    batches: VecDeque<(Vec<u8>, u32)>,
    bytes: usize,
    /// Records that found no room; told to the log before its next batch.
    lost: u32,
    /// The log, unless its thread has it.
    log: Option<Watched<L>>,
    /// Whether the thread is through with the log.
    back: bool,
    /// The lane ends: write what waits, then stop.
    closing: bool,
}

struct Shared<L> {
    waiting: Mutex<Waiting<L>>,
    changed: Condvar,
    setting: Setting,
}

impl<L> Shared<L> {
    fn waiting(&self) -> MutexGuard<'_, Waiting<L>> {
        // Every change is whole before the lock goes, so a panic elsewhere spoils nothing.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The lane's end of a log that is away.
pub(super) struct Away<L> {
    shared: Arc<Shared<L>>,
    thread: Option<JoinHandle<()>>,
}

impl<L: EventLog + 'static> Away<L> {
    /// Moves a log to a thread; gives it back when there is none to be had.
    pub fn start(watched: Watched<L>, setting: Setting) -> Result<Self, Option<Watched<L>>> {
        let shared = Arc::new(Shared {
            waiting: Mutex::new(Waiting {
                batches: VecDeque::new(),
                bytes: 0,
                lost: 0,
                log: Some(watched),
                back: false,
                closing: false,
            }),
            changed: Condvar::new(),
            setting,
        });
        let own = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("assay-spool".to_owned());
        match thread.spawn(move || run(&own)) {
            Err(_) => Err(shared.waiting().log.take()),
            Ok(thread) => {
                let lanes = &shared.setting.stats.lanes_buffered;
                lanes.fetch_add(1, Ordering::Relaxed);
                Ok(Self {
                    shared,
                    thread: Some(thread),
                })
            }
        }
    }

    /// Whether the log can be taken back.
    pub fn is_back(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished) || self.shared.waiting().back
    }

    /// Takes the log back; `None` when its thread panicked with it.
    pub fn take(&mut self) -> Option<Watched<L>> {
        self.end();
        self.shared.waiting().log.take()
    }

    /// Lets a batch wait, if there is room for it.
    pub fn push(&self, batch: &[u8], records: u32) -> Result<(), LogError> {
        let mut waiting = self.shared.waiting();
        let setting = &self.shared.setting;
        if waiting.bytes + batch.len() > setting.options.buffer_bytes {
            waiting.lost = waiting.lost.saturating_add(records);
            return Err(LogError::Full);
        }
        waiting.bytes += batch.len();
        waiting.batches.push_back((batch.to_vec(), records));
        drop(waiting);
        let bytes = &setting.stats.bytes_buffered;
        bytes.fetch_add(batch.len() as u64, Ordering::Relaxed);
        self.shared.changed.notify_one();
        Ok(())
    }

    /// Counts records that were never handed over.
    pub fn lose(&self, records: u32) {
        let mut waiting = self.shared.waiting();
        waiting.lost = waiting.lost.saturating_add(records);
    }
}

impl<L> Away<L> {
    /// Waits for the thread, once it has written what waits.
    fn end(&mut self) {
        let Some(thread) = self.thread.take() else {
            return;
        };
        self.shared.waiting().closing = true;
        self.shared.changed.notify_one();
        let _ = thread.join();
        let lanes = &self.shared.setting.stats.lanes_buffered;
        lanes.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<L> Drop for Away<L> {
    fn drop(&mut self) {
        self.end();
    }
}

/// Writes what comes until the disk has kept up for a while, then puts the log back.
fn run<L: EventLog>(shared: &Shared<L>) {
    let Some(mut watched) = shared.waiting().log.take() else {
        return;
    };
    let setting = &shared.setting;
    let mut calm_since_us = setting.clock.monotonic_us();
    loop {
        while let Some((batch, records, lost)) = next(shared, &watched, calm_since_us) {
            watched.log.lose(lost);
            let written = watched.append(&batch, records, setting);
            if written.stalled {
                calm_since_us = setting.clock.monotonic_us();
            }
            if written.result.is_err() {
                let late = &setting.stats.lost_late;
                late.fetch_add(u64::from(records), Ordering::Relaxed);
            }
            let bytes = &setting.stats.bytes_buffered;
            bytes.fetch_sub(batch.len() as u64, Ordering::Relaxed);
        }
        let mut waiting = shared.waiting();
        // The lane may have pushed since `next` looked.
        if waiting.batches.is_empty() {
            watched.log.lose(std::mem::take(&mut waiting.lost));
            waiting.log = Some(watched);
            waiting.back = true;
            return;
        }
    }
}

/// The next batch, with the records lost before it; `None` = nothing waits, and either the
/// disk is calm or the lane ends.
fn next<L: EventLog>(
    shared: &Shared<L>,
    watched: &Watched<L>,
    calm_since_us: u64,
) -> Option<(Vec<u8>, u32, u32)> {
    let setting = &shared.setting;
    let mut waiting = shared.waiting();
    loop {
        let now_us = setting.clock.monotonic_us();
        let closing = waiting.closing;
        let retry_us = if closing { 0 } else { watched.wait_us(now_us) };
        let calm_us = (calm_since_us + setting.options.calm_us)
            .saturating_sub(now_us)
            .max(retry_us);
        let wait_us = match waiting.batches.front() {
            Some(_) if retry_us == 0 => {
                let (batch, records) = waiting.batches.pop_front()?;
                waiting.bytes -= batch.len();
                return Some((batch, records, std::mem::take(&mut waiting.lost)));
            }
            Some(_) => retry_us,
            None if closing || calm_us == 0 => return None,
            None => calm_us,
        };
        let timeout = Duration::from_micros(wait_us);
        let woken = shared.changed.wait_timeout(waiting, timeout);
        (waiting, _) = woken.unwrap_or_else(PoisonError::into_inner);
    }
}
