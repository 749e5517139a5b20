//! Decisions about sources, and outcomes, in a SQLite file of their own.
//!
//! Limits: [`SourcesOptions`]; pages of at most [`PAGE_MAX`] rows.

mod decisions;
mod lessons;
#[cfg(test)]
mod tests;

use std::path::Path;

use assay_model::ports::{
    ChangeCursor, Decision, DecisionQuery, Kept, KeptSnapshot, Lesson, Lift, NewDecision,
    SourceStore, StoreError,
};
use assay_model::{AccountId, EventId, Timestamp};
use async_trait::async_trait;

use super::sqlite::{
    Database, Durability, Migration, OnFailedCommit, Readers, Schema, Writer, migration,
};

const SCHEMA: Schema = Schema {
    application_id: i32::from_be_bytes(*b"AsyR"),
    migrations: MIGRATIONS,
};
const MIGRATIONS: &[Migration] = &[migration!("sources", "0001_sources")];

/// Most rows of one page.
pub const PAGE_MAX: u32 = 10_000;

/// Settings of [`SqliteSources`].
#[derive(Clone, Copy, Debug)]
pub struct SourcesOptions {
    /// Callers that wait in line for the writer, and as many for the readers.
    pub queue: usize,
}

impl Default for SourcesOptions {
    fn default() -> Self {
        Self { queue: 256 }
    }
}

/// The file.
#[derive(Debug)]
pub struct SqliteSources {
    writer: Writer,
    readers: Readers,
}

impl SqliteSources {
    /// Opens the file, making it or bringing it to the newest schema first. Blocks.
    ///
    /// # Errors
    /// [`StoreError::Backend`] when the file cannot be opened, is none of ours, or was
    /// written by a newer version.
    pub fn open(path: &Path, options: SourcesOptions) -> Result<Self, StoreError> {
        let file = Database::new(path);
        let db = file.writer(SCHEMA, Durability::EachCommit)?;
        Ok(Self {
            writer: Writer::start("sources-write", db, options.queue, OnFailedCommit::GoOn)?,
            readers: Readers::start("sources-read", &file, 1, options.queue)?,
        })
    }
}

#[async_trait]
impl SourceStore for SqliteSources {
    async fn judged(
        &self,
        account: AccountId,
        snapshot: KeptSnapshot,
        changes: Vec<NewDecision>,
    ) -> Result<(), StoreError> {
        self.writer
            .run(move |db| decisions::judged(db, account, &snapshot, &changes))
            .await
    }

    async fn snapshot(&self, account: AccountId) -> Result<Option<KeptSnapshot>, StoreError> {
        self.readers
            .run(move |db| decisions::snapshot(db, account))
            .await
    }

    async fn decisions(
        &self,
        account: AccountId,
        query: &DecisionQuery,
    ) -> Result<Vec<Decision>, StoreError> {
        let query = query.clone();
        self.readers
            .run(move |db| decisions::list(db, account, &query))
            .await
    }

    async fn lift(
        &self,
        account: AccountId,
        lift: Lift,
        line: NewDecision,
    ) -> Result<Decision, StoreError> {
        self.writer
            .run(move |db| decisions::lift(db, account, &lift, line))
            .await
    }

    async fn lifts(&self, account: AccountId, now: Timestamp) -> Result<Vec<Lift>, StoreError> {
        self.readers
            .run(move |db| decisions::lifts(db, account, now))
            .await
    }

    async fn teach(
        &self,
        account: AccountId,
        lessons: Vec<Lesson>,
    ) -> Result<Vec<Kept>, StoreError> {
        self.writer
            .run(move |db| lessons::teach(db, account, &lessons))
            .await
    }

    async fn lessons(
        &self,
        account: AccountId,
        since: Timestamp,
        after: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<Lesson>, StoreError> {
        self.readers
            .run(move |db| lessons::page(db, account, since, after, limit))
            .await
    }

    async fn accounts(&self) -> Result<Vec<AccountId>, StoreError> {
        self.readers.run(lessons::accounts).await
    }

    async fn cursor(&self, name: &str) -> Result<ChangeCursor, StoreError> {
        let name = name.to_owned();
        self.readers.run(move |db| lessons::cursor(db, &name)).await
    }

    async fn note_cursor(&self, name: &str, cursor: ChangeCursor) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.writer
            .run(move |db| lessons::note_cursor(db, &name, cursor))
            .await
    }

    async fn forget(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.writer.run(move |db| lessons::forget(db, before)).await
    }
}
