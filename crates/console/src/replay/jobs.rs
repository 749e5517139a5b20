//! Replays that run and that have run, while the process lives: what they came to can be made
//! again at any time, so nothing is stored.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use assay_model::{AccountId, Timestamp};
use serde_json::Value;

use super::{Outcome, Progress, ReplayError};

/// Finished replays kept per account.
const KEPT: usize = 20;

/// One replay.
#[derive(Debug)]
pub struct Job {
    /// Its number.
    pub id: u64,
    /// Whose.
    pub account: AccountId,
    /// What was asked, to show.
    pub asked: Value,
    /// Who asked.
    pub actor: String,
    /// When.
    pub created: Timestamp,
    /// How far it is.
    pub progress: Arc<Progress>,
    result: Mutex<Option<Result<Outcome, ReplayError>>>,
}

impl Job {
    /// Keeps what it came to.
    pub fn end(&self, result: Result<Outcome, ReplayError>) {
        *lock(&self.result) = Some(result);
    }

    /// What it came to; `None` = it runs.
    pub fn result(&self) -> MutexGuard<'_, Option<Result<Outcome, ReplayError>>> {
        lock(&self.result)
    }

    fn runs(&self) -> bool {
        lock(&self.result).is_none()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change under these locks is one step, so a panic elsewhere leaves them whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All replays, oldest first.
#[derive(Debug, Default)]
pub struct Jobs(Mutex<(u64, VecDeque<Arc<Job>>)>);

/// Why no replay was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

impl Jobs {
    /// Begins a replay.
    ///
    /// # Errors
    /// When one runs already: it would take as long as both together.
    pub fn begin(
        &self,
        account: AccountId,
        asked: Value,
        actor: &str,
        now: Timestamp,
    ) -> Result<Arc<Job>, Busy> {
        let mut inner = lock(&self.0);
        let (last, jobs) = &mut *inner;
        if jobs.iter().any(|job| job.runs()) {
            return Err(Busy);
        }
        *last += 1;
        let job = Arc::new(Job {
            id: *last,
            account,
            asked,
            actor: actor.to_owned(),
            created: now,
            progress: Arc::default(),
            result: Mutex::default(),
        });
        let own = jobs.iter().filter(|job| job.account == account).count();
        if own >= KEPT
            && let Some(oldest) = jobs.iter().position(|job| job.account == account)
        {
            jobs.remove(oldest);
        }
        jobs.push_back(Arc::clone(&job));
        Ok(job)
    }

    /// One of the account's.
    pub fn get(&self, account: AccountId, id: u64) -> Option<Arc<Job>> {
        let inner = lock(&self.0);
        let mut jobs = inner.1.iter();
        let found = jobs.find(|job| job.id == id && job.account == account);
        found.cloned()
    }

    /// The account's, newest first.
    pub fn of(&self, account: AccountId) -> Vec<Arc<Job>> {
        let inner = lock(&self.0);
        let own = inner.1.iter().rev().filter(|job| job.account == account);
        own.cloned().collect()
    }

    /// Ends a replay that runs, forgets one that has ended; false = there is none.
    pub fn drop(&self, account: AccountId, id: u64) -> bool {
        let mut inner = lock(&self.0);
        let jobs = &mut inner.1;
        let found = jobs
            .iter()
            .position(|job| job.id == id && job.account == account);
        let Some(at) = found else { return false };
        if jobs[at].runs() {
            jobs[at].progress.cancel();
        } else {
            jobs.remove(at);
        }
        true
    }
}
