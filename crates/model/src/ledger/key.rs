//! By what a conversion is recognised when it is sent again.

use sha2::{Digest, Sha256};

/// A 128-bit hash, unique within an account and kept for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdempotencyKey(pub [u8; 16]);

impl IdempotencyKey {
    /// The key of these parts; each is told apart by its length, so no two lists are alike.
    #[must_use]
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let mut key = [0; 16];
        key.copy_from_slice(&hash.finalize()[..16]);
        Self(key)
    }
}

/// The keys of one conversion.
///
/// A conversion is sent by different ids (ours, the caller's), before or after its click. So
/// beside the key that decides, the keys it could also have come under are kept:
/// - one that holds `decides` is the same conversion;
/// - one without a click that holds one of `also` is the same one too: it came before its
///   click was known;
/// - one *with* a click that holds one of `also` is another: callers use an id again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// Of the matched click, or else of the id as sent.
    pub decides: IdempotencyKey,
    /// Of the ids as sent, when a click decides; else empty.
    pub also: Vec<IdempotencyKey>,
}
