//! Which rows of a batch match: account, time range, and texts by their dictionary.

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, TimestampMillisecondType, UInt32Type};
use arrow_array::{Array, DictionaryArray, RecordBatch, StringArray};
use assay_model::AccountId;

use super::EventsError;
use super::columns;

/// A text column: its keys and the texts they stand for.
pub(crate) fn dictionary<'a>(
    batch: &'a RecordBatch,
    column: &'static str,
) -> Result<(&'a [i32], &'a StringArray), EventsError> {
    let array = batch.column_by_name(column);
    let array = array.and_then(|a| a.as_any().downcast_ref::<DictionaryArray<Int32Type>>());
    let array = array.ok_or(EventsError::Column(column))?;
    let texts = array.values().as_string_opt::<i32>();
    Ok((
        array.keys().values(),
        texts.ok_or(EventsError::Column(column))?,
    ))
}

/// A time column, in milliseconds.
pub(crate) fn times<'a>(
    batch: &'a RecordBatch,
    column: &'static str,
) -> Result<&'a [i64], EventsError> {
    let array = batch.column_by_name(column);
    let array = array.and_then(|a| a.as_primitive_opt::<TimestampMillisecondType>());
    Ok(array.ok_or(EventsError::Column(column))?.values())
}

/// The account column.
pub(crate) fn accounts(batch: &RecordBatch) -> Result<&[u32], EventsError> {
    let array = batch.column_by_name(columns::ACCOUNT);
    let array = array.and_then(|a| a.as_primitive_opt::<UInt32Type>());
    Ok(array.ok_or(EventsError::Column(columns::ACCOUNT))?.values())
}

/// Rows whose text is one of some values.
#[derive(Clone, Debug)]
pub(crate) struct TextFilter {
    pub column: &'static str,
    pub values: Vec<String>,
}

/// Rows that are still in; starts with all.
#[derive(Debug)]
pub(crate) struct Mask(pub Vec<bool>);

impl Mask {
    /// The rows of an account.
    pub fn of_account(batch: &RecordBatch, account: AccountId) -> Result<Self, EventsError> {
        let mut mask = Self(vec![true; batch.num_rows()]);
        mask.account(batch, account)?;
        Ok(mask)
    }

    /// Keeps the rows of an account.
    pub fn account(&mut self, batch: &RecordBatch, account: AccountId) -> Result<(), EventsError> {
        for (keep, of) in self.0.iter_mut().zip(accounts(batch)?) {
            *keep &= *of == account.0;
        }
        Ok(())
    }

    /// Keeps rows whose time is in `from..to`.
    pub fn within(
        &mut self,
        batch: &RecordBatch,
        column: &'static str,
        from: i64,
        to: i64,
    ) -> Result<(), EventsError> {
        if from == i64::MIN && to == i64::MAX {
            return Ok(());
        }
        for (keep, time) in self.0.iter_mut().zip(times(batch, column)?) {
            *keep &= from <= *time && *time < to;
        }
        Ok(())
    }

    /// Keeps rows that a filter wants: each text is compared once, rows by key.
    pub fn matching(
        &mut self,
        batch: &RecordBatch,
        filter: &TextFilter,
    ) -> Result<(), EventsError> {
        let (keys, texts) = dictionary(batch, filter.column)?;
        let wanted: Vec<bool> = texts
            .iter()
            .map(|text| filter.values.iter().any(|v| v == text.unwrap_or("")))
            .collect();
        if wanted.iter().all(|wanted| *wanted) {
            return Ok(());
        }
        for (keep, key) in self.0.iter_mut().zip(keys) {
            *keep &= wanted.get(*key as usize).copied().unwrap_or(false);
        }
        Ok(())
    }
}
