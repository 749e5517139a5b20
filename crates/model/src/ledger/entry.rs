//! Entries, the state they fold to, and which changes there are.

use crate::Timestamp;
use crate::ledger::{Status, Waiting};
use crate::reason::{Class, Reason};

/// One line of a conversion's history. Append-only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Place in the conversion's history; the first is 1.
    pub seq: u32,
    /// When.
    pub at: Timestamp,
    /// Who (`engine`, `user:3`, `token:12`, `rejection:7`).
    pub actor: String,
    /// Status before; `None` = the first entry.
    pub from: Option<Status>,
    /// Status after.
    pub to: Status,
    /// Main reason after.
    pub reason: Reason,
    /// All reasons after, main reason first.
    pub reasons: Vec<Reason>,
    /// The reason in another system's or a person's own words; empty = none.
    pub note: String,
    /// What it waits for from here on.
    pub waiting: Option<Waiting>,
}

/// Where a conversion stands: the fold of its entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Status.
    pub status: Status,
    /// Main reason.
    pub reason: Reason,
    /// All reasons, main reason first.
    pub reasons: Vec<Reason>,
    /// Another system's or a person's own words; empty = none.
    pub note: String,
    /// What it waits for; `None` = nothing.
    pub waiting: Option<Waiting>,
    /// Number of entries.
    pub version: u32,
    /// When the last entry was made.
    pub changed: Timestamp,
}

/// When a change is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Whatever the status is; a different reason alone is a change too.
    Any,
    /// Only when the status differs: the same one again changes nothing.
    OtherStatus,
    /// Only while nobody has decided, so that what was waited for never undoes a person.
    Undecided,
}

/// A wish to change a conversion's status or reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Who wishes it.
    pub actor: String,
    /// When.
    pub at: Timestamp,
    /// Status to have.
    pub to: Status,
    /// Main reason.
    pub reason: Reason,
    /// All reasons, main reason first. Empty = the main one, then what the engine had found.
    pub reasons: Vec<Reason>,
    /// Another system's or a person's own words; empty = none.
    pub note: String,
    /// What it waits for from then on.
    pub waiting: Option<Waiting>,
    /// When the change is made.
    pub guard: Guard,
}

/// A change that there is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a conversion that is {} cannot become {} again", from.as_str(), to.as_str())]
pub struct Refused {
    /// Status it has.
    pub from: Status,
    /// Status that was wished.
    pub to: Status,
}

impl State {
    /// The state after a first entry.
    #[must_use]
    pub fn first(entry: &Entry) -> Self {
        let mut state = Self {
            status: entry.to,
            reason: entry.reason,
            reasons: Vec::new(),
            note: String::new(),
            waiting: None,
            version: 0,
            changed: entry.at,
        };
        state.add(entry);
        state
    }

    /// Folds entries, oldest first; `None` when there are none.
    #[must_use]
    pub fn fold<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Option<Self> {
        let mut entries = entries.into_iter();
        let mut state = Self::first(entries.next()?);
        for entry in entries {
            state.add(entry);
        }
        Some(state)
    }

    fn add(&mut self, entry: &Entry) {
        self.status = entry.to;
        self.reason = entry.reason;
        self.reasons.clone_from(&entry.reasons);
        self.note.clone_from(&entry.note);
        self.waiting = entry.waiting;
        self.version = entry.seq;
        self.changed = entry.at;
    }

    /// Makes the change and returns its entry; `None` when it changes nothing.
    ///
    /// # Errors
    /// [`Refused`] when a decided conversion would become undecided.
    pub fn change(&mut self, wish: &Change) -> Result<Option<Entry>, Refused> {
        let wanted = match wish.guard {
            Guard::Any => true,
            Guard::OtherStatus => wish.to != self.status,
            Guard::Undecided => !self.status.is_decided(),
        };
        if !wanted {
            return Ok(None);
        }
        if self.status.is_decided() && !wish.to.is_decided() {
            return Err(Refused {
                from: self.status,
                to: wish.to,
            });
        }
        let reasons = self.reasons_after(wish);
        let same = wish.to == self.status
            && wish.reason == self.reason
            && wish.note == self.note
            && wish.waiting == self.waiting
            && reasons == self.reasons;
        if same {
            return Ok(None);
        }
        let entry = Entry {
            seq: self.version.saturating_add(1),
            at: wish.at,
            actor: wish.actor.clone(),
            from: Some(self.status),
            to: wish.to,
            reason: wish.reason,
            reasons,
            note: wish.note.clone(),
            waiting: wish.waiting,
        };
        self.add(&entry);
        Ok(Some(entry))
    }

    /// What a person or another system says comes first; what the engine found stays beside it.
    fn reasons_after(&self, wish: &Change) -> Vec<Reason> {
        if !wish.reasons.is_empty() {
            return wish.reasons.clone();
        }
        let found = self.reasons.iter().copied().filter(|reason| {
            let info = reason.info();
            *reason != wish.reason && *reason != Reason::Clean && info.class != Class::External
        });
        std::iter::once(wish.reason).chain(found).collect()
    }
}
