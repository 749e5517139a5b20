//! Failed sign-ins: ten per account and per address in fifteen minutes, then a pause.
//!
//! Limits: 20,000 keys; beyond that the oldest window goes, never a fresh one.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use assay_model::Timestamp;

/// Failures that are allowed in a window.
pub const TRIES: u32 = 10;

/// Length of the window.
pub const WINDOW_MIN: i64 = 15;

const WINDOW_MS: i64 = WINDOW_MIN * 60_000;
const KEYS_MAX: usize = 20_000;

#[derive(Clone, Copy, Debug)]
struct Window {
    start: Timestamp,
    failures: u32,
}

/// Counts failures by key (an e-mail address, a network address).
#[derive(Default)]
pub struct Throttle {
    windows: Mutex<HashMap<String, Window>>,
}

impl Throttle {
    fn windows(&self) -> MutexGuard<'_, HashMap<String, Window>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a try for all keys before it is judged; returns the tries left, `None` = too many.
    ///
    /// Counting first keeps parallel tries from passing together.
    pub fn begin(&self, keys: &[String], now: Timestamp) -> Option<u32> {
        let mut windows = self.windows();
        if windows.len() + keys.len() > KEYS_MAX {
            make_room(&mut windows, now);
        }
        let mut left = TRIES;
        for key in keys {
            let fresh = Window {
                start: now,
                failures: 0,
            };
            let window = windows.entry(key.clone()).or_insert(fresh);
            if now.ms_since(window.start) >= WINDOW_MS {
                *window = fresh;
            }
            window.failures = window.failures.saturating_add(1);
            left = left.min((TRIES + 1).saturating_sub(window.failures));
        }
        left.checked_sub(1)
    }

    /// Forgets an account's failures once its owner got in; its address gets only this
    /// try back, or a valid account of one's own would open the way for endless tries.
    pub fn succeed(&self, account: &str, address: &str) {
        let mut windows = self.windows();
        windows.remove(account);
        if let Some(window) = windows.get_mut(address) {
            window.failures = window.failures.saturating_sub(1);
        }
    }
}

fn make_room(windows: &mut HashMap<String, Window>, now: Timestamp) {
    windows.retain(|_, window| now.ms_since(window.start) < WINDOW_MS);
    while windows.len() >= KEYS_MAX {
        let oldest = windows.iter().min_by_key(|(_, w)| w.start);
        let Some(key) = oldest.map(|(key, _)| key.clone()) else {
            return;
        };
        windows.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use assay_model::testing::NOW;

    use super::*;

    #[test]
    fn the_eleventh_try_waits_for_the_window_to_end() {
        let throttle = Throttle::default();
        let keys = ["mail:a".to_owned(), "ip:b".to_owned()];
        for left in (0..TRIES).rev() {
            assert_eq!(throttle.begin(&keys, NOW), Some(left));
        }
        assert_eq!(throttle.begin(&keys, NOW), None);
        assert_eq!(throttle.begin(&keys[..1], NOW), None, "by account alone");
        assert_eq!(throttle.begin(&keys[1..], NOW), None, "by address alone");
        assert!(throttle.begin(&keys, NOW.plus_ms(WINDOW_MS)).is_some());
    }

    #[test]
    fn success_forgets_the_account_and_gives_the_address_one_try_back() {
        let throttle = Throttle::default();
        let keys = ["mail:a".to_owned(), "ip:b".to_owned()];
        for _ in 0..TRIES {
            throttle.begin(&keys, NOW);
        }
        throttle.succeed(&keys[0], &keys[1]);
        assert_eq!(throttle.begin(&keys[..1], NOW), Some(TRIES - 1));
        assert_eq!(throttle.begin(&keys[1..], NOW), Some(0));
        assert_eq!(throttle.begin(&keys[1..], NOW), None);
    }
}
