//! The postback door: a conversion or a later event is told, and answered once it is kept.
//!
//! GET with a query, POST with a form or a JSON object: all three mean the same.
//!
//! Source: SPEC §2.5, facts.md 1.A.2.

use assay_model::EventId;
use assay_model::ledger::{Conversion, Status, Waiting};
use assay_model::ports::{CounterStore, LedgerError};
use assay_model::reason::Reason;
use assay_model::transaction::KeyRing;
use serde::Serialize;
use serde_json::Value;

use super::{Answer, DoorRequest, Method, door_error, s2s};
use crate::conversions::{Arrival, BadId, Conversions, Ids, Refused, Told, admit, take};
use crate::engine::Engine;
use crate::ingress::ParamBuffer;
use crate::mapping::FieldError;
use crate::outbox::{Outbox, Scratch};
use crate::policy::{AccountPolicy, IntegrationPolicy, Snapshot};
use crate::proof;

/// Whose door it is, in the policies that are in force for this call.
pub struct Whose<'s> {
    pub snapshot: &'s Snapshot,
    pub account: &'s AccountPolicy,
    pub integration: &'s IntegrationPolicy,
}

impl<'s> Whose<'s> {
    /// The integration of a call.
    pub const fn of(
        snapshot: &'s Snapshot,
        account: &'s AccountPolicy,
        integration: &'s IntegrationPolicy,
    ) -> Self {
        Self {
            snapshot,
            account,
            integration,
        }
    }
}

/// This door in the error log.
const DOOR: &str = "postback";

/// Seconds after which a sender may try again.
const RETRY_AFTER_S: &str = "5";

pub async fn answer<C: CounterStore>(
    conversions: &Conversions,
    engine: &Engine<C>,
    outbox: &impl Outbox,
    scratch: &mut Scratch,
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
    let ring = engine.policies.keys().clone();
    let arrival = match arrive(
        engine,
        params,
        (whose, request),
        &told,
        ring.as_deref(),
        read,
    )
    .await
    {
        Ok(arrival) => arrival,
        Err(refused) => return refuse(engine, DOOR, whose, params, request, refused),
    };
    let policies = (whose.account, whose.integration);
    match take(conversions, engine, outbox, scratch, policies, &arrival).await {
        Ok((conversion, duplicate)) => {
            if !duplicate && conversion.state.waiting == Some(Waiting::Click) {
                note_unmatched(engine, whose, params, request);
            }
            Answer::json(body_of(&Answered::of(&conversion, duplicate)))
        }
        Err(error) => unavailable(&error),
    }
}

/// HEAD says what GET would, without counting; conversions cannot be foreseen.
pub const fn unforeseen() -> Answer {
    Answer::json(Vec::new())
}

/// A call that is refused.
pub enum Refusal {
    /// It comes from somebody else, or holds a value that cannot be.
    Call(Refused),
    /// Its transaction id is none of ours.
    Id(BadId, String),
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        Self::Call(refused)
    }
}

/// Everything that can be refused without a look-up, in the order in which a user would mend it.
async fn arrive<'p, C: CounterStore>(
    engine: &Engine<C>,
    params: &ParamBuffer,
    (whose, request): (&Whose<'_>, &DoorRequest<'_>),
    told: &'p Told<'p>,
    ring: Option<&'p KeyRing>,
    read: Result<(), FieldError>,
) -> Result<Arrival<'p>, Refusal> {
    let value = |error| Refusal::Call(Refused::value(error));
    read.map_err(value)?;
    guard(engine, params, (whose, request), told, DOOR).await?;
    let keys = loaded(ring)?;
    let ids = ids(whose, told, keys)?;
    let now = engine.clock.now();
    let values = told.values(now, &engine.limits).map_err(value)?;
    if !ids.name_a_click() && !whose.integration.settings.conversions.clickless {
        return Err(value(FieldError {
            code: "missing",
            field: "transaction_id".to_owned(),
            detail: format!(
                "is missing, and external_transaction_id too: no click is named{}",
                told.left_in_place()
            ),
        }));
    }
    Ok(Arrival {
        told,
        ids,
        values,
        keys,
        now,
    })
}

/// Key, token, sender's address and signature; `door` as the error log calls it.
pub async fn guard<C: CounterStore>(
    engine: &Engine<C>,
    params: &ParamBuffer,
    (whose, request): (&Whose<'_>, &DoorRequest<'_>),
    told: &Told<'_>,
    door: &'static str,
) -> Result<(), Refusal> {
    let integration = whose.integration;
    admit(integration, told, request)?;
    let ids = (integration.account, integration.id);
    let pairs: Vec<(&str, &str)> = params.pairs().collect();
    let signing = &integration.settings.signing;
    let (_, fault) = proof::check_signature(engine, ids, signing, pairs.iter().copied()).await;
    let Some(fault) = fault else {
        return Ok(());
    };
    // A conversion sent again is answered as before and changes nothing: senders repeat until
    // they are heard. What a rejection asks for may have been taken back since.
    if fault.reason == Reason::Replay && door == DOOR {
        return Ok(());
    }
    let error = fault.cause;
    if !fault.enforced {
        let sample = sample(request.path, params);
        let of = (Some(integration.account), Some(integration.id));
        engine
            .errors
            .note(door_error(engine, door, of, &error, sample));
        return Ok(());
    }
    Err(Refusal::Call(Refused {
        status: 401,
        reason: Some(fault.reason),
        error,
    }))
}

/// The ring that opens transaction ids, once it is there.
pub fn loaded(ring: Option<&KeyRing>) -> Result<&KeyRing, Refusal> {
    ring.ok_or_else(|| {
        Refusal::Call(Refused {
            status: 503,
            reason: None,
            error: FieldError {
                code: "starting",
                field: String::new(),
                detail: "the keys of transaction ids are not loaded yet".to_owned(),
            },
        })
    })
}

/// The ids of a call, opened.
pub fn ids<'p>(whose: &Whose<'_>, told: &Told<'p>, keys: &KeyRing) -> Result<Ids<'p>, Refusal> {
    Ids::read(told, keys, whose.snapshot, whose.account.account).map_err(|bad| {
        let sent = told.get(assay_model::Field::TransactionId).unwrap_or("");
        Refusal::Id(bad, crate::mapping::cut(sent).to_owned())
    })
}

/// Answers a refused call, and lists it.
pub fn refuse<C: CounterStore>(
    engine: &Engine<C>,
    door: &'static str,
    whose: &Whose<'_>,
    params: &ParamBuffer,
    request: &DoorRequest<'_>,
    refusal: Refusal,
) -> Answer {
    let (error, answer) = match refusal {
        Refusal::Call(refused) => {
            let answer = refused_answer(&refused);
            (refused.error, answer)
        }
        Refusal::Id(bad, sent) => {
            let error = FieldError {
                code: "bad_transaction_id",
                field: "transaction_id".to_owned(),
                detail: bad.detail.to_owned(),
            };
            let answer = bad_id_answer(bad, &sent, &error);
            (error, answer)
        }
    };
    let of = (Some(whose.account.account), Some(whose.integration.id));
    let sample = sample(request.path, params);
    engine.refuse(door_error(engine, door, of, &error, sample));
    answer
}

fn refused_answer(refused: &Refused) -> Answer {
    let error = &refused.error;
    let whole = error.to_string();
    let mut answer = Answer::problem(refused.status, error.code, &error.field, &whole);
    if let Some(reason) = refused.reason
        && let Ok(Value::Object(mut problem)) = serde_json::from_slice(&answer.body)
    {
        problem.insert("reason".to_owned(), reason.code().into());
        answer.body = Value::Object(problem).to_string().into_bytes();
    }
    match refused.status {
        503 => answer.with("retry-after", RETRY_AFTER_S),
        _ => answer,
    }
}

/// Its status is the conversion's, so it is no problem document.
fn bad_id_answer(bad: BadId, sent: &str, error: &FieldError) -> Answer {
    #[derive(Serialize)]
    struct Body<'b> {
        conversion_id: Option<EventId>,
        transaction_id: &'b str,
        status: Status,
        reason: &'static str,
        field: &'b str,
        detail: &'b str,
    }
    let detail = error.to_string();
    let body = body_of(&Body {
        conversion_id: None,
        transaction_id: sent,
        status: Status::Rejected,
        reason: bad.reason.code(),
        field: &error.field,
        detail: &detail,
    });
    let mut answer = Answer::new(422, "application/json", body);
    answer.error = Some(super::header_text(&detail));
    answer
}

/// A conversion that came before its click, or without one.
fn note_unmatched<C: CounterStore>(
    engine: &Engine<C>,
    whose: &Whose<'_>,
    params: &ParamBuffer,
    request: &DoorRequest<'_>,
) {
    let error = FieldError {
        code: "unmatched",
        field: String::new(),
        detail: "the conversion names no known click; it waits for it".to_owned(),
    };
    let of = (Some(whose.account.account), Some(whose.integration.id));
    let sample = sample(request.path, params);
    engine
        .errors
        .note(door_error(engine, DOOR, of, &error, sample));
}

/// Nothing was taken: the sender keeps it and tries again.
pub fn unavailable(error: &LedgerError) -> Answer {
    tracing::error!(%error, "a conversion was not taken");
    let detail = "conversions cannot be kept at the moment; send it again";
    Answer::problem(503, "unavailable", "", detail).with("retry-after", RETRY_AFTER_S)
}

/// What a sender is told of a conversion; names in the order of SPEC §2.5.
#[derive(Debug, Serialize)]
pub struct Answered<'c> {
    conversion_id: EventId,
    transaction_id: Option<&'c str>,
    status: Status,
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    duplicate: bool,
    /// A rejection's reason in its sender's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<&'c str>,
}

impl<'c> Answered<'c> {
    /// Of a conversion that was taken, or was there already.
    pub fn of(conversion: &'c Conversion, duplicate: bool) -> Self {
        let state = &conversion.state;
        Self {
            conversion_id: conversion.conversion_id,
            transaction_id: given(&conversion.transaction_id),
            status: state.status,
            reason: (state.status != Status::Approved).then(|| state.reason.code()),
            duplicate,
            note: None,
        }
    }
}

/// An answer's JSON; texts, numbers and lists of them always can be written.
pub fn body_of(answer: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(answer).unwrap_or_default()
}

/// `None` = empty.
pub fn given(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// Path and parameter names; no values, which may be personal.
pub fn sample(path: &str, params: &ParamBuffer) -> String {
    let mut out = format!("{path}?");
    for (name, _) in params.pairs().take(40) {
        if out.len() > 200 {
            out.push('…');
            break;
        }
        out.extend(name.chars().filter(|c| !c.is_control()).take(24));
        out.push('&');
    }
    out.truncate(out.trim_end_matches(['&', '?']).len());
    out
}
