//! The one writer of a file: takes what waits, one transaction, one commit, then answers.
//!
//! An fsync costs far more than a statement, so callers that wait together share one.
//! Each job has its own savepoint: one that fails takes nothing of the others with it.
//!
//! Limits: a bounded queue, and at most [`BATCH_MAX`] jobs a commit.

use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use assay_model::ports::StoreError;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{failed, stopped};

/// Most jobs of one commit.
const BATCH_MAX: usize = 256;

/// A job of the batch ran into a full disk, which undoes all of it.
const LOST: &str = "the transaction was lost";

/// What a failed commit means for those that come after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnFailedCommit {
    /// They may have better luck.
    GoOn,
    /// Nothing more is taken. After a failed fsync the system forgets which pages were not
    /// written, so only what a new start reads from the disk can be believed. A full disk is
    /// no such failure: SQLite takes the commit back, and says so.
    Close,
}

/// Work of one caller, run on the writer thread.
trait Job: Send {
    /// Runs inside its own savepoint.
    fn run(&mut self, db: &Connection);
    /// Answers, once it is known whether the commit went through.
    fn answer(self: Box<Self>, commit: Result<(), &str>);
}

struct Work<T, E, F> {
    work: Option<F>,
    made: Option<Result<T, E>>,
    answer: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Job for Work<T, E, F>
where
    T: Send,
    E: From<StoreError> + Send,
    F: FnOnce(&Connection) -> Result<T, E> + Send,
{
    fn run(&mut self, db: &Connection) {
        if let Some(work) = self.work.take() {
            self.made = Some(in_savepoint(db, work));
        }
    }

    fn answer(self: Box<Self>, commit: Result<(), &str>) {
        let made = match (commit, self.made) {
            (Ok(()), Some(made)) => made,
            // The job's own refusal stands whether or not the others were kept.
            (Err(_), Some(Err(refused))) => Err(refused),
            (Err(why), _) => Err(StoreError::Backend(why.to_owned()).into()),
            (Ok(()), None) => Err(stopped().into()),
        };
        // The caller may have gone; what was written stays written.
        let _ = self.answer.send(made);
    }
}

fn in_savepoint<T, E: From<StoreError>>(
    db: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, E>,
) -> Result<T, E> {
    if db.is_autocommit() {
        // A full disk ends the whole transaction; a savepoint now would commit by itself.
        return Err(StoreError::Backend(LOST.to_owned()).into());
    }
    run(db, "SAVEPOINT job")?;
    let made = work(db);
    if made.is_err() {
        run(db, "ROLLBACK TO job")?;
    }
    run(db, "RELEASE job")?;
    made
}

/// Runs a statement that is kept prepared: these stand around every job.
fn run(db: &Connection, sql: &str) -> Result<(), StoreError> {
    let done = db.prepare_cached(sql).and_then(|mut s| s.execute([]));
    done.map(|_| ()).map_err(failed)
}

/// The writer thread of one file.
#[derive(Debug)]
pub(crate) struct Writer {
    jobs: Option<mpsc::Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
    closed: Arc<OnceLock<String>>,
}

impl Writer {
    /// Starts the thread; at most `queue` callers wait in line, the rest before it.
    pub fn start(
        name: &str,
        db: Connection,
        queue: usize,
        on_failed_commit: OnFailedCommit,
    ) -> Result<Self, StoreError> {
        let (jobs, inbox) = mpsc::channel(queue.max(1));
        let closed = Arc::new(OnceLock::new());
        let thread = {
            let closed = Arc::clone(&closed);
            std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || serve(&db, inbox, on_failed_commit, &closed))
                .map_err(|e| StoreError::Backend(e.to_string()))?
        };
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
            closed,
        })
    }

    /// Why nothing is taken any more; see [`OnFailedCommit::Close`].
    pub fn closed(&self) -> Option<&str> {
        self.closed.get().map(String::as_str)
    }

    /// Runs `work` in the next transaction and returns once it is committed.
    pub async fn run<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job = Box::new(Work {
            work: Some(work),
            made: None,
            answer,
        });
        let jobs = self.jobs.as_ref().ok_or_else(stopped)?;
        jobs.send(job).await.map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }
}

impl Drop for Writer {
    /// Finishes what waits; the file can be opened again when this returns.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(
    db: &Connection,
    mut inbox: mpsc::Receiver<Box<dyn Job>>,
    on_failed_commit: OnFailedCommit,
    closed: &OnceLock<String>,
) {
    let mut batch = Vec::new();
    while let Some(first) = inbox.blocking_recv() {
        batch.push(first);
        while batch.len() < BATCH_MAX
            && let Ok(next) = inbox.try_recv()
        {
            batch.push(next);
        }
        let commit = match closed.get() {
            Some(why) => Err(why.clone()),
            None => one_commit(db, &mut batch).map_err(|failure| {
                if failure.in_doubt && on_failed_commit == OnFailedCommit::Close {
                    let _ = closed.set(failure.why.clone());
                }
                failure.why
            }),
        };
        for job in batch.drain(..) {
            job.answer(commit.as_ref().copied().map_err(String::as_str));
        }
    }
}

/// A batch that was not committed.
struct Failure {
    why: String,
    /// What is on the disk is not known.
    in_doubt: bool,
}

impl Failure {
    fn nothing_written(why: impl ToString) -> Self {
        Self {
            why: why.to_string(),
            in_doubt: false,
        }
    }

    fn at_commit(error: &rusqlite::Error) -> Self {
        let full = error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull);
        Self {
            why: error.to_string(),
            in_doubt: !full,
        }
    }
}

fn one_commit(db: &Connection, batch: &mut [Box<dyn Job>]) -> Result<(), Failure> {
    db.execute_batch("BEGIN IMMEDIATE")
        .map_err(Failure::nothing_written)?;
    for job in batch {
        job.run(db);
    }
    if db.is_autocommit() {
        return Err(Failure::nothing_written(LOST));
    }
    db.execute_batch("COMMIT").map_err(|e| {
        // Some failures end the transaction by themselves; then there is nothing to undo.
        let _ = db.execute_batch("ROLLBACK");
        Failure::at_commit(&e)
    })
}
