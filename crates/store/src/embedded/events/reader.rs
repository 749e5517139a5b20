//! The [`EventReader`] of the embedded store.

use std::path::Path;

use assay_model::ports::{EventPage, EventQuery, EventReader, StoreError, StoredEvent};
use assay_model::{AccountId, EventId};
use async_trait::async_trait;

use super::snapshot::SnapshotSource;
use super::{EventsError, get, list};

/// Reads events; cheap to clone. The work runs on the runtime's blocking threads.
#[derive(Clone)]
pub struct EmbeddedEvents {
    source: SnapshotSource,
}

impl EmbeddedEvents {
    pub(super) fn new(source: SnapshotSource) -> Self {
        Self { source }
    }

    /// Reads a data folder that another process may be writing to.
    #[must_use]
    pub fn open_read_only(data_folder: &Path) -> Self {
        Self::new(SnapshotSource::folder(data_folder))
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&SnapshotSource) -> Result<T, EventsError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let source = self.source.clone();
        let done = tokio::task::spawn_blocking(move || work(&source)).await;
        Ok(done.map_err(|e| StoreError::Backend(e.to_string()))??)
    }
}

#[async_trait]
impl EventReader for EmbeddedEvents {
    async fn get(
        &self,
        account: AccountId,
        id: EventId,
    ) -> Result<Option<StoredEvent>, StoreError> {
        self.run(move |source| get::get(source, account, id)).await
    }

    async fn list(&self, account: AccountId, query: &EventQuery) -> Result<EventPage, StoreError> {
        let query = query.clone();
        self.run(move |source| list::list(source, account, &query))
            .await
    }
}
