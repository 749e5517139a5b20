//! Lists of conversions, newest first, and the filters that reports share.

use assay_model::AccountId;
use assay_model::ports::{
    ConversionCursor, ConversionDimension, ConversionFilter, ConversionPage, ConversionQuery,
    LedgerError,
};
use rusqlite::Connection;
use rusqlite::types::Value;

use super::PAGE_MAX;
use super::row::{COLUMNS, all};

/// The column, or the expression, that has [`ConversionDimension::value`] as its text.
pub fn expression(dimension: ConversionDimension) -> Option<&'static str> {
    Some(match dimension {
        _ if dimension.time().is_some() => return None,
        ConversionDimension::Event => "iif(event = '', kind, event)",
        ConversionDimension::ThirdPartyRejectedReason => "note",
        // As `NetworkError::of_conversion` has it; the conformance suite compares the two.
        ConversionDimension::ErrorCode => {
            "iif(status <> 'invalid', '', CASE reason WHEN 'CAP_CONVERSION' THEN '4' \
             WHEN 'CLICK_EXPIRED' THEN '5' ELSE '1021' END)"
        }
        ConversionDimension::ErrorMessage => {
            "iif(status <> 'invalid', '', CASE reason WHEN 'CAP_CONVERSION' THEN 'Over caps' \
             WHEN 'CLICK_EXPIRED' THEN 'Outside lookback' \
             ELSE '24metrics flagged the conversion as fraudulent' END)"
        }
        column => column.as_str(),
    })
}

/// Conditions of a statement, with their values.
#[derive(Debug, Default)]
pub struct Conditions {
    sql: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    /// Conversions of this account.
    pub fn of(account: AccountId) -> Self {
        let mut all = Self::default();
        all.add("account = ", account.0);
        all
    }

    /// One more condition: what is on its left, and its value.
    pub fn add(&mut self, left: &str, value: impl Into<Value>) {
        let place = self.place(value);
        self.sql.push(format!("{left}{place}"));
    }

    fn place(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("?{}", self.values.len())
    }

    /// Conversions older than the cursor.
    fn before(&mut self, cursor: ConversionCursor) {
        let time = self.place(cursor.time.0);
        let id = self.place(cursor.conversion_id.0.to_vec());
        self.sql
            .push(format!("(time, conversion) < ({time}, {id})"));
    }

    /// Conversions whose dimension has one of the values; false for a stretch of time.
    pub fn filter(&mut self, filter: &ConversionFilter) -> bool {
        let Some(expression) = expression(filter.dimension) else {
            return false;
        };
        let places: Vec<_> = filter
            .values
            .iter()
            .map(|value| self.place(value.clone()))
            .collect();
        self.sql
            .push(format!("{expression} IN ({})", places.join(", ")));
        // Lets the planner take the index of given ids.
        let given = filter.values.iter().all(|value| !value.is_empty());
        if given
            && matches!(
                filter.dimension,
                ConversionDimension::TransactionId | ConversionDimension::ExternalTransactionId
            )
        {
            self.sql.push(format!("{expression} <> ''"));
        }
        true
    }

    /// The text after `WHERE`, and the values of its places.
    pub fn finish(self) -> (String, Vec<Value>) {
        (self.sql.join(" AND "), self.values)
    }
}

/// A page of conversions.
pub fn list(
    db: &Connection,
    account: AccountId,
    query: &ConversionQuery,
) -> Result<ConversionPage, LedgerError> {
    let limit = query.limit.clamp(1, PAGE_MAX);
    let mut conditions = Conditions::of(account);
    if let Some(from) = query.from {
        conditions.add("time >= ", from.0);
    }
    if let Some(to) = query.to {
        conditions.add("time < ", to.0);
    }
    if let Some(cursor) = query.before {
        conditions.before(cursor);
    }
    for filter in &query.filters {
        if !conditions.filter(filter) {
            return Err(LedgerError::Invalid {
                field: "filter",
                detail: format!("{} is a stretch of time", filter.dimension.as_str()),
            });
        }
    }
    let (conditions, values) = conditions.finish();
    let sql = format!(
        "SELECT {COLUMNS} FROM conversions WHERE {conditions} \
         ORDER BY time DESC, conversion DESC LIMIT {}",
        limit + 1
    );
    let mut conversions = all(db, &sql, rusqlite::params_from_iter(values))?;
    let more = conversions.len() > limit as usize;
    conversions.truncate(limit as usize);
    let next = conversions
        .last()
        .filter(|_| more)
        .map(|last| ConversionCursor {
            time: last.time,
            conversion_id: last.conversion_id,
        });
    Ok(ConversionPage { conversions, next })
}
