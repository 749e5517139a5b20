//! What was let through on purpose, and how it converts beside what was approved.
//!
//! A rule's `holdout_percent` lets a share of doubtful rejects through. If they convert as the
//! approved clicks of the same source do, the reason that would have rejected them is wrong
//! about this source.

mod count;

#[cfg(test)]
mod tests;

use assay_detect::holdout::{Difference, Rate};
use axum::response::Response;
use serde_json::{Map, Value, json};

use crate::api::{Call, ok};
use crate::error::ApiError;
use crate::reports::{self, period};
use count::{Counts, Ports, Side};

/// How the intervals are made.
const METHOD: &str =
    "95 %: Wilson's score interval for rates, Newcombe's hybrid (method 10) for their difference";

/// `GET /holdout?from&to&limit`.
///
/// # Errors
/// 422, 503; 429 when the account has as many reports running as it may.
pub async fn read(mut call: Call) -> Result<Response, ApiError> {
    let account = call.app.account(call.caller.account).await?;
    let zone = period::zone_of(&account)?;
    let mut query = std::mem::take(&mut call.query);
    let (from, to) = period::take_period(&mut query, &zone, call.now);
    let limit = query.take_number("limit", 100, 1, 10_000);
    query.finish()?;
    let Some(_place) = reports::enter(&call) else {
        return Ok(reports::busy(call.app.state.settings.reports_parallel));
    };
    let state = &call.app.state;
    let ports = Ports {
        scan: &state.scan,
        reports: &*state.reports,
        ledger: &*state.ledger,
    };
    let counts = ports.count(call.caller.account, from, to).await?;
    let limit = usize::try_from(limit).unwrap_or(100);
    let mut out = shape(&counts, limit);
    out["from"] = json!(from);
    out["to"] = json!(to);
    Ok(ok(&out))
}

fn shape(counts: &Counts, limit: usize) -> Value {
    let sources = counts.sources.iter().take(limit).map(|(source, own)| {
        let mut row = row(&own.held_out, &own.approved, &own.reasons);
        row.insert("publisher".into(), json!(source.publisher));
        row.insert("sub_id".into(), json!(source.sub_id));
        Value::Object(row)
    });
    json!({
        "method": METHOD,
        "totals": row(&counts.held_out, &counts.approved, &counts.reasons),
        "sources": sources.collect::<Vec<_>>(),
        "source_count": counts.sources.len(),
        "complete": counts.complete,
    })
}

fn row(held_out: &Side, approved: &Side, reasons: &count::Reasons) -> Map<String, Value> {
    let difference = Difference::of(held_out.rate(), approved.rate());
    let reasons = reasons
        .iter()
        .map(|(reason, clicks)| json!({"reason": reason, "clicks": clicks}));
    let mut out = Map::new();
    out.insert("held_out".into(), side(held_out.rate()));
    out.insert("approved".into(), side(approved.rate()));
    let difference = difference.map(|d| json!({"value": d.value, "interval": pair(d.interval)}));
    out.insert("difference".into(), json!(difference));
    out.insert("reasons".into(), reasons.collect());
    out
}

fn side(rate: Rate) -> Value {
    json!({
        "clicks": rate.of,
        "converted": rate.hits,
        "rate": rate.value(),
        "interval": pair(rate.interval()),
    })
}

fn pair((low, high): (f64, f64)) -> Value {
    json!([low, high])
}
