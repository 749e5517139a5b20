//! What changes the queue: outcomes, resends, clicks' messages, forgetting.

use assay_model::ports::{
    After, Attempt, ClickMessage, Delivery, LogCursor, LogPosition, StoreError,
};
use assay_model::{AccountId, Timestamp};
use rusqlite::{Connection, Params, params};

use super::log;
use crate::embedded::sqlite::failed;

/// A message of the queue: whose, and its number.
type Key = (AccountId, u64);

fn run(db: &Connection, sql: &str, key: impl Params) -> Result<usize, StoreError> {
    db.prepare_cached(sql)
        .and_then(|mut statement| statement.execute(key))
        .map_err(failed)
}

/// Notes a try and what becomes of the message.
pub fn settle(
    db: &Connection,
    (account, id): Key,
    attempt: Option<&Attempt>,
    after: After,
) -> Result<(), StoreError> {
    let tried = i64::from(attempt.is_some());
    let over = attempt.map_or(0, |attempt| attempt.at.0);
    let (state, next, done) = match after {
        After::Sent => (Some("sent"), None, Some(over)),
        After::Dead => (Some("dead"), None, Some(over)),
        After::Retry(at) => (Some("failed"), Some(at.0), None),
        // The state stays: looking again later is no try.
        After::Wait(at) => (None, Some(at.0), None),
    };
    let changed = run(
        db,
        "UPDATE postbacks_owed SET state = coalesce(?3, state), \
         next = ?4, done = ?5, tries = tries + ?6 \
         WHERE account = ?1 AND id = ?2 AND done IS NULL",
        params![account.0, id.cast_signed(), state, next, done, tried],
    )?;
    if changed == 0 {
        return Err(StoreError::NotFound);
    }
    match attempt {
        Some(attempt) => add_attempt(db, id, attempt),
        None => Ok(()),
    }
}

fn add_attempt(db: &Connection, id: u64, attempt: &Attempt) -> Result<(), StoreError> {
    let sql = "INSERT INTO postback_attempts (message, number, at, request, status, latency_ms, \
               error, response) \
               SELECT id, tries, ?2, ?3, ?4, ?5, ?6, ?7 FROM postbacks_owed WHERE id = ?1";
    let key = params![
        id.cast_signed(),
        attempt.at.0,
        attempt.request,
        attempt.status,
        attempt.latency_ms,
        attempt.error,
        attempt.response,
    ];
    run(db, sql, key).map(|_| ())
}

/// Nothing of this postback is taken before `until`.
pub fn slow_down(
    db: &Connection,
    (account, postback): Key,
    until: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO postbacks_slowed (account, postback, until) VALUES (?1, ?2, ?3) \
               ON CONFLICT (account, postback) DO UPDATE SET until = excluded.until";
    run(db, sql, params![account.0, postback.cast_signed(), until.0]).map(|_| ())
}

/// Makes a message due again: one that is over from the start, one that failed at once.
pub fn resend(db: &Connection, (account, id): Key, now: Timestamp) -> Result<Delivery, StoreError> {
    let key = params![account.0, id.cast_signed(), now.0];
    let again = "UPDATE postbacks_owed SET state = 'pending', due = ?3, next = NULL, done = NULL, \
                 tries_before = tries WHERE account = ?1 AND id = ?2 AND done IS NOT NULL";
    let sooner = "UPDATE postbacks_owed SET next = ?3 \
                  WHERE account = ?1 AND id = ?2 AND state = 'failed'";
    let changed = run(db, again, key)? + run(db, sooner, key)?;
    let found = log::one(db, (account, id))?.ok_or(StoreError::NotFound)?;
    if changed == 0 {
        return Err(StoreError::Invalid(
            "it has not been tried yet: it is sent when it is due".to_owned(),
        ));
    }
    Ok(found)
}

/// Puts clicks' messages in and moves the cursor.
pub fn enqueue_clicks(
    db: &Connection,
    messages: &[ClickMessage],
    cursor: &LogCursor,
) -> Result<(), StoreError> {
    for ClickMessage {
        account,
        owed,
        values,
    } in messages
    {
        let sql = "INSERT INTO postbacks_owed \
            (account, postback, subject, event, seq, due, outcome, reason, fields) \
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING";
        let key = params![
            account.0,
            owed.postback.cast_signed(),
            owed.subject.0,
            owed.event.as_str(),
            owed.seq,
            owed.due.0,
            owed.outcome.as_str(),
            owed.reason,
            serde_json::json!(values).to_string(),
        ];
        run(db, sql, key)?;
    }
    for (lane, position) in cursor {
        let sql = "INSERT INTO click_postbacks_cursor (lane, segment, offset) VALUES (?1, ?2, ?3) \
                   ON CONFLICT (lane) DO UPDATE SET segment = excluded.segment, offset = excluded.offset";
        let (segment, offset) = (
            position.segment.cast_signed(),
            position.offset.cast_signed(),
        );
        run(db, sql, params![lane, segment, offset])?;
    }
    Ok(())
}

/// How far each lane's event log was read.
pub fn cursor(db: &Connection) -> Result<LogCursor, StoreError> {
    let read = |row: &rusqlite::Row<'_>| {
        let position = LogPosition {
            segment: row.get::<_, i64>(1)?.unsigned_abs(),
            offset: row.get::<_, i64>(2)?.unsigned_abs(),
        };
        Ok((row.get::<_, u8>(0)?, position))
    };
    let sql = "SELECT lane, segment, offset FROM click_postbacks_cursor ORDER BY lane";
    let mut statement = db.prepare_cached(sql).map_err(failed)?;
    let rows = statement.query_map([], read).map_err(failed)?;
    rows.collect::<Result<_, _>>().map_err(failed)
}

/// Forgets messages that were over before then, at most so many; returns how many.
pub fn forget(db: &Connection, before: Timestamp, at_once: u64) -> Result<u64, StoreError> {
    let old = "SELECT id FROM postbacks_owed WHERE done IS NOT NULL AND done < ?1 \
               ORDER BY done, id LIMIT ?2";
    let key = (before.0, at_once.cast_signed());
    let attempts = format!("DELETE FROM postback_attempts WHERE message IN ({old})");
    run(db, &attempts, key)?;
    let gone = run(
        db,
        &format!("DELETE FROM postbacks_owed WHERE id IN ({old})"),
        key,
    )?;
    Ok(gone as u64)
}
