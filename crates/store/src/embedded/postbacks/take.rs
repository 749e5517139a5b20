//! Due messages, from each definition in turn.

use assay_model::ports::{MacroValues, Message, StoreError};
use assay_model::postback::{Outcome, Owed};
use assay_model::{AccountId, EventId, EventKind, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::leases::{Plan, Whose};
use crate::embedded::ledger::row::named;
use crate::embedded::sqlite::failed;

/// What is due and may be taken.
pub fn due(db: &Connection, plan: &Plan) -> Result<Vec<Message>, StoreError> {
    let mut out = Vec::new();
    if !anything(db, plan.now)? {
        return Ok(out);
    }
    for whose in in_turn(db, plan.after)? {
        let left = (plan.take.limit as usize).saturating_sub(out.len());
        if left == 0 {
            break;
        }
        of_one(db, plan, whose, left, &mut out)?;
    }
    Ok(out)
}

/// Whether any message that waits is due at all: mostly none is, and this is one look-up.
fn anything(db: &Connection, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM postbacks_owed INDEXED BY postbacks_oldest \
               WHERE done IS NULL AND due <= ?1 LIMIT 1";
    db.prepare_cached(sql)
        .and_then(|mut statement| statement.exists([now.0]))
        .map_err(failed)
}

/// Every definition with messages that wait: those behind `after` first, then from the start.
///
/// One look-up each, however many messages a definition has.
fn in_turn(db: &Connection, after: Option<Whose>) -> Result<Vec<Whose>, StoreError> {
    let mut next = db
        .prepare_cached(
            "SELECT account, postback FROM postbacks_owed INDEXED BY postbacks_waiting \
             WHERE done IS NULL AND (account, postback) > (?1, ?2) \
             ORDER BY account, postback LIMIT 1",
        )
        .map_err(failed)?;
    let mut at = (0, 0);
    let mut all: Vec<Whose> = Vec::new();
    while let Some(found) = next
        .query_row(at, |row| Ok((row.get::<_, u32>(0)?, row.get::<_, i64>(1)?)))
        .optional()
        .map_err(failed)?
    {
        at = found;
        all.push((AccountId(found.0), found.1.unsigned_abs()));
    }
    let behind = all.partition_point(|whose| after.is_some_and(|last| *whose <= last));
    all.rotate_left(behind);
    Ok(all)
}

pub(super) const DUE: &str = "SELECT o.id, o.postback, o.subject, o.event, o.seq, o.due, o.outcome, o.reason, \
        o.tries - o.tries_before, coalesce(o.fields, c.fields, '{}') \
    FROM postbacks_owed o INDEXED BY postbacks_waiting \
    LEFT JOIN conversions c ON c.account = o.account AND c.conversion = o.subject \
    WHERE o.done IS NULL AND o.account = ?1 AND o.postback = ?2 AND coalesce(o.next, o.due) <= ?3 \
        AND NOT EXISTS (SELECT 1 FROM postbacks_owed e WHERE e.account = o.account \
            AND e.postback = o.postback AND e.subject = o.subject AND e.seq < o.seq \
            AND e.done IS NULL) \
        AND NOT EXISTS (SELECT 1 FROM postbacks_slowed s WHERE s.account = o.account \
            AND s.postback = o.postback AND s.until > ?3) \
    ORDER BY coalesce(o.next, o.due), o.id LIMIT ?4";

/// Due messages of one definition, as many as may be under way.
fn of_one(
    db: &Connection,
    plan: &Plan,
    whose: Whose,
    left: usize,
    out: &mut Vec<Message>,
) -> Result<(), StoreError> {
    let under_way = plan.under_way.get(&whose).copied().unwrap_or(0);
    let room = plan.take.per_postback.saturating_sub(under_way) as usize;
    let room = room.min(left);
    if room == 0 {
        return Ok(());
    }
    let (account, postback) = whose;
    // Those under way still wait in the file, and may well be the first.
    let look_at = room as u64 + u64::from(under_way);
    let mut statement = db.prepare_cached(DUE).map_err(failed)?;
    let key = params![
        account.0,
        postback.cast_signed(),
        plan.now.0,
        look_at.cast_signed()
    ];
    let rows = statement
        .query_map(key, |row| message(account, row))
        .map_err(failed)?;
    let free = rows.filter(|row| !row.as_ref().is_ok_and(|m| plan.held.contains(&m.id)));
    for row in free.take(room) {
        out.push(row.map_err(failed)?);
    }
    Ok(())
}

fn message(account: AccountId, row: &Row<'_>) -> rusqlite::Result<Message> {
    let values = row.get_ref(9)?.as_str()?;
    let values: MacroValues = serde_json::from_str(values).map_err(|why| {
        rusqlite::Error::FromSqlConversionFailure(9, rusqlite::types::Type::Text, why.into())
    })?;
    Ok(Message {
        id: row.get::<_, i64>(0)?.unsigned_abs(),
        account,
        owed: Owed {
            postback: row.get::<_, i64>(1)?.unsigned_abs(),
            subject: EventId(row.get(2)?),
            event: named(row, 3, EventKind::parse)?,
            seq: row.get(4)?,
            due: Timestamp(row.get(5)?),
            outcome: named(row, 6, Outcome::parse)?,
            reason: row.get(7)?,
        },
        attempts: row.get(8)?,
        values,
    })
}
