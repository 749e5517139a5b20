//! The [`ClickIndex`] of the embedded store.

use std::time::Duration;

use assay_model::ports::{ClickIndex, ClickKey, LogPosition, Lookup, StoreError};
use assay_model::{AccountId, EventId, IntegrationId, Timestamp};
use async_trait::async_trait;

use super::super::store::EventStore;
use super::find::{Wanted, find};

/// Finds clicks; cheap to clone. The work runs on the runtime's blocking threads.
#[derive(Clone)]
pub struct EmbeddedClicks {
    store: EventStore,
}

impl EmbeddedClicks {
    pub(in super::super) fn new(store: EventStore) -> Self {
        Self { store }
    }

    async fn run(&self, wanted: Wanted) -> Result<Lookup, StoreError> {
        let store = self.store.clone();
        let done = tokio::task::spawn_blocking(move || find(&store, &wanted)).await;
        Ok(done.map_err(|e| StoreError::Backend(e.to_string()))??)
    }

    fn has_passed(&self, ends: &[(u8, LogPosition)]) -> bool {
        let inner = &self.store.0;
        let recent = inner.clicks.recent();
        ends.iter().all(|(lane, end)| recent.indexed(*lane) >= *end)
    }
}

#[async_trait]
impl ClickIndex for EmbeddedClicks {
    async fn find_by_event_id(
        &self,
        account: AccountId,
        id: EventId,
    ) -> Result<Lookup, StoreError> {
        self.run(Wanted::Own(account, id)).await
    }

    async fn find_by_external_id(
        &self,
        account: AccountId,
        integration: IntegrationId,
        external_id: &str,
        since: Timestamp,
    ) -> Result<Lookup, StoreError> {
        if external_id.is_empty() {
            return Ok(Lookup::NotFound);
        }
        let id = external_id.to_owned();
        self.run(Wanted::External(account, integration, id, since))
            .await
    }

    async fn caught_up(&self, within: Duration) -> bool {
        let inner = &self.store.0;
        let lanes = inner.spool.lanes();
        let ends: Vec<_> = lanes
            .map(|lane| (lane, inner.spool.written(lane)))
            .collect();
        let passed = async {
            loop {
                // Begun before it is looked at, so that no step is missed between the two.
                let stepped = inner.clicks.stepped.notified();
                if self.has_passed(&ends) {
                    return;
                }
                inner.clicks.wake();
                stepped.await;
            }
        };
        tokio::time::timeout(within, passed).await.is_ok()
    }

    fn watch(&self, key: ClickKey) -> bool {
        self.store.0.clicks.watches.add(key)
    }

    fn unwatch(&self, key: &ClickKey) {
        self.store.0.clicks.watches.remove(key);
    }

    async fn arrived(&self) -> Vec<ClickKey> {
        self.store.0.clicks.watches.arrived().await
    }
}
