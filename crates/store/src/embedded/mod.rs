//! The embedded backends: SQLite files and memory, nothing else to install.

pub mod control;
pub mod counters;
pub mod errors;
pub mod events;
pub mod ledger;
pub mod postbacks;
pub mod reports;
pub mod sources;
mod sqlite;

pub use control::SqliteControlStore;
pub use counters::CounterTable;
pub use errors::SqliteErrorLog;
pub use ledger::SqliteLedger;
pub use postbacks::SqlitePostbacks;
pub use sources::SqliteSources;
