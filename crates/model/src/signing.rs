//! Signed messages in: HMAC-SHA256 over what a sender's parameters say.
//!
//! The sender adds `sig_key` (the key's id) and `sig_time` (unix seconds), and then
//! `signature`: the lower-case hex HMAC of the canonical text. That text is the integration's
//! id, a line feed, and every parameter but `signature`, sorted by name, then value, each
//! `name=value` with everything but `A–Z a–z 0–9 - . _ ~` percent-encoded (RFC 3986), joined
//! by `&`. So query, form and JSON sign alike, in any order.

use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::document::Problem;
use crate::{IntegrationId, Timestamp};

/// Parameter with the key's id.
pub const KEY: &str = "sig_key";
/// Parameter with the time of signing.
pub const TIME: &str = "sig_time";
/// Parameter with the signature.
pub const SIGNATURE: &str = "signature";

/// States of a signature, as they stand in an event's `signature_state`: `{report|enforce}
/// {state} [key id] [seconds off]`.
pub mod state {
    /// Signed well.
    pub const GOOD: &str = "good";
    /// Not signed, by an unknown key, or not fitting.
    pub const INVALID: &str = "invalid";
    /// Outside the window.
    pub const EXPIRED: &str = "expired";
    /// Seen before within the window.
    pub const REPLAY: &str = "replay";
}

/// Shortest and longest secret, in bytes.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=128;
/// Most keys at once: one in use, one to come, and some.
const KEYS_MAX: usize = 8;

/// What is done about signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum SigningMode {
    /// Not looked at.
    #[default]
    Off,
    /// Checked and listed; nothing is done.
    Report,
    /// What is not signed well is refused.
    Enforce,
}

/// A key that a sender signs with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SigningKey {
    /// Named by `sig_key`.
    pub id: String,
    /// The shared secret.
    pub secret: String,
}

/// How an integration's senders sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Signing {
    /// What is done about it.
    pub mode: SigningMode,
    /// The keys that count; several while one replaces another.
    pub keys: Vec<SigningKey>,
    /// How far `sig_time` may be off either way, and how long a message stays remembered.
    pub window_s: u32,
}

impl Default for Signing {
    fn default() -> Self {
        Self {
            mode: SigningMode::Off,
            keys: Vec::new(),
            window_s: 300,
        }
    }
}

/// Why a message is not taken as signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    /// One of the three parameters is not there.
    #[error("is missing")]
    Missing(&'static str),
    /// No key has this id.
    #[error("names no key of this integration")]
    UnknownKey,
    /// The time is no number.
    #[error("is no time in unix seconds")]
    BadTime,
    /// The signature is of another text or another secret.
    #[error("does not fit the message")]
    Wrong,
    /// Too old, or from the future.
    #[error("is {0} s off, more than the window allows")]
    Expired(i64),
}

impl SignatureFault {
    /// The parameter that is at fault.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Missing(name) => name,
            Self::UnknownKey => KEY,
            Self::BadTime | Self::Expired(_) => TIME,
            Self::Wrong => SIGNATURE,
        }
    }
}

/// A message that is signed well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Id of the key.
    pub key_id: String,
    /// The signature: what tells this message from another, to see it come again.
    pub signature: [u8; 32],
}

impl Signing {
    /// Everything wrong with the settings; `field` is their path.
    pub fn check(&self, field: &str, out: &mut Vec<Problem>) {
        if self.mode == SigningMode::Enforce && self.keys.is_empty() {
            out.push(Problem::new(
                format!("{field}.keys"),
                "is empty: with mode enforce every message would be refused",
            ));
        }
        if self.keys.len() > KEYS_MAX {
            let detail = format!(
                "has {} keys, at most {KEYS_MAX} can be used",
                self.keys.len()
            );
            out.push(Problem::new(format!("{field}.keys"), detail));
        }
        for (at, key) in self.keys.iter().enumerate() {
            let path = format!("{field}.keys[{at}]");
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            if key.id.is_empty() || key.id.len() > 32 || !key.id.chars().all(plain) {
                let detail = "needs 1 to 32 letters, digits or - _ .";
                out.push(Problem::new(format!("{path}.id"), detail));
            }
            if !SECRET_BYTES.contains(&key.secret.len()) {
                let detail = "needs 24 to 128 characters";
                out.push(Problem::new(format!("{path}.secret"), detail));
            }
            if self.keys[..at].iter().any(|other| other.id == key.id) {
                let detail = format!("{:?} is taken by an earlier key", key.id);
                out.push(Problem::new(format!("{path}.id"), detail));
            }
        }
        if !(10..=3600).contains(&self.window_s) {
            out.push(Problem::new(
                format!("{field}.window_s"),
                format!("is {} s, must be 10 to 3600 s", self.window_s),
            ));
        }
    }

    /// Checks a message's parameters, as decoded.
    ///
    /// # Errors
    /// [`SignatureFault`]: the first thing that is wrong. The time is looked at last, so
    /// nobody learns of a window without the secret.
    pub fn verify<'p>(
        &self,
        integration: IntegrationId,
        params: impl Iterator<Item = (&'p str, &'p str)> + Clone,
        now: Timestamp,
    ) -> Result<Signed, SignatureFault> {
        let given = |name: &'static str| {
            let found = params.clone().find(|(own, _)| *own == name);
            found
                .map(|(_, value)| value)
                .ok_or(SignatureFault::Missing(name))
        };
        let (signature, key_id, time) = (given(SIGNATURE)?, given(KEY)?, given(TIME)?);
        let key = self.keys.iter().find(|key| key.id == key_id);
        let key = key.ok_or(SignatureFault::UnknownKey)?;
        let time: i64 = time.parse().map_err(|_| SignatureFault::BadTime)?;
        let told = from_hex(signature).ok_or(SignatureFault::Wrong)?;
        let mac = mac_of(key.secret.as_bytes(), integration, params);
        // Compares in constant time.
        mac.verify_slice(&told).map_err(|_| SignatureFault::Wrong)?;
        let off_s = now.0.div_euclid(1000).saturating_sub(time);
        if off_s.unsigned_abs() > u64::from(self.window_s) {
            return Err(SignatureFault::Expired(off_s));
        }
        Ok(Signed {
            key_id: key_id.to_owned(),
            signature: told,
        })
    }
}

/// The signature of parameters, as a sender makes it.
#[must_use]
pub fn sign<'p>(
    secret: &str,
    integration: IntegrationId,
    params: impl Iterator<Item = (&'p str, &'p str)>,
) -> String {
    let bytes = mac_of(secret.as_bytes(), integration, params)
        .finalize()
        .into_bytes();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn mac_of<'p>(
    secret: &[u8],
    integration: IntegrationId,
    params: impl Iterator<Item = (&'p str, &'p str)>,
) -> Hmac<Sha256> {
    // HMAC takes a key of any length.
    let mut mac = match Hmac::<Sha256>::new_from_slice(secret) {
        Ok(mac) => mac,
        Err(_) => Hmac::<Sha256>::new(&Default::default()),
    };
    mac.update(canonical(integration, params).as_bytes());
    mac
}

/// The text that is signed.
#[must_use]
pub fn canonical<'p>(
    integration: IntegrationId,
    params: impl Iterator<Item = (&'p str, &'p str)>,
) -> String {
    let mut pairs: Vec<_> = params.filter(|(name, _)| *name != SIGNATURE).collect();
    pairs.sort_unstable();
    let mut out = format!("{}\n", integration.0);
    for (at, (name, value)) in pairs.into_iter().enumerate() {
        if at > 0 {
            out.push('&');
        }
        encode(name, &mut out);
        out.push('=');
        encode(value, &mut out);
    }
    out
}

fn encode(text: &str, out: &mut String) {
    use std::fmt::Write as _;
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing into a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

/// 32 bytes from 64 hex digits of either case.
fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    let mut out = [0; 32];
    if digits.len() != 2 * out.len() {
        return None;
    }
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |c: u8| char::from(c).to_digit(16);
        *byte = (digit(pair[0])? << 4 | digit(pair[1])?) as u8;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "an example secret of 32 letters!";
    const NOW: Timestamp = Timestamp(1_767_225_600_000);

    fn settings() -> Signing {
        let key = |id: &str, secret: &str| SigningKey {
            id: id.to_owned(),
            secret: secret.to_owned(),
        };
        Signing {
            mode: SigningMode::Enforce,
            keys: vec![key("old", "another secret, long enough"), key("k1", SECRET)],
            ..Signing::default()
        }
    }

    fn message(time_s: i64) -> Vec<(String, String)> {
        let mut pairs: Vec<(String, String)> = [("offer", "o 1&x"), ("click_ip", "203.0.113.7")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        pairs.push((KEY.to_owned(), "k1".to_owned()));
        pairs.push((TIME.to_owned(), time_s.to_string()));
        let signature = sign(SECRET, IntegrationId(7), borrowed(&pairs));
        pairs.push((SIGNATURE.to_owned(), signature));
        pairs
    }

    fn borrowed(pairs: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> + Clone {
        pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    fn verify(pairs: &[(String, String)]) -> Result<Signed, SignatureFault> {
        settings().verify(IntegrationId(7), borrowed(pairs), NOW)
    }

    #[test]
    fn the_text_is_the_documented_one() {
        let pairs = [("b", "ä ~"), ("a", "2"), ("signature", "x"), ("a", "1")];
        let text = canonical(IntegrationId(7), pairs.into_iter());
        assert_eq!(text, "7\na=1&a=2&b=%C3%A4%20~");
        // Checked against `printf '7\na=1' | openssl dgst -sha256 -hmac secret`.
        let one = sign("secret", IntegrationId(7), [("a", "1")].into_iter());
        assert_eq!(
            one,
            "4a3e408636a5ad27f498be8e3496d54d28288ceeb8d5b6ce81bfc261829d3240"
        );
    }

    #[test]
    fn a_signed_message_is_taken_in_any_order_until_299_seconds_and_not_at_301() {
        let now_s = NOW.0 / 1000;
        let mut pairs = message(now_s);
        assert_eq!(verify(&pairs).unwrap().key_id, "k1");
        pairs.reverse();
        assert!(verify(&pairs).is_ok());
        for (off, expected) in [(299, true), (-299, true), (301, false), (-301, false)] {
            assert_eq!(verify(&message(now_s + off)).is_ok(), expected, "{off}");
        }
        assert_eq!(
            verify(&message(now_s - 400)),
            Err(SignatureFault::Expired(400))
        );
    }

    #[test]
    fn whatever_is_changed_added_or_left_out_is_told() {
        let good = message(NOW.0 / 1000);
        for at in 0..good.len() {
            let mut changed = good.clone();
            changed[at].1.push('0');
            assert!(verify(&changed).is_err(), "{:?}", changed[at]);
            let mut less = good.clone();
            less.remove(at);
            assert!(verify(&less).is_err(), "{:?}", good[at]);
        }
        let mut more = good.clone();
        more.push(("payout".to_owned(), "9".to_owned()));
        assert_eq!(verify(&more), Err(SignatureFault::Wrong));
        let other = settings().verify(IntegrationId(8), borrowed(&good), NOW);
        assert_eq!(other, Err(SignatureFault::Wrong));
    }

    #[test]
    fn every_problem_of_the_settings_is_named() {
        let mut wrong = settings();
        wrong.keys.push(wrong.keys[0].clone());
        wrong.keys[1].secret = "short".to_owned();
        wrong.keys[1].id = "a b".to_owned();
        wrong.window_s = 5;
        let mut out = Vec::new();
        wrong.check("signing", &mut out);
        let fields: Vec<_> = out.into_iter().map(|problem| problem.field).collect();
        let expected = ["keys[1].id", "keys[1].secret", "keys[2].id", "window_s"];
        assert_eq!(fields, expected.map(|name| format!("signing.{name}")));
    }
}
