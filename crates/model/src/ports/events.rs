//! Reading events back: one by id, or the newest that match.

use async_trait::async_trait;

use super::StoreError;
use super::reports::Dimension;
use crate::record::{CodecError, EventRecord};
use crate::{AccountId, EventId, Timestamp};

/// An event's bytes, decoded on demand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent(pub Vec<u8>);

impl StoredEvent {
    /// The record; its texts borrow from these bytes.
    ///
    /// # Errors
    /// [`CodecError`] when the bytes are damaged.
    pub fn decode(&self) -> Result<EventRecord<'_>, CodecError> {
        EventRecord::decode(&self.0)
    }
}

/// Events whose dimension has one of the values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventFilter {
    /// Which dimension.
    pub dimension: Dimension,
    /// Any of these; an empty text means "not given".
    pub values: Vec<String>,
}

/// Which events.
#[derive(Clone, Debug, Default)]
pub struct EventQuery {
    /// From here on, by the time the event came in.
    pub from: Option<Timestamp>,
    /// Before here.
    pub to: Option<Timestamp>,
    /// All must match.
    pub filters: Vec<EventFilter>,
    /// Older than this event: the cursor.
    pub before: Option<EventId>,
    /// Most events.
    pub limit: u32,
}

/// A page of events, newest first.
#[derive(Clone, Debug, Default)]
pub struct EventPage {
    /// The events.
    pub events: Vec<StoredEvent>,
    /// Cursor of the next page; `None` = no more.
    pub next: Option<EventId>,
}

/// Where events are read from; sees an event as soon as its record is written.
#[async_trait]
pub trait EventReader: Send + Sync {
    /// One event of the account.
    async fn get(&self, account: AccountId, id: EventId)
    -> Result<Option<StoredEvent>, StoreError>;
    /// The newest events that match.
    async fn list(&self, account: AccountId, query: &EventQuery) -> Result<EventPage, StoreError>;
}
