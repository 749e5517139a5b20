//! One suite of checks per port, run against every backend.
//!
//! Public functions, so that each backend's tests run the same; a failed check panics
//! like a failed test. A backend that does not pass does not exist.

pub mod clicks;
pub mod control;
pub mod counters;
pub mod errors;
pub mod events;
pub mod keys;
pub mod ledger;
pub mod log;
pub mod postbacks;
pub mod reports;
pub mod sample;
pub mod sources;
