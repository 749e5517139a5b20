//! Events: the newest that match, and one with its why.

pub mod why;

#[cfg(test)]
pub mod tests;

use assay_model::EventId;
use assay_model::ports::{EventFilter, EventQuery, StoredEvent};
use assay_model::record::CodecError;
use axum::response::Response;
use serde_json::Value;

use crate::api::{Call, ok, page};
use crate::error::ApiError;
use crate::reports::period;

/// `GET /events?from&to&limit&before&filter[dim]=a,b`, newest first.
///
/// # Errors
/// 422, 503.
pub async fn list(mut call: Call) -> Result<Response, ApiError> {
    let zone = period::zone_of(&call.app.account(call.caller.account).await?)?;
    let mut query = std::mem::take(&mut call.query);
    let before = query.take("before").and_then(|text| {
        let id = text.parse::<EventId>();
        id.map_err(|detail| query.refuse("before", detail)).ok()
    });
    let (from, to) = period::take_open_period(&mut query, &zone);
    let wanted = EventQuery {
        from,
        to,
        filters: query
            .take_filters()
            .into_iter()
            .map(|(dimension, values)| EventFilter { dimension, values })
            .collect(),
        before,
        limit: u32::try_from(query.take_number("limit", 50, 1, 500)).unwrap_or(50),
    };
    query.finish()?;
    let found = call.app.state.events.list(call.caller.account, &wanted);
    let found = found.await?;
    let ids = &*call.app.state.click_ids;
    let items = found
        .events
        .iter()
        .map(|event| Ok(why::event_json(&event.decode().map_err(damaged)?, ids)))
        .collect::<Result<_, ApiError>>()?;
    let next = found.next.map(|id| Value::from(id.to_string()));
    Ok(page(items, next))
}

/// `GET /events/{event_id}`: the why.
///
/// # Errors
/// 404, 503.
pub async fn read(mut call: Call) -> Result<Response, ApiError> {
    call.no_query()?;
    let event = load(&call, call.param("event_id")).await?;
    let record = event.decode().map_err(damaged)?;
    Ok(ok(&why::json(&record, &*call.app.state.click_ids)))
}

async fn load(call: &Call, id: &str) -> Result<StoredEvent, ApiError> {
    let missing = || ApiError::not_found(format!("there is no event {id:?} in this account"));
    let id: EventId = id.parse().map_err(|_| missing())?;
    let found = call.app.state.events.get(call.caller.account, id).await?;
    found.ok_or_else(missing)
}

/// A stored event that does not read back is our failure.
pub(crate) fn damaged(cause: CodecError) -> ApiError {
    tracing::error!(%cause, "a stored event does not read back");
    ApiError::unavailable("storage", "this event is stored but cannot be read")
}
