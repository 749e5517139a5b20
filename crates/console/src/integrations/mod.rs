//! Integrations: connected traffic sources, their URLs and their error log.

pub mod urls;

#[cfg(test)]
mod tests;

use assay_model::document::{Integration, Problem};
use assay_model::ports::{Doc, DocKind, ErrorQuery};
use assay_model::{AccountId, IntegrationId};
use axum::response::Response;
use serde_json::{Value, json};

use crate::api::{Call, Caller, page};
use crate::app::App;
use crate::documents::Resource;
use crate::error::ApiError;

/// Integrations of the management API.
pub struct Integrations;

impl Resource for Integrations {
    type Body = Integration;
    type Context = ();

    const KIND: DocKind = DocKind::Integration;
    const PATH: &'static str = "/integrations";
    const NOUN: &'static str = "integration";
    const READ_ONLY: &'static [&'static str] = &["account_id", "urls"];

    fn placeholder() -> Value {
        json!({"name": "placeholder", "kind": "s2s"})
    }

    async fn settle(
        _app: &App,
        _caller: &Caller,
        body: &mut Integration,
        old: Option<(&Doc, &Integration)>,
        out: &mut Vec<Problem>,
    ) -> Result<(), ApiError> {
        out.extend(body.check());
        if let Some((_, old)) = old
            && old.kind != body.kind
        {
            out.push(Problem::new(
                "kind",
                "is fixed once an integration is made; make another one instead",
            ));
        }
        Ok(())
    }

    async fn context(_app: &App, _account: AccountId) -> Result<(), ApiError> {
        Ok(())
    }

    fn show(app: &App, doc: &Doc, body: &Integration, (): &()) -> Value {
        let mut out = serde_json::to_value(body).unwrap_or(Value::Null);
        if let Some(map) = out.as_object_mut() {
            map.insert("account_id".into(), doc.account.0.into());
            let s2s = urls::s2s_all(&app.state.settings, doc.account, doc.id, body);
            map.insert(
                "urls".into(),
                // Doors that do not exist yet have no URL: nobody shall paste one that leads nowhere.
                json!({"click": null, "jsp": null, "impression": null, "postback": null,
                       "rejection": null, "s2s": s2s.first()}),
            );
        }
        out
    }
}

/// `GET /integrations/{id}/errors?before=&limit=`, newest first; `after` names the same cursor.
///
/// # Errors
/// 404, 422, 503.
pub async fn errors(mut call: Call) -> Result<Response, ApiError> {
    let mut query = std::mem::take(&mut call.query);
    let before = query.take_number("before", 0, 1, u64::MAX);
    let before = query.take_number("after", before, 1, u64::MAX);
    let limit = query.take_number("limit", 50, 1, 500);
    query.finish()?;
    let id = call.id("id")?;
    let missing = || ApiError::not_found(format!("there is no integration {id} in this account"));
    let account = call.caller.account;
    let state = &call.app.state;
    let known = state.control.get(account, DocKind::Integration, id).await?;
    known.ok_or_else(missing)?;
    let integration = IntegrationId(u32::try_from(id).map_err(|_| missing())?);
    let limit = u32::try_from(limit).unwrap_or(50);
    let query = ErrorQuery {
        before: Some(before).filter(|before| *before > 0),
        limit: limit + 1,
    };
    let mut rows = state.errors.list(account, integration, query).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = more.then(|| rows.last().map_or(Value::Null, |row| row.id.into()));
    let items = rows
        .iter()
        .map(|row| serde_json::to_value(row).unwrap_or(Value::Null))
        .collect();
    Ok(page(items, next))
}
