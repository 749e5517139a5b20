//! `/replays`: begin one, look at it, end it.

use std::sync::Arc;

use assay_detect::replay::Candidate;
use assay_model::document::Problem;
use assay_model::{Span, Timestamp};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::jobs::Job;
use super::{Given, Plan, Ports, ReplayError, Rules, replay, report};
use crate::api::{Call, created, no_content, ok, page};
use crate::app::App;
use crate::documents::parse;
use crate::error::ApiError;
use crate::reports::period;

/// The body of a `POST`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    #[serde(default)]
    rule: Option<String>,
    #[serde(default)]
    rules: Option<Vec<Value>>,
    #[serde(default)]
    only: bool,
    #[serde(default)]
    from: Option<String>,
    #[serde(default)]
    to: Option<String>,
    #[serde(default)]
    last: Option<Span>,
}

/// `POST /replays`.
///
/// # Errors
/// 404 for an unknown rule version, 422 naming fields, 429 when one runs already, 503.
pub async fn create(mut call: Call) -> Result<Response, ApiError> {
    call.no_query()?;
    let object = call.object()?;
    let shown = Value::Object(object.clone());
    let mut problems = Vec::new();
    let asked: Option<Asked> = parse(object, &json!({}), &mut problems);
    let Some(asked) = asked.filter(|_| problems.is_empty()) else {
        return Err(ApiError::invalid(problems));
    };
    let (from, to) = period_of(&call, &asked).await?;
    let rules = rules_of(asked)?;
    let state = &call.app.state;
    let account = call.caller.account;
    let candidate = rules.candidate(&*state.control, account).await?;
    let jobs = &call.app.replays;
    let job = jobs.begin(account, shown, &call.caller.actor, call.now);
    let job = job.map_err(|_| {
        ApiError::too_many("a replay runs already; ask again when it is done, or end it")
    })?;
    let plan = Plan {
        account,
        from,
        to,
        threads: threads(),
    };
    start(&call.app, Arc::clone(&job), plan, candidate);
    Ok(created("/replays", job.id, &shape(&call.app, &job, 0)))
}

/// Half the machine: the other half answers calls.
fn threads() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    cores.div_ceil(2)
}

fn start(app: &Arc<App>, job: Arc<Job>, plan: Plan, candidate: Candidate) {
    let state = &app.state;
    let ports = Ports {
        control: Arc::clone(&state.control),
        ledger: Arc::clone(&state.ledger),
        scan: Arc::clone(&state.scan),
        clock: Arc::clone(&state.clock),
    };
    tokio::spawn(async move {
        let progress = Arc::clone(&job.progress);
        job.end(replay(ports, plan, candidate, progress).await);
    });
}

async fn period_of(call: &Call, asked: &Asked) -> Result<(Timestamp, Timestamp), ApiError> {
    let account = call.app.account(call.caller.account).await?;
    let zone = period::zone_of(&account)?;
    let mut problems = Vec::new();
    let mut moment = |name: &str, text: &Option<String>| {
        let read = period::moment(text.as_deref()?, &zone);
        read.map_err(|error| problems.push(Problem::new(name, error.to_string())))
            .ok()
    };
    let (from, to) = (moment("from", &asked.from), moment("to", &asked.to));
    let to = to.unwrap_or(call.now);
    let from = match (from, asked.last) {
        (Some(from), None) => Some(from),
        (None, Some(last)) => Some(to.plus_ms(-last.ms())),
        _ => None,
    };
    match from {
        Some(from) if from < to && problems.is_empty() => return Ok((from, to)),
        Some(_) => problems.push(Problem::new("to", "must be after from")),
        None => problems.push(Problem::new(
            "from",
            "say from when on, or with `last` how long back; one of the two",
        )),
    }
    Err(ApiError::invalid(problems))
}

fn rules_of(asked: Asked) -> Result<Rules, ApiError> {
    match (asked.rule, asked.rules) {
        (None, None) => Ok(Rules::InForce),
        (Some(text), None) => Rules::parse_version(&text)
            .ok_or_else(|| ApiError::field("rule", format!("{text:?} is not ID@VERSION, as 3@4"))),
        (None, Some(values)) => Ok(Rules::Given {
            rules: Given::read_all(values)?,
            only: asked.only,
        }),
        (Some(_), Some(_)) => Err(ApiError::field("rules", "give either rule or rules")),
    }
}

/// `GET /replays/{id}?sources=`.
///
/// # Errors
/// 404, 422.
pub async fn read(mut call: Call) -> Result<Response, ApiError> {
    let mut query = std::mem::take(&mut call.query);
    let sources = query.take_number("sources", 100, 0, 10_000);
    query.finish()?;
    let job = found(&call)?;
    let sources = usize::try_from(sources).unwrap_or(100);
    Ok(ok(&shape(&call.app, &job, sources)))
}

/// `GET /replays`, newest first, without what they came to per source.
///
/// # Errors
/// 422.
pub async fn list(mut call: Call) -> Result<Response, ApiError> {
    call.no_query()?;
    let jobs = call.app.replays.of(call.caller.account);
    let items = jobs.iter().map(|job| shape(&call.app, job, 0)).collect();
    Ok(page(items, None))
}

/// `DELETE /replays/{id}`.
///
/// # Errors
/// 404.
pub async fn delete(mut call: Call) -> Result<Response, ApiError> {
    call.no_query()?;
    let job = found(&call)?;
    call.app.replays.drop(call.caller.account, job.id);
    Ok(no_content())
}

fn found(call: &Call) -> Result<Arc<Job>, ApiError> {
    let id = call.id("id")?;
    let job = call.app.replays.get(call.caller.account, id);
    job.ok_or_else(|| ApiError::not_found(format!("there is no replay {id} in this account")))
}

fn shape(app: &App, job: &Job, sources: usize) -> Value {
    let result = job.result();
    let (status, error, report) = match &*result {
        None => ("running", None, None),
        Some(Ok(outcome)) => ("done", None, Some(report::json(outcome, sources))),
        Some(Err(ReplayError::Cancelled)) => ("cancelled", None, None),
        Some(Err(error)) => ("failed", Some(error.to_string()), None),
    };
    json!({
        "id": job.id,
        "status": status,
        "asked": job.asked,
        "actor": job.actor,
        "created": job.created,
        "progress": job.progress.json(&*app.state.clock),
        "error": error,
        "report": report,
    })
}
