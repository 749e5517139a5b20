//! The one writer of a file: takes what waits, one transaction, one commit, then answers.
//!
//! An fsync costs far more than a statement, so callers that wait together share one.
//! Each job has its own savepoint: one that fails takes nothing of the others with it.
//!
//! Limits: a bounded queue, and at most [`BATCH_MAX`] jobs a commit.

use std::thread::JoinHandle;

use assay_model::ports::StoreError;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{failed, stopped};

/// Most jobs of one commit.
const BATCH_MAX: usize = 256;

/// Work of one caller, run on the writer thread.
trait Job: Send {
    /// Runs inside its own savepoint.
    fn run(&mut self, db: &Connection);
    /// Answers, once it is known whether the commit went through.
    fn answer(self: Box<Self>, commit: Result<(), &str>);
}

struct Work<T, F> {
    work: Option<F>,
    made: Option<Result<T, StoreError>>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Job for Work<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> Result<T, StoreError> + Send,
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
            (Err(why), _) => Err(StoreError::Backend(why.to_owned())),
            (Ok(()), None) => Err(stopped()),
        };
        // The caller may have gone; what was written stays written.
        let _ = self.answer.send(made);
    }
}

fn in_savepoint<T>(
    db: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    if db.is_autocommit() {
        // A full disk ends the whole transaction; a savepoint now would commit by itself.
        return Err(StoreError::Backend("the transaction was lost".to_owned()));
    }
    db.execute_batch("SAVEPOINT job").map_err(failed)?;
    let made = work(db);
    let end = match made {
        Ok(_) => "RELEASE job",
        Err(_) => "ROLLBACK TO job; RELEASE job",
    };
    db.execute_batch(end).map_err(failed)?;
    made
}

/// The writer thread of one file.
#[derive(Debug)]
pub(crate) struct Writer {
    jobs: Option<mpsc::Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread; at most `queue` callers wait in line, the rest before it.
    pub fn start(name: &str, db: Connection, queue: usize) -> Result<Self, StoreError> {
        let (jobs, inbox) = mpsc::channel(queue.max(1));
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || serve(&db, inbox))
            .map_err(|e| StoreError::Backend(e.to_string()))?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    /// Runs `work` in the next transaction and returns once it is committed.
    pub async fn run<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
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

fn serve(db: &Connection, mut inbox: mpsc::Receiver<Box<dyn Job>>) {
    let mut batch = Vec::new();
    while let Some(first) = inbox.blocking_recv() {
        batch.push(first);
        while batch.len() < BATCH_MAX
            && let Ok(next) = inbox.try_recv()
        {
            batch.push(next);
        }
        let commit = one_commit(db, &mut batch);
        for job in batch.drain(..) {
            job.answer(commit.as_ref().copied().map_err(String::as_str));
        }
    }
}

fn one_commit(db: &Connection, batch: &mut [Box<dyn Job>]) -> Result<(), String> {
    db.execute_batch("BEGIN IMMEDIATE")
        .map_err(|e| e.to_string())?;
    for job in batch {
        job.run(db);
    }
    db.execute_batch("COMMIT").map_err(|e| {
        // Some failures end the transaction by themselves; then there is nothing to undo.
        let _ = db.execute_batch("ROLLBACK");
        e.to_string()
    })
}
