//! What a rule was: every version, also of a deleted rule.

use assay_model::document::Rule;
use assay_model::ports::{Doc, DocKind};
use axum::response::Response;
use serde_json::{Value, json};

use super::shape;
use crate::api::{Call, ok, page};
use crate::documents::stored;
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
    let found = all.iter().find(|doc| u64::from(doc.version) == wanted);
    let doc = found.ok_or_else(|| {
        let id = call.param("id");
        ApiError::not_found(format!("rule {id} has no version {wanted}"))
    })?;
    show(doc).map(|body| ok(&body))
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
