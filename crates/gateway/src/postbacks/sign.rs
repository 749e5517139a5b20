//! The Standard-Webhooks signature of a message.
//!
//! Source: standards.md §4.3: HMAC-SHA256 over `id.timestamp.body`, base64, behind `v1,`.

use assay_model::Timestamp;
use assay_model::postback::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// `webhook-timestamp`: unix seconds.
#[must_use]
pub fn timestamp(at: Timestamp) -> String {
    at.0.div_euclid(1000).to_string()
}

/// `webhook-signature`; `None` when the key cannot be used, which no length of ours is.
#[must_use]
pub fn signature(secret: &Secret, id: &str, timestamp: &str, body: &[u8]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.bytes()).ok()?;
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    Some(format!(
        "v1,{}",
        STANDARD.encode(mac.finalize().into_bytes())
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specifications_own_example() {
        // Source: the Standard Webhooks reference libraries' shared test vector.
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let made = signature(
            &secret,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(
            made.as_deref(),
            Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
        );
    }
}
