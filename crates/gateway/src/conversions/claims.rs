//! One conversion at a time: copies of a message that arrive together are judged once.
//!
//! The ledger's unique index would decide the race too, but each loser would have moved
//! counters and kept a record.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use assay_model::AccountId;
use assay_model::ledger::{IdempotencyKey, Keys};
use tokio::sync::Notify;

type Claimed = (AccountId, IdempotencyKey);

/// The conversions that are being taken in now.
#[derive(Debug, Default)]
pub struct Claims {
    held: Mutex<HashSet<Claimed>>,
    released: Notify,
}

/// A claim; given back when it is dropped.
#[derive(Debug)]
pub struct Claim {
    claims: Arc<Claims>,
    keys: Vec<Claimed>,
}

impl Claims {
    /// Waits until nobody else takes a conversion with one of these keys in.
    pub async fn take(self: &Arc<Self>, account: AccountId, keys: &Keys) -> Claim {
        let wanted: Vec<Claimed> = std::iter::once(keys.decides)
            .chain(keys.also.iter().copied())
            .map(|key| (account, key))
            .collect();
        loop {
            let released = self.released.notified();
            tokio::pin!(released);
            // Listening before looking: a release in between is not missed.
            released.as_mut().enable();
            if self.try_take(&wanted) {
                return Claim {
                    claims: Arc::clone(self),
                    keys: wanted,
                };
            }
            released.await;
        }
    }

    fn try_take(&self, wanted: &[Claimed]) -> bool {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let free = wanted.iter().all(|key| !held.contains(key));
        if free {
            held.extend(wanted);
        }
        free
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut held = self
            .claims
            .held
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for key in &self.keys {
            held.remove(key);
        }
        drop(held);
        self.claims.released.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::rc::Rc;

    fn keys(decides: u8, also: &[u8]) -> Keys {
        Keys {
            decides: IdempotencyKey([decides; 16]),
            also: also.iter().map(|n| IdempotencyKey([*n; 16])).collect(),
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn copies_wait_for_each_other_and_others_do_not() {
        let claims = Arc::new(Claims::default());
        let first = claims.take(AccountId(1), &keys(1, &[9])).await;
        let _other_account = claims.take(AccountId(2), &keys(1, &[9])).await;
        let _other_key = claims.take(AccountId(1), &keys(2, &[])).await;
        let local = tokio::task::LocalSet::new();
        let taken = Rc::new(Cell::new(false));
        let (seen, waiting) = (Rc::clone(&taken), Arc::clone(&claims));
        let copy = local.spawn_local(async move {
            // Known by another id so far: the same conversion all the same.
            let _claim = waiting.take(AccountId(1), &keys(9, &[])).await;
            seen.set(true);
        });
        local
            .run_until(async {
                tokio::task::yield_now().await;
                assert!(!taken.get());
                drop(first);
                copy.await.unwrap();
            })
            .await;
        assert!(taken.get());
    }
}
