//! Events on one machine: Parquet files by event day, and what the spool has that they have not.
//!
//! ```text
//! DIR/events/manifest.db                     which files there are, how far the spool is in them
//! DIR/events/day=2026-01-01/0000000042.parquet
//! DIR/events/day=2026-01-01/0000000042.clicks    hashes of its clicks' ids, to their rows
//! ```
//! The [`Sealer`] moves records from spool to files; [`EmbeddedEvents`] and
//! [`super::reports::EmbeddedReports`] read one snapshot of both, so that an event is seen once,
//! from the moment it is appended. The files are open to DuckDB, Spark, ClickHouse and pandas.

mod chunk;
mod clicks;
mod columns;
mod compact;
mod file;
mod fixed;
mod get;
mod group;
mod kept;
mod list;
mod manifest;
mod mask;
mod merge;
mod pack;
mod parquet_file;
mod reader;
mod rows;
mod scan;
mod seal;
mod snapshot;
mod store;
mod tail;
#[cfg(test)]
mod tests;
mod texts;

use assay_model::ports::StoreError;

pub use clicks::{ClickIndexer, EmbeddedClicks};
pub use compact::{Maintained, Retention};
pub use reader::EmbeddedEvents;
pub use scan::EmbeddedScan;
pub use seal::{SealStep, Sealed, Sealer};
pub use store::{EventStore, EventsOptions};

pub(crate) use columns::{ACCOUNT, TEST, TIME};
pub(crate) use mask::{Mask, TextFilter, dictionary, times};
pub(crate) use parquet_file::Footer;
pub(crate) use snapshot::{Snapshot, SnapshotSource};

/// The event store failed.
#[derive(Debug, thiserror::Error)]
pub enum EventsError {
    /// The disk.
    #[error("events: {0}")]
    Io(#[from] std::io::Error),
    /// A Parquet file.
    #[error("events file: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// Columns in memory.
    #[error("events columns: {0}")]
    Arrow(#[from] arrow_schema::ArrowError),
    /// The manifest.
    #[error("events manifest: {0}")]
    Manifest(#[from] rusqlite::Error),
    /// The manifest is of a newer build.
    #[error("events manifest has version {0}, which this build does not read")]
    Version(i32),
    /// A file lacks a column, or has it in another form.
    #[error("events file: no column {0} as expected")]
    Column(&'static str),
    /// The click index of a file.
    #[error("click index of an events file {0}")]
    Sidecar(&'static str),
    /// What was being read moved on into files meanwhile.
    #[error("an event is no longer where it was: it moved into files meanwhile; ask again")]
    Moved,
    /// A step was told to stop here (crash tests).
    #[error("stopped after {0:?}")]
    Stopped(SealStep),
}

impl From<EventsError> for StoreError {
    fn from(error: EventsError) -> Self {
        Self::Backend(error.to_string())
    }
}
