//! What changed last, for those who follow it.

use assay_model::Timestamp;
use assay_model::ledger::Conversion;
use assay_model::ports::{ChangeCursor, LedgerFeed, StoreError};
use async_trait::async_trait;
use rusqlite::{Connection, params};

use super::row::{COLUMNS, read};
use super::{PAGE_MAX, SqliteLedger};
use crate::embedded::sqlite::failed;

fn changed(
    db: &Connection,
    after: ChangeCursor,
    until: Timestamp,
    limit: u32,
) -> Result<Vec<(ChangeCursor, Conversion)>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM conversions WHERE (changed, row) > (?1, ?2) AND changed < ?3 \
         ORDER BY changed, row LIMIT ?4"
    );
    let mut statement = db.prepare_cached(&sql).map_err(failed)?;
    let key = params![after.changed.0, after.row, until.0, limit.min(PAGE_MAX)];
    let rows = statement.query_map(key, read).map_err(failed)?;
    rows.map(|row| {
        let stored = row.map_err(failed)?;
        let cursor = ChangeCursor {
            changed: stored.conversion.state.changed,
            row: stored.row,
        };
        Ok((cursor, stored.conversion))
    })
    .collect()
}

#[async_trait]
impl LedgerFeed for SqliteLedger {
    async fn changed(
        &self,
        after: ChangeCursor,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<(ChangeCursor, Conversion)>, StoreError> {
        self.file
            .read(move |db| changed(db, after, until, limit))
            .await
    }
}
