//! The manifest: which event files there are, and how far each lane's spool is in them.
//!
//! One SQLite transaction takes new files, files that go, and spool positions: an event is in
//! exactly one of file and spool, whatever moment a crash picks.

use std::path::Path;

use assay_model::ports::LogPosition;
use assay_model::{AccountId, EventId, Timestamp};
use rusqlite::{Connection, OpenFlags, Transaction, params};

use super::EventsError;

const APPLICATION_ID: i32 = 0x4153_4556; // "ASEV"
const VERSION: i32 = 2;
const SCHEMA: &str = "
CREATE TABLE files (
    id INTEGER PRIMARY KEY,
    day INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    min_time INTEGER NOT NULL,
    max_time INTEGER NOT NULL,
    min_received INTEGER NOT NULL,
    max_received INTEGER NOT NULL,
    min_id BLOB NOT NULL,
    max_id BLOB NOT NULL,
    clicks INTEGER
) STRICT;
CREATE TABLE file_accounts (
    file INTEGER NOT NULL REFERENCES files (id) ON DELETE CASCADE,
    account INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    PRIMARY KEY (file, account)
) STRICT, WITHOUT ROWID;
CREATE TABLE positions (
    lane INTEGER PRIMARY KEY,
    segment INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;
";

/// From version 1, whose files have no click index.
const SECOND: &str = "ALTER TABLE files ADD COLUMN clicks INTEGER;";

/// What the manifest knows of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow {
    /// Number, never used twice; the file's name.
    pub id: u64,
    /// UTC day of its events (the last one, when days were put together).
    pub day: i64,
    /// Events in it.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// First and last of the events' own times.
    pub time: (Timestamp, Timestamp),
    /// First and last time an event of it came in.
    pub received: (Timestamp, Timestamp),
    /// Lowest and highest event id.
    pub ids: (EventId, EventId),
    /// Events in the click index beside it; `None` = there is no index yet.
    pub clicks: Option<u64>,
    /// Events by account, by account.
    pub accounts: Vec<(AccountId, u64)>,
}

impl FileRow {
    /// Whether the account has events in the file.
    #[must_use]
    pub fn has(&self, account: AccountId) -> bool {
        self.accounts
            .binary_search_by_key(&account, |(a, _)| *a)
            .is_ok()
    }
}

/// How far each lane's spool is in files.
pub type Positions = Vec<(u8, LogPosition)>;

/// What a transaction changes.
#[derive(Debug, Default)]
pub struct Change<'a> {
    /// Files that come.
    pub add: &'a [FileRow],
    /// Files that go.
    pub remove: &'a [u64],
    /// Files that got a click index, and how many events are in it.
    pub indexed: &'a [(u64, u64)],
    /// How far lanes are in files now.
    pub positions: &'a [(u8, LogPosition)],
}

/// The manifest's database.
#[derive(Debug)]
pub struct Manifest {
    db: Connection,
}

impl Manifest {
    /// Opens the manifest for writing; makes it when there is none.
    pub fn open(path: &Path) -> Result<Self, EventsError> {
        let db = Connection::open(path)?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "FULL")?;
        db.pragma_update(None, "foreign_keys", true)?;
        db.busy_timeout(std::time::Duration::from_secs(5))?;
        let manifest = Self { db };
        manifest.migrate()?;
        Ok(manifest)
    }

    /// Opens it beside the process that writes; `None` when there is none yet.
    pub fn open_read_only(path: &Path) -> Result<Option<Self>, EventsError> {
        if !path.exists() {
            return Ok(None);
        }
        let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        db.busy_timeout(std::time::Duration::from_secs(5))?;
        Ok(Some(Self { db }))
    }

    fn migrate(&self) -> Result<(), EventsError> {
        let step = match self.version()? {
            0 => SCHEMA,
            1 => SECOND,
            VERSION => return Ok(()),
            newer => return Err(EventsError::Version(newer)),
        };
        self.db.execute_batch(&format!(
            "BEGIN; {step} PRAGMA application_id = {APPLICATION_ID}; \
             PRAGMA user_version = {VERSION}; COMMIT;"
        ))?;
        Ok(())
    }

    fn version(&self) -> Result<i32, EventsError> {
        let version = |row: &rusqlite::Row<'_>| row.get(0);
        Ok(self.db.pragma_query_value(None, "user_version", version)?)
    }

    /// All files and positions, as of one moment.
    pub fn load(&mut self) -> Result<(Vec<FileRow>, Positions), EventsError> {
        // A reader may find the manifest of a process of the version before.
        let clicks = if self.version()? < 2 {
            "NULL"
        } else {
            "clicks"
        };
        let txn = self.db.transaction()?;
        let files = load_files(&txn, clicks)?;
        let positions = txn
            .prepare("SELECT lane, segment, at FROM positions")?
            .query_map([], |row| {
                let position = LogPosition {
                    segment: unsigned(row.get(1)?),
                    offset: unsigned(row.get(2)?),
                };
                Ok((row.get::<_, u8>(0)?, position))
            })?
            .collect::<Result<_, _>>()?;
        txn.finish()?;
        Ok((files, positions))
    }

    /// Makes a change, wholly or not at all; durable when it returns.
    pub fn apply(&mut self, change: &Change<'_>) -> Result<(), EventsError> {
        let txn = self.db.transaction()?;
        for id in change.remove {
            txn.execute("DELETE FROM files WHERE id = ?1", [signed(*id)])?;
        }
        for file in change.add {
            add_file(&txn, file)?;
        }
        for (id, clicks) in change.indexed {
            let update = "UPDATE files SET clicks = ?2 WHERE id = ?1";
            txn.execute(update, [signed(*id), signed(*clicks)])?;
        }
        for (lane, position) in change.positions {
            txn.execute(
                "INSERT OR REPLACE INTO positions (lane, segment, at) VALUES (?1, ?2, ?3)",
                params![lane, signed(position.segment), signed(position.offset)],
            )?;
        }
        txn.commit()?;
        Ok(())
    }
}

fn load_files(txn: &Transaction<'_>, clicks: &str) -> Result<Vec<FileRow>, EventsError> {
    let mut files: Vec<FileRow> = txn
        .prepare(&format!(
            "SELECT id, day, rows, bytes, min_time, max_time, min_received, max_received, \
             min_id, max_id, {clicks} FROM files ORDER BY id",
        ))?
        .query_map([], |row| {
            let time = |at| row.get(at).map(Timestamp);
            Ok(FileRow {
                id: unsigned(row.get(0)?),
                day: row.get(1)?,
                rows: unsigned(row.get(2)?),
                bytes: unsigned(row.get(3)?),
                time: (time(4)?, time(5)?),
                received: (time(6)?, time(7)?),
                ids: (EventId(row.get(8)?), EventId(row.get(9)?)),
                clicks: row.get::<_, Option<i64>>(10)?.map(unsigned),
                accounts: Vec::new(),
            })
        })?
        .collect::<Result<_, _>>()?;
    let mut accounts =
        txn.prepare("SELECT file, account, rows FROM file_accounts ORDER BY file, account")?;
    let mut rows = accounts.query([])?;
    while let Some(row) = rows.next()? {
        let (id, account) = (unsigned(row.get(0)?), AccountId(row.get(1)?));
        if let Ok(at) = files.binary_search_by_key(&id, |file| file.id) {
            files[at].accounts.push((account, unsigned(row.get(2)?)));
        }
    }
    Ok(files)
}

fn add_file(txn: &Transaction<'_>, file: &FileRow) -> Result<(), EventsError> {
    txn.execute(
        "INSERT INTO files VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            signed(file.id),
            file.day,
            signed(file.rows),
            signed(file.bytes),
            file.time.0.0,
            file.time.1.0,
            file.received.0.0,
            file.received.1.0,
            file.ids.0.0,
            file.ids.1.0,
            file.clicks.map(signed),
        ],
    )?;
    let mut insert = txn.prepare_cached("INSERT INTO file_accounts VALUES (?1, ?2, ?3)")?;
    for (account, rows) in &file.accounts {
        insert.execute(params![signed(file.id), account.0, signed(*rows)])?;
    }
    Ok(())
}

/// SQLite knows signed numbers only; ids, sizes and counts stay far below 2^63.
fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}
