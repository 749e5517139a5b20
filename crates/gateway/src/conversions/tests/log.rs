//! Everything that was kept, as the index and the reader see it.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use assay_model::hit::{EventKind, Field};
use assay_model::ports::{
    ClickIndex, ClickKey, ClickRow, EventLog, EventPage, EventQuery, EventReader, LogError,
    LogPosition, Lookup, StoreError, StoredEvent,
};
use assay_model::record::EventRecord;
use assay_model::{AccountId, EventId, IntegrationId, Timestamp};
use async_trait::async_trait;
use tokio::sync::Notify;

/// Everything that was kept, which is what the index and the reader look at.
#[derive(Default)]
pub struct Log {
    records: Mutex<Vec<Vec<u8>>>,
    watched: Mutex<HashSet<ClickKey>>,
    came: Mutex<Vec<ClickKey>>,
    told: Notify,
    /// The index does not keep up.
    pub behind: AtomicBool,
}

impl Log {
    /// Records of this kind, oldest first.
    pub fn of(&self, kind: EventKind) -> Vec<StoredEvent> {
        let records = self.records.lock().unwrap();
        let of_kind =
            |bytes: &&Vec<u8>| EventRecord::decode(bytes).unwrap().facts.hit.event == kind;
        records
            .iter()
            .filter(of_kind)
            .cloned()
            .map(StoredEvent)
            .collect()
    }

    fn find(&self, fits: impl Fn(&EventRecord<'_>) -> bool) -> Option<StoredEvent> {
        let records = self.records.lock().unwrap();
        let found = records
            .iter()
            .rev()
            .find(|bytes| fits(&EventRecord::decode(bytes).unwrap()));
        found.cloned().map(StoredEvent)
    }

    fn click(&self, fits: impl Fn(&EventRecord<'_>) -> bool) -> Lookup {
        let kind = EventKind::Click;
        let found = self.find(|record| record.facts.hit.event == kind && fits(record));
        found.map_or(Lookup::NotFound, |event| {
            Lookup::Found(Box::new(ClickRow { kind, event }))
        })
    }

    /// As after a restart: nothing is watched for.
    pub fn unwatch_all(&self) {
        self.watched.lock().unwrap().clear();
    }

    fn tell(&self, bytes: &[u8]) {
        let record = EventRecord::decode(bytes).unwrap();
        let hit = &record.facts.hit;
        let Some(external) = hit.get(Field::ExternalTransactionId) else {
            return;
        };
        let key = ClickKey {
            account: hit.account,
            integration: hit.integration,
            external_id: external.to_owned(),
        };
        if hit.event == EventKind::Click && self.watched.lock().unwrap().remove(&key) {
            self.came.lock().unwrap().push(key);
            self.told.notify_one();
        }
    }
}

pub struct LogEnd(pub Arc<Log>);

impl EventLog for LogEnd {
    fn append(&mut self, batch: &[u8], _: u32) -> Result<LogPosition, LogError> {
        let mut rest = batch;
        while let Some((length, more)) = rest.split_first_chunk::<4>() {
            let (record, more) = more.split_at(u32::from_le_bytes(*length) as usize);
            self.0.records.lock().unwrap().push(record.to_vec());
            self.0.tell(record);
            rest = more;
        }
        Ok(LogPosition::default())
    }

    fn lose(&mut self, _: u32) {}
}

#[async_trait]
impl ClickIndex for Log {
    async fn find_by_event_id(
        &self,
        account: AccountId,
        id: EventId,
    ) -> Result<Lookup, StoreError> {
        Ok(self.click(|record| record.event_id == id && record.facts.hit.account == account))
    }

    async fn find_by_external_id(
        &self,
        account: AccountId,
        integration: IntegrationId,
        external_id: &str,
        since: Timestamp,
    ) -> Result<Lookup, StoreError> {
        Ok(self.click(|record| {
            let hit = &record.facts.hit;
            (hit.account, hit.integration) == (account, integration)
                && hit.get(Field::ExternalTransactionId) == Some(external_id)
                && hit.received >= since
        }))
    }

    async fn caught_up(&self, _: Duration) -> bool {
        !self.behind.load(Ordering::Relaxed)
    }

    fn watch(&self, key: ClickKey) -> bool {
        self.watched.lock().unwrap().insert(key);
        true
    }

    fn unwatch(&self, key: &ClickKey) {
        self.watched.lock().unwrap().remove(key);
    }

    async fn arrived(&self) -> Vec<ClickKey> {
        loop {
            let came = std::mem::take(&mut *self.came.lock().unwrap());
            if !came.is_empty() {
                return came;
            }
            self.told.notified().await;
        }
    }
}

#[async_trait]
impl EventReader for Log {
    async fn get(
        &self,
        account: AccountId,
        id: EventId,
    ) -> Result<Option<StoredEvent>, StoreError> {
        Ok(self.find(|record| record.event_id == id && record.facts.hit.account == account))
    }

    async fn list(&self, _: AccountId, _: &EventQuery) -> Result<EventPage, StoreError> {
        Ok(EventPage::default())
    }
}
