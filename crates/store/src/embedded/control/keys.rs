//! The ring of transaction keys: one row, replaced as a whole.

use assay_model::ports::StoreError;
use assay_model::transaction::{Key, KeyRing};
use rusqlite::{Connection, OptionalExtension};

use super::sealed::{open_ring, seal_ring};
use crate::embedded::sqlite::failed;
use crate::secrets::MasterKeys;

pub(super) fn read(db: &Connection, master: &MasterKeys) -> Result<Option<KeyRing>, StoreError> {
    let Some(text) = stored(db)? else {
        return Ok(None);
    };
    let text = open_ring(master, &text)?;
    let broken = |cause: String| StoreError::Backend(format!("transaction keys: {cause}"));
    let keys: Vec<Key> = serde_json::from_str(&text).map_err(|e| broken(e.to_string()))?;
    KeyRing::new(keys)
        .map(Some)
        .ok_or_else(|| broken("no keys, or one twice".to_owned()))
}

pub(super) fn replace(
    db: &Connection,
    master: &MasterKeys,
    old: Option<&KeyRing>,
    new: &KeyRing,
) -> Result<bool, StoreError> {
    if read(db, master)?.as_ref() != old {
        return Ok(false);
    }
    let text = serde_json::to_string(new.keys()).map_err(|e| StoreError::Backend(e.to_string()))?;
    let sql = "INSERT INTO transaction_keys (only_row, ring) VALUES (1, ?1)
         ON CONFLICT (only_row) DO UPDATE SET ring = excluded.ring";
    db.execute(sql, [seal_ring(master, &text)?])
        .map_err(failed)?;
    db.execute("UPDATE revision SET value = value + 1", [])
        .map_err(failed)?;
    Ok(true)
}

pub(super) fn stored(db: &Connection) -> Result<Option<String>, StoreError> {
    db.query_row("SELECT ring FROM transaction_keys", [], |row| row.get(0))
        .optional()
        .map_err(failed)
}
