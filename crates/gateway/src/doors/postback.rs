//! The postback door: a conversion or a later event is told, and answered once it is kept.
//!
//! GET with a query, POST with a form or a JSON object: all three mean the same.
//!
//! Source: SPEC §2.5, facts.md 1.A.2.

use assay_model::ledger::{Conversion, Status, Waiting};
use assay_model::ports::{CounterStore, LedgerError};
use assay_model::reason::Reason;
use assay_model::transaction::KeyRing;
use serde_json::{Value, json};

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
    if let Some(answer) = wrong_method(request.method) {
        return answer;
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
        Err(refused) => return refuse(engine, "postback", whose, params, request, refused),
    };
    let policies = (whose.account, whose.integration);
    match take(conversions, engine, outbox, scratch, policies, &arrival).await {
        Ok((conversion, duplicate)) => {
            if !duplicate && conversion.state.waiting == Some(Waiting::Click) {
                note_unmatched(engine, whose, params, request);
            }
            Answer::json(
                conversion_json(&conversion, duplicate)
                    .to_string()
                    .into_bytes(),
            )
        }
        Err(error) => unavailable(&error),
    }
}

/// HEAD says what GET would, without counting; conversions cannot be foreseen.
pub fn wrong_method(method: Method) -> Option<Answer> {
    match method {
        Method::Get | Method::Post => None,
        Method::Head => Some(Answer::json(Vec::new())),
        Method::Other => Some(Answer::problem(405, "method", "", "use GET or POST")),
    }
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
    guard(engine, params, (whose, request), told, Again::Answered).await?;
    let keys = loaded(ring)?;
    let ids = ids(whose, told, keys)?;
    let now = engine.clock.now();
    let values = told.values(now, &engine.limits).map_err(value)?;
    if !ids.name_a_click() && !whose.integration.settings.conversions.clickless {
        return Err(value(FieldError {
            code: "missing",
            field: "transaction_id".to_owned(),
            detail: "is missing, and external_transaction_id too: no click is named".to_owned(),
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

/// What a signed message is that comes again, letter by letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// Answered as before: a conversion sent again changes nothing, and senders repeat until
    /// they are heard.
    Answered,
    /// Refused: what it asks for may have been taken back since.
    Refused,
}

/// Key, token, sender's address and signature.
pub async fn guard<C: CounterStore>(
    engine: &Engine<C>,
    params: &ParamBuffer,
    (whose, request): (&Whose<'_>, &DoorRequest<'_>),
    told: &Told<'_>,
    again: Again,
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
    if fault.reason == Reason::Replay && again == Again::Answered {
        return Ok(());
    }
    let error = fault.cause;
    if !fault.enforced {
        let sample = sample(request.path, params);
        let of = (Some(integration.account), Some(integration.id));
        engine
            .errors
            .note(door_error(engine, "postback", of, &error, sample));
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
    let FieldError {
        code,
        field,
        detail,
    } = &refused.error;
    let whole = if field.is_empty() {
        detail.clone()
    } else {
        refused.error.to_string()
    };
    let mut answer = Answer::problem(refused.status, code, field, &whole);
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
    let body = json!({
        "conversion_id": null, "transaction_id": sent, "status": Status::Rejected,
        "reason": bad.reason.code(), "field": error.field, "detail": error.to_string(),
    });
    let mut answer = Answer::new(422, "application/json", body.to_string().into_bytes());
    answer.error = Some(super::header_text(&error.to_string()));
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
        .note(door_error(engine, "postback", of, &error, sample));
}

/// Nothing was taken: the sender keeps it and tries again.
pub fn unavailable(error: &LedgerError) -> Answer {
    tracing::error!(%error, "a conversion was not taken");
    let detail = "conversions cannot be kept at the moment; send it again";
    Answer::problem(503, "unavailable", "", detail).with("retry-after", RETRY_AFTER_S)
}

/// What a sender is told of a conversion.
pub fn conversion_json(conversion: &Conversion, duplicate: bool) -> Value {
    let state = &conversion.state;
    let reason = (state.status != Status::Approved).then(|| state.reason.code());
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let mut out = json!({
        "conversion_id": conversion.conversion_id,
        "transaction_id": given(&conversion.transaction_id),
        "status": state.status,
        "reason": reason,
    });
    if duplicate {
        out["duplicate"] = true.into();
    }
    out
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
