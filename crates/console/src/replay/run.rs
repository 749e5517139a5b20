//! A replay from beginning to end: the ledger, then the events.
//!
//! Events are judged in any order by several threads; the first one that needs a counter which
//! its record has no reading of ends that, and all are judged in order of their time by one
//! thread, with one window of warm-up before.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use assay_detect::replay::{Candidate, Counters, Judge, Recorded, Source, Tally, Unjudged};
use assay_model::hit::Field;
use assay_model::ports::{ControlStore, EventScan, Ledger, ScanQuery, Visit};
use assay_model::{AccountId, Clock, EventRecord, Timestamp};
use tokio::runtime::Handle;

use super::history::History;
use super::money::{Conversions, Sums, Touched};
use super::{Phase, Progress};

/// A replay did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// What was asked is wrong.
    #[error("{}", told(.0))]
    Invalid(Vec<assay_model::document::Problem>),
    /// There is no such rule version.
    #[error("{0}")]
    NotFound(String),
    /// Somebody ended it.
    #[error("cancelled")]
    Cancelled,
    /// What it reads could not be read.
    #[error("{0}")]
    Storage(String),
}

fn told(problems: &[assay_model::document::Problem]) -> String {
    let lines = problems
        .iter()
        .map(|p| format!("{}: {}", p.field, p.detail));
    lines.collect::<Vec<_>>().join("; ")
}

/// What a replay reads.
#[derive(Clone)]
pub struct Ports {
    /// Rule versions and integrations.
    pub control: Arc<dyn ControlStore>,
    /// Conversions.
    pub ledger: Arc<dyn Ledger>,
    /// Events.
    pub scan: Arc<dyn EventScan>,
    /// For the rate.
    pub clock: Arc<dyn Clock>,
}

/// Which events, and how.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Whose.
    pub account: AccountId,
    /// From here on, by the event's own time.
    pub from: Timestamp,
    /// Before here.
    pub to: Timestamp,
    /// Threads that judge.
    pub threads: usize,
}

/// What a replay came to.
#[derive(Debug)]
pub struct Outcome {
    /// Verdicts.
    pub tally: Tally,
    /// Money.
    pub sums: Sums,
    /// Conversions that were joined, and whether these are all.
    pub conversions: (usize, bool),
    /// Warm-up of counters that were made anew; `None` = stored readings did.
    pub warm_up_s: Option<u32>,
}

/// Replays; the work is done on the runtime's blocking threads.
///
/// # Errors
/// [`ReplayError`].
pub async fn replay(
    ports: Ports,
    plan: Plan,
    candidate: Candidate,
    progress: Arc<Progress>,
) -> Result<Outcome, ReplayError> {
    progress.begin(Phase::Conversions, 0, &*ports.clock);
    let conversions = Conversions::load(&*ports.ledger, plan.account, plan.from, &progress).await?;
    let handle = Handle::current();
    let run = move || {
        let history = History::new(Arc::clone(&ports.control), plan.account, handle);
        let work = Work {
            ports: &ports,
            plan,
            candidate: &candidate,
            recorded: &history,
            conversions: &conversions,
            progress: &progress,
        };
        let (share, warm_up_s) = work.run()?;
        history.check()?;
        Ok(Outcome {
            tally: share.tally,
            sums: share.touched.sums(&conversions),
            conversions: (conversions.len(), conversions.complete),
            warm_up_s,
        })
    };
    let done = tokio::task::spawn_blocking(run).await;
    done.map_err(|error| ReplayError::Storage(error.to_string()))?
}

/// Everything that workers share.
#[derive(Clone, Copy)]
struct Work<'w> {
    ports: &'w Ports,
    plan: Plan,
    candidate: &'w Candidate,
    recorded: &'w dyn Recorded,
    conversions: &'w Conversions,
    progress: &'w Progress,
}

/// What one thread found.
#[derive(Default)]
struct Share {
    tally: Tally,
    touched: Touched,
}

impl<'w> Work<'w> {
    fn run(self) -> Result<(Share, Option<u32>), ReplayError> {
        let found = match self.in_any_order()? {
            Some(share) => (share, None),
            None => {
                let warm_up_s = self.candidate.window_s();
                (self.in_time_order(warm_up_s)?, Some(warm_up_s))
            }
        };
        self.progress.check()?;
        Ok(found)
    }

    fn query(&self, from: Timestamp) -> ScanQuery {
        ScanQuery {
            from,
            to: self.plan.to,
            filters: Vec::new(),
        }
    }

    fn in_any_order(self) -> Result<Option<Share>, ReplayError> {
        let query = self.query(self.plan.from);
        let scan = self.ports.scan.open(self.plan.account, &query)?;
        let clock = &*self.ports.clock;
        self.progress.begin(Phase::Events, scan.events(), clock);
        let missing = AtomicBool::new(false);
        let mut workers: Vec<Worker<'_>> = (0..self.plan.threads.max(1))
            .map(|_| Worker::new(self, None))
            .collect();
        let visitors = workers.iter_mut().map(|worker| {
            let missing = &missing;
            let visit = move |bytes: &[u8]| match worker.take(bytes) {
                Err(Unjudged::NeedsCounters) => {
                    missing.store(true, Ordering::Relaxed);
                    ControlFlow::Break(())
                }
                _ => worker.go_on(),
            };
            Box::new(visit) as Box<Visit<'_>>
        });
        scan.each(visitors.collect())?;
        if missing.into_inner() {
            return Ok(None);
        }
        let mut all = Share::default();
        for worker in workers {
            let share = worker.finish();
            all.tally.merge(share.tally);
            all.touched.merge(share.touched);
        }
        Ok(Some(all))
    }

    fn in_time_order(self, warm_up_s: u32) -> Result<Share, ReplayError> {
        let from = self.plan.from.plus_ms(-1000 * i64::from(warm_up_s));
        let scan = self.ports.scan.open(self.plan.account, &self.query(from))?;
        let clock = &*self.ports.clock;
        self.progress.begin(Phase::Rebuilding, scan.events(), clock);
        let counters = Counters::new(self.ports.scan.counters());
        let mut worker = Worker::new(self, Some(counters));
        scan.in_time_order(&mut |bytes| {
            // With counters at hand none can be missing.
            let _ = worker.take(bytes);
            worker.go_on()
        })?;
        Ok(worker.finish())
    }
}

/// Events after which a worker says how far it is, and looks whether it shall end.
const TURN: u64 = 256;

/// Judges events and keeps its share.
struct Worker<'w> {
    work: Work<'w>,
    judge: Judge<'w>,
    share: Share,
    taken: u64,
}

impl<'w> Worker<'w> {
    fn new(work: Work<'w>, counters: Option<Counters>) -> Self {
        Self {
            work,
            judge: Judge::new(work.candidate, work.recorded, counters),
            share: Share::default(),
            taken: 0,
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Unjudged> {
        self.taken += 1;
        let Ok(record) = EventRecord::decode(bytes) else {
            self.share.tally.unreplayed.damaged += 1;
            return Ok(());
        };
        if record.facts.hit.time < self.work.plan.from {
            self.judge.warm_up(&record);
            return Ok(());
        }
        let judged = self.judge.judge(&record);
        let tally = &mut self.share.tally;
        let judged = judged.inspect_err(|why| tally.leave_out(*why))?;
        if let Some(direction) = tally.add(&record, &judged) {
            let text = |field| record.facts.hit.get(field).unwrap_or("").to_owned();
            let source = Source {
                publisher: text(Field::Publisher),
                sub_id: text(judged.rule.sub_id),
            };
            let conversions = self.work.conversions;
            let touched = &mut self.share.touched;
            touched.add(conversions, &record, direction, &source);
        }
        Ok(())
    }

    fn go_on(&self) -> ControlFlow<()> {
        if !self.taken.is_multiple_of(TURN) {
            return ControlFlow::Continue(());
        }
        self.work.progress.add(TURN);
        match self.work.progress.is_cancelled() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    fn finish(self) -> Share {
        self.work.progress.add(self.taken % TURN);
        self.share
    }
}

impl From<ReplayError> for crate::ApiError {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Invalid(problems) => Self::invalid(problems),
            ReplayError::NotFound(what) => Self::not_found(what),
            ReplayError::Cancelled => Self::conflict("the replay was cancelled"),
            ReplayError::Storage(why) => Self::unavailable("storage", why),
        }
    }
}
