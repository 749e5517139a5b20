//! A person's or a program's word on conversions: approved, or rejected. Reversible.

use std::collections::HashSet;
use std::sync::Arc;

use assay_model::document::Problem;
use assay_model::ledger::{Change, Guard, Status};
use assay_model::ports::{Changed, DocKind, LedgerError};
use assay_model::postback::{Definitions, Postback, owes};
use assay_model::{AccountId, Class, EventId, Reason, Timestamp};
use axum::response::Response;
use serde_json::{Map, Value, json};
use tokio::task::JoinSet;

use crate::api::{Call, Caller, ok};
use crate::app::App;
use crate::documents::stored;
use crate::error::ApiError;

/// Most conversions of one call.
pub const IDS_MAX: usize = 1000;
/// Longest reason, in characters.
const REASON_CHARS_MAX: usize = 500;
/// Changes under way at a time: they share a commit and an fsync.
const AT_ONCE: usize = 64;

/// What is said of the conversions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    status: Status,
    reason: Reason,
    note: String,
}

impl Word {
    /// The word for a status with somebody's reason: a code that says this of a conversion
    /// from outside counts as that, any other text is kept beside "a person did".
    ///
    /// # Errors
    /// What is wrong with `status` or `reason`.
    pub fn read(status: &str, reason: &str) -> Result<Self, Problem> {
        let (status, person) = match Status::parse(status) {
            Some(Status::Approved) => (Status::Approved, Reason::ManualApproved),
            Some(Status::Rejected) => (Status::Rejected, Reason::ManualRejected),
            _ => {
                let detail = format!("{status:?} is none of approved, rejected");
                return Err(Problem::new("status", detail));
            }
        };
        let text = reason.trim();
        if text.chars().count() > REASON_CHARS_MAX {
            let detail = format!("has more than {REASON_CHARS_MAX} characters");
            return Err(Problem::new("reason", detail));
        }
        let code = Reason::from_code(text).filter(|code| {
            code.info().class == Class::External
                && code.rejects_alone() == (status == Status::Rejected)
        });
        Ok(Self {
            status,
            reason: code.unwrap_or(person),
            note: if code.is_some() { "" } else { text }.to_owned(),
        })
    }

    fn change(&self, caller: &Caller, now: Timestamp) -> Change {
        Change {
            actor: caller.actor.clone(),
            at: now,
            to: self.status,
            reason: self.reason,
            reasons: Vec::new(),
            note: self.note.clone(),
            waiting: None,
            guard: Guard::OtherStatus,
        }
    }
}

/// `POST /conversions/status {"conversion_ids":[…],"status","reason"}`: each by itself, so
/// that an unknown one keeps no other from being changed.
///
/// # Errors
/// 404 when none is known, 422, 503.
pub async fn status(mut call: Call) -> Result<Response, ApiError> {
    call.no_query()?;
    let (ids, word) = read_body(call.object()?)?;
    let known: Vec<EventId> = ids.iter().filter_map(|id| id.parse().ok()).collect();
    let done = change_all(&call.app, &call.caller, known, &word, call.now).await?;
    let mut items = Vec::with_capacity(ids.len());
    let mut counts = [0_u32; 3];
    for id in &ids {
        let found = id.parse::<EventId>().ok();
        let found = found.and_then(|id| done.iter().find(|(done, _)| *done == id));
        let (place, item) = match found {
            Some((_, Some(changed))) => item(changed),
            _ => (
                2,
                json!({"conversion_id": id, "result": "not_found",
                            "detail": "there is no such conversion in this account"}),
            ),
        };
        counts[place] += 1;
        items.push(item);
    }
    let [changed, unchanged, not_found] = counts;
    if not_found as usize == ids.len() {
        return Err(ApiError {
            errors: missing(&ids),
            ..ApiError::not_found("none of these conversions is in this account")
        });
    }
    Ok(ok(
        &json!({"items": items, "changed": changed, "unchanged": unchanged,
                  "not_found": not_found}),
    ))
}

fn missing(ids: &[String]) -> Vec<Problem> {
    let problem = |(at, id)| {
        let detail = format!("there is no conversion {id:?} in this account");
        Problem::new(format!("conversion_ids[{at}]"), detail)
    };
    ids.iter().enumerate().map(problem).collect()
}

fn item(changed: &Changed) -> (usize, Value) {
    let state = &changed.conversion.state;
    let place = usize::from(changed.entry.is_none());
    let result = ["changed", "unchanged"][place];
    let item = json!({
        "conversion_id": changed.conversion.conversion_id,
        "result": result,
        "status": state.status,
        "reason": state.reason,
    });
    (place, item)
}

fn read_body(mut body: Map<String, Value>) -> Result<(Vec<String>, Word), ApiError> {
    let mut problems = Vec::new();
    let mut text = |name: &str, mandatory: bool| match body.remove(name) {
        Some(Value::String(text)) => text,
        None | Some(Value::Null) if !mandatory => String::new(),
        None => {
            problems.push(Problem::new(name, "is missing"));
            String::new()
        }
        Some(_) => {
            problems.push(Problem::new(name, "must be a text"));
            String::new()
        }
    };
    let (status, reason) = (text("status", true), text("reason", false));
    let ids = read_ids(body.remove("conversion_ids")).unwrap_or_else(|detail| {
        problems.push(Problem::new("conversion_ids", detail));
        Vec::new()
    });
    for name in body.keys() {
        problems.push(Problem::new(name, "is not a field of this call"));
    }
    let named = problems.iter().any(|problem| problem.field == "status");
    match Word::read(&status, &reason) {
        Ok(word) if problems.is_empty() => return Ok((ids, word)),
        Err(problem) if !named => problems.push(problem),
        Ok(_) | Err(_) => {}
    }
    Err(ApiError::invalid(problems))
}

fn read_ids(value: Option<Value>) -> Result<Vec<String>, String> {
    let Some(Value::Array(values)) = value else {
        return Err("must be a list of conversion ids".to_owned());
    };
    if values.is_empty() || values.len() > IDS_MAX {
        let count = values.len();
        return Err(format!("takes 1 to {IDS_MAX} ids, has {count}"));
    }
    let text = |value| match value {
        Value::String(text) => Ok(text),
        other => Err(format!("{other} is no conversion id")),
    };
    values.into_iter().map(text).collect()
}

/// Changes conversions, many under way at a time; `None` beside an id = it is not there.
///
/// # Errors
/// 503; what was changed before it stays changed, and the call can be made again.
pub async fn change_all(
    app: &App,
    caller: &Caller,
    ids: Vec<EventId>,
    word: &Word,
    now: Timestamp,
) -> Result<Vec<(EventId, Option<Changed>)>, ApiError> {
    let definitions = definitions(app, caller.account).await?;
    let mut seen = HashSet::new();
    let mut ids = ids.into_iter().filter(|id| seen.insert(*id));
    let mut under_way = JoinSet::new();
    let mut done = Vec::new();
    loop {
        while under_way.len() < AT_ONCE
            && let Some(id) = ids.next()
        {
            let (account, change) = (caller.account, word.change(caller, now));
            let (ledger, definitions) = (Arc::clone(&app.state.ledger), definitions.clone());
            under_way.spawn(async move {
                let made = ledger.change(account, id, change, owes(definitions));
                (id, made.await)
            });
        }
        let Some(ended) = under_way.join_next().await else {
            return Ok(done);
        };
        let (id, made) = ended.map_err(|cause| {
            tracing::error!(%cause, "a change was not made");
            ApiError::unavailable("storage", "not every change was made; make the call again")
        })?;
        match made {
            Ok(changed) => done.push((id, Some(changed))),
            Err(LedgerError::NotFound) => done.push((id, None)),
            Err(error) => return Err(error.into()),
        }
    }
}

/// The account's postbacks, as a change of status sees them.
async fn definitions(app: &App, account: AccountId) -> Result<Definitions, ApiError> {
    let mut all = Vec::new();
    let mut after = 0;
    loop {
        let control = &app.state.control;
        let docs = control.list(account, DocKind::Postback, after, 500).await?;
        let Some(last) = docs.last() else {
            return Ok(all.into());
        };
        after = last.id;
        for doc in docs {
            all.push((doc.id, stored::<Postback>(doc.body)?));
        }
    }
}
