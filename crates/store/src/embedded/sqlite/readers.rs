//! A few threads with a read-only connection each; they never wait for the writer.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use assay_model::ports::StoreError;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{Database, stopped};

type Job = Box<dyn FnOnce(&Connection) + Send>;

/// The readers of one file.
#[derive(Debug)]
pub(crate) struct Readers {
    jobs: Option<mpsc::Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    /// Starts `threads` readers that share a queue of `queue` questions.
    pub fn start(
        name: &str,
        file: &Database,
        threads: usize,
        queue: usize,
    ) -> Result<Self, StoreError> {
        let (jobs, inbox) = mpsc::channel::<Job>(queue.max(1));
        let inbox = Arc::new(Mutex::new(inbox));
        let mut readers = Self {
            jobs: Some(jobs),
            threads: Vec::new(),
        };
        for number in 0..threads.max(1) {
            let db = file.reader()?;
            let inbox = Arc::clone(&inbox);
            let thread = std::thread::Builder::new()
                .name(format!("{name}-{number}"))
                .spawn(move || serve(&db, &inbox))
                .map_err(|e| StoreError::Backend(e.to_string()))?;
            readers.threads.push(thread);
        }
        Ok(readers)
    }

    /// Runs `work` on a reader; it sees every commit that was answered before.
    pub async fn run<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |db| {
            let _ = answer.send(work(db));
        });
        let jobs = self.jobs.as_ref().ok_or_else(stopped)?;
        jobs.send(job).await.map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn serve(db: &Connection, inbox: &Mutex<mpsc::Receiver<Job>>) {
    loop {
        // One reader waits at the queue, the others for their turn to; the lock is
        // let go before the work is done.
        let next = inbox
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .blocking_recv();
        let Some(job) = next else { return };
        job(db);
    }
}
