//! What control data holds is sealed: where each text stands, and how a file comes under the
//! newest master key.

use assay_model::AccountId;
use assay_model::ports::StoreError;
use rusqlite::Connection;

use crate::embedded::sqlite::failed;
use crate::secrets::{MasterKeys, is_sealed};

/// Where the body of a version stands.
pub(super) struct Body<'k> {
    pub kind: &'k str,
    pub id: i64,
    pub version: u32,
    pub account: AccountId,
}

impl Body<'_> {
    fn at<T>(&self, then: impl FnOnce(&[&[u8]]) -> T) -> T {
        then(&[
            b"control",
            b"doc_versions.body",
            self.kind.as_bytes(),
            &self.id.to_be_bytes(),
            &self.version.to_be_bytes(),
            &self.account.0.to_be_bytes(),
        ])
    }

    pub fn seal(&self, keys: &MasterKeys, plain: &str) -> Result<String, StoreError> {
        self.at(|at| keys.seal(at, plain))
    }

    pub fn open(&self, keys: &MasterKeys, stored: &str) -> Result<String, StoreError> {
        self.at(|at| keys.open(at, stored)).map_err(|why| {
            let what = format!(
                "{} {} version {} in control.db",
                self.kind, self.id, self.version
            );
            keys.refusal(&what, why)
        })
    }
}

/// The ring of transaction keys.
const RING: &[&[u8]] = &[b"control", b"transaction_keys.ring"];
/// What a proof says.
const PROOF: &str = "assay";
const PROOF_AT: &[u8] = b"control sealed_with.proof";

pub(super) fn seal_ring(keys: &MasterKeys, plain: &str) -> Result<String, StoreError> {
    keys.seal(RING, plain)
}

pub(super) fn open_ring(keys: &MasterKeys, stored: &str) -> Result<String, StoreError> {
    let opened = keys.open(RING, stored);
    opened.map_err(|why| keys.refusal("the ring of transaction keys in control.db", why))
}

/// Whether any key has sealed the file.
pub(super) fn any(db: &Connection) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM sealed_with)";
    db.query_row(sql, [], |row| row.get(0)).map_err(failed)
}

/// Checks that the keys are this file's, and seals what is plain or under an older key with
/// the newest.
pub(super) fn adopt(db: &mut Connection, keys: &MasterKeys) -> Result<(), StoreError> {
    let used = used(db)?;
    for (id, proof) in &used {
        let said = keys.open(&[PROOF_AT, &id.to_be_bytes()], proof);
        said.map_err(|why| keys.refusal("control.db", why))?;
    }
    if matches!(&used[..], [(id, _)] if *id == keys.newest()) {
        return Ok(());
    }
    // What stood there in plain must not stay behind in a free page, nor in the write-ahead file.
    db.pragma_update(None, "secure_delete", true)
        .map_err(failed)?;
    let tx = db.transaction().map_err(failed)?;
    seal_bodies(&tx, keys)?;
    seal_stored_ring(&tx, keys)?;
    tx.commit().map_err(failed)?;
    let fold_in = "VACUUM; PRAGMA wal_checkpoint(TRUNCATE);";
    db.execute_batch(fold_in).map_err(failed)?;
    // Last: a start that was cut short before this begins again.
    let id = keys.newest();
    let proof = keys.seal(&[PROOF_AT, &id.to_be_bytes()], PROOF)?;
    let tx = db.transaction().map_err(failed)?;
    tx.execute("DELETE FROM sealed_with", []).map_err(failed)?;
    let sql = "INSERT INTO sealed_with (key, proof) VALUES (?1, ?2)";
    tx.execute(sql, (id, proof)).map_err(failed)?;
    tx.commit().map_err(failed)
}

fn used(db: &Connection) -> Result<Vec<(u32, String)>, StoreError> {
    let mut statement = db
        .prepare("SELECT key, proof FROM sealed_with")
        .map_err(failed)?;
    let rows = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .map_err(failed)?;
    rows.collect::<Result<_, _>>().map_err(failed)
}

fn seal_bodies(db: &Connection, keys: &MasterKeys) -> Result<(), StoreError> {
    let sql = "SELECT rowid, kind, id, version, account, body FROM doc_versions WHERE rowid > ?1 \
               ORDER BY rowid LIMIT 100";
    let mut select = db.prepare(sql).map_err(failed)?;
    let mut after = 0;
    loop {
        let rows = select
            .query_map([after], |row| {
                let place: (i64, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
                Ok((place, row.get(3)?, AccountId(row.get(4)?), row.get(5)?))
            })
            .map_err(failed)?;
        let rows: Vec<(_, u32, _, String)> = rows.collect::<Result<_, _>>().map_err(failed)?;
        if rows.is_empty() {
            return Ok(());
        }
        for ((rowid, kind, id), version, account, stored) in rows {
            after = rowid;
            let body = Body {
                kind: &kind,
                id,
                version,
                account,
            };
            let plain = match is_sealed(&stored) {
                true => body.open(keys, &stored)?,
                false => stored,
            };
            let sql = "UPDATE doc_versions SET body = ?2 WHERE rowid = ?1";
            db.execute(sql, (rowid, body.seal(keys, &plain)?))
                .map_err(failed)?;
        }
    }
}

fn seal_stored_ring(db: &Connection, keys: &MasterKeys) -> Result<(), StoreError> {
    let Some(stored) = super::keys::stored(db)? else {
        return Ok(());
    };
    let plain = match is_sealed(&stored) {
        true => open_ring(keys, &stored)?,
        false => stored,
    };
    let sql = "UPDATE transaction_keys SET ring = ?1";
    db.execute(sql, [seal_ring(keys, &plain)?])
        .map_err(failed)
        .map(|_| ())
}
