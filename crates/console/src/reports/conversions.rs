//! The conversion report: the same words as the click report, over the ledger.

use assay_model::ports::{
    ConversionDimension, ConversionFilter, ConversionMeasures, ConversionReport,
    ConversionReportQuery,
};
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::{Frame, csv, csv_answer, gate, take_groups};
use crate::api::{Call, ok};
use crate::error::ApiError;

/// `GET /reports/conversions`.
///
/// # Errors
/// 422, 503; 429 is answered as a response of its own, since it says when to come again.
pub async fn conversions(mut call: Call) -> Result<Response, ApiError> {
    let mut query = std::mem::take(&mut call.query);
    let frame = Frame::take(&call, &mut query).await?;
    let wanted = ConversionReportQuery {
        from: frame.from,
        to: frame.to,
        tz: frame.tz,
        group_by: take_groups(&mut query, ConversionDimension::parse),
        filters: query
            .take_filters_by(|name| ConversionDimension::parse(name).filter(|d| d.time().is_none()))
            .into_iter()
            .map(|(dimension, values)| ConversionFilter { dimension, values })
            .collect(),
        offset: frame.offset,
        limit: frame.limit,
    };
    query.finish()?;
    let most = call.app.state.settings.reports_parallel;
    let Some(_place) = call.app.reports.enter(call.caller.account, most) else {
        return Ok(gate::busy(most));
    };
    let reports = &call.app.state.conversions;
    let result = reports.conversions(call.caller.account, &wanted).await?;
    Ok(if frame.csv {
        let names = wanted.group_by.iter().map(|d| d.as_str());
        let rows = result.rows.iter();
        let rows = rows.map(|row| (row.key.as_slice(), csv::conversions(&row.measures)));
        let text = csv::text(names.chain(csv::CONVERSIONS), rows);
        csv_answer("conversions.csv", text, result.next)
    } else {
        ok(&as_json(&wanted, &result))
    })
}

fn as_json(query: &ConversionReportQuery, result: &ConversionReport) -> Value {
    let names: Vec<&str> = query.group_by.iter().map(|d| d.as_str()).collect();
    let rows = result.rows.iter().map(|row| {
        let mut out = measures_json(&row.measures);
        for (name, value) in names.iter().zip(&row.key) {
            out.insert((*name).to_owned(), value.as_str().into());
        }
        Value::Object(out)
    });
    json!({
        "from": query.from,
        "to": query.to,
        "tz": query.tz,
        "group_by": names,
        "rows": rows.collect::<Vec<_>>(),
        "totals": measures_json(&result.totals),
        "next": result.next,
    })
}

/// Counts and sums. Sums are `null` when they would add up several currencies; then
/// `amounts` has them one by one.
fn measures_json(measures: &ConversionMeasures) -> Map<String, Value> {
    let mut out = match json!(measures) {
        Value::Object(counts) => counts,
        _ => Map::new(),
    };
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
