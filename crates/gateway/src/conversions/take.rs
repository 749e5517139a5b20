//! A conversion's way in: its click is looked for, it is judged, and the ledger has it.

use assay_model::click::{ClickMatch, ClickSearch};
use assay_model::hit::{EventKind, Field, Hit};
use assay_model::ledger::{Amount, Conversion, IdempotencyKey, Keys, NewConversion};
use assay_model::ports::{Appended, CounterStore, LedgerError};
use assay_model::postback::owed_by_entry;
use assay_model::record::EventRecord;
use assay_model::transaction::{Content, KeyRing};
use assay_model::{EventId, Timestamp};

use super::click::{self, CATCH_UP, Found, Sought};
use super::counted::Counted;
use super::fields::fields;
use super::ids::Ids;
use super::params::{Told, Values};
use super::status::{Standing, standing, unscreened};
use super::{Conversions, ENGINE};
use crate::decide::{Counters, Course, Decision, Memory, Screening, decide_as};
use crate::engine::Engine;
use crate::outbox::{Held, Outbox, Scratch};
use crate::policy::{AccountPolicy, IntegrationPolicy};

/// A conversion as a door has read it.
#[derive(Debug)]
pub struct Arrival<'p> {
    /// What was said.
    pub told: &'p Told<'p>,
    /// By which ids it names its click.
    pub ids: Ids<'p>,
    /// The values that have a form.
    pub values: Values,
    /// The account's keys of transaction ids.
    pub keys: &'p KeyRing,
    /// When it came in.
    pub now: Timestamp,
}

/// What a judgement adds to a conversion.
struct Judged {
    event_id: EventId,
    standing: Standing,
    new: NewConversion,
}

/// Takes a conversion in; true beside it = it was there already, and nothing was changed.
///
/// # Errors
/// [`LedgerError`]: it was not taken, and the sender has to try again.
pub async fn take<C: CounterStore>(
    conversions: &Conversions,
    engine: &Engine<C>,
    outbox: &impl Outbox,
    scratch: &mut Scratch,
    whose: (&AccountPolicy, &IntegrationPolicy),
    arrival: &Arrival<'_>,
) -> Result<(Conversion, bool), LedgerError> {
    let (account, integration) = whose;
    let sought = Sought {
        time: arrival.values.time.unwrap_or(arrival.now),
        received: arrival.now,
        now: arrival.now,
    };
    let found = conversions
        .find_click(&arrival.ids, integration, sought, CATCH_UP)
        .await;
    let click = found.row.as_ref().and_then(click::record);
    let order_id = arrival.told.get(Field::OrderId).unwrap_or("");
    let keys = arrival.ids.keys(
        integration.id,
        arrival.told.event(),
        order_id,
        click.as_ref().map(|click| click.event_id),
    );
    let mut claim = None;
    if let Some(keys) = &keys {
        claim = Some(conversions.claims.take(account.account, keys).await);
        let there = conversions
            .ledger
            .find_by_key(account.account, keys)
            .await?;
        if let Some(conversion) = there {
            return Ok((conversion, true));
        }
    }
    // Judged for good only once the ledger has it: what was refused is sent again.
    let held = Held::new(outbox);
    let counted = conversions.untaken.take(account.account, keys.as_ref());
    let judged = judge(
        engine,
        &held,
        scratch,
        whose,
        arrival,
        (&found, click.as_ref(), keys.clone()),
        counted.clone(),
    )
    .await;
    let kept = judged.new.clone().into_conversion(account.account);
    let owed = owed_by_entry(&account.postbacks, &kept, &judged.new.entry(), None);
    let appended = conversions
        .ledger
        .append(account.account, judged.new, owed)
        .await;
    drop(claim);
    match appended {
        Ok(Appended::New(conversion)) => {
            drop(held);
            Ok((*conversion, false))
        }
        Ok(Appended::Duplicate(conversion)) => {
            held.discard();
            Ok((*conversion, true))
        }
        Err(error) => {
            let record = held.discard();
            let counted = counted.or_else(|| Counted::by(&EventRecord::decode(&record).ok()?));
            let untaken = &conversions.untaken;
            untaken.note(account.account, keys.as_ref(), counted);
            Err(error)
        }
    }
}

async fn judge<C: CounterStore>(
    engine: &Engine<C>,
    outbox: &impl Outbox,
    scratch: &mut Scratch,
    whose: (&AccountPolicy, &IntegrationPolicy),
    arrival: &Arrival<'_>,
    (found, click, keys): (&Found, Option<&EventRecord<'_>>, Option<Keys>),
    before: Option<Counted>,
) -> Judged {
    let (account, integration) = whose;
    let ids = (account.account, integration.id);
    let mut hit = arrival.told.hit(ids, &arrival.values, arrival.now);
    if let Some(click) = click {
        click::inherit(&mut hit, &click.facts.hit);
    }
    if hit.get(Field::Advertiser).is_none() {
        hit.set(
            Field::Advertiser,
            integration.settings.advertiser.as_deref(),
        );
    }
    if integration.is_network() {
        price(account, &mut hit);
    }
    let sealed = transaction_id(arrival, click);
    hit.set(Field::TransactionId, sealed.as_deref());
    let active = integration.is_active();
    let search = found.search;
    let known = known_click(engine, integration, arrival, found, click);
    let counted = active && matches!(search, ClickSearch::Found | ClickSearch::None);
    let course = Course {
        screening: if active {
            Screening::ByScope
        } else {
            Screening::Off
        },
        memory: Memory {
            search,
            click: known,
            again: None,
            counters: match before {
                Some(had) => had.into(),
                None if counted => Counters::Move,
                None => Counters::Leave,
            },
        },
        place: |_: &Decision<'_, '_>| None,
    };
    let respond = |decision: &Decision<'_, '_>| {
        let standing = if active {
            standing(decision.verdict, search, false).of(integration)
        } else {
            unscreened()
        };
        let new = describe(decision, &standing, account, arrival, click, keys);
        Judged {
            event_id: decision.event_id,
            standing,
            new,
        }
    };
    let mut judged = decide_as(engine, outbox, scratch, whose, hit, course, respond).await;
    if !active {
        judged.new.action = None;
    }
    tracing::debug!(conversion = %judged.event_id, status = judged.standing.status.as_str(), "judged");
    judged
}

/// What the offer is worth, of a base conversion that names no amount; an event beside it
/// is worth what it says.
fn price<'a>(account: &'a AccountPolicy, hit: &mut Hit<'a>) {
    let offer = hit.get(Field::Offer);
    let Some(offer) = offer.and_then(|name| account.network.offer(name)) else {
        return;
    };
    if hit.event != EventKind::Conversion {
        return;
    }
    for (field, amount) in [
        (Field::Payout, &offer.payout),
        (Field::Revenue, &offer.revenue),
    ] {
        if hit.get(field).is_none() {
            hit.set(field, amount.as_ref().map(Amount::text));
        }
    }
}

/// What is known of the click: its record, else what its sealed id says, else the sender.
fn known_click<C: CounterStore>(
    engine: &Engine<C>,
    integration: &IntegrationPolicy,
    arrival: &Arrival<'_>,
    found: &Found,
    click: Option<&EventRecord<'_>>,
) -> Option<Box<ClickMatch>> {
    let lookback_s = integration.lookback_s();
    let known = match (click, arrival.ids.own) {
        (Some(click), _) => Some(ClickMatch::of_record(click, found.by, lookback_s)),
        (None, Some(own)) => Some(click::sealed(&own, lookback_s)),
        (None, None) => click::given(&arrival.values, &engine.intel.tables(), lookback_s),
    };
    known.map(Box::new)
}

/// Our id of the click: as it was sent, else sealed anew.
fn transaction_id(arrival: &Arrival<'_>, click: Option<&EventRecord<'_>>) -> Option<String> {
    let sent = arrival.ids.own_text.map(str::to_ascii_lowercase);
    sent.or_else(|| seal(arrival.keys, click?, arrival.now))
}

/// Our id of a click.
pub fn seal(keys: &KeyRing, click: &EventRecord<'_>, now: Timestamp) -> Option<String> {
    let content = Content::of(click.event_id, &click.facts, &click.verdict);
    keys.seal(&content, now)
}

fn describe(
    decision: &Decision<'_, '_>,
    standing: &Standing,
    account: &AccountPolicy,
    arrival: &Arrival<'_>,
    click: Option<&EventRecord<'_>>,
    keys: Option<Keys>,
) -> NewConversion {
    let hit = &decision.facts.hit;
    let of = |field| hit.get(field).unwrap_or("").to_owned();
    let amount = |own: &Option<Amount>, field| {
        // The click's own amount where the conversion gives none; it may be of any form.
        own.clone().or_else(|| Amount::parse(hit.get(field)?).ok())
    };
    let country = |record: &EventRecord<'_>| record.facts.ip.as_ref().and_then(|ip| ip.country);
    let own_country = decision.facts.ip.as_ref().and_then(|ip| ip.country);
    let currency = arrival.values.currency.clone();
    let inherited = || Some(of(Field::Currency)).filter(|code| !code.is_empty());
    let currency = currency
        .or_else(inherited)
        .unwrap_or_else(|| account.currency.clone());
    let mut fields = fields(hit, decision.facts.ip.as_ref(), click);
    fields.insert("currency".to_owned(), currency.clone());
    NewConversion {
        conversion_id: decision.event_id,
        integration: hit.integration,
        kind: hit.event,
        event: arrival.told.event().to_owned(),
        order_id: of(Field::OrderId),
        time: hit.time,
        received: hit.received,
        keys: keys.unwrap_or_else(|| unique(decision.event_id)),
        transaction_id: of(Field::TransactionId),
        external_transaction_id: of(Field::ExternalTransactionId),
        click: click.map(|click| click.event_id),
        attributes: click::attributes(hit, click.and_then(country).or(own_country)),
        payout: amount(&arrival.values.payout, Field::Payout),
        revenue: amount(&arrival.values.revenue, Field::Revenue),
        currency,
        fields,
        action: Some(decision.verdict.action),
        actor: ENGINE.to_owned(),
        status: standing.status,
        reason: standing.reason,
        reasons: standing.reasons.clone(),
        note: of(Field::ThirdPartyRejectedReason),
        waiting: standing.waiting,
    }
}

/// The key of a conversion that nothing tells from another.
fn unique(id: EventId) -> Keys {
    Keys {
        decides: IdempotencyKey::of([&b"event"[..], &id.0]),
        also: Vec::new(),
    }
}
