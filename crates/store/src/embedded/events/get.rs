//! One event by its id, which says when it came in.

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use assay_model::ports::StoredEvent;
use assay_model::{AccountId, EventId};

use super::EventsError;
use super::columns::{ACCOUNT, EVENT_ID, ID_TIME, RECORD};
use super::mask::{accounts, times};
use super::parquet_file::Footer;
use super::snapshot::{Snapshot, SnapshotSource};

/// The event, wherever it is now.
pub fn get(
    source: &SnapshotSource,
    account: AccountId,
    id: EventId,
) -> Result<Option<StoredEvent>, EventsError> {
    let snapshot = source.snapshot()?;
    let wanted = Wanted {
        account,
        at: id.at().0,
        text: id.to_string(),
    };
    if let Some(found) = wanted.in_tail(&snapshot)? {
        return Ok(Some(found));
    }
    for file in &snapshot.files {
        let (low, high) = file.row.ids;
        if (low..=high).contains(&id)
            && file.row.has(account)
            && let Some(found) = wanted.in_file(&*source.footer(file)?)?
        {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

struct Wanted {
    account: AccountId,
    at: i64,
    text: String,
}

impl Wanted {
    fn in_tail(&self, snapshot: &Snapshot) -> Result<Option<StoredEvent>, EventsError> {
        let mut found = None;
        snapshot.for_each_unsealed(|batch| {
            if found.is_none()
                && let Some(row) = self.row_in(batch)?
            {
                found = Some(StoredEvent(record_at(batch, row)?.to_vec()));
            }
            Ok(())
        })?;
        Ok(found)
    }

    fn in_file(&self, footer: &Footer) -> Result<Option<StoredEvent>, EventsError> {
        for group in 0..footer.row_groups() {
            let inside = |column, value| {
                footer
                    .range(group, column)
                    .is_none_or(|(low, high)| (low..=high).contains(&value))
            };
            if !inside(ID_TIME, self.at)
                || !inside(ACCOUNT, self.account.0.into())
                || !footer.may_have(group, EVENT_ID, &self.text)?
            {
                continue;
            }
            let Some(batch) = footer.read_whole(group, [ACCOUNT, ID_TIME, EVENT_ID])? else {
                continue;
            };
            if let Some(row) = self.row_in(&batch)? {
                let mut records = footer.records(group, &[row])?;
                return Ok(records.pop().map(StoredEvent));
            }
        }
        Ok(None)
    }

    /// The times are compared first: they are numbers, and nearly always enough.
    fn row_in(&self, batch: &RecordBatch) -> Result<Option<usize>, EventsError> {
        let (times, accounts) = (times(batch, ID_TIME)?, accounts(batch)?);
        let ids = ids(batch)?;
        Ok((0..times.len()).find(|row| {
            times[*row] == self.at
                && accounts[*row] == self.account.0
                && ids.value(*row) == self.text
        }))
    }
}

/// The event ids of a batch.
pub fn ids(batch: &RecordBatch) -> Result<&arrow_array::StringArray, EventsError> {
    let column = batch.column_by_name(EVENT_ID);
    let column = column.and_then(|column| column.as_string_opt::<i32>());
    column.ok_or(EventsError::Column(EVENT_ID))
}

/// The record of a row.
pub fn record_at(batch: &RecordBatch, row: usize) -> Result<&[u8], EventsError> {
    let column = batch.column_by_name(RECORD);
    let column = column.and_then(|column| column.as_binary_opt::<i32>());
    Ok(column.ok_or(EventsError::Column(RECORD))?.value(row))
}
