//! What a rule was: every version, also of a deleted rule.

use assay_model::document::Rule;
use assay_model::ports::{Doc, DocKind};
use axum::response::Response;
use serde_json::{Value, json};

use super::{Rules, shape};
use crate::api::{Call, ok, page};
use crate::documents::{Resource, alter, shown, stored};
use crate::error::ApiError;

/// `GET /rules/{id}/versions?after=&limit=`, newest first; the cursor is a version.
///
/// # Errors
/// 404, 422, 503.
pub async fn versions(mut call: Call) -> Result<Response, ApiError> {
    let (before, limit) = call.take_page()?;
    let all = load(&call).await?;
    let mut rest = all
        .iter()
        .filter(|doc| before == 0 || u64::from(doc.version) < before);
    let items: Vec<&Doc> = rest.by_ref().take(limit as usize).collect();
    let next = rest.next().and(items.last()).map(|doc| doc.version.into());
    let items = items.into_iter().map(show).collect::<Result<_, _>>()?;
    Ok(page(items, next))
}

/// `GET /rules/{id}/versions/{v}`.
///
/// # Errors
/// 404, 503.
pub async fn version(mut call: Call) -> Result<Response, ApiError> {
    call.no_query()?;
    let wanted = call.id("version")?;
    let all = load(&call).await?;
    show(found(&call, &all, wanted)?).map(|body| ok(&body))
}

/// `POST /rules/{id}/versions/{v}/restore`: the rule becomes what it was, as a new version.
/// Its place stays where it is now, and the rule stays the default or not.
///
/// # Errors
/// 404, 422 when this build refuses what it was, 503.
pub async fn restore(mut call: Call) -> Result<Response, ApiError> {
    call.no_query()?;
    let wanted = call.id("version")?;
    let app = std::sync::Arc::clone(&call.app);
    let _one_at_a_time = app.changes.lock().await;
    let all = load(&call).await?;
    let id = call.id("id")?;
    let account = call.caller.account;
    let now = app.state.control.get(account, DocKind::Rule, id).await?;
    let now = now.ok_or_else(|| {
        ApiError::not_found(format!(
            "rule {id} is deleted: make a new one from what it was"
        ))
    })?;
    let was = found(&call, &all, wanted)?;
    let fields = match shape(&stored(was.body.clone())?, None) {
        Value::Object(mut fields) => {
            fields.remove("is_default");
            fields
        }
        _ => serde_json::Map::new(),
    };
    let saved = alter::<Rules>(&call, now, fields, |_, was| was).await?;
    let order = Rules::context(&app, account).await?;
    shown::<Rules>(&app, &saved, &order).map(|body| ok(&body))
}

fn found<'d>(call: &Call, all: &'d [Doc], wanted: u64) -> Result<&'d Doc, ApiError> {
    let found = all.iter().find(|doc| u64::from(doc.version) == wanted);
    found.ok_or_else(|| {
        let id = call.param("id");
        ApiError::not_found(format!("rule {id} has no version {wanted}"))
    })
}

async fn load(call: &Call) -> Result<Vec<Doc>, ApiError> {
    let id = call.id("id")?;
    let control = &call.app.state.control;
    let all = control
        .versions(call.caller.account, DocKind::Rule, id)
        .await?;
    if all.is_empty() {
        return Err(ApiError::not_found(format!(
            "there is no rule {id} in this account"
        )));
    }
    Ok(all)
}

fn show(doc: &Doc) -> Result<Value, ApiError> {
    let rule: Rule = stored(doc.body.clone())?;
    Ok(json!({
        "id": doc.id,
        "version": doc.version,
        "updated": doc.updated,
        "actor": doc.actor,
        // Without `priority`: a place is one among the others, not the version's own.
        "rule": shape(&rule, None),
    }))
}
