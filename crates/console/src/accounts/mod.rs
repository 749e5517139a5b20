//! The account's own settings.

#[cfg(test)]
mod tests;

use assay_model::AccountId;
use assay_model::document::{Account, Problem};
use assay_model::ports::{Doc, DocKind, NewDoc, StoreError};
use axum::response::Response;
use serde_json::{Value, json};

use crate::api::{Call, ok};
use crate::app::App;
use crate::documents::{Input, drop_echoes, merge, parse_body, stored, unknown_nulls};
use crate::error::ApiError;

/// `GET /account`.
///
/// # Errors
/// 503.
pub async fn read(mut call: Call) -> Result<Response, ApiError> {
    call.no_query()?;
    let doc = load(&call.app, call.caller.account).await?;
    Ok(ok(&show(&doc)))
}

/// `PATCH /account`.
///
/// # Errors
/// 400, 409, 422, 503.
pub async fn patch(mut call: Call) -> Result<Response, ApiError> {
    call.no_query()?;
    let sent = call.object()?;
    let _one_at_a_time = call.app.changes.lock().await;
    let doc = load(&call.app, call.caller.account).await?;
    let Input {
        fields,
        version,
        mut problems,
    } = Input::new(sent, &[], Some(&show(&doc)));
    if let Some(sent) = version.filter(|sent| *sent != doc.version) {
        let current = doc.version;
        return Err(StoreError::Conflict { sent, current }.into());
    }
    let mut merged = doc.body.clone();
    problems.extend(unknown_nulls::<Account>(&merged, &fields));
    merge(&mut merged, Value::Object(fields));
    let fields = merged.as_object().cloned().unwrap_or_default();
    let body: Option<Account> = parse_body(fields, &json!({"name": "placeholder"}), &mut problems);
    let already = problems.len();
    problems.extend(body.iter().flat_map(check));
    drop_echoes(&mut problems, already);
    let Some(body) = body.filter(|_| problems.is_empty()) else {
        return Err(ApiError::invalid(problems));
    };
    let new = NewDoc {
        kind: DocKind::Account,
        unique: None,
        body: serde_json::to_value(body).unwrap_or(Value::Null),
    };
    let (account, actor) = (call.caller.account, &call.caller.actor);
    let control = &call.app.state.control;
    let saved = control
        .update(account, doc.id, Some(doc.version), new, actor, call.now)
        .await?;
    call.app.publish(account).await?;
    Ok(ok(&show(&saved)))
}

/// Everything wrong with an account, its time zone included.
#[must_use]
pub fn check(account: &Account) -> Vec<Problem> {
    let mut out = account.check();
    if jiff::tz::TimeZone::get(&account.time_zone).is_err() {
        let detail = format!(
            "{:?} is no IANA time zone like Europe/Berlin",
            account.time_zone
        );
        out.push(Problem::new("time_zone", detail));
    }
    out
}

async fn load(app: &App, account: AccountId) -> Result<Doc, ApiError> {
    let control = &app.state.control;
    let found = control
        .get(account, DocKind::Account, u64::from(account.0))
        .await?;
    let doc = found.ok_or_else(|| ApiError::not_found("this account is gone"))?;
    stored::<Account>(doc.body.clone())?;
    Ok(doc)
}

fn show(doc: &Doc) -> Value {
    let mut out = doc.body.clone();
    if let Some(map) = out.as_object_mut() {
        map.insert("id".into(), doc.account.0.into());
        map.insert("version".into(), doc.version.into());
    }
    out
}
