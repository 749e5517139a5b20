//! One event under another rule: what a candidate would have done, beside what was done.

use std::sync::Arc;

use assay_detect::replay::{Agreement, Candidate, Judge, Unjudged};
use assay_model::EventId;
use assay_model::ports::StoredEvent;
use assay_model::render::verdict_json;
use axum::response::Response;
use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::history::History;
use super::{ReplayError, Rules};
use crate::api::{Call, ok};
use crate::error::ApiError;

/// `GET /events/{event_id}/replay?rule=ID@VERSION`; without a rule, by those in force.
///
/// # Errors
/// 404 for an unknown event or version, 422, 503.
pub async fn read(mut call: Call) -> Result<Response, ApiError> {
    let mut query = std::mem::take(&mut call.query);
    let rule = query.take("rule");
    let rules = match rule.as_deref().map(Rules::parse_version) {
        None => Rules::InForce,
        Some(Some(version)) => version,
        Some(None) => {
            query.refuse("rule", "is not ID@VERSION, as 3@4");
            Rules::InForce
        }
    };
    query.finish()?;
    let text = call.param("event_id");
    let unknown = || ApiError::not_found(format!("there is no event {text} in this account"));
    let id: EventId = text.parse().map_err(|_| unknown())?;
    let (state, account) = (&call.app.state, call.caller.account);
    let stored = state.events.get(account, id).await?.ok_or_else(unknown)?;
    let candidate = rules.candidate(&*state.control, account).await?;
    let history = History::new(Arc::clone(&state.control), account, Handle::current());
    let work = move || {
        let shown = judge(&stored, &candidate, &history)?;
        history.check()?;
        Ok::<_, ReplayError>(shown)
    };
    let done = tokio::task::spawn_blocking(work).await;
    let shown = done.map_err(|error| ReplayError::Storage(error.to_string()))??;
    Ok(ok(&shown))
}

fn judge(
    stored: &StoredEvent,
    candidate: &Candidate,
    history: &History,
) -> Result<Value, ReplayError> {
    let record = stored.decode();
    let record = record.map_err(|error| ReplayError::Storage(error.to_string()))?;
    let mut judge = Judge::new(candidate, history, None);
    let judged = judge.judge(&record);
    let cause = judged.as_ref().err().map(|why| cause(*why));
    let judged = judged.ok();
    Ok(json!({
        "event_id": record.event_id.to_string(),
        "recorded": verdict_json(&record.verdict),
        "candidate": judged.as_ref().map(|judged| verdict_json(&judged.verdict)),
        "record_holds": judged.as_ref().and_then(|judged| match judged.agreement {
            Agreement::Same => Some(true),
            Agreement::Different | Agreement::DifferentRevision => Some(false),
            Agreement::NoRule => None,
        }),
        "cause": cause,
    }))
}

/// Why there is no verdict.
const fn cause(why: Unjudged) -> &'static str {
    match why {
        Unjudged::Test => "a test event is not replayed",
        Unjudged::Unscreened => "its integration was paused: nothing judged it",
        Unjudged::NoIntegration => "its integration is not stored",
        Unjudged::NeedsCounters => {
            "the rule counts what was not counted then: replay a stretch of time, which counts anew"
        }
    }
}
