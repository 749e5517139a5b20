//! What became of events, one row each.

use assay_model::ports::{ChangeCursor, Kept, Lesson, StoreError, Teacher};
use assay_model::reputation::{EventKeys, KeyKind, KeyPrint, Outcome};
use assay_model::{AccountId, EventId, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::PAGE_MAX;
use crate::embedded::sqlite::failed;

/// Lessons forgotten in one transaction.
const FORGET_AT_ONCE: u32 = 10_000;
/// Bytes of a key: its kind and its print.
const KEY_BYTES: usize = 9;

const COLUMNS: &str = "event, outcome, weight, time, teacher, keys";

/// Keeps lessons.
pub fn teach(
    db: &Connection,
    account: AccountId,
    lessons: &[Lesson],
) -> Result<Vec<Kept>, StoreError> {
    lessons
        .iter()
        .map(|lesson| teach_one(db, account, lesson))
        .collect()
}

fn teach_one(db: &Connection, account: AccountId, lesson: &Lesson) -> Result<Kept, StoreError> {
    let known = of(db, account, lesson.event)?;
    if let Some(known) = &known {
        let same = known.outcome == lesson.outcome && known.weight >= lesson.weight;
        if known.teacher as u8 > lesson.teacher as u8 || (same && known.teacher == lesson.teacher) {
            return Ok(Kept::Same);
        }
    }
    let sql = "INSERT INTO lessons (account, event, outcome, weight, time, teacher, keys) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (account, event) DO UPDATE SET \
               outcome = ?3, weight = ?4, time = ?5, teacher = ?6, keys = ?7";
    db.prepare_cached(sql)
        .and_then(|mut statement| {
            statement.execute(params![
                account.0,
                lesson.event.0,
                lesson.outcome as u8,
                f64::from(lesson.weight),
                lesson.time.0,
                lesson.teacher as u8,
                key_bytes(&lesson.keys)
            ])
        })
        .map_err(failed)?;
    Ok(match known {
        None => Kept::New,
        Some(known) => Kept::InPlaceOf(Box::new(known)),
    })
}

fn of(db: &Connection, account: AccountId, event: EventId) -> Result<Option<Lesson>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM lessons WHERE account = ?1 AND event = ?2");
    db.prepare_cached(&sql)
        .and_then(|mut statement| statement.query_row((account.0, event.0), lesson).optional())
        .map_err(failed)
}

/// Lessons by event id above `after`, ascending.
pub fn page(
    db: &Connection,
    account: AccountId,
    since: Timestamp,
    after: Option<EventId>,
    limit: u32,
) -> Result<Vec<Lesson>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM lessons WHERE account = ?1 AND event > ?2 AND time >= ?3 \
         ORDER BY event LIMIT ?4"
    );
    let after = after.map_or_else(Vec::new, |id| id.0.to_vec());
    let mut statement = db.prepare_cached(&sql).map_err(failed)?;
    let rows = statement
        .query_map(
            params![account.0, after, since.0, limit.min(PAGE_MAX)],
            lesson,
        )
        .map_err(failed)?;
    rows.collect::<Result<_, _>>().map_err(failed)
}

fn lesson(row: &Row<'_>) -> rusqlite::Result<Lesson> {
    let damaged = |at, why: &str| {
        let why = std::io::Error::other(why.to_owned());
        rusqlite::Error::FromSqlConversionFailure(at, rusqlite::types::Type::Blob, Box::new(why))
    };
    Ok(Lesson {
        event: EventId(row.get(0)?),
        outcome: Outcome::from_code(row.get(1)?)
            .ok_or_else(|| damaged(1, "outcome is not known to this version"))?,
        weight: row.get::<_, f64>(2)? as f32,
        time: Timestamp(row.get(3)?),
        teacher: match row.get::<_, u8>(4)? {
            0 => Teacher::Ledger,
            _ => Teacher::Told,
        },
        keys: read_keys(row.get_ref(5)?.as_blob()?)
            .ok_or_else(|| damaged(5, "keys do not read"))?,
    })
}

fn key_bytes(keys: &EventKeys) -> Vec<u8> {
    let mut out = Vec::with_capacity(keys.len() * KEY_BYTES);
    for key in keys {
        out.push(key.kind as u8);
        out.extend_from_slice(&key.print.to_le_bytes());
    }
    out
}

fn read_keys(bytes: &[u8]) -> Option<EventKeys> {
    let read = |part: &[u8]| {
        let (kind, print) = part.split_first()?;
        Some(KeyPrint {
            kind: KeyKind::from_code(*kind)?,
            print: u64::from_le_bytes(print.try_into().ok()?),
        })
    };
    bytes.chunks(KEY_BYTES).map(read).collect()
}

/// Accounts that have something here.
pub fn accounts(db: &Connection) -> Result<Vec<AccountId>, StoreError> {
    // The first lesson of each account, one after another: a scan would read all of them.
    let sql = "WITH RECURSIVE own(account) AS (SELECT min(account) FROM lessons UNION ALL \
               SELECT (SELECT min(account) FROM lessons WHERE account > own.account) FROM own \
               WHERE own.account IS NOT NULL) \
               SELECT account FROM own WHERE account IS NOT NULL \
               UNION SELECT account FROM source_snapshots ORDER BY 1";
    let mut statement = db.prepare_cached(sql).map_err(failed)?;
    let rows = statement
        .query_map([], |row| row.get(0).map(AccountId))
        .map_err(failed)?;
    rows.collect::<Result<_, _>>().map_err(failed)
}

/// How far a follower has come.
pub fn cursor(db: &Connection, name: &str) -> Result<ChangeCursor, StoreError> {
    let sql = "SELECT changed, row FROM ledger_cursors WHERE name = ?1";
    let read = |row: &Row<'_>| {
        Ok(ChangeCursor {
            changed: Timestamp(row.get(0)?),
            row: row.get(1)?,
        })
    };
    let found = db
        .prepare_cached(sql)
        .and_then(|mut statement| statement.query_row([name], read).optional())
        .map_err(failed)?;
    Ok(found.unwrap_or_default())
}

/// Notes how far it has come.
pub fn note_cursor(db: &Connection, name: &str, cursor: ChangeCursor) -> Result<(), StoreError> {
    let sql = "INSERT INTO ledger_cursors (name, changed, row) VALUES (?1, ?2, ?3) \
               ON CONFLICT (name) DO UPDATE SET changed = ?2, row = ?3";
    db.prepare_cached(sql)
        .and_then(|mut statement| statement.execute(params![name, cursor.changed.0, cursor.row]))
        .map(|_| ())
        .map_err(failed)
}

/// Forgets old lessons, a bounded number at a time.
pub fn forget(db: &Connection, before: Timestamp) -> Result<u64, StoreError> {
    let sql = "DELETE FROM lessons WHERE (account, event) IN \
               (SELECT account, event FROM lessons WHERE time < ?1 LIMIT ?2)";
    let gone = db
        .prepare_cached(sql)
        .and_then(|mut statement| statement.execute((before.0, FORGET_AT_ONCE)))
        .map_err(failed)?;
    Ok(gone as u64)
}
