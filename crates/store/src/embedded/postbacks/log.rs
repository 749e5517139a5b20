//! The delivery log, and how much waits.

use assay_model::ports::{Attempt, Backlog, Delivery, DeliveryQuery, DeliveryState, StoreError};
use assay_model::postback::{Outcome, message_id};
use assay_model::{AccountId, EventId, EventKind, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Params, Row, params};

use super::PAGE_MAX;
use crate::embedded::ledger::row::named;
use crate::embedded::sqlite::failed;

const COLUMNS: &str = "SELECT o.id, o.postback, o.event, o.subject, o.seq, o.outcome, o.reason, \
        o.state, o.due, CASE WHEN o.done IS NULL THEN coalesce(o.next, o.due) END, \
        o.tries - o.tries_before, a.at, a.request, a.status, a.latency_ms, a.error, a.response \
    FROM postbacks_owed o \
    LEFT JOIN postback_attempts a ON a.message = o.id AND a.number = o.tries ";

fn delivery(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    let postback_id = row.get::<_, i64>(1)?.unsigned_abs();
    let subject_id = EventId(row.get(3)?);
    let tried: Option<i64> = row.get(11)?;
    Ok(Delivery {
        id: row.get::<_, i64>(0)?.unsigned_abs(),
        message_id: message_id(postback_id, subject_id, row.get(4)?),
        postback_id,
        event: named(row, 2, EventKind::parse)?,
        subject_id,
        status: named(row, 5, Outcome::parse)?,
        reason: row.get(6)?,
        state: named(row, 7, DeliveryState::parse)?,
        due: Timestamp(row.get(8)?),
        next: row.get::<_, Option<i64>>(9)?.map(Timestamp),
        attempts: row.get(10)?,
        last: tried.map(|_| attempt(row, 11)).transpose()?,
    })
}

/// A try, from its columns on.
fn attempt(row: &Row<'_>, at: usize) -> rusqlite::Result<Attempt> {
    Ok(Attempt {
        at: Timestamp(row.get(at)?),
        request: row.get(at + 1)?,
        status: row.get(at + 2)?,
        latency_ms: row.get(at + 3)?,
        error: row.get(at + 4)?,
        response: row.get(at + 5)?,
    })
}

fn all(db: &Connection, sql: &str, key: impl Params) -> Result<Vec<Delivery>, StoreError> {
    let mut statement = db.prepare_cached(sql).map_err(failed)?;
    let rows = statement.query_map(key, delivery).map_err(failed)?;
    rows.collect::<Result<_, _>>().map_err(failed)
}

/// The newest deliveries that match.
pub fn deliveries(
    db: &Connection,
    account: AccountId,
    query: DeliveryQuery,
) -> Result<Vec<Delivery>, StoreError> {
    let before = query.before.map_or(i64::MAX, u64::cast_signed);
    let limit = query.limit.min(PAGE_MAX);
    if let Some(postback) = query.postback {
        let sql = format!(
            "{COLUMNS} WHERE o.account = ?1 AND o.postback = ?2 AND o.id < ?3 \
             AND (?4 IS NULL OR o.state = ?4) ORDER BY o.id DESC LIMIT ?5"
        );
        let state = query.state.map(DeliveryState::as_str);
        let key = params![account.0, postback.cast_signed(), before, state, limit];
        return all(db, &sql, key);
    }
    let sql = format!(
        "{COLUMNS} WHERE o.account = ?1 AND o.state = ?2 AND o.id < ?3 ORDER BY o.id DESC LIMIT ?4"
    );
    let mut out = Vec::new();
    // By state, since that is how they are found: a few dead ones among a million sent.
    for state in DeliveryState::ALL {
        if query.state.is_none_or(|wanted| wanted == state) {
            let key = params![account.0, state.as_str(), before, limit];
            out.extend(all(db, &sql, key)?);
        }
    }
    out.sort_by_key(|delivery| std::cmp::Reverse(delivery.id));
    out.truncate(limit as usize);
    Ok(out)
}

/// One delivery.
pub fn one(
    db: &Connection,
    (account, id): (AccountId, u64),
) -> Result<Option<Delivery>, StoreError> {
    db.prepare_cached(&format!("{COLUMNS} WHERE o.account = ?1 AND o.id = ?2"))
        .and_then(|mut statement| {
            statement
                .query_row(params![account.0, id.cast_signed()], delivery)
                .optional()
        })
        .map_err(failed)
}

/// One delivery with all its tries.
pub fn with_attempts(
    db: &Connection,
    key: (AccountId, u64),
) -> Result<Option<(Delivery, Vec<Attempt>)>, StoreError> {
    let Some(found) = one(db, key)? else {
        return Ok(None);
    };
    let sql = "SELECT at, request, status, latency_ms, error, response FROM postback_attempts \
               WHERE message = ?1 ORDER BY number";
    let mut statement = db.prepare_cached(sql).map_err(failed)?;
    let rows = statement
        .query_map([key.1.cast_signed()], |row| attempt(row, 0))
        .map_err(failed)?;
    let tries = rows.collect::<Result<_, _>>().map_err(failed)?;
    Ok(Some((found, tries)))
}

/// How much waits, over all accounts.
pub fn backlog(db: &Connection) -> Result<Backlog, StoreError> {
    let sql = "SELECT count(*), min(due) FROM postbacks_owed INDEXED BY postbacks_oldest \
               WHERE done IS NULL";
    db.prepare_cached(sql)
        .and_then(|mut statement| {
            statement.query_row([], |row| {
                Ok(Backlog {
                    waiting: row.get::<_, i64>(0)?.unsigned_abs(),
                    oldest_due: row.get::<_, Option<i64>>(1)?.map(Timestamp),
                })
            })
        })
        .map_err(failed)
}
