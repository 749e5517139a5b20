//! Making a saved change take effect in the data plane.

use async_trait::async_trait;

use crate::AccountId;

/// A change could not be put in force.
#[derive(Debug, thiserror::Error)]
#[error("saved, but not in force: {0}")]
pub struct PublishError(pub String);

/// Compiles an account's policy and swaps it in.
#[async_trait]
pub trait PolicyPublisher: Send + Sync {
    /// Puts the account's stored documents in force; returns the policy's new version.
    async fn publish(&self, account: AccountId) -> Result<u64, PublishError>;
}
