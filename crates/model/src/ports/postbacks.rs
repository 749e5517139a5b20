//! The queue of messages owed to receivers, and the log of their delivery.
//!
//! Messages of conversions are put in by the ledger, in the transaction of their entry;
//! messages of clicks by [`PostbackQueue::enqueue_clicks`], together with how far the event
//! log was read. Sending is at least once, under a stable id.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::StoreError;
use super::log::LogPosition;
use crate::postback::{Outcome, Owed};
use crate::{AccountId, EventId, EventKind, Timestamp};

/// Most bytes kept of an answer's beginning, and of a request's.
pub const EXCERPT_BYTES: usize = 1024;

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Not tried yet.
    Pending,
    /// Taken by the receiver.
    Sent,
    /// Tried in vain; it will be tried again.
    Failed,
    /// Given up; only a resend brings it back.
    Dead,
}

impl DeliveryState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Sent, Self::Failed, Self::Dead];

    /// Stable text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Dead => "dead",
        }
    }

    /// The state with this text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// Values of macros by name.
pub type MacroValues = BTreeMap<String, String>;

/// How much may be taken at once.
#[derive(Clone, Copy, Debug)]
pub struct Take {
    /// Most messages.
    pub limit: u32,
    /// Most messages of one postback under way at a time, so that a slow receiver keeps
    /// nobody else's from being sent.
    pub per_postback: u32,
    /// How long the taker has; then the message may be taken again.
    pub lease_ms: i64,
}

/// A message taken to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Number of the delivery.
    pub id: u64,
    /// Whose it is.
    pub account: AccountId,
    /// What is told, to whom, under which stable id.
    pub owed: Owed,
    /// Tries so far.
    pub attempts: u32,
    /// Values of macros: the conversion's as they are now, the click's as they were.
    pub values: MacroValues,
}

/// One try, for the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// How the receiver was called: method, URL and the beginning of the body.
    pub request: String,
    /// Status of the answer; `None` = there was none.
    pub status: Option<u16>,
    /// Until the answer, or until it failed.
    pub latency_ms: u32,
    /// What went wrong; `None` = the receiver took it.
    pub error: Option<String>,
    /// Beginning of the answer.
    pub response: String,
}

/// What becomes of a message after a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// The receiver took it.
    Sent,
    /// To be tried again then.
    Retry(Timestamp),
    /// Not sent by any fault of the receiver: to be looked at again then, no try counted.
    Wait(Timestamp),
    /// Given up.
    Dead,
}

/// One message with its last try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// Its number, ascending with time.
    pub id: u64,
    /// `webhook-id`: the same in every try.
    pub message_id: String,
    /// Which postback.
    pub postback_id: u64,
    /// What it tells of.
    pub event: EventKind,
    /// The conversion's id, or the click's.
    pub subject_id: EventId,
    /// What it tells.
    pub status: Outcome,
    /// Why; empty when approved.
    pub reason: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// When it was first due; counts anew from a resend.
    pub due: Timestamp,
    /// When it is tried next; `None` = not again.
    pub next: Option<Timestamp>,
    /// Tries so far; from a resend on they count anew.
    pub attempts: u32,
    /// The last try.
    pub last: Option<Attempt>,
}

/// Which deliveries, newest first.
#[derive(Clone, Copy, Debug, Default)]
pub struct DeliveryQuery {
    /// Only of this postback.
    pub postback: Option<u64>,
    /// Only in this state.
    pub state: Option<DeliveryState>,
    /// Older than this delivery: the cursor.
    pub before: Option<u64>,
    /// Most deliveries.
    pub limit: u32,
}

/// How much waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Messages that are still to be sent.
    pub waiting: u64,
    /// When the oldest of them was first due.
    pub oldest_due: Option<Timestamp>,
}

/// A click's message, with the values that it is filled from.
#[derive(Clone, Debug, PartialEq)]
pub struct ClickMessage {
    /// Whose.
    pub account: AccountId,
    /// What is owed.
    pub owed: Owed,
    /// Values of macros.
    pub values: MacroValues,
}

/// How far each lane's event log was read for click postbacks.
pub type LogCursor = Vec<(u8, LogPosition)>;

/// The durable queue. What a call has answered is on the disk.
///
/// Two messages of one postback about one conversion are sent in the order of their entries:
/// a later one waits until the earlier is sent or dead, or the receiver would be left with
/// what no longer holds.
#[async_trait]
pub trait PostbackQueue: Send + Sync {
    /// Takes due messages, from each postback in turn; the same is not taken again before its
    /// lease ends.
    async fn take(&self, now: Timestamp, take: Take) -> Result<Vec<Message>, StoreError>;
    /// Ends a lease: notes the try and what becomes of the message.
    async fn settle(
        &self,
        account: AccountId,
        id: u64,
        attempt: Option<Attempt>,
        after: After,
    ) -> Result<(), StoreError>;
    /// Nothing of this postback is taken before `until`.
    async fn slow_down(
        &self,
        account: AccountId,
        postback: u64,
        until: Timestamp,
    ) -> Result<(), StoreError>;
    /// Makes a message that was sent or given up due again, under its old id, and one that
    /// failed due at once.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Invalid`] when it was not tried yet.
    async fn resend(
        &self,
        account: AccountId,
        id: u64,
        now: Timestamp,
    ) -> Result<Delivery, StoreError>;
    /// The newest deliveries that match.
    async fn deliveries(
        &self,
        account: AccountId,
        query: DeliveryQuery,
    ) -> Result<Vec<Delivery>, StoreError>;
    /// One delivery with all its tries, oldest first.
    async fn delivery(
        &self,
        account: AccountId,
        id: u64,
    ) -> Result<Option<(Delivery, Vec<Attempt>)>, StoreError>;
    /// How far the event log was read; empty before the first click was told.
    async fn click_cursor(&self) -> Result<LogCursor, StoreError>;
    /// Puts clicks' messages in and moves the cursor, both or neither. A message that is
    /// there already is left as it is.
    async fn enqueue_clicks(
        &self,
        messages: Vec<ClickMessage>,
        cursor: LogCursor,
    ) -> Result<(), StoreError>;
    /// How much waits, over all accounts.
    async fn backlog(&self) -> Result<Backlog, StoreError>;
    /// Forgets what was sent, or given up, before then; returns how many.
    async fn forget(&self, before: Timestamp) -> Result<u64, StoreError>;
}
