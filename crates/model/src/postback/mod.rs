//! Postbacks out: who is told of a click, a conversion or an event, when, and how.
//!
//! Pure. The document and its checks are here, and which messages a change owes; sending is
//! the gateway's, the queue is a port.

mod check;
mod conversion;
mod document;
mod owed;
mod secret;

#[cfg(test)]
mod tests;

pub use conversion::{Definitions, owed_by_entry, owes};
pub use document::{FireOn, HttpMethod, Postback, PostbackType};
pub use owed::{About, Change, Outcome, Owed, Standing, message_id, owed};
pub use secret::{Secret, SecretError};
