//! Sessions: a random id in a cookie, kept here as a hash, for this process's life.
//!
//! Limits: idle 12 h, absolute 7 d, 10,000 at once (the longest idle one goes).
//! Source: OWASP ASVS 5.0 chapter 7.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use assay_model::document::{Role, TokenScope, User};
use assay_model::{AccountId, Timestamp};
use axum::http::{HeaderMap, HeaderValue, header};
use sha2::{Digest, Sha256};

use crate::api::Caller;
use crate::state::{NoRandomness, Random, random_text};

const IDLE_MS: i64 = 12 * 3_600_000;
const ABSOLUTE_MS: i64 = 7 * 86_400_000;
const SESSIONS_MAX: usize = 10_000;

/// A person in front of a browser.
#[derive(Clone, Debug)]
pub struct Session {
    /// The person's account.
    pub account: AccountId,
    /// The person's id.
    pub user_id: u64,
    /// Name to greet by.
    pub name: String,
    /// What the person may do.
    pub role: Role,
    /// Token that every form of this session carries.
    pub csrf: String,
    started: Timestamp,
    seen: Timestamp,
}

impl Session {
    /// The caller that services see.
    #[must_use]
    pub fn caller(&self) -> Caller {
        use TokenScope as S;
        let scopes = match self.role {
            Role::Publisher => Vec::new(),
            Role::Analyst => vec![S::Read],
            Role::Manager => vec![S::Read, S::Write],
            Role::Owner => S::ALL.to_vec(),
        };
        Caller {
            account: self.account,
            actor: format!("user:{}", self.user_id),
            scopes,
        }
    }

    fn is_over(&self, now: Timestamp) -> bool {
        now.ms_since(self.seen) > IDLE_MS || now.ms_since(self.started) > ABSOLUTE_MS
    }
}

type Key = [u8; 32];

/// All sessions of this process.
#[derive(Default)]
pub struct Sessions {
    live: Mutex<HashMap<Key, Session>>,
}

impl Sessions {
    fn live(&self) -> MutexGuard<'_, HashMap<Key, Session>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a session; returns its id, which is kept nowhere.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn start(
        &self,
        random: &dyn Random,
        account: AccountId,
        user_id: u64,
        user: &User,
        now: Timestamp,
    ) -> Result<String, NoRandomness> {
        let id = random_text::<32>(random)?;
        let session = Session {
            account,
            user_id,
            name: user.name.clone(),
            role: user.role,
            csrf: random_text::<16>(random)?,
            started: now,
            seen: now,
        };
        let mut live = self.live();
        if live.len() >= SESSIONS_MAX {
            live.retain(|_, session| !session.is_over(now));
        }
        if live.len() >= SESSIONS_MAX
            && let Some(idle) = live.iter().min_by_key(|(_, s)| s.seen).map(|(key, _)| *key)
        {
            live.remove(&idle);
        }
        live.insert(key(&id), session);
        Ok(id)
    }

    /// The session with this id, if it is alive; being asked for keeps it so.
    pub fn find(&self, id: &str, now: Timestamp) -> Option<Session> {
        let found = self.peek(id, now)?;
        if let Some(session) = self.live().get_mut(&key(id)) {
            session.seen = session.seen.max(now);
        }
        Some(found)
    }

    /// The session with this id, if it is alive, without keeping it so: a page that
    /// refreshes itself in a forgotten tab is not a person at work.
    pub fn peek(&self, id: &str, now: Timestamp) -> Option<Session> {
        let mut live = self.live();
        let key = key(id);
        let session = live.get(&key)?;
        if session.is_over(now) {
            live.remove(&key);
            return None;
        }
        Some(session.clone())
    }

    /// Ends a session.
    pub fn end(&self, id: &str) {
        self.live().remove(&key(id));
    }
}

fn key(id: &str) -> Key {
    Sha256::digest(format!("assay-session:{id}").as_bytes()).into()
}

/// The cookie's name: `__Host-` where HTTPS makes that possible.
#[must_use]
pub const fn cookie_name(https: bool) -> &'static str {
    if https { "__Host-assay" } else { "assay" }
}

/// The session id that a browser sent.
#[must_use]
pub fn cookie_of(headers: &HeaderMap, https: bool) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == cookie_name(https))
        .map(|(_, id)| id.to_owned())
}

/// The header that gives a browser its session id; an empty id takes it away.
#[must_use]
pub fn set_cookie(id: &str, https: bool) -> Option<HeaderValue> {
    let name = cookie_name(https);
    let secure = if https { "; Secure" } else { "" };
    let age = if id.is_empty() { "; Max-Age=0" } else { "" };
    HeaderValue::from_str(&format!(
        "{name}={id}; Path=/; HttpOnly; SameSite=Lax{secure}{age}"
    ))
    .ok()
}

#[cfg(test)]
mod tests {
    use assay_model::testing::NOW;

    use super::*;
    use crate::state::SystemRandom;

    fn user() -> User {
        User {
            email: "a@b.example".into(),
            name: "A".into(),
            role: Role::Owner,
            password_hash: String::new(),
        }
    }

    #[test]
    fn a_session_ends_idle_absolutely_or_when_told() {
        let sessions = Sessions::default();
        let start = || {
            sessions
                .start(&SystemRandom, AccountId(1), 1, &user(), NOW)
                .unwrap()
        };
        let idle = start();
        assert!(sessions.find(&idle, NOW.plus_ms(IDLE_MS)).is_some());
        assert!(sessions.find(&idle, NOW.plus_ms(2 * IDLE_MS + 1)).is_none());
        let busy = start();
        let mut at = NOW;
        while at.ms_since(NOW) <= ABSOLUTE_MS {
            assert!(sessions.find(&busy, at).is_some());
            at = at.plus_ms(IDLE_MS);
        }
        assert!(sessions.find(&busy, at).is_none());
        let forgotten = start();
        assert!(sessions.peek(&forgotten, NOW.plus_ms(IDLE_MS)).is_some());
        assert!(
            sessions
                .peek(&forgotten, NOW.plus_ms(IDLE_MS + 1))
                .is_none()
        );
        let told = start();
        sessions.end(&told);
        assert!(sessions.find(&told, NOW).is_none());
        assert!(sessions.find("", NOW).is_none());
    }

    #[test]
    fn there_are_never_more_than_the_limit() {
        let sessions = Sessions::default();
        let first = sessions
            .start(&SystemRandom, AccountId(1), 1, &user(), NOW)
            .unwrap();
        for _ in 0..SESSIONS_MAX {
            sessions
                .start(&SystemRandom, AccountId(1), 1, &user(), NOW.plus_ms(1))
                .unwrap();
        }
        assert_eq!(sessions.live().len(), SESSIONS_MAX);
        assert!(sessions.find(&first, NOW.plus_ms(2)).is_none());
    }

    #[test]
    fn cookies_are_secure_where_they_can_be() {
        let text = |https| set_cookie("x", https).unwrap().to_str().unwrap().to_owned();
        assert_eq!(text(false), "assay=x; Path=/; HttpOnly; SameSite=Lax");
        assert_eq!(
            text(true),
            "__Host-assay=x; Path=/; HttpOnly; SameSite=Lax; Secure"
        );
    }
}
