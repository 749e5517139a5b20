//! Conversions by their keys and ids.

use assay_model::ledger::{Conversion, IdempotencyKey, Keys, Waiting};
use assay_model::ports::{LedgerError, SentId, StoreError};
use assay_model::{AccountId, EventId, IntegrationId};
use rusqlite::{Connection, OptionalExtension, Params, ToSql};

use super::PAGE_MAX;
use super::row::{COLUMNS, Stored, all, broken, read};
use crate::embedded::sqlite::failed;

/// The conversion that a message with these keys sends again; [`Keys`] says which it is.
pub fn by_keys(
    db: &Connection,
    account: AccountId,
    keys: &Keys,
) -> Result<Option<Conversion>, LedgerError> {
    if let Some(holder) = holder(db, account, keys.decides)? {
        return Ok(Some(holder.conversion));
    }
    for key in &keys.also {
        let holder = holder(db, account, *key)?.map(|stored| stored.conversion);
        if let Some(before_its_click) = holder.filter(|row| row.click.is_none()) {
            return Ok(Some(before_its_click));
        }
    }
    Ok(None)
}

/// The conversion that has this key.
pub fn holder(
    db: &Connection,
    account: AccountId,
    key: IdempotencyKey,
) -> Result<Option<Stored>, LedgerError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM conversions WHERE row = \
         (SELECT row FROM conversion_keys WHERE account = ?1 AND key = ?2)"
    );
    one(db, &sql, (account.0, key.0))
}

/// A conversion with the number of its row.
pub fn stored(
    db: &Connection,
    account: AccountId,
    id: EventId,
) -> Result<Option<Stored>, LedgerError> {
    let sql = format!("SELECT {COLUMNS} FROM conversions WHERE account = ?1 AND conversion = ?2");
    one(db, &sql, (account.0, id.0))
}

/// One conversion.
pub fn by_id(
    db: &Connection,
    account: AccountId,
    id: EventId,
) -> Result<Option<Conversion>, LedgerError> {
    Ok(stored(db, account, id)?.map(|stored| stored.conversion))
}

/// The conversions that another system means, oldest first.
pub fn by_sent_id(
    db: &Connection,
    (account, integration): (AccountId, IntegrationId),
    id: &SentId,
    event: Option<&str>,
) -> Result<Vec<Conversion>, LedgerError> {
    // An empty id is "not given"; it finds nothing, and says so to the planner.
    let (column, given, value): (_, _, &dyn ToSql) = match id {
        SentId::External(text) => ("external_transaction_id", "<> ''", text),
        SentId::Transaction(text) => ("transaction_id", "<> ''", text),
        SentId::Click(click) => ("click", "IS NOT NULL", &click.0),
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM conversions WHERE account = ?1 AND {column} = ?2 AND {column} {given} \
         AND integration = ?3 AND (?4 IS NULL OR event = ?4) ORDER BY conversion LIMIT {PAGE_MAX}"
    );
    let params = rusqlite::params![account.0, value, integration.0, event];
    all(db, &sql, params)
}

/// Conversions that wait, by id.
pub fn waiting(
    db: &Connection,
    account: AccountId,
    on: Waiting,
    after: Option<EventId>,
    limit: u32,
) -> Result<Vec<Conversion>, LedgerError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM conversions WHERE waiting = ?1 AND account = ?2 AND conversion > ?3 \
         ORDER BY conversion LIMIT ?4"
    );
    let after = after.map_or_else(Vec::new, |id| id.0.to_vec());
    all(
        db,
        &sql,
        (on.as_str(), account.0, after, limit.min(PAGE_MAX)),
    )
}

/// Accounts with conversions that wait, ascending.
pub fn accounts_waiting(db: &Connection, on: Waiting) -> Result<Vec<AccountId>, LedgerError> {
    let sql = "SELECT DISTINCT account FROM conversions WHERE waiting = ?1 ORDER BY account";
    let mut statement = db.prepare_cached(sql).map_err(broken)?;
    let rows = statement
        .query_map([on.as_str()], |row| row.get(0).map(AccountId))
        .map_err(broken)?;
    rows.collect::<Result<_, _>>().map_err(broken)
}

/// The newest id of all accounts: among the last rows, since lanes hand out ids side by side.
pub fn newest_id(db: &Connection) -> Result<Option<EventId>, StoreError> {
    let sql = "SELECT max(conversion) FROM \
               (SELECT conversion FROM conversions ORDER BY row DESC LIMIT 4096)";
    let newest = db.query_row(sql, [], |row| row.get::<_, Option<[u8; 10]>>(0));
    Ok(newest.map_err(failed)?.map(EventId))
}

fn one(db: &Connection, sql: &str, params: impl Params) -> Result<Option<Stored>, LedgerError> {
    db.prepare_cached(sql)
        .and_then(|mut statement| statement.query_row(params, read).optional())
        .map_err(broken)
}
