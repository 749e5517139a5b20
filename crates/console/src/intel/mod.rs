//! Intelligence, to look at: what is loaded, how old, and what it says of an address.

#[cfg(test)]
mod tests;

use std::net::IpAddr;

use assay_model::CATALOGUE;
use axum::response::Response;
use serde_json::{Value, json};

use crate::api::{Call, ok, page};
use crate::error::ApiError;

/// `GET /intel/status`.
///
/// # Errors
/// 503.
pub async fn status(mut call: Call) -> Result<Response, ApiError> {
    call.no_query()?;
    let status = call.app.state.intel.status().await.map_err(|error| {
        tracing::error!(%error, "intelligence status");
        ApiError::unavailable("intelligence", "intelligence cannot be read at the moment")
    })?;
    Ok(ok(&status))
}

/// `GET /intel/lookup?ip=`.
///
/// # Errors
/// 422.
pub async fn lookup(mut call: Call) -> Result<Response, ApiError> {
    let mut query = std::mem::take(&mut call.query);
    let text = query.take("ip");
    query.finish()?;
    let text = text.ok_or_else(|| ApiError::field("ip", "is missing"))?;
    let ip: IpAddr = text
        .trim()
        .parse()
        .map_err(|_| ApiError::field("ip", format!("{text:?} is not an IPv4 or IPv6 address")))?;
    Ok(ok(&call.app.state.intel.lookup(ip)))
}

/// `GET /reasons`: the catalogue.
///
/// # Errors
/// 422.
pub async fn reasons(mut call: Call) -> Result<Response, ApiError> {
    call.no_query()?;
    let items = CATALOGUE.iter().map(|row| {
        json!({
            "code": row.code, "class": row.class.as_str(), "risk": row.risk.as_str(),
            "fp_risk": row.fp_risk.as_str(), "applies": row.applies, "fields": row.fields,
            "cleartrust": row.cleartrust, "adsecurity": row.adsecurity,
            "everflow": row.everflow, "meaning": row.meaning,
        })
    });
    Ok(page(items.collect(), None::<Value>))
}
