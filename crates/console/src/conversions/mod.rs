//! Conversions: the newest that match, one with its history, and changes of their status.

pub mod change;
pub mod json;

#[cfg(test)]
pub mod tests;

use assay_model::EventId;
use assay_model::ports::{
    ConversionCursor, ConversionDimension, ConversionFilter, ConversionQuery,
};
use axum::response::Response;

use crate::api::{Call, Query, ok, page};
use crate::error::ApiError;
use crate::reports::{period, values};

/// `GET /conversions?from&to&limit&before&status=a,b&filter[dim]=a,b`, newest first.
///
/// # Errors
/// 422, 503.
pub async fn list(mut call: Call) -> Result<Response, ApiError> {
    let zone = period::zone_of(&call.app.account(call.caller.account).await?)?;
    let mut query = std::mem::take(&mut call.query);
    let (from, to) = period::take_open_period(&mut query, &zone);
    let wanted = ConversionQuery {
        from,
        to,
        filters: take_filters(&mut query),
        before: take_cursor(&mut query),
        limit: u32::try_from(query.take_number("limit", 50, 1, 500)).unwrap_or(50),
    };
    query.finish()?;
    let (account, ledger) = (call.caller.account, &call.app.state.ledger);
    let found = ledger.list(account, &wanted).await?;
    let mut items = Vec::with_capacity(found.conversions.len());
    for row in &found.conversions {
        let history = ledger.history(account, row.conversion_id).await?;
        items.push(json::conversion(row, &history));
    }
    Ok(page(items, found.next.map(|next| cursor_text(next).into())))
}

/// `GET /conversions/{id}`, with its history.
///
/// # Errors
/// 404, 503.
pub async fn read(mut call: Call) -> Result<Response, ApiError> {
    call.no_query()?;
    let id = call.param("conversion_id");
    let missing = || ApiError::not_found(format!("there is no conversion {id:?} in this account"));
    let id: EventId = id.parse().map_err(|_| missing())?;
    let (account, ledger) = (call.caller.account, &call.app.state.ledger);
    let found = ledger.get(account, id).await?.ok_or_else(missing)?;
    let history = ledger.history(account, id).await?;
    Ok(ok(&json::conversion(&found, &history)))
}

/// Takes the filters: each dimension by its own name, or as `filter[name]`.
pub fn take_filters(query: &mut Query) -> Vec<ConversionFilter> {
    let find = |name: &str| ConversionDimension::parse(name).filter(|d| d.time().is_none());
    let mut out = query.take_filters_by(find, values::of_conversions);
    for dimension in ConversionDimension::ALL {
        let text = match dimension {
            _ if dimension.time().is_some() => None,
            ConversionDimension::Integration => query
                .take("integration")
                .or_else(|| query.take("integration_id")),
            other => query.take(other.as_str()),
        };
        if let Some(text) = text {
            let read = |text: &str| values::of_conversions(*dimension, text);
            let values = query.read_values(dimension.as_str(), &text, read);
            out.push((*dimension, values));
        }
    }
    out.into_iter()
        .map(|(dimension, values)| ConversionFilter { dimension, values })
        .collect()
}

/// Takes `before`, the cursor of the next page.
pub fn take_cursor(query: &mut Query) -> Option<ConversionCursor> {
    let text = query.take("before")?;
    let cursor = cursor(&text);
    if cursor.is_none() {
        query.refuse("before", format!("{text:?} is no `next` of a page"));
    }
    cursor
}

fn cursor(text: &str) -> Option<ConversionCursor> {
    let (time, id) = text.split_once('-')?;
    Some(ConversionCursor {
        time: assay_model::Timestamp(time.parse().ok()?),
        conversion_id: id.parse().ok()?,
    })
}

/// The cursor as a page names it.
#[must_use]
pub fn cursor_text(cursor: ConversionCursor) -> String {
    format!("{}-{}", cursor.time.0, cursor.conversion_id)
}
