//! A conversion's row: its columns, written and read in one order.

use std::collections::BTreeMap;
use std::error::Error;

use assay_model::ledger::{Amount, Attributes, Conversion, State, Status, Waiting};
use assay_model::{AccountId, Action, EventId, EventKind, IntegrationId, Reason, Timestamp};
use rusqlite::types::Type;
use rusqlite::{Connection, Params, Row};

use crate::embedded::sqlite::failed;
use assay_model::ports::{LedgerError, StoreError};

/// Columns of [`read`], by place.
pub const COLUMNS: &str = "account, conversion, integration, kind, event, order_id, time, received, \
    transaction_id, external_transaction_id, click, advertiser, offer, publisher, sub_id, sub_id_2, \
    sub_id_3, sub_id_4, sub_id_5, sub_id_6, source_id, country, payout, payout_micros, revenue, \
    revenue_micros, currency, action, fields, status, reason, reasons, note, waiting, version, changed, \
    row";

/// A conversion and the number of its row.
pub struct Stored {
    /// Number of the row, which keys and entries go by.
    pub row: i64,
    /// The conversion.
    pub conversion: Conversion,
}

/// Reads a row of [`COLUMNS`].
pub fn read(row: &Row<'_>) -> rusqlite::Result<Stored> {
    let state = State {
        status: named(row, 29, Status::parse)?,
        reason: named(row, 30, Reason::from_code)?,
        reasons: reasons(row, 31)?,
        note: row.get(32)?,
        waiting: waiting(row, 33)?,
        version: row.get(34)?,
        changed: Timestamp(row.get(35)?),
    };
    let conversion = Conversion {
        account: AccountId(row.get(0)?),
        conversion_id: EventId(row.get(1)?),
        integration: IntegrationId(row.get(2)?),
        kind: named(row, 3, EventKind::parse)?,
        event: row.get(4)?,
        order_id: row.get(5)?,
        time: Timestamp(row.get(6)?),
        received: Timestamp(row.get(7)?),
        transaction_id: row.get(8)?,
        external_transaction_id: row.get(9)?,
        click: row.get::<_, Option<[u8; 10]>>(10)?.map(EventId),
        attributes: attributes(row)?,
        payout: amount(row, 22)?,
        revenue: amount(row, 24)?,
        currency: row.get(26)?,
        action: action(row, 27)?,
        fields: fields(row, 28)?,
        state,
    };
    Ok(Stored {
        row: row.get(36)?,
        conversion,
    })
}

fn attributes(row: &Row<'_>) -> rusqlite::Result<Attributes> {
    let mut sub_ids: [String; 6] = Default::default();
    for (n, sub_id) in sub_ids.iter_mut().enumerate() {
        *sub_id = row.get(14 + n)?;
    }
    Ok(Attributes {
        advertiser: row.get(11)?,
        offer: row.get(12)?,
        publisher: row.get(13)?,
        sub_ids,
        source_id: row.get(20)?,
        country: row.get(21)?,
    })
}

/// An amount's text, and its value in the column after.
fn amount(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Amount>> {
    let (text, micros): (Option<String>, Option<i64>) = (row.get(at)?, row.get(at + 1)?);
    Ok(text
        .zip(micros)
        .map(|(text, micros)| Amount::stored(text, micros)))
}

fn action(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Action>> {
    let find = |text: &str| Action::ALL.into_iter().find(|a| a.as_str() == text);
    match row.get_ref(at)?.as_str()? {
        "" => Ok(None),
        _ => named(row, at, find).map(Some),
    }
}

fn fields(row: &Row<'_>, at: usize) -> rusqlite::Result<BTreeMap<String, String>> {
    let text = row.get_ref(at)?.as_str()?;
    serde_json::from_str(text).map_err(|e| damaged(at, e))
}

/// What a row or an entry waits for.
pub fn waiting(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Waiting>> {
    match row.get_ref(at)?.as_str_or_null()? {
        None => Ok(None),
        Some(_) => named(row, at, Waiting::parse).map(Some),
    }
}

/// Reason codes, joined by commas.
pub fn reasons(row: &Row<'_>, at: usize) -> rusqlite::Result<Vec<Reason>> {
    let text = row.get_ref(at)?.as_str()?;
    let codes = text.split(',').filter(|code| !code.is_empty());
    codes
        .map(|code| Reason::from_code(code).ok_or_else(|| damaged(at, unknown(code))))
        .collect()
}

/// The text of reasons, as [`reasons`] reads it.
pub fn reasons_text(reasons: &[Reason]) -> String {
    let codes: Vec<_> = reasons.iter().map(|reason| reason.code()).collect();
    codes.join(",")
}

/// A value by its stable name.
pub fn named<T>(row: &Row<'_>, at: usize, find: fn(&str) -> Option<T>) -> rusqlite::Result<T> {
    let text = row.get_ref(at)?.as_str()?;
    find(text).ok_or_else(|| damaged(at, unknown(text)))
}

fn unknown(text: &str) -> String {
    format!("{text:?} is not known to this version")
}

fn damaged(at: usize, why: impl Into<Box<dyn Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(at, Type::Text, why.into())
}

/// A failure of SQLite in the words of the ledger.
pub fn broken(error: rusqlite::Error) -> LedgerError {
    failed(error).into()
}

/// Runs one statement that answers nothing.
pub fn run(db: &Connection, sql: &str, params: impl Params) -> Result<usize, LedgerError> {
    db.prepare_cached(sql)
        .and_then(|mut statement| statement.execute(params))
        .map_err(broken)
}

/// The conversions of a statement that selects [`COLUMNS`].
pub fn all(
    db: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<Vec<Conversion>, LedgerError> {
    let mut statement = db.prepare_cached(sql).map_err(broken)?;
    let rows = statement.query_map(params, read).map_err(broken)?;
    rows.map(|row| Ok(row.map_err(failed)?.conversion))
        .collect::<Result<_, StoreError>>()
        .map_err(Into::into)
}
