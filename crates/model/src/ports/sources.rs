//! Sources and outcomes: what was decided about whom, and what events came to.
//!
//! The log of decisions is append-only; the snapshot in force after each judgement is kept
//! beside it, so that a restart goes on with it at once.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::StoreError;
use crate::reputation::{EventKeys, Outcome};
use crate::sources::{SourceLevel, SourceName};
use crate::{AccountId, EventId, IntegrationId, Timestamp};

/// What happened to a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceStep {
    /// Something is held against it from here on.
    Held,
    /// Something else than before.
    Changed,
    /// No longer, by its own numbers.
    Lifted,
    /// No longer, by a person's decision, until its end.
    LiftedByHand,
}

impl SourceStep {
    /// All values.
    pub const ALL: [Self; 4] = [Self::Held, Self::Changed, Self::Lifted, Self::LiftedByHand];

    /// Stable text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Changed => "changed",
            Self::Lifted => "lifted",
            Self::LiftedByHand => "lifted_by_hand",
        }
    }

    /// The step with this text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|own| own.as_str() == text)
    }
}

/// A line of the log that is not in it yet.
#[derive(Clone, Debug, PartialEq)]
pub struct NewDecision {
    /// When.
    pub at: Timestamp,
    /// Number of the snapshot that has it.
    pub snapshot: u64,
    /// What happened.
    pub step: SourceStep,
    /// Whom it is about; the level says what one source is.
    pub source: SourceName,
    /// The rule; `None` = all.
    pub rule: Option<u64>,
    /// Key of the filter; empty = all.
    pub filter: String,
    /// Code of the reason that its events get; empty = none.
    pub reason: String,
    /// Who (`engine`, `token:12`).
    pub actor: String,
    /// Every number behind it, as the API shows it.
    pub detail: Value,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Place in the log of all accounts; grows.
    pub id: u64,
    /// The line.
    pub line: NewDecision,
}

/// Which lines.
#[derive(Clone, Debug, Default)]
pub struct DecisionQuery {
    /// Only of this publisher.
    pub publisher: Option<String>,
    /// Older than this line: the cursor.
    pub before: Option<u64>,
    /// Most lines.
    pub limit: u32,
}

/// What was in force after a judgement.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptSnapshot {
    /// Its number.
    pub number: u64,
    /// When its numbers were taken.
    pub as_of: Timestamp,
    /// What is held, as the task wrote it.
    pub held: Value,
}

/// A person's decision that something is not held for a while.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lift {
    /// Publisher.
    pub publisher: String,
    /// Only this sub id of it; `None` = all of it.
    #[serde(default)]
    pub sub_id: Option<String>,
    /// Only on this offer; `None` = on all.
    #[serde(default)]
    pub offer: Option<String>,
    /// Only by this rule; `None` = by all.
    #[serde(default)]
    pub rule: Option<u64>,
    /// Only by this filter; `None` = by all.
    #[serde(default)]
    pub filter: Option<String>,
    /// Until when it is not condemned again.
    pub until: Timestamp,
    /// Why.
    pub note: String,
}

impl Lift {
    /// Whether it is about this source under this rule and filter, at `now`.
    #[must_use]
    pub fn covers(&self, rule: u64, filter: &str, source: &SourceName, now: Timestamp) -> bool {
        let fits = |wanted: &Option<String>, own: &str| wanted.as_deref().is_none_or(|w| w == own);
        now < self.until
            && self.publisher == source.publisher
            && fits(&self.sub_id, &source.sub_id)
            && fits(&self.offer, &source.offer)
            && self.rule.is_none_or(|own| own == rule)
            && fits(&self.filter, filter)
    }
}

/// Who taught an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Teacher {
    /// The ledger of conversions; it never overrules what was told.
    Ledger = 0,
    /// The account, by `POST /v1/outcomes`.
    Told = 1,
}

/// An outcome as it is kept: one per event.
#[derive(Clone, Debug, PartialEq)]
pub struct Lesson {
    /// The event.
    pub event: EventId,
    /// What became of it.
    pub outcome: Outcome,
    /// How much it counts.
    pub weight: f32,
    /// When the event happened.
    pub time: Timestamp,
    /// Who says so.
    pub teacher: Teacher,
    /// What it teaches.
    pub keys: EventKeys,
}

/// What keeping a lesson came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Kept {
    /// It is the event's first.
    New,
    /// It stands in place of this one.
    InPlaceOf(Box<Lesson>),
    /// It was there, or nothing that its teacher may change: nothing was changed.
    Same,
}

/// Where decisions about sources, and outcomes, are kept. What is written is on the disk when
/// the call returns.
#[async_trait]
pub trait SourceStore: Send + Sync {
    /// Keeps a judgement: its snapshot, and what changed, both or neither.
    async fn judged(
        &self,
        account: AccountId,
        snapshot: KeptSnapshot,
        changes: Vec<NewDecision>,
    ) -> Result<(), StoreError>;
    /// The snapshot after the last judgement.
    async fn snapshot(&self, account: AccountId) -> Result<Option<KeptSnapshot>, StoreError>;
    /// The newest lines of the log that match.
    async fn decisions(
        &self,
        account: AccountId,
        query: &DecisionQuery,
    ) -> Result<Vec<Decision>, StoreError>;
    /// Keeps a person's decision and its line of the log; gives the line back.
    async fn lift(
        &self,
        account: AccountId,
        lift: Lift,
        line: NewDecision,
    ) -> Result<Decision, StoreError>;
    /// Decisions of persons that have not ended by `now`.
    async fn lifts(&self, account: AccountId, now: Timestamp) -> Result<Vec<Lift>, StoreError>;
    /// Keeps lessons, in order.
    async fn teach(
        &self,
        account: AccountId,
        lessons: Vec<Lesson>,
    ) -> Result<Vec<Kept>, StoreError>;
    /// Lessons about events of `since` and later, by event id above `after`, ascending.
    async fn lessons(
        &self,
        account: AccountId,
        since: Timestamp,
        after: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<Lesson>, StoreError>;
    /// Accounts that have a snapshot or lessons, ascending.
    async fn accounts(&self) -> Result<Vec<AccountId>, StoreError>;
    /// How far a follower of the ledger has come; the beginning when it never was noted.
    async fn cursor(&self, name: &str) -> Result<ChangeCursor, StoreError>;
    /// Notes how far it has come.
    async fn note_cursor(&self, name: &str, cursor: ChangeCursor) -> Result<(), StoreError>;
    /// Forgets lessons about events before then; returns how many.
    async fn forget(&self, before: Timestamp) -> Result<u64, StoreError>;
}

/// A place in the ledger's changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct ChangeCursor {
    /// When the last one read was made.
    pub changed: Timestamp,
    /// Its row.
    pub row: i64,
}

/// The ledger's changes, as a task follows them.
#[async_trait]
pub trait LedgerFeed: Send + Sync {
    /// Conversions of all accounts that changed after the cursor and before `until`, in the
    /// order of their last change; each with the cursor to go on from.
    async fn changed(
        &self,
        after: ChangeCursor,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<(ChangeCursor, crate::ledger::Conversion)>, StoreError>;
}

/// Which sources a list shows.
#[derive(Clone, Debug, Default)]
pub struct SourceQuery {
    /// Only of this level.
    pub level: Option<SourceLevel>,
    /// Only of this publisher.
    pub publisher: Option<String>,
    /// Only what is held, or only what is not.
    pub held: Option<bool>,
    /// Rows to skip: the cursor.
    pub offset: usize,
    /// Most rows.
    pub limit: usize,
}

/// Sources as they stand.
#[derive(Clone, Debug, Default)]
pub struct SourcePage {
    /// Number of the snapshot; 0 = none was made yet.
    pub number: u64,
    /// When its numbers were taken.
    pub as_of: Option<Timestamp>,
    /// A row per source, rule and level: what is held first, then the largest first.
    pub rows: Vec<Value>,
    /// Offset of the next page.
    pub next: Option<usize>,
}

/// What the console sees of sources, and what a person may do about them.
#[async_trait]
pub trait SourceDesk: Send + Sync {
    /// Sources as they stand.
    async fn list(&self, account: AccountId, query: &SourceQuery)
    -> Result<SourcePage, StoreError>;
    /// The log.
    async fn decisions(
        &self,
        account: AccountId,
        query: &DecisionQuery,
    ) -> Result<Vec<Decision>, StoreError>;
    /// Lifts what is held, at once, and keeps it lifted until the decision ends.
    async fn lift(
        &self,
        account: AccountId,
        lift: Lift,
        actor: &str,
        now: Timestamp,
    ) -> Result<Decision, StoreError>;
}

/// By which id an outcome names its event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutcomeOf {
    /// Our id of an event or a conversion.
    Event(EventId),
    /// The caller's own id, of one integration or, without one, of any of the account's.
    External(Option<IntegrationId>, String),
}

/// One told outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldOutcome {
    /// Whose.
    pub of: OutcomeOf,
    /// What became of it.
    pub outcome: Outcome,
}

/// What telling an outcome came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learned {
    /// It was learned.
    New(EventId),
    /// It was learned in place of another.
    Changed(EventId),
    /// It was known.
    Duplicate(EventId),
    /// The event was judged without all its inputs: degraded never teaches.
    Degraded(EventId),
    /// The account has no such event.
    NotFound,
}

/// Takes told outcomes in.
#[async_trait]
pub trait OutcomeDesk: Send + Sync {
    /// Learns outcomes, in order.
    ///
    /// # Errors
    /// [`StoreError`]; then none of them was learned, and all may be sent again.
    async fn tell(
        &self,
        account: AccountId,
        told: Vec<ToldOutcome>,
    ) -> Result<Vec<Learned>, StoreError>;
}
