//! The ledger of conversions in one SQLite file, with the queue of postbacks beside it.
//!
//! One writer thread takes whatever waits, makes one transaction of it, fsyncs once, and
//! answers (WAL, `synchronous = FULL`): what was answered neither `kill -9` nor a power cut
//! takes back. The unique index on a conversion's keys decides races. A commit that fails in
//! a way that leaves the disk in doubt ends acceptance until the process is started again.
//!
//! Limits: [`LedgerOptions`]; pages of at most [`PAGE_MAX`] conversions.

mod append;
mod change;
mod feed;
mod find;
mod history;
mod list;
mod owed;
mod report;
pub(super) mod row;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use assay_model::ledger::{Change, Conversion, Entry, Keys, NewConversion, Waiting};
use assay_model::ports::{
    Appended, Changed, ConversionPage, ConversionQuery, ConversionReader, ConversionReport,
    ConversionReportQuery, Ledger, LedgerError, Owes, ReportError, SentId, Settled, Settlement,
    StoreError,
};
use assay_model::postback::Owed;
use assay_model::{AccountId, EventId, IntegrationId};
use async_trait::async_trait;
use rusqlite::Connection;

use super::sqlite::{
    Database, Durability, Migration, OnFailedCommit, Readers, Schema, Writer, failed, migration,
};

const SCHEMA: Schema = Schema {
    application_id: i32::from_be_bytes(*b"AsyL"),
    migrations: MIGRATIONS,
};
const MIGRATIONS: &[Migration] = &[
    migration!("ledger", "0001_conversions"),
    migration!("ledger", "0002_postbacks"),
    migration!("ledger", "0003_changed"),
];

/// Most conversions of one page, and most that one id is answered with.
pub const PAGE_MAX: u32 = 1000;

/// What the writer keeps of the file in memory: keys fall anywhere, so the pages that a batch
/// touches are found again only if many are kept.
const CACHE_KIB: i64 = 64 << 10;
/// Pages of the write-ahead file after which it is folded in: a page that many commits touch
/// is then written into the file once.
const CHECKPOINT_PAGES: i64 = 8 << 10;

/// Settings of a [`SqliteLedger`].
#[derive(Clone, Copy, Debug)]
pub struct LedgerOptions {
    /// Threads that read, each with its own connection.
    pub readers: usize,
    /// Threads that make reports.
    pub reports: usize,
    /// Callers that wait in line for the writer, and as many for the readers.
    pub queue: usize,
}

impl Default for LedgerOptions {
    fn default() -> Self {
        Self {
            readers: 2,
            reports: 4,
            queue: 1024,
        }
    }
}

/// The open file, shared by the ledger and the queue of postbacks.
#[derive(Debug)]
pub(crate) struct LedgerFile {
    // Dropped in this order: the writer's connection is the last and folds the WAL in.
    readers: Readers,
    /// Reports take long; they must not keep a door's question waiting.
    reports: Readers,
    writer: Writer,
}

impl LedgerFile {
    /// Runs `work` in the next transaction and returns once it is on the disk.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    {
        self.writer.run(work).await
    }

    /// Runs `work` on a reader; it sees every commit that was answered before.
    pub async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    {
        self.readers.run(work).await
    }
}

/// The ledger in a SQLite file; cheap to clone.
#[derive(Clone, Debug)]
pub struct SqliteLedger {
    file: Arc<LedgerFile>,
    newest: Option<EventId>,
}

impl SqliteLedger {
    /// Opens the file, making it or bringing it to the newest schema first. Blocks.
    ///
    /// # Errors
    /// [`StoreError::Backend`] when the file cannot be opened, is none of ours, or was
    /// written by a newer version.
    pub fn open(path: &Path, options: LedgerOptions) -> Result<Self, StoreError> {
        let file = Database::new(path);
        let db = file.writer(SCHEMA, Durability::EachCommit)?;
        db.pragma_update(None, "cache_size", -CACHE_KIB)
            .and_then(|()| db.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES))
            .map_err(failed)?;
        let newest = find::newest_id(&db)?;
        let readers = Readers::start("ledger-read", &file, options.readers, options.queue)?;
        let reports = Readers::start("ledger-report", &file, options.reports, 64)?;
        let on_failed_commit = OnFailedCommit::Close;
        let writer = Writer::start("ledger-write", db, options.queue, on_failed_commit)?;
        let file = LedgerFile {
            readers,
            reports,
            writer,
        };
        Ok(Self {
            file: Arc::new(file),
            newest,
        })
    }

    /// Why nothing is taken any more, if a commit failed; for health and metrics.
    #[must_use]
    pub fn closed(&self) -> Option<&str> {
        self.file.writer.closed()
    }

    /// The open file, for the queue of postbacks beside the ledger.
    pub(super) fn file(&self) -> Arc<LedgerFile> {
        Arc::clone(&self.file)
    }

    /// The newest id of a conversion when the file was opened: ids that are handed out from
    /// then on must not go below it, even if the event log has lost its end.
    #[must_use]
    pub const fn newest_id(&self) -> Option<EventId> {
        self.newest
    }

    async fn write<T, F>(&self, work: F) -> Result<T, LedgerError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, LedgerError> + Send + 'static,
    {
        if let Some(why) = self.closed() {
            return Err(LedgerError::Closed(why.to_owned()));
        }
        let made = self.file.write(work).await;
        match (made, self.closed()) {
            (Err(LedgerError::Backend(_)), Some(why)) => Err(LedgerError::Closed(why.to_owned())),
            (made, _) => made,
        }
    }
}

#[async_trait]
impl Ledger for SqliteLedger {
    async fn find_by_key(
        &self,
        account: AccountId,
        keys: &Keys,
    ) -> Result<Option<Conversion>, LedgerError> {
        let keys = keys.clone();
        self.file
            .read(move |db| find::by_keys(db, account, &keys))
            .await
    }

    async fn append(
        &self,
        account: AccountId,
        new: NewConversion,
        owed: Vec<Owed>,
    ) -> Result<Appended, LedgerError> {
        self.write(move |db| append::append(db, account, new, &owed))
            .await
    }

    async fn change(
        &self,
        account: AccountId,
        conversion_id: EventId,
        change: Change,
        owes: Owes,
    ) -> Result<Changed, LedgerError> {
        self.write(move |db| change::change(db, (account, conversion_id), &change, owes))
            .await
    }

    async fn settle(
        &self,
        account: AccountId,
        conversion_id: EventId,
        settlement: Settlement,
        owes: Owes,
    ) -> Result<Settled, LedgerError> {
        self.write(move |db| change::settle(db, (account, conversion_id), settlement, owes))
            .await
    }

    async fn get(
        &self,
        account: AccountId,
        conversion_id: EventId,
    ) -> Result<Option<Conversion>, LedgerError> {
        self.file
            .read(move |db| find::by_id(db, account, conversion_id))
            .await
    }

    async fn history(
        &self,
        account: AccountId,
        conversion_id: EventId,
    ) -> Result<Vec<Entry>, LedgerError> {
        self.file
            .read(move |db| history::of(db, account, conversion_id))
            .await
    }

    async fn find_by_ids(
        &self,
        account: AccountId,
        integration: IntegrationId,
        id: &SentId,
        event: Option<&str>,
    ) -> Result<Vec<Conversion>, LedgerError> {
        let (id, event) = (id.clone(), event.map(str::to_owned));
        self.file
            .read(move |db| find::by_sent_id(db, (account, integration), &id, event.as_deref()))
            .await
    }

    async fn list(
        &self,
        account: AccountId,
        query: &ConversionQuery,
    ) -> Result<ConversionPage, LedgerError> {
        let query = query.clone();
        self.file
            .read(move |db| list::list(db, account, &query))
            .await
    }

    async fn waiting(
        &self,
        account: AccountId,
        on: Waiting,
        after: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<Conversion>, LedgerError> {
        self.file
            .read(move |db| find::waiting(db, account, on, after, limit))
            .await
    }

    async fn accounts_waiting(&self, on: Waiting) -> Result<Vec<AccountId>, LedgerError> {
        self.file
            .read(move |db| find::accounts_waiting(db, on))
            .await
    }
}

#[async_trait]
impl ConversionReader for SqliteLedger {
    async fn conversions(
        &self,
        account: AccountId,
        query: &ConversionReportQuery,
    ) -> Result<ConversionReport, ReportError> {
        let plan = report::Plan::new(account, query)?;
        let (offset, limit) = (query.offset, query.limit);
        self.file
            .reports
            .run(move |db| Ok::<_, StoreError>(report::run(db, &plan, offset, limit)))
            .await
            .map_err(|e| ReportError::Backend(e.to_string()))?
    }
}
