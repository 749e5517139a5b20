//! Ports: what the data plane and the console need of the outside, one file per role.
//!
//! Implementations live in `store` (and, where two rooms of the same process meet, in
//! `server`). Every call takes the account first; a foreign id is "not found".

mod clicks;
mod control;
mod conversions;
mod counters;
mod errors;
mod events;
mod intel;
mod keys;
mod ledger;
mod log;
mod policy;
mod postbacks;
mod reports;
mod scan;
mod sources;

pub use clicks::{ClickIndex, ClickKey, ClickRow, Lookup};
pub use control::{ControlStore, Doc, DocKind, NewDoc, Removal, Save};
pub use conversions::{
    Amounts, ConversionDimension, ConversionFilter, ConversionMeasures, ConversionReader,
    ConversionReport, ConversionReportQuery, CurrencyAmounts,
};
pub use counters::{CounterStore, RecallError};
pub use errors::{DoorError, ErrorLog, ErrorQuery, ErrorRow};
pub use events::{EventFilter, EventPage, EventQuery, EventReader, StoredEvent};
pub use intel::{IntelError, IntelView};
pub use keys::KeyStore;
pub use ledger::{
    Appended, Changed, ConversionCursor, ConversionPage, ConversionQuery, Ledger, LedgerError,
    Owes, SentId, Settled, Settlement,
};
pub use log::{EventLog, LogError, LogPosition};
pub use policy::{PolicyPublisher, PublishError};
pub use postbacks::{
    After, Attempt, Backlog, ClickMessage, Delivery, DeliveryQuery, DeliveryState, EXCERPT_BYTES,
    LogCursor, MacroValues, Message, PostbackQueue, Take,
};
pub use reports::{
    ClickMeasures, Dimension, DimensionValue, ReportError, ReportFilter, ReportQuery, ReportReader,
    ReportResult, ReportRow, host_of,
};
pub use scan::{EventScan, Scan, ScanQuery, ScratchCounters, Visit};
pub use sources::{
    ChangeCursor, Decision, DecisionQuery, Kept, KeptSnapshot, Learned, LedgerFeed, Lesson, Lift,
    NewDecision, OutcomeDesk, OutcomeOf, SourceDesk, SourcePage, SourceQuery, SourceStep,
    SourceStore, Teacher, ToldOutcome,
};

/// A store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The document has changed since it was read.
    #[error("version {sent} is stale, the current one is {current}")]
    Conflict {
        /// Version the caller had.
        sent: u32,
        /// Version that is stored.
        current: u32,
    },
    /// A unique value is taken.
    #[error("{0} is already taken")]
    Taken(String),
    /// There is no such document in this account.
    #[error("not found")]
    NotFound,
    /// The question is wrong (cursor, time zone…).
    #[error("{0}")]
    Invalid(String),
    /// The backend failed.
    #[error("storage failed: {0}")]
    Backend(String),
}
