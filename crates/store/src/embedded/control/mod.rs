//! Control data in one SQLite file: documents, all their versions, a revision to poll.
//!
//! A save is fsynced before it is answered (WAL, `synchronous = FULL`), so neither
//! `kill -9` nor a power cut takes it back. Saves that wait together share one fsync.
//! Bodies and transaction keys are sealed, see [`crate::secrets`].

mod keys;
mod read;
mod sealed;
#[cfg(test)]
mod tests;
mod write;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use assay_model::ports::{ControlStore, Doc, DocKind, KeyStore, NewDoc, Removal, Save, StoreError};
use assay_model::transaction::KeyRing;
use assay_model::{AccountId, Timestamp};
use async_trait::async_trait;

use super::sqlite::{
    Database, Durability, Migration, OnFailedCommit, Readers, Schema, Writer, migration,
};
use crate::secrets::{KeyFile, MasterKeys};

const SCHEMA: Schema = Schema {
    application_id: i32::from_be_bytes(*b"AsyC"),
    migrations: MIGRATIONS,
};
const MIGRATIONS: &[Migration] = &[
    migration!("control", "0001_documents"),
    migration!("control", "0002_transaction_keys"),
    migration!("control", "0003_sealed"),
];

/// Name of the file of master keys, unless another is given.
pub const KEY_FILE: &str = "secrets.key";

/// Settings of a [`SqliteControlStore`].
#[derive(Clone, Debug)]
pub struct ControlOptions {
    /// Threads that read, each with its own connection.
    pub readers: usize,
    /// Callers that wait in line for the writer, and as many for the readers.
    pub queue: usize,
    /// The file of master keys; `None` = `secrets.key` beside the control data, made when
    /// there is none yet.
    pub key_file: Option<PathBuf>,
}

impl Default for ControlOptions {
    fn default() -> Self {
        Self {
            readers: 2,
            queue: 1024,
            key_file: None,
        }
    }
}

/// Control data in a SQLite file.
#[derive(Debug)]
pub struct SqliteControlStore {
    // Dropped in this order: the writer's connection is the last and folds the WAL in.
    readers: Readers,
    writer: Writer,
    keys: Arc<MasterKeys>,
}

impl SqliteControlStore {
    /// Opens the file, making it or bringing it to the newest schema and master key first.
    ///
    /// Blocks: for the start of the process, not for a runtime's thread.
    ///
    /// # Errors
    /// [`StoreError::Backend`] when the file cannot be opened, is none of ours, was written by
    /// a newer version, or is sealed with master keys that are not at hand.
    pub fn open(path: &Path, options: ControlOptions) -> Result<Self, StoreError> {
        let file = Database::new(path);
        let mut db = file.writer(SCHEMA, Durability::EachCommit)?;
        let key_file = match options.key_file {
            Some(given) => KeyFile::given(given),
            None => KeyFile::own(path.with_file_name(KEY_FILE)),
        };
        let keys = Arc::new(key_file.load(!sealed::any(&db)?)?);
        sealed::adopt(&mut db, &keys)?;
        let readers = Readers::start("control-read", &file, options.readers, options.queue)?;
        let writer = Writer::start("control-write", db, options.queue, OnFailedCommit::GoOn)?;
        Ok(Self {
            readers,
            writer,
            keys,
        })
    }
}

#[async_trait]
impl ControlStore for SqliteControlStore {
    async fn create_account(
        &self,
        body: serde_json::Value,
        actor: &str,
        now: Timestamp,
    ) -> Result<Doc, StoreError> {
        let (keys, actor) = (Arc::clone(&self.keys), actor.to_owned());
        self.writer
            .run(move |db| write::create_account(db, &keys, body, actor, now))
            .await
    }

    async fn accounts(&self) -> Result<Vec<AccountId>, StoreError> {
        self.readers.run(read::accounts).await
    }

    async fn insert(
        &self,
        account: AccountId,
        doc: NewDoc,
        actor: &str,
        now: Timestamp,
    ) -> Result<Doc, StoreError> {
        let (keys, actor) = (Arc::clone(&self.keys), actor.to_owned());
        self.writer
            .run(move |db| write::insert(db, &keys, account, doc, actor, now))
            .await
    }

    async fn get(
        &self,
        account: AccountId,
        kind: DocKind,
        id: u64,
    ) -> Result<Option<Doc>, StoreError> {
        let keys = Arc::clone(&self.keys);
        self.readers
            .run(move |db| read::get(db, &keys, account, kind, id))
            .await
    }

    async fn list(
        &self,
        account: AccountId,
        kind: DocKind,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Doc>, StoreError> {
        let keys = Arc::clone(&self.keys);
        self.readers
            .run(move |db| read::list(db, &keys, account, kind, after, limit))
            .await
    }

    async fn update(
        &self,
        account: AccountId,
        id: u64,
        expected: Option<u32>,
        doc: NewDoc,
        actor: &str,
        now: Timestamp,
    ) -> Result<Doc, StoreError> {
        let (keys, actor) = (Arc::clone(&self.keys), actor.to_owned());
        self.writer
            .run(move |db| write::update(db, &keys, (account, id), expected, doc, actor, now))
            .await
    }

    async fn change_all(
        &self,
        account: AccountId,
        saves: Vec<Save>,
        removals: Vec<Removal>,
        actor: &str,
        now: Timestamp,
    ) -> Result<Vec<Doc>, StoreError> {
        let (keys, actor) = (Arc::clone(&self.keys), actor.to_owned());
        self.writer
            .run(move |db| {
                let saved = write::save_all(db, &keys, account, saves, &actor, now)?;
                write::remove_all(db, account, &removals, &actor, now)?;
                Ok(saved)
            })
            .await
    }

    async fn delete(
        &self,
        account: AccountId,
        kind: DocKind,
        id: u64,
        actor: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let actor = actor.to_owned();
        self.writer
            .run(move |db| write::delete(db, account, kind, id, &actor, now))
            .await
    }

    async fn versions(
        &self,
        account: AccountId,
        kind: DocKind,
        id: u64,
    ) -> Result<Vec<Doc>, StoreError> {
        let keys = Arc::clone(&self.keys);
        self.readers
            .run(move |db| read::versions(db, &keys, account, kind, id))
            .await
    }

    async fn find_unique(&self, kind: DocKind, unique: &str) -> Result<Option<Doc>, StoreError> {
        let (keys, unique) = (Arc::clone(&self.keys), unique.to_owned());
        self.readers
            .run(move |db| read::find_unique(db, &keys, kind, &unique))
            .await
    }

    async fn unique_values(
        &self,
        account: AccountId,
        kind: DocKind,
    ) -> Result<Vec<(u64, String)>, StoreError> {
        self.readers
            .run(move |db| read::unique_values(db, account, kind))
            .await
    }

    async fn revision(&self) -> Result<u64, StoreError> {
        self.readers.run(read::revision).await
    }

    async fn changed_since(&self, revision: u64) -> Result<Vec<AccountId>, StoreError> {
        self.readers
            .run(move |db| read::changed_since(db, revision))
            .await
    }
}

#[async_trait]
impl KeyStore for SqliteControlStore {
    async fn transaction_keys(&self) -> Result<Option<KeyRing>, StoreError> {
        let master = Arc::clone(&self.keys);
        self.readers.run(move |db| keys::read(db, &master)).await
    }

    async fn replace_transaction_keys(
        &self,
        old: Option<&KeyRing>,
        new: &KeyRing,
    ) -> Result<bool, StoreError> {
        let master = Arc::clone(&self.keys);
        let (old, new) = (old.cloned(), new.clone());
        self.writer
            .run(move |db| keys::replace(db, &master, old.as_ref(), &new))
            .await
    }
}
