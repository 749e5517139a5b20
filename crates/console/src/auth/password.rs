//! Passwords: argon2id, off the async threads, and the same work for unknown people.
//!
//! Source: OWASP ASVS 5.0 appendix C (argon2id, m = 19 MiB, t = 2, p = 1) and 6.3.8.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::app::App;
use crate::error::ApiError;
use crate::state::Random;

/// Fewest characters of a password.
pub const PASSWORD_CHARS_MIN: usize = 8;

/// Most bytes of a password.
pub const PASSWORD_BYTES_MAX: usize = 1024;

/// Work of one check.
#[derive(Clone, Copy, Debug)]
pub struct PasswordCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Default for PasswordCost {
    fn default() -> Self {
        Self {
            memory_kib: 19 * 1024,
            passes: 2,
        }
    }
}

impl PasswordCost {
    fn argon(self) -> Option<Argon2<'static>> {
        let params = Params::new(self.memory_kib, self.passes, 1, None).ok()?;
        Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
    }
}

/// A password's hash in PHC form.
///
/// # Errors
/// 503 when the system gives no randomness or the cost is out of range.
pub fn hash(cost: PasswordCost, random: &dyn Random, password: &str) -> Result<String, ApiError> {
    let broken = || ApiError::unavailable("password", "the password cannot be hashed");
    let mut salt = [0u8; 16];
    random.fill(&mut salt)?;
    let argon = cost.argon().ok_or_else(broken)?;
    let hash: PasswordHash = argon
        .hash_password_with_salt(password.as_bytes(), &salt)
        .map_err(|_| broken())?;
    Ok(hash.to_string())
}

/// Whether a password is the one behind a hash.
///
/// Without a hash the work is done all the same, and the answer is no.
pub async fn check(app: &App, hash: Option<String>, password: String) -> bool {
    let Ok(_slot) = app.password_checks.acquire().await else {
        return false;
    };
    let cost = app.state.settings.passwords;
    let work = tokio::task::spawn_blocking(move || check_now(cost, hash.as_deref(), &password));
    work.await.unwrap_or(false)
}

fn check_now(cost: PasswordCost, hash: Option<&str>, password: &str) -> bool {
    let Some(argon) = cost.argon() else {
        return false;
    };
    match hash.and_then(|hash| PasswordHash::new(hash).ok()) {
        Some(hash) => argon.verify_password(password.as_bytes(), &hash).is_ok(),
        None => {
            let mut out = [0u8; 32];
            let _ = argon.hash_password_into(password.as_bytes(), &[0; 16], &mut out);
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::SystemRandom;

    const CHEAP: PasswordCost = PasswordCost {
        memory_kib: 64,
        passes: 1,
    };

    #[test]
    fn a_hash_knows_its_password_and_no_other() {
        let hash = hash(CHEAP, &SystemRandom, "correct horse").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{hash}");
        assert!(check_now(CHEAP, Some(&hash), "correct horse"));
        assert!(!check_now(CHEAP, Some(&hash), "correct horsf"));
        assert!(!check_now(CHEAP, None, "correct horse"));
        assert!(!check_now(CHEAP, Some("no hash"), "correct horse"));
    }
}
