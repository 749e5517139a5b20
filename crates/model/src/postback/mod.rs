//! Postbacks out: who is told of a click, a conversion or an event, when, and how.
//!
//! Pure. The document and its checks are here, and which messages a change owes; sending is
//! the gateway's, the queue is a port.

mod document;
mod owed;

pub use document::{FireOn, HttpMethod, Postback, PostbackType};
pub use owed::{About, Change, Outcome, Owed, Standing, message_id, owed};
