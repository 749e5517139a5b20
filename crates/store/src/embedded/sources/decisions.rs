//! The log of decisions, the snapshot in force, and what persons decided.

use assay_model::ports::{
    Decision, DecisionQuery, KeptSnapshot, Lift, NewDecision, SourceStep, StoreError,
};
use assay_model::sources::{SourceLevel, SourceName};
use assay_model::{AccountId, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::Value;

use super::PAGE_MAX;
use crate::embedded::ledger::row::named;
use crate::embedded::sqlite::failed;

const COLUMNS: &str = "id, at, snapshot, step, level, publisher, sub_id, offer, rule, filter, \
    reason, actor, detail";

/// Keeps a judgement.
pub fn judged(
    db: &Connection,
    account: AccountId,
    snapshot: &KeptSnapshot,
    changes: &[NewDecision],
) -> Result<(), StoreError> {
    for change in changes {
        add(db, account, change)?;
    }
    let sql = "INSERT INTO source_snapshots (account, number, as_of, held) VALUES (?1, ?2, ?3, ?4) \
               ON CONFLICT (account) DO UPDATE SET number = ?2, as_of = ?3, held = ?4";
    db.prepare_cached(sql)
        .and_then(|mut statement| {
            statement.execute(params![
                account.0,
                snapshot.number.cast_signed(),
                snapshot.as_of.0,
                snapshot.held.to_string()
            ])
        })
        .map(|_| ())
        .map_err(failed)
}

fn add(db: &Connection, account: AccountId, line: &NewDecision) -> Result<u64, StoreError> {
    let sql = "INSERT INTO source_decisions (account, at, snapshot, step, level, publisher, \
               sub_id, offer, rule, filter, reason, actor, detail) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    let source = &line.source;
    db.prepare_cached(sql)
        .and_then(|mut statement| {
            statement.execute(params![
                account.0,
                line.at.0,
                line.snapshot.cast_signed(),
                line.step.as_str(),
                source.level.as_str(),
                source.publisher,
                source.sub_id,
                source.offer,
                line.rule.map(u64::cast_signed),
                line.filter,
                line.reason,
                line.actor,
                line.detail.to_string()
            ])
        })
        .map_err(failed)?;
    Ok(db.last_insert_rowid().unsigned_abs())
}

/// The snapshot after the last judgement.
pub fn snapshot(db: &Connection, account: AccountId) -> Result<Option<KeptSnapshot>, StoreError> {
    let sql = "SELECT number, as_of, held FROM source_snapshots WHERE account = ?1";
    let read = |row: &Row<'_>| {
        Ok(KeptSnapshot {
            number: row.get::<_, i64>(0)?.unsigned_abs(),
            as_of: Timestamp(row.get(1)?),
            held: json(row, 2)?,
        })
    };
    db.prepare_cached(sql)
        .and_then(|mut statement| statement.query_row([account.0], read).optional())
        .map_err(failed)
}

/// The newest lines of the log that match.
pub fn list(
    db: &Connection,
    account: AccountId,
    query: &DecisionQuery,
) -> Result<Vec<Decision>, StoreError> {
    // Two statements, so that each runs along the index made for it.
    let narrowed = match query.publisher {
        Some(_) => "AND publisher = ?4",
        None => "AND ?4 IS NULL",
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM source_decisions WHERE account = ?1 AND id < ?2 {narrowed} \
         ORDER BY id DESC LIMIT ?3"
    );
    let before = query.before.map_or(i64::MAX, u64::cast_signed);
    let key = params![
        account.0,
        before,
        query.limit.min(PAGE_MAX),
        query.publisher
    ];
    let mut statement = db.prepare_cached(&sql).map_err(failed)?;
    let rows = statement.query_map(key, decision).map_err(failed)?;
    rows.collect::<Result<_, _>>().map_err(failed)
}

fn decision(row: &Row<'_>) -> rusqlite::Result<Decision> {
    let level = |text: &str| SourceLevel::ALL.into_iter().find(|l| l.as_str() == text);
    Ok(Decision {
        id: row.get::<_, i64>(0)?.unsigned_abs(),
        line: NewDecision {
            at: Timestamp(row.get(1)?),
            snapshot: row.get::<_, i64>(2)?.unsigned_abs(),
            step: named(row, 3, SourceStep::parse)?,
            source: SourceName {
                level: named(row, 4, level)?,
                publisher: row.get(5)?,
                sub_id: row.get(6)?,
                offer: row.get(7)?,
            },
            rule: row.get::<_, Option<i64>>(8)?.map(i64::unsigned_abs),
            filter: row.get(9)?,
            reason: row.get(10)?,
            actor: row.get(11)?,
            detail: json(row, 12)?,
        },
    })
}

/// Keeps a person's decision and its line.
pub fn lift(
    db: &Connection,
    account: AccountId,
    lift: &Lift,
    line: NewDecision,
) -> Result<Decision, StoreError> {
    let text = serde_json::to_string(lift).map_err(|e| StoreError::Backend(e.to_string()))?;
    let sql = "INSERT INTO source_lifts (account, until, lift) VALUES (?1, ?2, ?3)";
    db.prepare_cached(sql)
        .and_then(|mut statement| statement.execute(params![account.0, lift.until.0, text]))
        .map_err(failed)?;
    let id = add(db, account, &line)?;
    Ok(Decision { id, line })
}

/// Decisions of persons that have not ended.
pub fn lifts(db: &Connection, account: AccountId, now: Timestamp) -> Result<Vec<Lift>, StoreError> {
    let sql = "SELECT lift FROM source_lifts WHERE account = ?1 AND until > ?2 ORDER BY id";
    let mut statement = db.prepare_cached(sql).map_err(failed)?;
    let rows = statement
        .query_map((account.0, now.0), |row| json(row, 0))
        .map_err(failed)?;
    rows.map(|row| {
        let lift = row.map_err(failed)?;
        serde_json::from_value(lift).map_err(|e| StoreError::Backend(e.to_string()))
    })
    .collect()
}

fn json(row: &Row<'_>, at: usize) -> rusqlite::Result<Value> {
    let text = row.get_ref(at)?.as_str()?;
    serde_json::from_str(text).map_err(|e| {
        rusqlite::Error::FromSqlConversionFailure(at, rusqlite::types::Type::Text, Box::new(e))
    })
}
