//! How many reports an account runs at once: one account's reports leave room for others'.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use assay_model::AccountId;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::error::ApiError;

/// Seconds after which a refused report may be asked for again.
const RETRY_AFTER_S: &str = "2";

/// The reports that run, by account.
#[derive(Debug, Default)]
pub struct Gate {
    running: Mutex<HashMap<AccountId, usize>>,
}

/// A place among an account's running reports; it is free again when this is dropped.
pub struct Pass<'g> {
    gate: &'g Gate,
    account: AccountId,
}

impl Gate {
    /// Takes a place; `None` when the account has `most` reports running.
    pub fn enter(&self, account: AccountId, most: usize) -> Option<Pass<'_>> {
        let mut running = self.running();
        let own = running.entry(account).or_default();
        if *own >= most {
            return None;
        }
        *own += 1;
        Some(Pass {
            gate: self,
            account,
        })
    }

    fn running(&self) -> MutexGuard<'_, HashMap<AccountId, usize>> {
        // Counts are right at every step, so a panic elsewhere does not spoil them.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut running = self.gate.running();
        if let Some(own) = running.get_mut(&self.account) {
            *own -= 1;
            if *own == 0 {
                running.remove(&self.account);
            }
        }
    }
}

/// 429, and when to come again.
pub fn busy(most: usize) -> Response {
    let detail = format!("{most} reports of this account run already; ask again when one is done");
    let mut response = ApiError::too_many(detail).into_response();
    let after = HeaderValue::from_static(RETRY_AFTER_S);
    response.headers_mut().insert(header::RETRY_AFTER, after);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_its_places_and_no_others() {
        let gate = Gate::default();
        let enter = |account| gate.enter(AccountId(account), 2);
        let (first, second) = (enter(1), enter(1));
        assert!(first.is_some() && second.is_some());
        assert!(enter(1).is_none());
        assert!(enter(2).is_some(), "another account has its own");
        drop(first);
        let again = enter(1);
        assert!(again.is_some() && enter(1).is_none());
        drop((second, again));
        assert!(gate.running().is_empty(), "nothing stays of who is done");
    }
}
