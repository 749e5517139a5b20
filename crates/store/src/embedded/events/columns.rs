//! The columns of an events file, which are also the columns of the unsealed tail.
//!
//! Every report dimension is a dictionary-coded text under its own name, with the value that
//! [`Dimension::value`] gives; an empty text is "not given", so no column holds nulls.

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use assay_model::EventRecord;
use assay_model::hit::Field as EventField;
use assay_model::ports::{Dimension, DimensionValue};

use super::fixed::BEFORE_TEXTS;

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

/// Event fields that have a column though they are no dimension.
const FIELDS: [EventField; 6] = [
    EventField::UserAgent,
    EventField::Referer,
    EventField::TransactionId,
    EventField::DeviceId,
    EventField::OrderId,
    EventField::EventName,
];

/// The dimensions that are columns of their own; stretches of time are cut from [`TIME`].
pub fn dimensions() -> impl Iterator<Item = Dimension> {
    let all = Dimension::ALL.iter().copied();
    all.filter(|d| !d.is_time() && d.column() == *d)
}

/// What a dictionary-coded column holds.
#[derive(Clone, Copy, Debug)]
pub enum Text {
    /// What reports group by.
    Dimension(Dimension),
    /// Codes of all findings, main reason first, comma between.
    Reasons,
    /// Why inputs were missing.
    Degraded,
    /// Where a click was sent.
    Destination,
    /// A field as it was given.
    Field(EventField),
}

impl Text {
    /// Name of the column.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dimension(dimension) => dimension.as_str(),
            Self::Reasons => "reasons",
            Self::Degraded => "degraded",
            Self::Destination => "destination",
            Self::Field(field) => field.as_str(),
        }
    }

    /// The event's value; an empty text = not given.
    pub fn value<'r>(self, record: &'r EventRecord<'_>) -> DimensionValue<'r> {
        let verdict = &record.verdict;
        DimensionValue::Text(match self {
            Self::Dimension(dimension) => return dimension.value(record),
            Self::Field(field) => record.facts.hit.get(field).unwrap_or(""),
            Self::Destination => record.destination.unwrap_or(""),
            Self::Degraded => verdict.degraded.map_or("", |why| why.as_str()),
            Self::Reasons => match &*verdict.findings {
                [] => "",
                [finding] => finding.reason.code(),
                findings => {
                    let codes: Vec<_> = findings.iter().map(|f| f.reason.code()).collect();
                    return DimensionValue::Made(codes.join(","));
                }
            },
        })
    }
}

/// All dictionary-coded columns, in stored order.
pub fn texts() -> impl Iterator<Item = Text> {
    dimensions()
        .map(Text::Dimension)
        .chain([Text::Reasons, Text::Degraded, Text::Destination])
        .chain(FIELDS.map(Text::Field))
}

/// Where the texts are among all columns.
pub fn text_places() -> Range<usize> {
    static COUNT: LazyLock<usize> = LazyLock::new(|| texts().count());
    // The id and the numbers before.
    let first = 1 + BEFORE_TEXTS;
    first..first + *COUNT
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
    columns.extend(texts().map(|text| column(text.name(), text_type())));
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
