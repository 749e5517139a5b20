//! The error log in a SQLite file of its own, so that a flood never holds up a save.
//!
//! A lane hands an error over and goes on: the queue is bounded, one account may fill
//! only a part of it, and what does not fit is counted. A thread merges equal errors
//! of a minute and writes them in batches.
//!
//! Limits: [`ErrorLogOptions`]; texts are cut to [`TEXT_MAX`] bytes. A power cut may
//! take the last seconds (nobody is paid by this log); `kill -9` takes what waits.

mod shares;
#[cfg(test)]
mod tests;
mod write;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use assay_model::ports::{DoorError, ErrorLog, ErrorQuery, ErrorRow, StoreError};
use assay_model::{AccountId, IntegrationId, Timestamp};
use async_trait::async_trait;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::sqlite::{Database, Durability, Migration, Readers, Schema, failed, migration};
use shares::Shares;

const SCHEMA: Schema = Schema {
    application_id: i32::from_be_bytes(*b"AsyE"),
    migrations: MIGRATIONS,
};
const MIGRATIONS: &[Migration] = &[
    migration!("errors", "0001_errors"),
    migration!("errors", "0002_account_wide"),
];

/// Longest text of a row, in bytes; the rest is cut.
pub const TEXT_MAX: usize = 1024;

/// Settings of a [`SqliteErrorLog`].
#[derive(Clone, Copy, Debug)]
pub struct ErrorLogOptions {
    /// Errors that may wait to be written; a quarter of it for any one account.
    pub queue: usize,
    /// Newest rows kept of each integration.
    pub rows_per_integration: u32,
    /// Most rows of one answer.
    pub page_max: u32,
}

impl Default for ErrorLogOptions {
    fn default() -> Self {
        Self {
            queue: 8192,
            rows_per_integration: 10_000,
            page_max: 1000,
        }
    }
}

/// What the writer thread is told.
enum Told {
    Error(DoorError),
    /// Answered once everything told before is committed.
    Barrier(oneshot::Sender<()>),
}

/// Numbers of the log, for metrics.
#[derive(Debug, Default)]
struct Counts {
    /// Errors that found no room, or whose batch could not be written.
    lost: AtomicU64,
    shares: Shares,
}

/// The error log in a SQLite file.
#[derive(Debug)]
pub struct SqliteErrorLog {
    readers: Readers,
    told: Option<mpsc::Sender<Told>>,
    thread: Option<JoinHandle<()>>,
    counts: Arc<Counts>,
    share: u32,
    page_max: u32,
}

impl SqliteErrorLog {
    /// Opens the file, making it or bringing it to the newest schema first. Blocks.
    ///
    /// # Errors
    /// [`StoreError::Backend`] when the file cannot be opened, is none of ours, or was
    /// written by a newer version.
    pub fn open(path: &Path, options: ErrorLogOptions) -> Result<Self, StoreError> {
        let file = Database::new(path);
        let db = file.writer(SCHEMA, Durability::Checkpoints)?;
        let readers = Readers::start("errors-read", &file, 1, 64)?;
        let counts = Arc::new(Counts::default());
        let (told, inbox) = mpsc::channel(options.queue.max(4));
        let thread = {
            let counts = Arc::clone(&counts);
            std::thread::Builder::new()
                .name("errors-write".to_owned())
                .spawn(move || write::serve(db, inbox, &counts, options))
                .map_err(|e| StoreError::Backend(e.to_string()))?
        };
        Ok(Self {
            readers,
            told: Some(told),
            thread: Some(thread),
            counts,
            share: u32::try_from(options.queue.max(4) / 4).unwrap_or(u32::MAX),
            page_max: options.page_max,
        })
    }

    /// Errors that were not kept: no room in the queue, or the disk failed.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.counts.lost.load(Ordering::Relaxed)
    }

    /// Waits until everything noted before is committed.
    ///
    /// # Errors
    /// [`StoreError::Backend`] when the writer thread is gone.
    pub async fn flush(&self) -> Result<(), StoreError> {
        let stopped = || StoreError::Backend("the storage thread has stopped".to_owned());
        let (done, committed) = oneshot::channel();
        let told = self.told.as_ref().ok_or_else(stopped)?;
        told.send(Told::Barrier(done))
            .await
            .map_err(|_| stopped())?;
        committed.await.map_err(|_| stopped())
    }
}

impl Drop for SqliteErrorLog {
    fn drop(&mut self) {
        self.told = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[async_trait]
impl ErrorLog for SqliteErrorLog {
    fn note(&self, mut error: DoorError) {
        let account = error.account;
        let shares = &self.counts.shares;
        if !shares.take(account, self.share) {
            self.counts.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        for text in [&mut error.field, &mut error.cause, &mut error.sample] {
            cut(text);
        }
        let sent = self
            .told
            .as_ref()
            .is_some_and(|to| to.try_send(Told::Error(error)).is_ok());
        if !sent {
            shares.give_back(account);
            self.counts.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    async fn list(
        &self,
        account: AccountId,
        query: ErrorQuery,
    ) -> Result<Vec<ErrorRow>, StoreError> {
        // Who sees a refused call wants to find it here at once.
        self.flush().await?;
        let limit = query.limit.min(self.page_max);
        self.readers
            .run(move |db| rows(db, account, ErrorQuery { limit, ..query }))
            .await
    }
}

fn cut(text: &mut String) {
    if text.len() > TEXT_MAX {
        text.truncate(text.floor_char_boundary(TEXT_MAX));
    }
}

fn rows(
    db: &Connection,
    account: AccountId,
    query: ErrorQuery,
) -> Result<Vec<ErrorRow>, StoreError> {
    // Two statements, so that each has its index.
    let sql = match query.integration {
        Some(_) => {
            "SELECT id, time, door, code, field, cause, sample, count, integration FROM errors
             WHERE account = ?1 AND id < ?2 AND integration = ?4 ORDER BY id DESC LIMIT ?3"
        }
        None => {
            "SELECT id, time, door, code, field, cause, sample, count, integration FROM errors
             WHERE account = ?1 AND id < ?2 AND ?4 IS NULL ORDER BY id DESC LIMIT ?3"
        }
    };
    let before = query
        .before
        .map_or(i64::MAX, |id| i64::try_from(id).unwrap_or(i64::MAX));
    let integration = query.integration.map(|id| id.0);
    let mut statement = db.prepare_cached(sql).map_err(failed)?;
    let found = statement
        .query_map((account.0, before, query.limit, integration), row)
        .map_err(failed)?;
    found.collect::<Result<_, _>>().map_err(failed)
}

fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<ErrorRow> {
    let integration: u32 = row.get(8)?;
    Ok(ErrorRow {
        id: row.get::<_, i64>(0)?.unsigned_abs(),
        integration_id: (integration > 0).then_some(IntegrationId(integration)),
        time: Timestamp(row.get(1)?),
        door: row.get(2)?,
        code: row.get(3)?,
        field: row.get(4)?,
        cause: row.get(5)?,
        sample: row.get(6)?,
        count: row.get::<_, i64>(7)?.unsigned_abs(),
    })
}
