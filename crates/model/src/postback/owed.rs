//! Which receivers a change owes a message: a pure function of definitions and change.

use serde::{Deserialize, Serialize};

use super::{FireOn, Postback, PostbackType};
use crate::document::{ScopeSubject, Status};
use crate::{EventId, EventKind, IntegrationId, Timestamp};

/// What a receiver is told of a click or a conversion. Waiting is no outcome: `pending` and
/// `processing` tell nobody anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Accepted.
    Approved,
    /// Not accepted; `invalid`, the network side's word, is the same to a receiver.
    Rejected,
}

impl Outcome {
    /// Stable text: the macro `{status}`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }

    /// The outcome with this text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Approved, Self::Rejected]
            .into_iter()
            .find(|outcome| outcome.as_str() == text)
    }
}

/// Where something stands once it is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing<'a> {
    /// What was decided.
    pub outcome: Outcome,
    /// Code of the main reason; empty when approved.
    pub reason: &'a str,
}

/// What a change is about.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// The conversion's id, or the click's.
    pub subject: EventId,
    /// What it is.
    pub event: EventKind,
    /// Where it came in.
    pub integration: IntegrationId,
    /// What a scope looks at.
    pub scope: ScopeSubject<'a>,
}

/// A change of standing: one entry of the ledger, or a click's verdict.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// Number of the entry, from 1; part of the message's stable id.
    pub seq: u32,
    /// When it changed; a delay counts from here.
    pub at: Timestamp,
    /// The last standing before; `None` = not decided until now.
    pub before: Option<Standing<'a>>,
    /// The new one; `None` = waits, which tells nobody.
    pub after: Option<Standing<'a>>,
}

/// A message that is owed to one receiver. Macros are expanded when it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    /// Which postback definition.
    pub postback: u64,
    /// The conversion's id, or the click's.
    pub subject: EventId,
    /// What the subject is.
    pub event: EventKind,
    /// Number of the ledger entry.
    pub seq: u32,
    /// When it may be sent.
    pub due: Timestamp,
    /// What is told: the standing of this entry, whatever comes later.
    pub outcome: Outcome,
    /// Code of the main reason; empty when approved.
    pub reason: String,
}

impl Owed {
    /// The stable id of the message: sent again, by a retry or a restart, it is the same.
    #[must_use]
    pub fn message_id(&self) -> String {
        message_id(self.postback, self.subject, self.seq)
    }
}

/// The stable id of a message. No full stop in it: the signature joins by full stops.
#[must_use]
pub fn message_id(postback: u64, subject: EventId, seq: u32) -> String {
    format!("pb_{postback}_{subject}_{seq}")
}

/// The messages that a change owes.
///
/// Each active definition whose type, integration and scope fit, and whose condition covers
/// the new standing, is told once per change. A change that leaves the receiver with what it
/// was told last (a rejection's reason was replaced) tells it nothing.
#[must_use]
pub fn owed<'d>(
    definitions: impl IntoIterator<Item = (u64, &'d Postback)>,
    about: &About<'_>,
    change: &Change<'_>,
) -> Vec<Owed> {
    let Some(after) = change.after else {
        return Vec::new();
    };
    definitions
        .into_iter()
        .filter(|(_, postback)| postback.status == Status::Active)
        .filter(|(_, postback)| postback.is_for(about))
        .filter(|(_, postback)| postback.covers(after))
        .filter(|(_, postback)| {
            // Told before and nothing new to say.
            !change
                .before
                .is_some_and(|before| before.outcome == after.outcome && postback.covers(before))
        })
        .map(|(id, postback)| Owed {
            postback: id,
            subject: about.subject,
            event: about.event,
            seq: change.seq,
            due: change.at.plus_ms(i64::from(postback.delay_s) * 1000),
            outcome: after.outcome,
            reason: after.reason.to_owned(),
        })
        .collect()
}

impl Postback {
    /// Whether it is for this kind of event, integration and traffic.
    #[must_use]
    pub fn is_for(&self, about: &About<'_>) -> bool {
        self.kind.is_for(about.event)
            && self.integration_id.is_none_or(|id| id == about.integration)
            && self.scope.matches(&about.scope)
    }

    /// Whether its condition covers a standing.
    #[must_use]
    pub fn covers(&self, standing: Standing<'_>) -> bool {
        let chosen =
            self.reasons.is_empty() || self.reasons.iter().any(|code| code == standing.reason);
        match (self.fire_on, standing.outcome) {
            (FireOn::Any, _) | (FireOn::Approved, Outcome::Approved) => true,
            (FireOn::Rejected, Outcome::Rejected) => chosen,
            (FireOn::Approved, Outcome::Rejected) | (FireOn::Rejected, Outcome::Approved) => false,
        }
    }
}

impl PostbackType {
    /// Whether it tells of this kind of event.
    #[must_use]
    pub const fn is_for(self, event: EventKind) -> bool {
        matches!(
            (self, event),
            (Self::Click, EventKind::Click)
                | (Self::Conversion, EventKind::Conversion)
                | (Self::Event, EventKind::PostEvent)
        )
    }
}
