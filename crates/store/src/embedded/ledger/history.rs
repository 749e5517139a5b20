//! Entries: added, read, never changed.

use assay_model::ledger::{Entry, Status, Waiting};
use assay_model::ports::LedgerError;
use assay_model::{AccountId, EventId, Reason, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row};

use super::row::{broken, named, reasons, reasons_text, run, waiting};

const COLUMNS: &str =
    "e.seq, e.at, e.actor, e.from_status, e.to_status, e.reason, e.reasons, e.note, e.waiting";

/// Adds an entry.
pub fn add(db: &Connection, row: i64, entry: &Entry) -> Result<(), LedgerError> {
    let sql = "INSERT INTO conversion_entries \
        (row, seq, at, actor, from_status, to_status, reason, reasons, note, waiting) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let params = (
        row,
        entry.seq,
        entry.at.0,
        &entry.actor,
        entry.from.map(Status::as_str),
        entry.to.as_str(),
        entry.reason.code(),
        reasons_text(&entry.reasons),
        &entry.note,
        entry.waiting.map(Waiting::as_str),
    );
    run(db, sql, params).map(|_| ())
}

/// A conversion's entries, oldest first.
pub fn of(db: &Connection, account: AccountId, id: EventId) -> Result<Vec<Entry>, LedgerError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM conversions c JOIN conversion_entries e ON e.row = c.row \
         WHERE c.account = ?1 AND c.conversion = ?2 ORDER BY e.seq"
    );
    let mut statement = db.prepare_cached(&sql).map_err(broken)?;
    let rows = statement
        .query_map((account.0, id.0), entry)
        .map_err(broken)?;
    rows.collect::<Result<_, _>>().map_err(broken)
}

/// The last entry that had decided: what receivers were told last.
pub fn last_decided(db: &Connection, row: i64) -> Result<Option<Entry>, LedgerError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM conversion_entries e \
         WHERE e.row = ?1 AND e.to_status NOT IN ('pending', 'processing') \
         ORDER BY e.seq DESC LIMIT 1"
    );
    db.prepare_cached(&sql)
        .and_then(|mut statement| statement.query_row([row], entry).optional())
        .map_err(broken)
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let from = match row.get_ref(3)?.as_str_or_null()? {
        None => None,
        Some(_) => Some(named(row, 3, Status::parse)?),
    };
    Ok(Entry {
        seq: row.get(0)?,
        at: Timestamp(row.get(1)?),
        actor: row.get(2)?,
        from,
        to: named(row, 4, Status::parse)?,
        reason: named(row, 5, Reason::from_code)?,
        reasons: reasons(row, 6)?,
        note: row.get(7)?,
        waiting: waiting(row, 8)?,
    })
}
