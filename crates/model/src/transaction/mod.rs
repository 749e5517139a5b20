//! `transaction_id`: our id of a click, sealed so that only we can make or read one.
//!
//! A key id of one byte, then AES-SIV (RFC 5297) over 21 bytes, in lower-case base32: 61
//! characters that survive networks that fold case and strip UUIDs. Told apart without a
//! look-up: forged (its shape, or its key), altered (its tag). Foreign and expired need the
//! account and the look-back, which the caller has. Sealed and not only signed: in clear the
//! verdict would tell a publisher what monitor mode sees.

mod content;
mod ring;

pub use content::{Content, DevicePrint, print_of, print_of_address};
pub use ring::{Key, KeyRing};

/// Characters of an id.
pub const LENGTH: usize = 61;

/// Why a text is none of our ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It never was one: wrong shape, or a key that we do not have.
    #[error("is no transaction id of ours")]
    Forged,
    /// It has the shape of one, but somebody changed it.
    #[error("was altered")]
    Altered,
}

#[cfg(test)]
mod tests;
