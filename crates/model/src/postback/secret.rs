//! The secret of a Standard-Webhooks signature.
//!
//! Source: standards.md §4.3: `whsec_` and 24 to 64 bytes in base64.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const PREFIX: &str = "whsec_";

/// A text is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be whsec_ and 24 to 64 random bytes in base64 (openssl rand -base64 32)")]
pub struct SecretError;

/// The bytes that messages are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Reads `whsec_…`.
    ///
    /// # Errors
    /// [`SecretError`] when it is none.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let encoded = text.strip_prefix(PREFIX).ok_or(SecretError)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| SecretError)?;
        if (24..=64).contains(&bytes.len()) {
            Ok(Self(bytes))
        } else {
            Err(SecretError)
        }
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The stored text as it may be shown: enough to recognise it by.
    #[must_use]
    pub fn hint(text: &str) -> String {
        let skip = text.chars().count().saturating_sub(4);
        let end: String = text.chars().skip(skip).collect();
        format!("{PREFIX}…{end}")
    }
}

impl fmt::Debug for Secret {
    /// Says nothing: secrets do not go into logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}
