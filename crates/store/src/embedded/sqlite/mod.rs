//! SQLite as every embedded store uses it: one writer thread, a few readers, WAL.
//!
//! A file has one writer: two would only wait for each other's lock. Nothing here
//! blocks the caller's runtime; the waiting is done by our own threads.

mod migrate;
mod readers;
mod writer;

use std::path::{Path, PathBuf};
use std::time::Duration;

use assay_model::ports::StoreError;
use rusqlite::{Connection, OpenFlags};

pub(crate) use migrate::{Migration, migration};
pub(crate) use readers::Readers;
pub(crate) use writer::{OnFailedCommit, Writer};

/// How long a statement waits for another process's lock (a backup, a second `assay`).
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The write-ahead file is cut back to this after a checkpoint.
const WAL_KEPT_BYTES: i64 = 64 << 20;

/// When a commit is on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Each commit is fsynced: a power cut loses nothing that was answered.
    EachCommit,
    /// A power cut may take the last commits; the file stays whole.
    Checkpoints,
}

/// What kind of database a file is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schema {
    /// `application_id`, so that one store's file is never opened as another's.
    pub application_id: i32,
    /// Numbered steps; the first makes an empty file into version 1.
    pub migrations: &'static [Migration],
}

/// A database file to open.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    path: PathBuf,
}

impl Database {
    /// Names the file; it is made by [`Database::writer`] when it does not exist.
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_path_buf(),
        }
    }

    /// Opens the file for writing and brings it to the newest version.
    pub fn writer(&self, schema: Schema, durability: Durability) -> Result<Connection, StoreError> {
        let mut db = Connection::open(&self.path).map_err(|e| self.failed(&e))?;
        set_up(&db, durability).map_err(|e| self.failed(&e))?;
        migrate::run(&mut db, schema)
            .map_err(|why| StoreError::Backend(format!("{}: {why}", self.path.display())))?;
        Ok(db)
    }

    /// Opens the file for reading; it must exist.
    pub fn reader(&self) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(&self.path, flags).map_err(|e| self.failed(&e))?;
        db.busy_timeout(BUSY_TIMEOUT).map_err(|e| self.failed(&e))?;
        Ok(db)
    }

    fn failed(&self, error: &rusqlite::Error) -> StoreError {
        StoreError::Backend(format!("{}: {error}", self.path.display()))
    }
}

fn set_up(db: &Connection, durability: Durability) -> rusqlite::Result<()> {
    db.busy_timeout(BUSY_TIMEOUT)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    let synchronous = match durability {
        Durability::EachCommit => "FULL",
        Durability::Checkpoints => "NORMAL",
    };
    db.pragma_update(None, "synchronous", synchronous)?;
    db.pragma_update(None, "journal_size_limit", WAL_KEPT_BYTES)?;
    db.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// A failure of SQLite in the words of the port.
pub(crate) fn failed(error: rusqlite::Error) -> StoreError {
    StoreError::Backend(error.to_string())
}

/// The thread that should have answered is gone.
fn stopped() -> StoreError {
    StoreError::Backend("the storage thread has stopped".to_owned())
}
