//! The one-time set-up link of a first start without a token.

use std::sync::{Mutex, MutexGuard, PoisonError};

use assay_model::ports::StoreError;

use super::bearer::token_hash;
use super::bootstrap::is_first_start;
use super::csrf::token_matches;
use crate::state::{ConsoleState, random_text};

/// Holds the hash of the open link; empty = none is open.
#[derive(Debug, Default)]
pub struct Setup {
    hash: Mutex<String>,
}

impl Setup {
    fn hash(&self) -> MutexGuard<'_, String> {
        self.hash.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this token opens the set-up page.
    #[must_use]
    pub fn admits(&self, token: &str) -> bool {
        let hash = self.hash();
        !hash.is_empty() && token_matches(&token_hash(token), &hash)
    }

    /// Closes the link: it works once.
    pub fn close(&self) {
        self.hash().clear();
    }
}

/// Opens a set-up link when there is no account yet; returns its path (`/setup?token=…`).
///
/// # Errors
/// [`StoreError`], also when the system gives no randomness.
pub async fn one_time_setup_link(state: &ConsoleState) -> Result<Option<String>, StoreError> {
    if !is_first_start(&*state.control).await? {
        return Ok(None);
    }
    let token = random_text::<32>(&*state.random)
        .map_err(|error| StoreError::Backend(error.to_string()))?;
    *state.setup.hash() = token_hash(&token);
    Ok(Some(format!("/setup?token={token}")))
}
