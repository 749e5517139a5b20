//! Changes to control data. Each runs in a savepoint of the writer's transaction.

use assay_model::ports::{Doc, DocKind, NewDoc, Removal, Save, StoreError};
use assay_model::{AccountId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Params};

use super::read::number;
use super::sealed::Body;
use crate::embedded::sqlite::failed;
use crate::secrets::MasterKeys;

pub(super) fn create_account(
    db: &Connection,
    keys: &MasterKeys,
    body: serde_json::Value,
    actor: String,
    now: Timestamp,
) -> Result<Doc, StoreError> {
    let id = next_id(db, DocKind::Account)?;
    let account = u32::try_from(id)
        .map(AccountId)
        .map_err(|_| StoreError::Invalid("no account ids are left".to_owned()))?;
    let made = Doc {
        account,
        kind: DocKind::Account,
        id,
        version: 1,
        updated: now,
        actor,
        body,
    };
    add(db, keys, &made, None)?;
    Ok(made)
}

pub(super) fn insert(
    db: &Connection,
    keys: &MasterKeys,
    account: AccountId,
    doc: NewDoc,
    actor: String,
    now: Timestamp,
) -> Result<Doc, StoreError> {
    if doc.kind == DocKind::Account {
        return Err(StoreError::Invalid(
            "an account is made, not put into another".to_owned(),
        ));
    }
    if current(db, account, DocKind::Account, u64::from(account.0))?.is_none() {
        return Err(StoreError::NotFound);
    }
    let made = Doc {
        account,
        kind: doc.kind,
        id: next_id(db, doc.kind)?,
        version: 1,
        updated: now,
        actor,
        body: doc.body,
    };
    add(db, keys, &made, doc.unique.as_deref())?;
    Ok(made)
}

pub(super) fn update(
    db: &Connection,
    keys: &MasterKeys,
    (account, id): (AccountId, u64),
    expected: Option<u32>,
    doc: NewDoc,
    actor: String,
    now: Timestamp,
) -> Result<Doc, StoreError> {
    let stored = current(db, account, doc.kind, id)?.ok_or(StoreError::NotFound)?;
    if let Some(sent) = expected
        && sent != stored
    {
        return Err(StoreError::Conflict {
            sent,
            current: stored,
        });
    }
    let version = stored
        .checked_add(1)
        .ok_or_else(|| StoreError::Invalid("the document has no versions left".to_owned()))?;
    let made = Doc {
        account,
        kind: doc.kind,
        id,
        version,
        updated: now,
        actor,
        body: doc.body,
    };
    let sql = "UPDATE docs SET version = ?3, unique_value = COALESCE(?4, unique_value) WHERE kind = ?1 AND id = ?2";
    let params = (
        doc.kind.as_str(),
        number(id),
        version,
        doc.unique.as_deref(),
    );
    run(db, sql, params).map_err(|e| taken(e, doc.unique.as_deref()))?;
    keep_version(db, keys, &made)?;
    Ok(made)
}

/// All or none: the first that fails takes back what the savepoint holds.
pub(super) fn save_all(
    db: &Connection,
    keys: &MasterKeys,
    account: AccountId,
    saves: Vec<Save>,
    actor: &str,
    now: Timestamp,
) -> Result<Vec<Doc>, StoreError> {
    let save = |Save { replaces, doc }| {
        let actor = actor.to_owned();
        match replaces {
            None => insert(db, keys, account, doc, actor, now),
            Some((id, version)) => update(db, keys, (account, id), Some(version), doc, actor, now),
        }
    };
    saves.into_iter().map(save).collect()
}

/// Removes documents that are as they were read.
pub(super) fn remove_all(
    db: &Connection,
    account: AccountId,
    removals: &[Removal],
    actor: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    for Removal { kind, id, version } in removals {
        let stored = current(db, account, *kind, *id)?.ok_or(StoreError::NotFound)?;
        if stored != *version {
            return Err(StoreError::Conflict {
                sent: *version,
                current: stored,
            });
        }
        delete(db, account, *kind, *id, actor, now)?;
    }
    Ok(())
}

pub(super) fn delete(
    db: &Connection,
    account: AccountId,
    kind: DocKind,
    id: u64,
    actor: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let Some(version) = current(db, account, kind, id)? else {
        return Ok(false);
    };
    let key = (kind.as_str(), number(id));
    run(db, "DELETE FROM docs WHERE kind = ?1 AND id = ?2", key).map_err(failed)?;
    let sql = "INSERT INTO doc_removals (kind, id, account, version, removed, actor)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let params = (key.0, key.1, account.0, version, now.0, actor);
    run(db, sql, params).map_err(failed)?;
    mark_changed(db, account)?;
    Ok(true)
}

/// The current version of a document of this account.
fn current(
    db: &Connection,
    account: AccountId,
    kind: DocKind,
    id: u64,
) -> Result<Option<u32>, StoreError> {
    db.prepare_cached("SELECT version FROM docs WHERE kind = ?1 AND id = ?2 AND account = ?3")
        .and_then(|mut s| {
            s.query_row((kind.as_str(), number(id), account.0), |row| row.get(0))
                .optional()
        })
        .map_err(failed)
}

fn next_id(db: &Connection, kind: DocKind) -> Result<u64, StoreError> {
    let sql = "INSERT INTO sequences (kind, last) VALUES (?1, 1)
         ON CONFLICT (kind) DO UPDATE SET last = last + 1 RETURNING last";
    db.prepare_cached(sql)
        .and_then(|mut s| s.query_row([kind.as_str()], |row| row.get::<_, i64>(0)))
        .map(i64::unsigned_abs)
        .map_err(failed)
}

fn add(
    db: &Connection,
    keys: &MasterKeys,
    doc: &Doc,
    unique: Option<&str>,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO docs (kind, id, account, version, unique_value)
         VALUES (?1, ?2, ?3, ?4, ?5)";
    let params = (
        doc.kind.as_str(),
        number(doc.id),
        doc.account.0,
        doc.version,
        unique,
    );
    run(db, sql, params).map_err(|e| taken(e, unique))?;
    keep_version(db, keys, doc)
}

fn keep_version(db: &Connection, keys: &MasterKeys, doc: &Doc) -> Result<(), StoreError> {
    let place = Body {
        kind: doc.kind.as_str(),
        id: number(doc.id),
        version: doc.version,
        account: doc.account,
    };
    let body = place.seal(keys, &doc.body.to_string())?;
    let sql = "INSERT INTO doc_versions (kind, id, version, account, updated, actor, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let params = (
        doc.kind.as_str(),
        number(doc.id),
        doc.version,
        doc.account.0,
        doc.updated.0,
        &doc.actor,
        body,
    );
    run(db, sql, params).map_err(failed)?;
    mark_changed(db, doc.account)
}

/// Moves the revision and notes whose change it was.
fn mark_changed(db: &Connection, account: AccountId) -> Result<(), StoreError> {
    run(db, "UPDATE revision SET value = value + 1", []).map_err(failed)?;
    let sql = "INSERT INTO account_revisions (account, revision)
         VALUES (?1, (SELECT value FROM revision))
         ON CONFLICT (account) DO UPDATE SET revision = excluded.revision";
    run(db, sql, [account.0]).map_err(failed)
}

fn run(db: &Connection, sql: &str, params: impl Params) -> rusqlite::Result<()> {
    db.prepare_cached(sql)?.execute(params).map(|_| ())
}

/// The only unique index that a caller's value can hit is the one of unique values.
fn taken(error: rusqlite::Error, unique: Option<&str>) -> StoreError {
    let clash = error
        .sqlite_error()
        .is_some_and(|e| e.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE);
    match unique {
        Some(value) if clash => StoreError::Taken(value.to_owned()),
        _ => failed(error),
    }
}
