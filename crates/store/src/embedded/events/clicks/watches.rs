//! Conversions that wait for their click: the indexer looks whether one of their ids comes by.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use assay_model::ports::ClickKey;
use tokio::sync::Notify;

use super::keys;

/// Most ids that are waited for.
const MOST: usize = 100_000;

/// The ids.
#[derive(Default)]
pub struct Watches {
    state: Mutex<State>,
    told: Notify,
}

#[derive(Default)]
struct State {
    waiting: HashMap<u64, Vec<ClickKey>>,
    arrived: Vec<ClickKey>,
    count: usize,
}

fn hash_of(key: &ClickKey) -> u64 {
    keys::external(key.account, key.integration, &key.external_id)
}

impl Watches {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for an id; false = too many are waited for.
    pub fn add(&self, key: ClickKey) -> bool {
        let mut state = self.state();
        if state.count >= MOST {
            return false;
        }
        let keys = state.waiting.entry(hash_of(&key)).or_default();
        if !keys.contains(&key) {
            keys.push(key);
            state.count += 1;
        }
        true
    }

    /// No longer waits for it.
    pub fn remove(&self, key: &ClickKey) {
        let mut state = self.state();
        let hash = hash_of(key);
        let Some(keys) = state.waiting.get_mut(&hash) else {
            return;
        };
        let before = keys.len();
        keys.retain(|own| own != key);
        let (gone, empty) = (before - keys.len(), keys.is_empty());
        state.count -= gone;
        if empty {
            state.waiting.remove(&hash);
        }
    }

    /// Tells who waits for one of these hashes; another id of the same hash is told in vain.
    pub fn tell(&self, hashes: impl IntoIterator<Item = u64>) {
        let mut state = self.state();
        if state.count == 0 {
            return;
        }
        for hash in hashes {
            if let Some(keys) = state.waiting.remove(&hash) {
                state.count -= keys.len();
                state.arrived.extend(keys);
            }
        }
        if !state.arrived.is_empty() {
            self.told.notify_one();
        }
    }

    /// Tells everybody: clicks came by unseen.
    pub fn tell_all(&self) {
        let hashes: Vec<u64> = self.state().waiting.keys().copied().collect();
        self.tell(hashes);
    }

    /// Waits until there is something to tell.
    pub async fn arrived(&self) -> Vec<ClickKey> {
        loop {
            let arrived = std::mem::take(&mut self.state().arrived);
            if !arrived.is_empty() {
                return arrived;
            }
            // A permit is kept, so what is told between the two lines is not missed.
            self.told.notified().await;
        }
    }
}
