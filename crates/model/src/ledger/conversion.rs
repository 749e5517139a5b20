//! A conversion as the ledger keeps it.

use std::collections::BTreeMap;

use super::{Amount, Entry, IdempotencyKey, Keys, State, Status, Waiting};
use crate::hit::EventKind;
use crate::reason::Reason;
use crate::verdict::Action;
use crate::{AccountId, EventId, IntegrationId, Timestamp};

/// Where a conversion comes from; of its click, or as sent where the click says nothing.
/// An empty text is "not given".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Who pays.
    pub advertiser: String,
    /// What is promoted.
    pub offer: String,
    /// Who sent the traffic.
    pub publisher: String,
    /// `sub_id` … `sub_id_6`.
    pub sub_ids: [String; 6],
    /// Source id.
    pub source_id: String,
    /// Country of the address.
    pub country: String,
}

/// What is known of a conversion besides where it stands. Empty text = not given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewConversion {
    /// Id of its event record.
    pub conversion_id: EventId,
    /// Where it came in.
    pub integration: IntegrationId,
    /// [`EventKind::Conversion`] or [`EventKind::PostEvent`].
    pub kind: EventKind,
    /// Name of the event; empty = the base conversion.
    pub event: String,
    /// The caller's order.
    pub order_id: String,
    /// When it happened.
    pub time: Timestamp,
    /// When it came in.
    pub received: Timestamp,
    /// By what it is recognised when it is sent again.
    pub keys: Keys,
    /// Our id of its click, as text.
    pub transaction_id: String,
    /// The caller's id of its click: as sent, else the click's own.
    pub external_transaction_id: String,
    /// The click it was matched to.
    pub click: Option<EventId>,
    /// Where it comes from.
    pub attributes: Attributes,
    /// What the publisher gets.
    pub payout: Option<Amount>,
    /// What the advertiser pays.
    pub revenue: Option<Amount>,
    /// Currency of both: as sent, else the account's.
    pub currency: String,
    /// Values of all macros, of click and conversion, for postbacks.
    pub fields: BTreeMap<String, String>,
    /// What detection did; `None` = not judged yet.
    pub action: Option<Action>,
    /// Who decided.
    pub actor: String,
    /// Status it begins with.
    pub status: Status,
    /// Main reason.
    pub reason: Reason,
    /// All reasons, main reason first.
    pub reasons: Vec<Reason>,
    /// Another system's own words.
    pub note: String,
    /// What it waits for.
    pub waiting: Option<Waiting>,
}

impl NewConversion {
    /// The first entry of its history, made when it came in.
    #[must_use]
    pub fn entry(&self) -> Entry {
        Entry {
            seq: 1,
            at: self.received,
            actor: self.actor.clone(),
            from: None,
            to: self.status,
            reason: self.reason,
            reasons: self.reasons.clone(),
            note: self.note.clone(),
            waiting: self.waiting,
        }
    }

    /// The conversion as it is kept.
    #[must_use]
    pub fn into_conversion(self, account: AccountId) -> Conversion {
        let state = State::first(&self.entry());
        Conversion {
            account,
            conversion_id: self.conversion_id,
            integration: self.integration,
            kind: self.kind,
            event: self.event,
            order_id: self.order_id,
            time: self.time,
            received: self.received,
            transaction_id: self.transaction_id,
            external_transaction_id: self.external_transaction_id,
            click: self.click,
            attributes: self.attributes,
            payout: self.payout,
            revenue: self.revenue,
            currency: self.currency,
            fields: self.fields,
            action: self.action,
            state,
        }
    }
}

/// A conversion and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// Whose.
    pub account: AccountId,
    /// Id of its event record.
    pub conversion_id: EventId,
    /// Where it came in.
    pub integration: IntegrationId,
    /// [`EventKind::Conversion`] or [`EventKind::PostEvent`].
    pub kind: EventKind,
    /// Name of the event; empty = the base conversion.
    pub event: String,
    /// The caller's order.
    pub order_id: String,
    /// When it happened.
    pub time: Timestamp,
    /// When it came in.
    pub received: Timestamp,
    /// Our id of its click, as text.
    pub transaction_id: String,
    /// The caller's id of its click.
    pub external_transaction_id: String,
    /// The click it was matched to.
    pub click: Option<EventId>,
    /// Where it comes from.
    pub attributes: Attributes,
    /// What the publisher gets.
    pub payout: Option<Amount>,
    /// What the advertiser pays.
    pub revenue: Option<Amount>,
    /// Currency of both.
    pub currency: String,
    /// Values of all macros.
    pub fields: BTreeMap<String, String>,
    /// What detection did; `None` = not judged yet.
    pub action: Option<Action>,
    /// Where it stands.
    pub state: State,
}

impl Conversion {
    /// Name of the event, for people: the base conversion has one too.
    #[must_use]
    pub fn event_name(&self) -> &str {
        if self.event.is_empty() {
            self.kind.as_str()
        } else {
            &self.event
        }
    }
}

/// What a conversion learns from a click that came after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// The click.
    pub click: EventId,
    /// The key the conversion has from now on as well.
    pub key: IdempotencyKey,
    /// Our id of the click, as text.
    pub transaction_id: String,
    /// The caller's id of the click.
    pub external_transaction_id: String,
    /// Where the conversion comes from, now that the click is known.
    pub attributes: Attributes,
    /// Values of all macros.
    pub fields: BTreeMap<String, String>,
}
