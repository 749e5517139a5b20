//! Replay: recorded events judged again, to see what rules would change before they are
//! switched on, and that every recorded verdict still comes out.
//!
//! The command and the API run the same [`replay`]; `assay-detect` judges and counts.

mod api;
mod ask;
mod event;
mod history;
mod jobs;
mod money;
mod progress;
pub mod report;
mod run;

#[cfg(test)]
mod tests;

pub use crate::reports::period::{moment, zone};
pub use api::{create, delete, list, read};
pub use ask::{Given, Rules};
pub use event::read as read_event;
pub use jobs::Jobs;
pub use progress::{Phase, Progress};
pub use run::{Outcome, Plan, Ports, ReplayError, replay};
