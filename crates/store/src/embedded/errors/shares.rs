//! How much of the queue each account has taken: one noisy account leaves room for others.
//!
//! Accounts share a fixed table of counts by id, so two accounts may be held to one
//! share; that costs them rows of a log, never an answer.

use std::sync::atomic::{AtomicU32, Ordering};

use assay_model::AccountId;

const PLACES: usize = 1024;

/// Errors that wait, by account.
#[derive(Debug)]
pub(super) struct Shares([AtomicU32; PLACES]);

impl Default for Shares {
    fn default() -> Self {
        Self([const { AtomicU32::new(0) }; PLACES])
    }
}

impl Shares {
    /// Takes a place in the queue; false when the account has `most` already.
    pub fn take(&self, account: Option<AccountId>, most: u32) -> bool {
        let waiting = self.of(account);
        if waiting.fetch_add(1, Ordering::Relaxed) < most {
            return true;
        }
        waiting.fetch_sub(1, Ordering::Relaxed);
        false
    }

    /// Gives the place back.
    pub fn give_back(&self, account: Option<AccountId>) {
        self.of(account).fetch_sub(1, Ordering::Relaxed);
    }

    fn of(&self, account: Option<AccountId>) -> &AtomicU32 {
        let place = account.map_or(0, |id| id.0 as usize % PLACES);
        &self.0[place]
    }
}
