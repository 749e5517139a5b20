//! Conversions that waited: settled when their click comes, when a look-up can be made
//! again, or when time is up.
//!
//! One task of one lane, since a judgement keeps a record. What it watches for is not kept
//! over a restart, so it begins with everything that waits.

use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use assay_model::click::{ClickMatch, ClickSearch};
use assay_model::hit::{Field, Hit};
use assay_model::ledger::{Change, Conversion, Guard, Match, Status, Waiting};
use assay_model::ports::{
    ClickKey, CounterStore, LedgerError, SentId, Settled, Settlement, StoredEvent,
};
use assay_model::postback::owes;
use assay_model::reason::Reason;
use assay_model::recall::Degraded;
use assay_model::record::EventRecord;
use assay_model::{AccountId, Action, EventId, Timestamp};

use super::click::{self, Found, Scope};
use super::ids::{Ids, click_key};
use super::status::{Standing, standing};
use super::take::{fields, seal};
use super::{Conversions, ENGINE};
use crate::decide::{Counters, Course, Decision, Memory, Screening, decide_as};
use crate::engine::Engine;
use crate::outbox::{LaneOutbox, Scratch};
use crate::policy::{AccountPolicy, IntegrationPolicy};

/// How often what is `processing` is looked at.
const TICK: Duration = Duration::from_secs(1);
/// Age at which a conversion in `processing` is decided by what is known: a minute is promised.
const LAST_LOOK_MS: i64 = 45_000;
/// How often waiting conversions are looked for again, when too many wait to be watched.
const LOOK_AGAIN_TICKS: u64 = 60;
/// Wait for the index in one look.
const CATCH_UP: Duration = Duration::from_millis(50);
/// Conversions read at a time.
const PAGE: u32 = 200;

/// Settles what waits, for as long as the lane lives.
pub async fn settle<C: CounterStore>(
    conversions: Arc<Conversions>,
    engine: Arc<Engine<C>>,
    outbox: Rc<LaneOutbox>,
) {
    let mut settler = Settler {
        conversions,
        engine,
        outbox,
        scratch: Scratch::default(),
        tried: HashSet::new(),
        unwatched: false,
    };
    settler.or_warn_all().await;
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut count = 0u64;
    loop {
        let clicks = Arc::clone(&settler.conversions.clicks);
        let done = tokio::select! {
            keys = clicks.arrived() => settler.arrived(keys).await,
            _ = ticks.tick() => {
                count += 1;
                if settler.unwatched && count.is_multiple_of(LOOK_AGAIN_TICKS) {
                    settler.or_warn_all().await;
                }
                settler.lookups().await
            }
        };
        if let Err(error) = done {
            tracing::warn!(%error, "waiting conversions could not be settled; tried again");
        }
    }
}

struct Settler<C> {
    conversions: Arc<Conversions>,
    engine: Arc<Engine<C>>,
    outbox: Rc<LaneOutbox>,
    scratch: Scratch,
    /// Looked at once already, and still without all inputs: once more at the end.
    tried: HashSet<EventId>,
    /// More wait than can be watched for.
    unwatched: bool,
}

/// What a conversion has learnt.
struct Learnt {
    standing: Standing,
    action: Action,
    found: Option<Match>,
}

impl<C: CounterStore> Settler<C> {
    async fn or_warn_all(&mut self) {
        self.unwatched = false;
        if let Err(error) = self.look_for_all().await {
            self.unwatched = true;
            tracing::warn!(%error, "waiting conversions could not be read; tried again");
        }
    }

    /// Everything that waits for its click is looked for, and watched for where it is not there.
    async fn look_for_all(&mut self) -> Result<(), LedgerError> {
        for account in self.accounts(Waiting::Click).await? {
            let mut after = None;
            loop {
                let page = self.page(account, Waiting::Click, after).await?;
                let Some(last) = page.last() else {
                    break;
                };
                after = Some(last.conversion_id);
                for row in &page {
                    self.look_for(row).await?;
                }
            }
        }
        Ok(())
    }

    async fn look_for(&mut self, row: &Conversion) -> Result<(), LedgerError> {
        let now = self.engine.clock.now();
        let policies = self.engine.policies.load();
        let whose = policies.integration(row.integration).cloned();
        drop(policies);
        let Some((account, integration)) = whose else {
            return Ok(());
        };
        let late_ms = 1000 * i64::from(integration.lookback_s());
        if now.ms_since(row.received) > late_ms || account.account != row.account {
            return Ok(());
        }
        let key = ClickKey {
            account: row.account,
            integration: row.integration,
            external_id: row.external_transaction_id.clone(),
        };
        if !row.external_transaction_id.is_empty() && !self.conversions.clicks.watch(key) {
            self.unwatched = true;
        }
        let found = self.find(row, &integration).await;
        if found.search == ClickSearch::Found {
            self.settle(row, (&account, &integration), found, true)
                .await?;
        }
        Ok(())
    }

    /// Clicks have come that conversions wait for.
    async fn arrived(&mut self, keys: Vec<ClickKey>) -> Result<(), LedgerError> {
        for key in keys {
            let id = SentId::External(key.external_id.clone());
            let ledger = &self.conversions.ledger;
            let rows = ledger
                .find_by_ids(key.account, key.integration, &id, None)
                .await?;
            for row in rows {
                if row.state.waiting == Some(Waiting::Click) {
                    self.look_for(&row).await?;
                }
            }
        }
        Ok(())
    }

    /// Conversions in `processing`.
    async fn lookups(&mut self) -> Result<(), LedgerError> {
        for account in self.accounts(Waiting::Lookup).await? {
            let mut after = None;
            loop {
                let page = self.page(account, Waiting::Lookup, after).await?;
                let Some(last) = page.last() else {
                    break;
                };
                after = Some(last.conversion_id);
                for row in &page {
                    self.look_again(row).await?;
                }
            }
        }
        Ok(())
    }

    async fn look_again(&mut self, row: &Conversion) -> Result<(), LedgerError> {
        let last = self.engine.clock.now().ms_since(row.received) >= LAST_LOOK_MS;
        if !last && self.tried.contains(&row.conversion_id) {
            return Ok(());
        }
        let policies = self.engine.policies.load();
        let whose = policies.integration(row.integration).cloned();
        drop(policies);
        let Some((account, integration)) = whose else {
            return Ok(());
        };
        let found = self.find(row, &integration).await;
        if found.search == ClickSearch::NotMade && !last {
            return Ok(());
        }
        self.tried.insert(row.conversion_id);
        self.settle(row, (&account, &integration), found, last)
            .await?;
        if last {
            self.tried.remove(&row.conversion_id);
        }
        Ok(())
    }

    async fn accounts(&self, on: Waiting) -> Result<Vec<AccountId>, LedgerError> {
        self.conversions.ledger.accounts_waiting(on).await
    }

    async fn page(
        &self,
        account: AccountId,
        on: Waiting,
        after: Option<EventId>,
    ) -> Result<Vec<Conversion>, LedgerError> {
        let ledger = &self.conversions.ledger;
        ledger.waiting(account, on, after, PAGE).await
    }

    async fn find(&self, row: &Conversion, integration: &IntegrationPolicy) -> Found {
        let keys = self.engine.policies.keys().clone();
        let own_text = given(&row.transaction_id);
        let ids = Ids {
            own: own_text.and_then(|text| keys.as_deref()?.open(text).ok()),
            own_text,
            external: given(&row.external_transaction_id),
        };
        if !ids.name_a_click() {
            return Found::NONE;
        }
        let scope = Scope {
            account: row.account,
            integration: row.integration,
            since: row
                .time
                .plus_ms(-1000 * i64::from(integration.lookback_s())),
        };
        let found = self.conversions.find_click(&ids, scope, CATCH_UP).await;
        if found.search == ClickSearch::NotFound && integration.settings.conversions.clickless {
            return Found::NONE;
        }
        found
    }

    /// Judges a conversion with what is known by now, and keeps what that comes to.
    async fn settle(
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
            standing: standing(decision.verdict, search, last),
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
    let unread = matches!(
        first.recall.degraded,
        Some(Degraded::RecallLate | Degraded::Warming | Degraded::TableQuota)
    );
    if !first.recall.uncounted && !unread {
        let readings = Box::new(first.recall.readings.clone());
        return Counters::Had(first.verdict.rule, readings);
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

fn given(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
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
