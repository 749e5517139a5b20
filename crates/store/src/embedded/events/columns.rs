//! The columns of an events file, which are also the columns of the unsealed tail.
//!
//! Every report dimension is a dictionary-coded text under its own name, with the value that
//! [`Dimension::value`] gives; an empty text is "not given", so no column holds nulls.

use std::sync::{Arc, LazyLock};

use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use assay_model::hit::Field as EventField;
use assay_model::ports::Dimension;

/// The event's id as text.
pub const EVENT_ID: &str = "event_id";
/// Tenant; files are sorted by it first.
pub const ACCOUNT: &str = "account";
/// The event's own time.
pub const TIME: &str = "time";
/// When it came in.
pub const RECEIVED: &str = "received";
/// The time in the event id: what newest-first goes by.
pub const ID_TIME: &str = "id_time";
/// Risk points.
pub const POINTS: &str = "points";
/// A test event, which stays out of reports.
pub const TEST: &str = "test";
/// Time the decision took.
pub const DECISION_US: &str = "decision_us";
/// The event's record, from which everything can be decoded.
pub const RECORD: &str = "record";

/// Texts beside the dimensions: all reasons, why inputs were missing, and where it was sent.
pub const NOTES: [&str; 3] = ["reasons", "degraded", "destination"];
/// Event fields that have a column though they are no dimension.
pub const FIELDS: [EventField; 6] = [
    EventField::UserAgent,
    EventField::Referer,
    EventField::TransactionId,
    EventField::DeviceId,
    EventField::OrderId,
    EventField::EventName,
];

/// The dimensions that are columns; stretches of time are cut from [`TIME`].
pub fn dimensions() -> impl Iterator<Item = Dimension> {
    Dimension::ALL.iter().copied().filter(|d| !d.is_time())
}

/// All dictionary-coded columns, in stored order.
pub fn texts() -> impl Iterator<Item = &'static str> {
    dimensions()
        .map(Dimension::as_str)
        .chain(NOTES)
        .chain(FIELDS.map(EventField::as_str))
}

/// The Arrow schema of files and tail.
pub static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let column = |name: &str, kind: DataType| Field::new(name, kind, false);
    let time = || DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    let mut columns = vec![
        column(EVENT_ID, DataType::Utf8),
        column(ACCOUNT, DataType::UInt32),
        column(TIME, time()),
        column(RECEIVED, time()),
        column(ID_TIME, time()),
    ];
    columns.extend(texts().map(|name| column(name, text_type())));
    columns.extend([
        column(POINTS, DataType::UInt8),
        column(TEST, DataType::Boolean),
        column(DECISION_US, DataType::UInt32),
        column(RECORD, DataType::Binary),
    ]);
    Arc::new(Schema::new(columns))
});

fn text_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}
