//! Sources from the outside: records in, what is held out.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the failure")]

mod given;
mod offers;
mod properties;
mod published;
