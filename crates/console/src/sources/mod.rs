//! Sources: how each stands, what was decided about it, and lifting it by hand.

#[cfg(test)]
mod tests;

use assay_model::Timestamp;
use assay_model::document::Problem;
use assay_model::ports::{Decision, DecisionQuery, Lift, SourceQuery};
use assay_model::sources::SourceLevel;
use axum::response::Response;
use serde_json::{Map, Value, json};

use crate::api::{Call, ok, page};
use crate::error::ApiError;

/// Longest time that something stays lifted by hand, in days.
const LIFT_MAX_D: i64 = 365;
/// Longest note, in characters.
const NOTE_CHARS_MAX: usize = 500;
const DAY_MS: i64 = 86_400_000;

/// `GET /sources?level=&publisher=&held=&offset=&limit=`: what is held first, then the largest.
///
/// # Errors
/// 422, 503.
pub async fn list(mut call: Call) -> Result<Response, ApiError> {
    let mut query = std::mem::take(&mut call.query);
    let level = query.take("level").and_then(|text| {
        let level = SourceLevel::ALL.into_iter().find(|l| l.as_str() == text);
        if level.is_none() {
            let words = SourceLevel::ALL.map(SourceLevel::as_str).join(", ");
            query.refuse("level", format!("{text:?} is none of {words}"));
        }
        level
    });
    let held = query.take("held").and_then(|text| {
        let held = text.parse().ok();
        if held.is_none() {
            query.refuse("held", format!("{text:?} is neither true nor false"));
        }
        held
    });
    let wanted = SourceQuery {
        level,
        publisher: query.take("publisher"),
        held,
        offset: usize::try_from(query.take_number("offset", 0, 0, 10_000_000)).unwrap_or(0),
        limit: usize::try_from(query.take_number("limit", 50, 1, 500)).unwrap_or(50),
    };
    query.finish()?;
    let account = call.caller.account;
    let found = call.app.state.sources.list(account, &wanted).await?;
    let age_ms = found.as_of.map(|at| call.now.ms_since(at).max(0));
    Ok(ok(&json!({
        "snapshot": found.number,
        "as_of": found.as_of.map(|at| at.to_string()),
        "age_s": age_ms.map(|ms| ms / 1000),
        "items": found.rows,
        "next": found.next,
    })))
}

/// `GET /sources/decisions?publisher=&before=&limit=`, newest first.
///
/// # Errors
/// 422, 503.
pub async fn decisions(mut call: Call) -> Result<Response, ApiError> {
    let mut query = std::mem::take(&mut call.query);
    let publisher = query.take("publisher");
    let before = query.take_number("before", 0, 1, u64::MAX);
    let limit = u32::try_from(query.take_number("limit", 50, 1, 500)).unwrap_or(50);
    query.finish()?;
    // One more than asked tells whether there is a next page.
    let wanted = DecisionQuery {
        publisher,
        before: Some(before).filter(|before| *before > 0),
        limit: limit + 1,
    };
    let desk = &call.app.state.sources;
    let mut lines = desk.decisions(call.caller.account, &wanted).await?;
    let more = lines.len() > limit as usize;
    lines.truncate(limit as usize);
    let next = more.then(|| lines.last().map_or(Value::Null, |line| line.id.into()));
    Ok(page(lines.iter().map(shown).collect(), next))
}

/// `POST /sources/lift {"publisher","sub_id","offer","rule","filter","until","note"}`: lifted
/// at once, and not held again before `until`.
///
/// # Errors
/// 422, 503.
pub async fn lift(mut call: Call) -> Result<Response, ApiError> {
    call.no_query()?;
    let lift = read_lift(call.object()?, call.now)?;
    let (account, actor) = (call.caller.account, &call.caller.actor);
    let desk = &call.app.state.sources;
    let made = desk.lift(account, lift, actor, call.now).await?;
    Ok(ok(&shown(&made)))
}

fn read_lift(body: Map<String, Value>, now: Timestamp) -> Result<Lift, ApiError> {
    let lift: Lift = serde_path_to_error::deserialize(Value::Object(body)).map_err(|error| {
        let path = error.path().to_string();
        let field = if path == "." { String::new() } else { path };
        ApiError::invalid(vec![Problem::new(field, error.into_inner().to_string())])
    })?;
    let mut problems = Vec::new();
    let mut wrong = |field: &str, detail: String| problems.push(Problem::new(field, detail));
    if lift.publisher.is_empty() {
        wrong("publisher", "must not be empty".to_owned());
    }
    let note = lift.note.trim();
    if note.is_empty() || note.chars().count() > NOTE_CHARS_MAX {
        let detail = format!("says why, in 1 to {NOTE_CHARS_MAX} characters");
        wrong("note", detail);
    }
    let ahead_ms = lift.until.ms_since(now);
    if !(1..=LIFT_MAX_D * DAY_MS).contains(&ahead_ms) {
        let detail = format!("must be ahead, by {LIFT_MAX_D} days at most");
        wrong("until", detail);
    }
    let keys = assay_model::document::FILTER_KEYS;
    if let Some(filter) = lift.filter.as_deref().filter(|key| !keys.contains(key)) {
        wrong("filter", format!("there is no filter {filter:?}"));
    }
    match problems.is_empty() {
        true => Ok(lift),
        false => Err(ApiError::invalid(problems)),
    }
}

fn shown(decision: &Decision) -> Value {
    let line = &decision.line;
    json!({
        "id": decision.id,
        "time": line.at.to_string(),
        "snapshot": line.snapshot,
        "what": line.step.as_str(),
        "level": line.source.level.as_str(),
        "publisher": line.source.publisher,
        "sub_id": line.source.sub_id,
        "offer": line.source.offer,
        "rule": line.rule,
        "filter": line.filter,
        "reason": line.reason,
        "actor": line.actor,
        "detail": line.detail,
    })
}
