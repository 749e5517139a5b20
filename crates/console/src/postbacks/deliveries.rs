//! The delivery log, and sending again.

use assay_model::ports::{DeliveryQuery, DeliveryState, DocKind, StoreError};
use axum::response::Response;
use serde_json::{Value, json};

use crate::api::{Call, Query, ok, page};
use crate::error::ApiError;

/// `GET /deliveries?state=&before=&limit=`, newest first.
///
/// # Errors
/// 422, 503.
pub async fn of_account(mut call: Call) -> Result<Response, ApiError> {
    let query = take_query(&mut std::mem::take(&mut call.query))?;
    list(&call, query).await
}

/// `GET /postbacks/{id}/deliveries?state=&before=&limit=`, newest first.
///
/// # Errors
/// 404, 422, 503.
pub async fn of_postback(mut call: Call) -> Result<Response, ApiError> {
    let query = take_query(&mut std::mem::take(&mut call.query))?;
    let id = call.id("id")?;
    let control = &call.app.state.control;
    let known = control.get(call.caller.account, DocKind::Postback, id);
    if known.await?.is_none() {
        let detail = format!("there is no postback {id} in this account");
        return Err(ApiError::not_found(detail));
    }
    let query = DeliveryQuery {
        postback: Some(id),
        ..query
    };
    list(&call, query).await
}

/// `GET /deliveries/{id}`: with every try.
///
/// # Errors
/// 404, 503.
pub async fn read(mut call: Call) -> Result<Response, ApiError> {
    call.no_query()?;
    let id = call.id("id")?;
    let queue = &call.app.state.postbacks;
    let found = queue.delivery(call.caller.account, id).await?;
    let missing = || ApiError::not_found(format!("there is no delivery {id} in this account"));
    let (delivery, tries) = found.ok_or_else(missing)?;
    let mut out = shown(&delivery);
    out["tries"] = json!(tries);
    Ok(ok(&out))
}

/// `POST /deliveries/{id}/resend`: due again, under its old id.
///
/// # Errors
/// 404, 409 when it was not tried yet, 503.
pub async fn resend(mut call: Call) -> Result<Response, ApiError> {
    call.no_query()?;
    let id = call.id("id")?;
    let queue = &call.app.state.postbacks;
    let again = queue.resend(call.caller.account, id, call.now).await;
    Ok(ok(&shown(&again.map_err(refusal)?)))
}

/// That a message cannot be sent again: it stands in the way of itself.
pub fn refusal(error: StoreError) -> ApiError {
    match error {
        StoreError::Invalid(detail) => ApiError::conflict(detail),
        other => other.into(),
    }
}

/// Takes `state`, `before` (or `after`, which names the same cursor) and `limit`.
///
/// # Errors
/// 422 with every parameter that is wrong or not known here.
pub fn take_query(query: &mut Query) -> Result<DeliveryQuery, ApiError> {
    let mut query = std::mem::take(query);
    let before = query.take_number("before", 0, 1, u64::MAX);
    let before = query.take_number("after", before, 1, u64::MAX);
    let limit = query.take_number("limit", 50, 1, 500);
    let text = query.take("state");
    let state = text.as_deref().and_then(DeliveryState::parse);
    if let (Some(text), None) = (&text, state) {
        let words = DeliveryState::ALL.map(DeliveryState::as_str).join(", ");
        query.refuse("state", format!("{text:?} is none of {words}"));
    }
    query.finish()?;
    Ok(DeliveryQuery {
        postback: None,
        state,
        before: Some(before).filter(|before| *before > 0),
        limit: u32::try_from(limit).unwrap_or(50),
    })
}

async fn list(call: &Call, query: DeliveryQuery) -> Result<Response, ApiError> {
    // One more than asked tells whether there is a next page.
    let one_more = DeliveryQuery {
        limit: query.limit + 1,
        ..query
    };
    let queue = &call.app.state.postbacks;
    let mut rows = queue.deliveries(call.caller.account, one_more).await?;
    let more = rows.len() > query.limit as usize;
    rows.truncate(query.limit as usize);
    let next = more.then(|| rows.last().map_or(Value::Null, |row| row.id.into()));
    Ok(page(rows.iter().map(shown).collect(), next))
}

fn shown(delivery: &assay_model::ports::Delivery) -> Value {
    serde_json::to_value(delivery).unwrap_or(Value::Null)
}
