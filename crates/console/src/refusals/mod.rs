//! The error log: what was refused or not understood, of one integration or of the account.

#[cfg(test)]
mod tests;

use assay_model::IntegrationId;
use assay_model::ports::{DocKind, ErrorQuery};
use axum::response::Response;
use serde_json::Value;

use crate::api::{Call, page};
use crate::error::ApiError;

/// `GET /errors?before=&limit=`, newest first: all integrations, and calls that named none.
///
/// # Errors
/// 422, 503.
pub async fn of_account(mut call: Call) -> Result<Response, ApiError> {
    let query = take_query(&mut call)?;
    answer(&call, query).await
}

/// `GET /integrations/{id}/errors?before=&limit=`, newest first.
///
/// # Errors
/// 404, 422, 503.
pub async fn of_integration(mut call: Call) -> Result<Response, ApiError> {
    let query = take_query(&mut call)?;
    let id = call.id("id")?;
    let missing = || ApiError::not_found(format!("there is no integration {id} in this account"));
    let control = &call.app.state.control;
    let known = control.get(call.caller.account, DocKind::Integration, id);
    known.await?.ok_or_else(missing)?;
    let integration = u32::try_from(id).map_err(|_| missing())?;
    let query = ErrorQuery {
        integration: Some(IntegrationId(integration)),
        ..query
    };
    answer(&call, query).await
}

/// `before` and `limit`; `after` names the same cursor.
fn take_query(call: &mut Call) -> Result<ErrorQuery, ApiError> {
    let mut query = std::mem::take(&mut call.query);
    let before = query.take_number("before", 0, 1, u64::MAX);
    let before = query.take_number("after", before, 1, u64::MAX);
    let limit = query.take_number("limit", 50, 1, 500);
    query.finish()?;
    Ok(ErrorQuery {
        integration: None,
        before: Some(before).filter(|before| *before > 0),
        limit: u32::try_from(limit).unwrap_or(50),
    })
}

async fn answer(call: &Call, query: ErrorQuery) -> Result<Response, ApiError> {
    let errors = &call.app.state.errors;
    // One more than asked tells whether there is a next page.
    let one_more = ErrorQuery {
        limit: query.limit + 1,
        ..query
    };
    let mut rows = errors.list(call.caller.account, one_more).await?;
    let more = rows.len() > query.limit as usize;
    rows.truncate(query.limit as usize);
    let next = more.then(|| rows.last().map_or(Value::Null, |row| row.id.into()));
    let items = rows
        .iter()
        .map(|row| serde_json::to_value(row).unwrap_or(Value::Null))
        .collect();
    Ok(page(items, next))
}
