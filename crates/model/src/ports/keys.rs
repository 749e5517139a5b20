//! The keys of our ids: one ring for the whole installation.

use async_trait::async_trait;

use super::StoreError;
use crate::transaction::KeyRing;

/// Where the ring is kept. A change is durable when the call returns, and moves the revision
/// of control data, so that every node takes it over.
#[async_trait]
pub trait KeyStore: Send + Sync {
    /// The ring; `None` = none was made yet.
    async fn transaction_keys(&self) -> Result<Option<KeyRing>, StoreError>;
    /// Replaces the ring, `None` being none yet. False when it is no longer `old`: another
    /// node was faster, and its ring counts.
    async fn replace_transaction_keys(
        &self,
        old: Option<&KeyRing>,
        new: &KeyRing,
    ) -> Result<bool, StoreError>;
}
