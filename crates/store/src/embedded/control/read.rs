//! Questions to control data; each is one statement, so each sees one moment.

use assay_model::ports::{Doc, DocKind, StoreError};
use assay_model::{AccountId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Params, Row};

use super::sealed::Body;
use crate::embedded::sqlite::failed;
use crate::secrets::MasterKeys;

/// Columns of a [`Row`] that [`stored`] reads; `v` is the version's row.
const CURRENT: &str = "SELECT v.account, v.id, v.version, v.updated, v.actor, v.body
     FROM docs d JOIN doc_versions v ON v.kind = d.kind AND v.id = d.id AND v.version = d.version";

/// SQLite's integers are signed: what does not fit cannot be stored, so it matches nothing.
pub(super) fn number(id: u64) -> i64 {
    i64::try_from(id).unwrap_or(i64::MAX)
}

pub(super) fn accounts(db: &Connection) -> Result<Vec<AccountId>, StoreError> {
    let sql = "SELECT id FROM docs WHERE kind = 'account' ORDER BY id";
    account_ids(db, sql, [])
}

pub(super) fn changed_since(db: &Connection, revision: u64) -> Result<Vec<AccountId>, StoreError> {
    let sql = "SELECT account FROM account_revisions WHERE revision > ?1 ORDER BY account";
    account_ids(db, sql, [number(revision)])
}

fn account_ids(
    db: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<Vec<AccountId>, StoreError> {
    let mut statement = db.prepare_cached(sql).map_err(failed)?;
    let rows = statement
        .query_map(params, |row| row.get(0).map(AccountId))
        .map_err(failed)?;
    rows.collect::<Result<_, _>>().map_err(failed)
}

pub(super) fn get(
    db: &Connection,
    keys: &MasterKeys,
    account: AccountId,
    kind: DocKind,
    id: u64,
) -> Result<Option<Doc>, StoreError> {
    let sql = format!("{CURRENT} WHERE d.kind = ?1 AND d.id = ?2 AND d.account = ?3");
    one(db, keys, kind, &sql, (kind.as_str(), number(id), account.0))
}

pub(super) fn find_unique(
    db: &Connection,
    keys: &MasterKeys,
    kind: DocKind,
    unique: &str,
) -> Result<Option<Doc>, StoreError> {
    let sql = format!("{CURRENT} WHERE d.kind = ?1 AND d.unique_value = ?2");
    one(db, keys, kind, &sql, (kind.as_str(), unique))
}

pub(super) fn unique_values(
    db: &Connection,
    account: AccountId,
    kind: DocKind,
) -> Result<Vec<(u64, String)>, StoreError> {
    let sql = "SELECT id, unique_value FROM docs \
               WHERE account = ?1 AND kind = ?2 AND unique_value IS NOT NULL ORDER BY id";
    let mut statement = db.prepare_cached(sql).map_err(failed)?;
    let rows = statement
        .query_map((account.0, kind.as_str()), |row| {
            Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get(1)?))
        })
        .map_err(failed)?;
    rows.collect::<Result<_, _>>().map_err(failed)
}

pub(super) fn list(
    db: &Connection,
    keys: &MasterKeys,
    account: AccountId,
    kind: DocKind,
    after: u64,
    limit: u32,
) -> Result<Vec<Doc>, StoreError> {
    let sql = format!(
        "{CURRENT} WHERE d.account = ?1 AND d.kind = ?2 AND d.id > ?3 ORDER BY d.id LIMIT ?4"
    );
    let params = (account.0, kind.as_str(), number(after), limit);
    many(db, keys, kind, &sql, params)
}

pub(super) fn versions(
    db: &Connection,
    keys: &MasterKeys,
    account: AccountId,
    kind: DocKind,
    id: u64,
) -> Result<Vec<Doc>, StoreError> {
    let sql = "SELECT account, id, version, updated, actor, body FROM doc_versions
         WHERE kind = ?1 AND id = ?2 AND account = ?3 ORDER BY version DESC";
    many(db, keys, kind, sql, (kind.as_str(), number(id), account.0))
}

pub(super) fn revision(db: &Connection) -> Result<u64, StoreError> {
    db.prepare_cached("SELECT value FROM revision")
        .and_then(|mut s| s.query_row([], |row| row.get::<_, i64>(0)))
        .map(i64::unsigned_abs)
        .map_err(failed)
}

fn one(
    db: &Connection,
    keys: &MasterKeys,
    kind: DocKind,
    sql: &str,
    params: impl Params,
) -> Result<Option<Doc>, StoreError> {
    let found = db
        .prepare_cached(sql)
        .and_then(|mut s| s.query_row(params, stored).optional())
        .map_err(failed)?;
    found.map(|found| found.open(keys, kind)).transpose()
}

fn many(
    db: &Connection,
    keys: &MasterKeys,
    kind: DocKind,
    sql: &str,
    params: impl Params,
) -> Result<Vec<Doc>, StoreError> {
    let mut statement = db.prepare_cached(sql).map_err(failed)?;
    let rows = statement.query_map(params, stored).map_err(failed)?;
    rows.map(|row| row.map_err(failed)?.open(keys, kind))
        .collect()
}

/// A version as it lies in the file.
struct Stored {
    account: AccountId,
    id: i64,
    version: u32,
    updated: Timestamp,
    actor: String,
    body: String,
}

fn stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        account: AccountId(row.get(0)?),
        id: row.get(1)?,
        version: row.get(2)?,
        updated: Timestamp(row.get(3)?),
        actor: row.get(4)?,
        body: row.get(5)?,
    })
}

impl Stored {
    fn open(self, keys: &MasterKeys, kind: DocKind) -> Result<Doc, StoreError> {
        let place = Body {
            kind: kind.as_str(),
            id: self.id,
            version: self.version,
            account: self.account,
        };
        let text = place.open(keys, &self.body)?;
        let body = serde_json::from_str(&text).map_err(|e| {
            let (kind, id) = (kind.as_str(), self.id);
            StoreError::Backend(format!("{kind} {id} is not JSON: {e}"))
        })?;
        Ok(Doc {
            account: self.account,
            kind,
            id: self.id.unsigned_abs(),
            version: self.version,
            updated: self.updated,
            actor: self.actor,
            body,
        })
    }
}
