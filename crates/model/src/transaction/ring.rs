//! The keys of our ids.

use aes_siv::siv::Aes128Siv;
use aes_siv::{KeyInit, Tag};
use serde::{Deserialize, Serialize};

use super::content::{BYTES, Content};
use super::{LENGTH, Refusal};
use crate::{Timestamp, base32};

/// Bytes of the tag in front of the sealed content.
const TAG: usize = 16;

/// How long a new key travels before it is used, so that every node knows it first.
const TRAVEL_MS: i64 = 86_400_000;

/// One key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Stands in front of every id that it has sealed.
    pub id: u8,
    /// When it was made.
    pub made: Timestamp,
    /// The secret, as 64 hex digits in storage.
    #[serde(with = "hex")]
    pub secret: [u8; 32],
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .field("made", &self.made)
            .finish_non_exhaustive()
    }
}

/// Every key that may have sealed an id that is still about; one at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRing {
    /// Oldest first.
    keys: Vec<Key>,
}

impl KeyRing {
    /// A ring of these keys; `None` without any, or when two have the same id.
    #[must_use]
    pub fn new(mut keys: Vec<Key>) -> Option<Self> {
        keys.sort_by_key(|key| (key.made, key.id));
        let mut ids: Vec<u8> = keys.iter().map(|key| key.id).collect();
        ids.sort_unstable();
        ids.dedup();
        (!keys.is_empty() && ids.len() == keys.len()).then_some(Self { keys })
    }

    /// The keys, oldest first.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The ring with one key more, made now; `None` when all 256 ids are taken.
    #[must_use]
    pub fn rotated(&self, now: Timestamp, secret: [u8; 32]) -> Option<Self> {
        let newest = self.keys.last()?.id;
        let id = (1..=255u8)
            .map(|step| newest.wrapping_add(step))
            .find(|id| self.keys.iter().all(|key| key.id != *id))?;
        let mut keys = self.keys.clone();
        keys.push(Key {
            id,
            made: now,
            secret,
        });
        Self::new(keys)
    }

    /// The ring without the keys that nothing can need any more: those replaced longer ago
    /// than an id may live.
    #[must_use]
    pub fn without_expired(&self, now: Timestamp, lives_ms: i64) -> Self {
        let in_use_since = |at: usize| {
            let next = self.keys.get(at + 1)?;
            Some(next.made.plus_ms(TRAVEL_MS))
        };
        let needed =
            |at: usize| in_use_since(at).is_none_or(|replaced| now.ms_since(replaced) <= lives_ms);
        let keys = self.keys.iter().enumerate();
        Self {
            keys: keys
                .filter(|(at, _)| needed(*at))
                .map(|(_, key)| key.clone())
                .collect(),
        }
    }

    /// The key that seals now: the newest one that has travelled, else the oldest.
    #[must_use]
    pub fn current(&self, now: Timestamp) -> &Key {
        let travelled = |key: &&Key| now.ms_since(key.made) >= TRAVEL_MS;
        // There is one at least, see `new`.
        self.keys
            .iter()
            .rev()
            .find(travelled)
            .unwrap_or(&self.keys[0])
    }

    /// The id of a click; `None` only if sealing itself fails.
    #[must_use]
    pub fn seal(&self, content: &Content, now: Timestamp) -> Option<String> {
        let key = self.current(now);
        let mut bytes = [0; 1 + TAG + BYTES];
        bytes[0] = key.id;
        let sealed = &mut bytes[1 + TAG..];
        sealed.copy_from_slice(&content.bytes());
        let tag = Aes128Siv::new(&key.secret.into())
            .encrypt_inout_detached([[key.id]], sealed.into())
            .ok()?;
        bytes[1..=TAG].copy_from_slice(&tag);
        let mut text = String::with_capacity(LENGTH);
        base32::encode_into(&bytes, &mut text);
        Some(text)
    }

    /// Reads an id, in whatever case it comes back.
    ///
    /// # Errors
    /// [`Refusal`] says what is wrong with it.
    pub fn open(&self, text: &str) -> Result<Content, Refusal> {
        if text.len() != LENGTH {
            return Err(Refusal::Forged);
        }
        let bytes = base32::decode(text).ok_or(Refusal::Forged)?;
        let (Some(id), Some(tag), Some(sealed)) =
            (bytes.first(), bytes.get(1..=TAG), bytes.get(1 + TAG..))
        else {
            return Err(Refusal::Forged);
        };
        let key = self.keys.iter().find(|key| key.id == *id);
        let key = key.ok_or(Refusal::Forged)?;
        let tag = Tag::try_from(tag).map_err(|_| Refusal::Forged)?;
        let mut content: [u8; BYTES] = sealed.try_into().map_err(|_| Refusal::Forged)?;
        Aes128Siv::new(&key.secret.into())
            .decrypt_inout_detached([[key.id]], content.as_mut_slice().into(), &tag)
            .map_err(|_| Refusal::Altered)?;
        Content::read(&content).ok_or(Refusal::Forged)
    }
}

/// Bytes as hex digits.
mod hex {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(bytes: &[u8; 32], s: S) -> Result<S::Ok, S::Error> {
        let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        s.serialize_str(&text)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(d)?;
        let wrong = || D::Error::custom("needs 64 hex digits");
        if text.len() != 64 || !text.is_ascii() {
            return Err(wrong());
        }
        let mut bytes = [0; 32];
        for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| wrong())?;
        }
        Ok(bytes)
    }
}
