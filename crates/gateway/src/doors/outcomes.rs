//! What events came to: `POST /v1/outcomes`, NDJSON in, NDJSON out, a line for a line.
//!
//! Each line names its event by one of our ids (`event_id`, `conversion_id`,
//! `transaction_id`) or by the caller's (`external_transaction_id`, or `id` as it was sent to
//! `/v1/score`), and says what became of it. Sent again it changes nothing. A bad line is
//! answered by its number, and the rest goes on.
//!
//! Source: SPEC §2.2.

use std::sync::Arc;

use assay_model::ports::{CounterStore, Learned, OutcomeDesk, OutcomeOf, ToldOutcome};
use assay_model::reputation::Outcome;
use assay_model::transaction::KeyRing;
use assay_model::{AccountId, EventId, IntegrationId};
use serde::Deserialize;
use serde_json::{Value, json};

use super::score::{Caller, authorize};
use super::{Answer, DoorRequest, Method};
use crate::engine::Engine;
use crate::mapping::FieldError;
use crate::policy::Snapshot;

/// Largest body, in bytes.
pub const BODY_BYTES: usize = 4 << 20;

/// Where outcomes are taken in.
#[derive(Clone)]
pub struct Outcomes(pub Arc<dyn OutcomeDesk>);

impl std::fmt::Debug for Outcomes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Outcomes")
    }
}

/// A line as sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(default)]
    integration_id: Option<u32>,
    #[serde(default)]
    event_id: Option<String>,
    #[serde(default)]
    conversion_id: Option<String>,
    #[serde(default)]
    transaction_id: Option<String>,
    #[serde(default)]
    external_transaction_id: Option<String>,
    #[serde(default)]
    id: Option<String>,
    outcome: String,
}

pub async fn answer<C: CounterStore>(
    desk: Option<&Outcomes>,
    engine: &Engine<C>,
    request: &DoorRequest<'_>,
) -> Answer {
    if request.method != Method::Post {
        return Answer::problem(405, "method", "", "POST NDJSON to this path");
    }
    let caller = match authorize(engine, request) {
        Ok(caller) => caller,
        Err(answer) => return answer,
    };
    let Some(Outcomes(desk)) = desk else {
        let detail = "this process takes no outcomes";
        return Answer::problem(503, "unavailable", "", detail);
    };
    let account = match account_of(engine, &caller, request) {
        Ok(account) => account,
        Err(error) => {
            return Answer::problem(401, error.code, &error.field, &error.to_string());
        }
    };
    let lines: Vec<&[u8]> = request.body.split(|byte| *byte == b'\n').collect();
    let lines = lines
        .into_iter()
        .enumerate()
        .filter(|(_, line)| !line.trim_ascii().is_empty());
    let (mut told, mut places, mut out) = (Vec::new(), Vec::new(), Vec::new());
    for (at, line) in lines {
        if out.len() == engine.limits.batch_lines {
            let detail = format!("more than {} lines", engine.limits.batch_lines);
            return Answer::problem(413, "too_large", "", &detail);
        }
        let read = read(engine, &caller, account, line);
        match read {
            Ok(one) => {
                places.push(out.len());
                told.push(one);
                out.push(json!({"line": at + 1}));
            }
            Err(error) => out.push(refused(at + 1, &error)),
        }
    }
    let learned = match desk.tell(account, told).await {
        Ok(learned) => learned,
        Err(error) => {
            tracing::error!(%error, "outcomes were not taken");
            let detail = "outcomes cannot be kept at the moment; send them again";
            return Answer::problem(503, "unavailable", "", detail).with("retry-after", "5");
        }
    };
    for (place, learned) in places.into_iter().zip(learned) {
        say(&mut out[place], learned);
    }
    let mut body = Vec::with_capacity(out.len() * 64);
    for line in out {
        body.extend_from_slice(line.to_string().as_bytes());
        body.push(b'\n');
    }
    Answer::new(200, "application/x-ndjson", body)
}

/// Whose outcomes they are. Who has only an integration's key names it in the query.
fn account_of<C: CounterStore>(
    engine: &Engine<C>,
    caller: &Caller,
    request: &DoorRequest<'_>,
) -> Result<AccountId, FieldError> {
    if let Caller::Account(account) = caller {
        return Ok(*account);
    }
    let mut params = crate::ingress::ParamBuffer::default();
    params.decode(request.query, engine.limits.params);
    let named = params
        .pairs()
        .find(|(name, _)| *name == "integration_id")
        .and_then(|(_, value)| value.parse().ok());
    let snapshot = engine.policies.load();
    let (account, _) = caller.integration(&snapshot, named, request.peer)?;
    Ok(account.account)
}

fn read<C: CounterStore>(
    engine: &Engine<C>,
    caller: &Caller,
    account: AccountId,
    json: &[u8],
) -> Result<ToldOutcome, FieldError> {
    let line: Line = serde_json::from_slice(json).map_err(|error| FieldError {
        code: "json",
        field: String::new(),
        detail: error.to_string(),
    })?;
    let outcome = Outcome::parse(&line.outcome).ok_or_else(|| {
        let words = Outcome::ALL.map(Outcome::as_str).join(", ");
        FieldError::malformed("outcome", format!("is none of {words}"))
    })?;
    let snapshot = engine.policies.load();
    let integration = match line.integration_id.map(IntegrationId) {
        Some(id) if !is_own(&snapshot, account, id) => {
            let detail = format!("{} is no integration of this account", id.0);
            return Err(FieldError::malformed("integration_id", detail));
        }
        other => other,
    };
    // A key is one integration's: it says nothing of the others.
    if matches!(caller, Caller::Key(_)) && integration.is_none() {
        return Err(FieldError::missing("integration_id"));
    }
    if let (Caller::Key(key), Some(id)) = (caller, integration) {
        let fits = snapshot
            .integration(id)
            .is_some_and(|(_, own)| own.settings.access_key.is_some() && own.key_fits(Some(key)));
        if !fits {
            let detail = "is not that of the integration".to_owned();
            return Err(FieldError::malformed("key", detail));
        }
    }
    let keys = engine.policies.keys();
    let own = |id| is_own(&snapshot, account, id);
    let of = named(&line, integration, own, keys.as_deref())?;
    Ok(ToldOutcome { of, outcome })
}

fn is_own(snapshot: &Snapshot, account: AccountId, id: IntegrationId) -> bool {
    let found = snapshot.integration(id);
    found.is_some_and(|(own, _)| own.account == account)
}

/// The event that a line names: by exactly one id.
fn named(
    line: &Line,
    integration: Option<IntegrationId>,
    own_integration: impl Fn(IntegrationId) -> bool,
    keys: Option<&KeyRing>,
) -> Result<OutcomeOf, FieldError> {
    let given = [
        ("event_id", &line.event_id),
        ("conversion_id", &line.conversion_id),
        ("transaction_id", &line.transaction_id),
        ("external_transaction_id", &line.external_transaction_id),
        ("id", &line.id),
    ];
    let mut given = given
        .into_iter()
        .filter_map(|(name, text)| Some((name, text.as_deref().filter(|t| !t.is_empty())?)));
    let (name, text) = given
        .next()
        .ok_or_else(|| FieldError::missing("event_id"))?;
    if let Some((other, _)) = given.next() {
        return Err(FieldError::malformed(
            other,
            "name the event by one id only",
        ));
    }
    let own = |text: &str| text.parse::<EventId>().ok().map(OutcomeOf::Event);
    match name {
        "event_id" | "conversion_id" => {
            own(text).ok_or_else(|| FieldError::malformed(name, "is no id of ours"))
        }
        "transaction_id" => {
            let content = keys.and_then(|ring| ring.open(text).ok());
            let content = content.filter(|content| own_integration(content.integration));
            content
                .map(|content| OutcomeOf::Event(content.event_id))
                .ok_or_else(|| FieldError::malformed(name, "is no id of ours"))
        }
        _ => Ok(OutcomeOf::External(integration, text.to_owned())),
    }
}

fn refused(line: usize, error: &FieldError) -> Value {
    let mut out = json!({"line": line, "error": error.to_string()});
    if error.field.is_empty() {
        out["error"] = error.detail.as_str().into();
    } else {
        out["field"] = error.field.as_str().into();
    }
    out
}

fn say(out: &mut Value, learned: Learned) {
    let (event, result) = match learned {
        Learned::New(event) => (event, "learned"),
        Learned::Changed(event) => (event, "changed"),
        Learned::Duplicate(event) => (event, "duplicate"),
        Learned::Degraded(event) => (event, "degraded"),
        Learned::NotFound => {
            out["error"] = "there is no such event in this account".into();
            return;
        }
    };
    out["event_id"] = event.to_string().into();
    out["result"] = result.into();
}
