//! The conversion report: the same words as the click report, over the ledger.

use assay_model::ports::{ConversionDimension, ConversionMeasures};
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::{Kind, counts_json, csv, enter, gate, values};
use crate::api::Call;
use crate::error::ApiError;

const CONVERSIONS: Kind<ConversionDimension, ConversionMeasures> = Kind {
    file: "conversions.csv",
    parse: ConversionDimension::parse,
    value: values::of_conversions,
    is_time: |dimension| dimension.time().is_some(),
    name: ConversionDimension::as_str,
    columns: &csv::CONVERSIONS,
    cells: csv::conversions,
    json: measures_json,
};

/// `GET /reports/conversions`.
///
/// # Errors
/// 422, 503; 429 is answered as a response of its own, since it says when to come again.
pub async fn conversions(mut call: Call) -> Result<Response, ApiError> {
    let asked = CONVERSIONS.ask(&mut call).await?;
    let Some(_place) = enter(&call) else {
        return Ok(gate::busy(call.app.state.settings.reports_parallel));
    };
    let reports = &call.app.state.conversions;
    let result = reports
        .conversions(call.caller.account, &asked.query)
        .await?;
    Ok(CONVERSIONS.tell(&asked, &result))
}

/// Counts and sums. Sums are `null` when they would add up several currencies; then
/// `amounts` has them one by one.
fn measures_json(measures: &ConversionMeasures) -> Map<String, Value> {
    let mut out = counts_json(measures);
    let sums = measures.sums();
    for (name, sum) in [
        ("payout", sums.map(|(_, sums)| sums.payout)),
        ("revenue", sums.map(|(_, sums)| sums.revenue)),
        (
            "rejected_payout",
            sums.map(|(_, sums)| sums.rejected_payout),
        ),
        (
            "rejected_revenue",
            sums.map(|(_, sums)| sums.rejected_revenue),
        ),
    ] {
        out.insert(name.to_owned(), json!(sum));
    }
    out.insert("amounts".to_owned(), json!(measures.amounts));
    out
}
