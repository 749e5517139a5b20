//! Finding the click that a conversion belongs to.

use std::time::Duration;

use async_trait::async_trait;

use super::StoreError;
use super::events::StoredEvent;
use crate::record::{CodecError, EventRecord};
use crate::{AccountId, EventId, EventKind, IntegrationId, Timestamp};

/// A click, or an impression for view-through, as it was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClickRow {
    /// [`EventKind::Click`] or [`EventKind::Impression`]; only the former counts as a click.
    pub kind: EventKind,
    /// The whole event: facts, verdict, destination.
    pub event: StoredEvent,
}

impl ClickRow {
    /// The record; its texts borrow from this row.
    ///
    /// # Errors
    /// [`CodecError`] when the bytes are damaged.
    pub fn decode(&self) -> Result<EventRecord<'_>, CodecError> {
        self.event.decode()
    }
}

/// What a look-up came to. That it could not be made is an error, which is a third thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// There is one.
    Found(Box<ClickRow>),
    /// Everything was looked at, and there is none.
    NotFound,
}

impl Lookup {
    /// The click; `None` = not found.
    #[must_use]
    pub fn found(self) -> Option<ClickRow> {
        match self {
            Self::Found(row) => Some(*row),
            Self::NotFound => None,
        }
    }
}

/// A caller's own id of a click, which is only unique within one integration.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClickKey {
    /// Whose.
    pub account: AccountId,
    /// Of which integration.
    pub integration: IntegrationId,
    /// The caller's id, as it was given.
    pub external_id: String,
}

/// Where clicks are found again. Knows clicks and impressions, no other events.
///
/// Written per click, read per conversion: the data plane does nothing for it, an indexer
/// follows the event log. [`Self::caught_up`] before a look-up makes sure that it has passed
/// everything that was answered before.
#[async_trait]
pub trait ClickIndex: Send + Sync {
    /// The click or impression with our id, which says itself when it came in.
    async fn find_by_event_id(&self, account: AccountId, id: EventId)
    -> Result<Lookup, StoreError>;
    /// The newest click with the caller's id that happened at `since` or later, by its own
    /// time; the newest impression when no click has it.
    async fn find_by_external_id(
        &self,
        account: AccountId,
        integration: IntegrationId,
        external_id: &str,
        since: Timestamp,
    ) -> Result<Lookup, StoreError>;
    /// Waits, for `within` at most, until everything that was in the log at the call is
    /// indexed. False when it was not: then "not found" says nothing yet.
    async fn caught_up(&self, within: Duration) -> bool;
    /// Asks to be told by [`Self::arrived`] when a click with this id comes in. False when
    /// too many are waited for: then only looking again helps. Not kept over a restart.
    ///
    /// Watch first and look after: so no click can come between the two unseen.
    fn watch(&self, key: ClickKey) -> bool;
    /// No longer waits for this id.
    fn unwatch(&self, key: &ClickKey);
    /// Waits until clicks come in that were watched for, and returns their ids: look again
    /// for each, it is told once and then watched no more. For one caller at a time.
    async fn arrived(&self) -> Vec<ClickKey>;
}
