//! The second judgement of a conversion, and the entry that it makes.

use std::sync::Arc;

use assay_model::click::{ClickMatch, ClickSearch};
use assay_model::hit::{Field, Hit};
use assay_model::ledger::{Change, Conversion, Guard, Match, Status};
use assay_model::ports::{CounterStore, LedgerError, Settled, Settlement, StoredEvent};
use assay_model::postback::owes;
use assay_model::reason::Reason;
use assay_model::record::EventRecord;
use assay_model::{Action, EventId, Timestamp};

use super::super::click::{self, Found};
use super::super::counted::Counted;
use super::super::fields::fields;
use super::super::ids::click_key;
use super::super::status::{Standing, standing};
use super::super::take::seal;
use super::{ENGINE, Settler};
use crate::decide::{Counters, Course, Decision, Memory, Screening, decide_as};
use crate::policy::{AccountPolicy, IntegrationPolicy};

/// What a conversion has learnt.
struct Learnt {
    standing: Standing,
    action: Action,
    found: Option<Match>,
}

impl<C: CounterStore> Settler<C> {
    /// Judges a conversion with what is known by now, and keeps what that comes to.
    pub async fn settle(
        &mut self,
        row: &Conversion,
        whose: (&AccountPolicy, &IntegrationPolicy),
        found: Found,
        last: bool,
    ) -> Result<(), LedgerError> {
        let now = self.engine.clock.now();
        let events = &self.conversions.events;
        let stored = events.get(row.account, row.conversion_id).await;
        let stored = stored.map_err(|error| LedgerError::Backend(error.to_string()))?;
        let first = stored.as_ref().and_then(read);
        let learnt = self.judge(row, first.as_ref(), whose, &found, last).await;
        // The record first: an entry stands for a judgement that is kept.
        self.outbox.written().await;
        let change = Change {
            actor: ENGINE.to_owned(),
            at: now,
            to: learnt.standing.status,
            reason: learnt.standing.reason,
            reasons: learnt.standing.reasons,
            note: row.state.note.clone(),
            waiting: learnt.standing.waiting,
            guard: Guard::Undecided,
        };
        let settlement = Settlement {
            found: learnt.found,
            action: Some(learnt.action),
            change,
        };
        let definitions = || owes(Arc::clone(&whose.0.postbacks));
        let ledger = &self.conversions.ledger;
        let settled = ledger
            .settle(row.account, row.conversion_id, settlement, definitions())
            .await?;
        if let Settled::Duplicate(other) = settled {
            let change = duplicate(row, other, now);
            ledger
                .change(row.account, row.conversion_id, change, definitions())
                .await?;
        }
        Ok(())
    }

    async fn judge(
        &mut self,
        row: &Conversion,
        first: Option<&EventRecord<'_>>,
        whose: (&AccountPolicy, &IntegrationPolicy),
        found: &Found,
        last: bool,
    ) -> Learnt {
        let click = found.row.as_ref().and_then(click::record);
        let mut hit = first.map_or_else(|| told(row), |first| first.facts.hit.clone());
        if let Some(click) = &click {
            click::inherit(&mut hit, &click.facts.hit);
        }
        let keys = self.engine.policies.keys().clone();
        let now = self.engine.clock.now();
        let sealed = click
            .as_ref()
            .and_then(|click| seal(keys.as_deref()?, click, now));
        if sealed.is_some() && row.transaction_id.is_empty() {
            hit.set(Field::TransactionId, sealed.as_deref());
        }
        let search = found.search;
        let known = match &click {
            Some(click) => {
                let lookback_s = whose.1.lookback_s();
                let known = ClickMatch::of_record(click, found.by, lookback_s);
                Some(Box::new(known))
            }
            None => first.and_then(|first| first.recall.click.clone()),
        };
        let course = Course {
            screening: Screening::ByScope,
            memory: Memory {
                search,
                click: known,
                again: Some(row.conversion_id),
                counters: counters(first, search),
            },
            place: |_: &Decision<'_, '_>| None,
        };
        let respond = |decision: &Decision<'_, '_>| Learnt {
            standing: standing(decision.verdict, search, last).of(whose.1),
            action: decision.verdict.action,
            found: click.as_ref().map(|click| learnt(row, decision, click)),
        };
        let (engine, outbox) = (&*self.engine, &*self.outbox);
        decide_as(
            engine,
            outbox,
            &mut self.scratch,
            whose,
            hit,
            course,
            respond,
        )
        .await
    }
}

/// What is done about the counters of a second judgement: each conversion moves them once.
fn counters(first: Option<&EventRecord<'_>>, search: ClickSearch) -> Counters {
    let Some(first) = first else {
        return Counters::Leave;
    };
    if let Some(had) = Counted::by(first) {
        return had.into();
    }
    match search {
        // It goes on waiting, and is counted when its click is known.
        ClickSearch::NotFound | ClickSearch::NotMade => Counters::Leave,
        ClickSearch::Found | ClickSearch::None => Counters::Move,
    }
}

/// What the ledger learns of a click.
fn learnt(row: &Conversion, decision: &Decision<'_, '_>, click: &EventRecord<'_>) -> Match {
    let hit = &decision.facts.hit;
    let ip = decision.facts.ip.as_ref();
    let place = click.facts.ip.as_ref().or(ip).and_then(|ip| ip.country);
    let mut values = row.fields.clone();
    values.extend(fields(hit, ip, Some(click)));
    // The record of the judgement that counts.
    values.insert("verdict_id".to_owned(), decision.event_id.to_string());
    Match {
        click: click.event_id,
        key: click_key(row.integration, &row.event, &row.order_id, click.event_id),
        transaction_id: hit.get(Field::TransactionId).unwrap_or("").to_owned(),
        external_transaction_id: hit
            .get(Field::ExternalTransactionId)
            .unwrap_or("")
            .to_owned(),
        attributes: click::attributes(hit, place),
        fields: values,
    }
}

/// Another conversion has this click, event and order: this one is not counted beside it.
fn duplicate(row: &Conversion, other: EventId, now: Timestamp) -> Change {
    Change {
        actor: ENGINE.to_owned(),
        at: now,
        to: Status::Rejected,
        reason: Reason::DuplicateConversion,
        reasons: vec![Reason::DuplicateConversion],
        note: if row.state.note.is_empty() {
            format!("counted as {other}")
        } else {
            row.state.note.clone()
        },
        waiting: None,
        guard: Guard::Undecided,
    }
}

fn read(stored: &StoredEvent) -> Option<EventRecord<'_>> {
    stored
        .decode()
        .inspect_err(|error| tracing::error!(%error, "a conversion's record does not read"))
        .ok()
}

/// The event as the ledger tells it, when a power cut took its record.
fn told(row: &Conversion) -> Hit<'_> {
    let mut hit = Hit::new(row.account, row.integration, row.kind, row.received);
    hit.time = row.time;
    let address = row.fields.get("conversion_ip");
    hit.ip = address.and_then(|text| text.parse().ok());
    for (name, value) in &row.fields {
        if let Some(field) = Field::parse(name) {
            hit.set(field, Some(value));
        }
    }
    hit
}
