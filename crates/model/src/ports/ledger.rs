//! Where conversions are kept: one row each, and its append-only history.

use async_trait::async_trait;

use super::StoreError;
use super::conversions::ConversionFilter;
use crate::ledger::{Change, Conversion, Entry, Keys, Match, NewConversion, Refused, Waiting};
use crate::postback::Owed;
use crate::verdict::Action;
use crate::{AccountId, EventId, IntegrationId, Timestamp};

/// The ledger could not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// There is no such conversion in this account.
    #[error("not found")]
    NotFound,
    /// There is no such change.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The question is wrong; names the parameter.
    #[error("{field}: {detail}")]
    Invalid {
        /// Parameter at fault.
        field: &'static str,
        /// What is wrong.
        detail: String,
    },
    /// A commit failed: what is on the disk is not known, so nothing is taken until a restart.
    #[error("the ledger takes nothing until it is started again: {0}")]
    Closed(String),
    /// The backend failed; trying again may help.
    #[error("storage failed: {0}")]
    Backend(String),
}

impl From<StoreError> for LedgerError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::NotFound,
            StoreError::Backend(why) => Self::Backend(why),
            other => Self::Backend(other.to_string()),
        }
    }
}

/// What an [`Ledger::append`] came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It was not there.
    New(Box<Conversion>),
    /// It was, as this; nothing was changed and nothing is owed.
    Duplicate(Box<Conversion>),
}

impl Appended {
    /// The conversion as it is stored.
    #[must_use]
    pub fn conversion(&self) -> &Conversion {
        match self {
            Self::New(row) | Self::Duplicate(row) => row,
        }
    }
}

/// What a change came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The conversion after it.
    pub conversion: Conversion,
    /// The entry that was made; `None` = nothing changed.
    pub entry: Option<Entry>,
}

/// Says which postbacks a change owes: from the conversion after it, its entry, and the last
/// entry before that had decided. Runs inside the transaction: it must be quick and pure.
pub type Owes = Box<dyn FnOnce(&Conversion, &Entry, Option<&Entry>) -> Vec<Owed> + Send>;

/// What a conversion that waited has learnt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// Its click, if that is what came.
    pub found: Option<Match>,
    /// What detection did, now that it was judged; `None` = as before.
    pub action: Option<Action>,
    /// Where it stands from now on; guarded by [`crate::ledger::Guard::Undecided`].
    pub change: Change,
}

/// What a settlement came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It was made, or somebody had decided before.
    Done(Box<Changed>),
    /// Another conversion already has this click, event and order: nothing was changed.
    Duplicate(EventId),
}

/// By which id another system means a conversion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SentId {
    /// The caller's own id of the click.
    External(String),
    /// Our id of the click, as text.
    Transaction(String),
    /// The click, from an opened id of ours.
    Click(EventId),
}

/// A place in a list of conversions, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConversionCursor {
    /// Time of the last conversion seen.
    pub time: Timestamp,
    /// Its id.
    pub conversion_id: EventId,
}

/// Which conversions.
#[derive(Clone, Debug, Default)]
pub struct ConversionQuery {
    /// From here on, by the conversion's own time.
    pub from: Option<Timestamp>,
    /// Before here.
    pub to: Option<Timestamp>,
    /// All must match; no stretches of time.
    pub filters: Vec<ConversionFilter>,
    /// Older than this one.
    pub before: Option<ConversionCursor>,
    /// Most conversions.
    pub limit: u32,
}

/// A page of conversions, newest first.
#[derive(Clone, Debug, Default)]
pub struct ConversionPage {
    /// The conversions.
    pub conversions: Vec<Conversion>,
    /// Cursor of the next page; `None` = no more.
    pub next: Option<ConversionCursor>,
}

/// Where conversions are kept. What is written is on the disk when the call returns.
///
/// Of several calls that would make the same conversion one makes it, the others get it.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// The conversion that a message with these keys sends again.
    async fn find_by_key(
        &self,
        account: AccountId,
        keys: &Keys,
    ) -> Result<Option<Conversion>, LedgerError>;
    /// Adds a conversion, its first entry, and what is owed for it; unless it is there.
    async fn append(
        &self,
        account: AccountId,
        new: NewConversion,
        owed: Vec<Owed>,
    ) -> Result<Appended, LedgerError>;
    /// Changes status or reason, and queues what that owes.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`] and [`LedgerError::Refused`].
    async fn change(
        &self,
        account: AccountId,
        conversion_id: EventId,
        change: Change,
        owes: Owes,
    ) -> Result<Changed, LedgerError>;
    /// Decides a conversion that waited, with what it has learnt, as one entry.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`].
    async fn settle(
        &self,
        account: AccountId,
        conversion_id: EventId,
        settlement: Settlement,
        owes: Owes,
    ) -> Result<Settled, LedgerError>;
    /// One conversion.
    async fn get(
        &self,
        account: AccountId,
        conversion_id: EventId,
    ) -> Result<Option<Conversion>, LedgerError>;
    /// Its history, oldest first; empty when there is no such conversion.
    async fn history(
        &self,
        account: AccountId,
        conversion_id: EventId,
    ) -> Result<Vec<Entry>, LedgerError>;
    /// The conversions of one integration that another system means, oldest first. `event`:
    /// only of this name, an empty one being the base conversion; `None` = all.
    async fn find_by_ids(
        &self,
        account: AccountId,
        integration: IntegrationId,
        id: &SentId,
        event: Option<&str>,
    ) -> Result<Vec<Conversion>, LedgerError>;
    /// The newest conversions that match.
    async fn list(
        &self,
        account: AccountId,
        query: &ConversionQuery,
    ) -> Result<ConversionPage, LedgerError>;
    /// Conversions that wait for this, by id above `after`, ascending.
    async fn waiting(
        &self,
        account: AccountId,
        on: Waiting,
        after: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<Conversion>, LedgerError>;
    /// Accounts with conversions that wait for this: for the tasks that settle them.
    async fn accounts_waiting(&self, on: Waiting) -> Result<Vec<AccountId>, LedgerError>;
}
