//! Secrets at rest: what control data holds is sealed before it reaches a disk.
//!
//! AES-256-SIV (RFC 5297): authenticated, and no nonce that could be used twice. Where a text
//! stands (file, table, row, version) is bound to it, so none can be put in another's place.
//! Everything is sealed, not only what is known to be secret: a kind of document that nobody
//! has thought of cannot be forgotten.

mod file;

use std::path::PathBuf;

use aes_siv::siv::Aes256Siv;
use aes_siv::{KeyInit as _, Tag};
use assay_model::ports::StoreError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

pub use file::KeyFile;

/// What a sealed text begins with; JSON never does.
const MARK: &str = "sealed:";
/// Bytes of the tag in front of what is sealed.
const TAG: usize = 16;
/// Bytes of a key.
const KEY: usize = 64;

/// A master key; the number stands in front of whatever it has sealed.
#[derive(Clone, PartialEq, Eq)]
struct MasterKey {
    id: u32,
    secret: [u8; KEY],
}

/// The master keys of an installation: the newest seals, all of them open.
#[derive(Clone)]
pub struct MasterKeys {
    /// By number; the last is the newest. One at least.
    keys: Vec<MasterKey>,
    /// Where they stand, for messages.
    from: PathBuf,
}

impl std::fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids: Vec<u32> = self.keys.iter().map(|key| key.id).collect();
        f.debug_struct("MasterKeys")
            .field("ids", &ids)
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

/// Why a sealed text does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unopened {
    /// The key with this number is not there.
    NoKey(u32),
    /// This key did not seal it, or not in this place, or it was changed since.
    Wrong(u32),
    /// It is no sealed text.
    Malformed,
}

impl MasterKeys {
    /// Number of the key that seals.
    #[must_use]
    pub fn newest(&self) -> u32 {
        self.keys.last().map_or(0, |key| key.id)
    }

    /// Seals a text for the place that `at` names.
    ///
    /// # Errors
    /// [`StoreError::Backend`]; only a text of exabytes cannot be sealed.
    pub(crate) fn seal(&self, at: &[&[u8]], plain: &str) -> Result<String, StoreError> {
        let failed = || StoreError::Backend("a text could not be sealed".to_owned());
        let key = self.keys.last().ok_or_else(failed)?;
        let mut bytes = vec![0; TAG + plain.len()];
        let (tag, sealed) = bytes.split_at_mut(TAG);
        sealed.copy_from_slice(plain.as_bytes());
        let made = Aes256Siv::new(&key.secret.into())
            .encrypt_inout_detached(at, sealed.into())
            .map_err(|_| failed())?;
        tag.copy_from_slice(&made);
        let id = key.id;
        Ok(format!("{MARK}{id}:{}", STANDARD_NO_PAD.encode(bytes)))
    }

    /// Opens a text that was sealed for the place that `at` names.
    pub(crate) fn open(&self, at: &[&[u8]], stored: &str) -> Result<String, Unopened> {
        let (id, text) = parts(stored).ok_or(Unopened::Malformed)?;
        let mut keys = self.keys.iter();
        let key = keys.find(|key| key.id == id).ok_or(Unopened::NoKey(id))?;
        let bytes = STANDARD_NO_PAD.decode(text);
        let mut bytes = bytes.map_err(|_| Unopened::Malformed)?;
        let (tag, sealed) = bytes.split_at_mut_checked(TAG).ok_or(Unopened::Malformed)?;
        let tag = Tag::try_from(&*tag).map_err(|_| Unopened::Malformed)?;
        Aes256Siv::new(&key.secret.into())
            .decrypt_inout_detached(at, sealed.into(), &tag)
            .map_err(|_| Unopened::Wrong(id))?;
        let plain = bytes.split_off(TAG);
        String::from_utf8(plain).map_err(|_| Unopened::Wrong(id))
    }

    /// What to tell the operator of `what`, which does not open.
    pub(crate) fn refusal(&self, what: &str, why: Unopened) -> StoreError {
        let from = self.from.display();
        StoreError::Backend(match why {
            Unopened::NoKey(id) => format!(
                "{what} is sealed with master key {id}, which {from} does not hold; restore that file"
            ),
            Unopened::Wrong(id) => format!(
                "{what} does not open with master key {id} of {from}: it is another installation's \
                 key, or the data was changed"
            ),
            Unopened::Malformed => format!("{what} is neither sealed nor JSON"),
        })
    }
}

/// Whether a stored text is sealed.
pub(crate) fn is_sealed(stored: &str) -> bool {
    stored.starts_with(MARK)
}

fn parts(stored: &str) -> Option<(u32, &str)> {
    let (id, text) = stored.strip_prefix(MARK)?.split_once(':')?;
    Some((id.parse().ok()?, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(secrets: &[(u32, u8)]) -> MasterKeys {
        let key = |&(id, byte): &(u32, u8)| MasterKey {
            id,
            secret: [byte; KEY],
        };
        MasterKeys {
            keys: secrets.iter().map(key).collect(),
            from: "keys".into(),
        }
    }

    #[test]
    fn what_is_sealed_opens_in_its_place_only_and_with_its_key_only() {
        let one = keys(&[(1, 7)]);
        for plain in ["", "{}", "{\"secure_token\":\"täglich\"}"] {
            let sealed = one.seal(&[b"docs", b"1"], plain).unwrap();
            assert!(is_sealed(&sealed) && !is_sealed(plain));
            assert_eq!(one.open(&[b"docs", b"1"], &sealed).unwrap(), plain);
            for other in [
                &[&b"docs"[..], b"2"][..],
                &[b"docs1"],
                &[b"docs1", b""],
                &[],
            ] {
                assert_eq!(one.open(other, &sealed), Err(Unopened::Wrong(1)));
            }
            let both = keys(&[(1, 7), (2, 8)]);
            assert_eq!(both.open(&[b"docs", b"1"], &sealed).unwrap(), plain);
            assert!(both.seal(&[], plain).unwrap().starts_with("sealed:2:"));
            let foreign = keys(&[(1, 9)]);
            assert_eq!(
                foreign.open(&[b"docs", b"1"], &sealed),
                Err(Unopened::Wrong(1))
            );
            let newer = keys(&[(2, 8)]);
            assert_eq!(
                newer.open(&[b"docs", b"1"], &sealed),
                Err(Unopened::NoKey(1))
            );
        }
    }

    #[test]
    fn what_was_changed_or_is_no_sealed_text_does_not_open() {
        let keys = keys(&[(1, 7)]);
        let sealed = keys.seal(&[], "secret").unwrap();
        for at in "sealed:1:".len()..sealed.len() {
            let mut changed = sealed.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(keys.open(&[], &changed).is_err(), "{changed}");
        }
        for text in [
            "",
            "{}",
            "sealed:",
            "sealed:1",
            "sealed:x:AA",
            "sealed:1:AA",
            "sealed:1:!",
        ] {
            assert_eq!(keys.open(&[], text), Err(Unopened::Malformed), "{text}");
        }
        assert!(!format!("{keys:?}").contains('7'), "{keys:?}");
    }
}
