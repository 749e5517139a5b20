//! The ledger of conversions: append-only entries, of which the status is the fold.
//!
//! Pure: what a change comes to is decided here ([`State::change`]), a backend only keeps it.
//! Nothing is ever overwritten, so every status can be explained and taken back.

mod amount;
mod conversion;
mod entry;
mod key;
mod status;

#[cfg(test)]
mod tests;

pub use amount::{Amount, AmountError, Money};
pub use conversion::{Attributes, Conversion, Match, NewConversion};
pub use entry::{Change, Entry, Guard, Refused, State};
pub use key::{IdempotencyKey, Keys};
pub use status::{Status, Waiting};
