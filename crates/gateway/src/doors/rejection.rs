//! The rejection door: another system takes a conversion back, or gives it back.
//!
//! Guarded like the postback door. An id that names no conversion is 404 with its cause,
//! unlike the original, which did nothing and said nothing.
//!
//! Source: SPEC §2.6, facts.md 1.A.7.

use assay_model::hit::Field;
use assay_model::ledger::{Change, Conversion, Guard, Status};
use assay_model::ports::{CounterStore, LedgerError, SentId};
use assay_model::postback::owes;
use assay_model::reason::Reason;
use serde::Serialize;

use super::postback::{
    Answered, Refusal, Whose, body_of, given, guard, ids, loaded, refuse, unavailable, unforeseen,
};
use super::{Answer, DoorRequest, Method, s2s};
use crate::conversions::{Conversions, Ids, Refused, Told};
use crate::engine::Engine;
use crate::ingress::ParamBuffer;
use crate::mapping::{FieldError, cut};

/// This door in the error log.
const DOOR: &str = "rejection";

/// What a rejection asks for.
struct Wish<'p> {
    ids: Ids<'p>,
    to: Status,
    /// Its reason in its own words; empty = none.
    note: &'p str,
    /// Only conversions of this event; `None` = the base conversion, or every event.
    event: Option<&'p str>,
}

pub async fn answer<C: CounterStore>(
    conversions: &Conversions,
    engine: &Engine<C>,
    params: &mut ParamBuffer,
    whose: &Whose<'_>,
    request: &DoorRequest<'_>,
) -> Answer {
    if request.method == Method::Head {
        return unforeseen();
    }
    let read = s2s::read_params(params, request, engine.limits.params);
    let params: &ParamBuffer = params;
    let told = Told::read(params, &whose.integration.conversion_names);
    let wish = match wish(engine, params, (whose, request), &told, read).await {
        Ok(wish) => wish,
        Err(refusal) => return refuse(engine, DOOR, whose, params, request, refusal),
    };
    match change(conversions, engine, whose, &wish).await {
        Ok(changed) if changed.is_empty() => {
            let refused = Refused {
                status: 404,
                reason: None,
                error: unknown(&wish),
            };
            refuse(engine, DOOR, whose, params, request, refused.into())
        }
        Ok(changed) => Answer::json(changed_body(&changed)),
        Err(LedgerError::Refused(detail)) => {
            let refused = Refused {
                status: 409,
                reason: None,
                error: FieldError {
                    code: "conflict",
                    field: "status".to_owned(),
                    detail: detail.to_string(),
                },
            };
            refuse(engine, DOOR, whose, params, request, refused.into())
        }
        Err(error) => unavailable(&error),
    }
}

async fn wish<'p, C: CounterStore>(
    engine: &Engine<C>,
    params: &ParamBuffer,
    of: (&Whose<'_>, &DoorRequest<'_>),
    told: &'p Told<'p>,
    read: Result<(), FieldError>,
) -> Result<Wish<'p>, Refusal> {
    let value = |error| Refusal::Call(Refused::value(error));
    read.map_err(value)?;
    guard(engine, params, of, told, DOOR).await?;
    let to = match told.status() {
        None | Some("rejected") => Status::Rejected,
        Some("approved") => Status::Approved,
        Some(other) => {
            let detail = format!("is {:?}, must be approved or rejected", cut(other));
            return Err(value(FieldError::malformed("status", detail)));
        }
    };
    let whose = of.0;
    let ring = engine.policies.keys().clone();
    let ids = ids(whose, told, loaded(ring.as_deref())?)?;
    if !ids.name_a_click() {
        return Err(value(FieldError {
            code: "missing",
            field: "external_transaction_id".to_owned(),
            detail: format!("is missing, and transaction_id too{}", told.left_in_place()),
        }));
    }
    Ok(Wish {
        ids,
        to,
        note: told.get(Field::ThirdPartyRejectedReason).unwrap_or(""),
        event: told.get(Field::EventName).map(|_| told.event()),
    })
}

/// Changes every conversion that is meant; none = there is none.
async fn change<C: CounterStore>(
    conversions: &Conversions,
    engine: &Engine<C>,
    whose: &Whose<'_>,
    wish: &Wish<'_>,
) -> Result<Vec<Conversion>, LedgerError> {
    let mut changed = Vec::new();
    for conversion in meant(conversions, whose, wish).await? {
        let reason = match wish.to {
            Status::Approved => Reason::Clean,
            _ => Reason::AdvertiserRejected,
        };
        let change = Change {
            actor: format!("rejection:{}", whose.integration.id),
            at: engine.clock.now(),
            to: wish.to,
            reason,
            reasons: Vec::new(),
            note: wish.note.to_owned(),
            waiting: None,
            guard: match wish.to {
                // Its reason may be replaced; an approval again says nothing new.
                Status::Approved => Guard::OtherStatus,
                _ => Guard::Any,
            },
        };
        let made = conversions
            .ledger
            .change(
                whose.account.account,
                conversion.conversion_id,
                change,
                owes(whose.account.postbacks.clone()),
            )
            .await?;
        changed.push(made.conversion);
    }
    Ok(changed)
}

/// The conversions of the id: of the named event; else the base ones; else all.
async fn meant(
    conversions: &Conversions,
    whose: &Whose<'_>,
    wish: &Wish<'_>,
) -> Result<Vec<Conversion>, LedgerError> {
    let own = wish.ids.own.map(|content| SentId::Click(content.event_id));
    let text = wish
        .ids
        .own_text
        .map(|text| SentId::Transaction(text.to_ascii_lowercase()));
    let external = wish
        .ids
        .external
        .map(|text| SentId::External(text.to_owned()));
    for id in [own, text, external].into_iter().flatten() {
        let (account, integration) = (whose.account.account, whose.integration.id);
        let ledger = &conversions.ledger;
        let mut all = ledger
            .find_by_ids(account, integration, &id, wish.event)
            .await?;
        if wish.event.is_none() && all.iter().any(|conversion| conversion.event.is_empty()) {
            all.retain(|conversion| conversion.event.is_empty());
        }
        if !all.is_empty() {
            return Ok(all);
        }
    }
    Ok(Vec::new())
}

fn unknown(wish: &Wish<'_>) -> FieldError {
    let field = match wish.ids.external {
        Some(_) => "external_transaction_id",
        None => "transaction_id",
    };
    let detail = match wish.event {
        None => "names no conversion of this integration".to_owned(),
        Some(name) => format!(
            "names no conversion of this integration with event {:?}",
            cut(name)
        ),
    };
    FieldError {
        code: "unmatched",
        field: field.to_owned(),
        detail,
    }
}

/// As a postback is answered; where one id stands for several, with each of them.
#[derive(Serialize)]
struct Changed<'c> {
    #[serde(flatten)]
    first: Option<&'c Answered<'c>>,
    #[serde(skip_serializing_if = "is_one")]
    conversions: &'c [Answered<'c>],
}

fn is_one(conversions: &&[Answered<'_>]) -> bool {
    conversions.len() < 2
}

fn changed_body(changed: &[Conversion]) -> Vec<u8> {
    let told = |conversion| {
        let mut told = Answered::of(conversion, false);
        told.note = given(&conversion.state.note);
        told
    };
    let all: Vec<Answered<'_>> = changed.iter().map(told).collect();
    body_of(&Changed {
        first: all.first(),
        conversions: &all,
    })
}
