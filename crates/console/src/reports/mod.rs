//! Reports: counts over events and conversions, as JSON or CSV.

mod conversions;
mod csv;
mod gate;
pub mod period;
pub mod values;

#[cfg(test)]
mod tests;

pub use conversions::conversions;

use assay_model::Timestamp;
use assay_model::ports::{ClickMeasures, Dimension, ReportFilter, ReportQuery, ReportResult};
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::api::{Call, Query, ok};
use crate::error::ApiError;

pub use gate::{Gate, busy};

/// Most dimensions of one report.
const GROUPS_MAX: usize = 6;

/// Most rows of one answer, by format.
const JSON_ROWS_MAX: u64 = 1000;
const CSV_ROWS_MAX: u64 = 100_000;

/// The click report.
const CLICKS: Kind<Dimension, ClickMeasures> = Kind {
    file: "clicks.csv",
    parse: Dimension::parse,
    value: values::of_events,
    is_time: Dimension::is_time,
    name: Dimension::as_str,
    columns: &csv::CLICKS,
    cells: csv::clicks,
    json: counts_json,
};

/// `GET /reports/clicks`.
///
/// # Errors
/// 422, 503; 429 is answered as a response of its own, since it says when to come again.
pub async fn clicks(mut call: Call) -> Result<Response, ApiError> {
    let asked = CLICKS.ask(&mut call).await?;
    let Some(_place) = enter(&call) else {
        return Ok(gate::busy(call.app.state.settings.reports_parallel));
    };
    let reports = &call.app.state.reports;
    let result = reports.clicks(call.caller.account, &asked.query).await?;
    Ok(CLICKS.tell(&asked, &result))
}

/// A place among the account's reports; `None` = all are taken.
pub fn enter(call: &Call) -> Option<gate::Pass<'_>> {
    let most = call.app.state.settings.reports_parallel;
    call.app.reports.enter(call.caller.account, most)
}

/// How one kind of report is asked for and told: what its dimensions and measures are called.
struct Kind<D: 'static, M: 'static> {
    file: &'static str,
    parse: fn(&str) -> Option<D>,
    value: fn(D, &str) -> Result<String, String>,
    is_time: fn(D) -> bool,
    name: fn(D) -> &'static str,
    columns: &'static [&'static str],
    cells: fn(&M) -> Vec<String>,
    json: fn(&M) -> Map<String, Value>,
}

/// A report as it was asked for.
struct Asked<D> {
    query: ReportQuery<D>,
    csv: bool,
}

impl<D: Copy + PartialEq, M> Kind<D, M> {
    async fn ask(&self, call: &mut Call) -> Result<Asked<D>, ApiError> {
        let mut query = std::mem::take(&mut call.query);
        let frame = Frame::take(call, &mut query).await?;
        let find = |name: &str| (self.parse)(name).filter(|d| !(self.is_time)(*d));
        let filters = query.take_filters_by(find, self.value);
        let asked = ReportQuery {
            from: frame.from,
            to: frame.to,
            tz: frame.tz,
            group_by: take_groups(&mut query, self.parse),
            filters: filters
                .into_iter()
                .map(|(dimension, values)| ReportFilter { dimension, values })
                .collect(),
            offset: frame.offset,
            limit: frame.limit,
        };
        query.finish()?;
        Ok(Asked {
            query: asked,
            csv: frame.csv,
        })
    }

    fn tell(&self, asked: &Asked<D>, result: &ReportResult<M>) -> Response {
        let names: Vec<&'static str> = asked
            .query
            .group_by
            .iter()
            .map(|d| (self.name)(*d))
            .collect();
        if asked.csv {
            let rows = result.rows.iter();
            let rows = rows.map(|row| (row.key.as_slice(), (self.cells)(&row.measures)));
            let header = names.iter().chain(self.columns).copied();
            return csv_answer(self.file, csv::text(header, rows), result.next);
        }
        let rows = result.rows.iter().map(|row| {
            let mut out = (self.json)(&row.measures);
            for (name, value) in names.iter().zip(&row.key) {
                out.insert((*name).to_owned(), value.as_str().into());
            }
            Value::Object(out)
        });
        ok(&json!({
            "from": asked.query.from,
            "to": asked.query.to,
            "tz": asked.query.tz,
            "group_by": names,
            "rows": rows.collect::<Vec<_>>(),
            "totals": (self.json)(&result.totals),
            "next": result.next,
        }))
    }
}

/// Measures as they are named where they are defined.
fn counts_json<M: Serialize>(measures: &M) -> Map<String, Value> {
    match json!(measures) {
        Value::Object(counts) => counts,
        _ => Map::new(),
    }
}

/// What every report asks for in the same words.
struct Frame {
    from: Timestamp,
    to: Timestamp,
    tz: String,
    csv: bool,
    offset: u64,
    limit: u32,
}

impl Frame {
    async fn take(call: &Call, query: &mut Query) -> Result<Self, ApiError> {
        let account = call.app.account(call.caller.account).await?;
        let tz = query.take("tz").unwrap_or(account.time_zone);
        let zone = period::zone(&tz).unwrap_or_else(|detail| {
            query.refuse("tz", detail);
            jiff::tz::TimeZone::UTC
        });
        let (from, to) = period::take_period(query, &zone, call.now);
        let csv = take_csv(query);
        let rows_max = if csv { CSV_ROWS_MAX } else { JSON_ROWS_MAX };
        let rows = if csv { CSV_ROWS_MAX } else { 100 };
        Ok(Self {
            from,
            to,
            tz,
            csv,
            offset: query.take_number("offset", 0, 0, u64::from(u32::MAX)),
            limit: u32::try_from(query.take_number("limit", rows, 1, rows_max)).unwrap_or(100),
        })
    }
}

fn take_csv(query: &mut Query) -> bool {
    match query.take("format").as_deref() {
        None | Some("json") => false,
        Some("csv") => true,
        Some(other) => {
            query.refuse("format", format!("{other:?} is none of json, csv"));
            false
        }
    }
}

fn take_groups<D: Copy + PartialEq>(query: &mut Query, find: impl Fn(&str) -> Option<D>) -> Vec<D> {
    let mut out: Vec<D> = Vec::new();
    let text = query.take("group_by").unwrap_or_default();
    for name in text
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
    {
        match find(name) {
            None => query.refuse("group_by", format!("{name:?} cannot be grouped by")),
            Some(twice) if out.contains(&twice) => {
                query.refuse("group_by", format!("{name:?} is named twice"));
            }
            Some(dimension) => out.push(dimension),
        }
    }
    if out.len() > GROUPS_MAX {
        query.refuse("group_by", format!("takes at most {GROUPS_MAX} dimensions"));
    }
    out
}

/// Where the next page of a CSV begins; JSON says it as `next`.
const NEXT_OFFSET: HeaderName = HeaderName::from_static("x-next-offset");

fn csv_answer(file: &str, text: String, next: Option<u64>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{file}\""),
        ),
    ];
    let mut response = (headers, text).into_response();
    if let Some(next) = next {
        response.headers_mut().insert(NEXT_OFFSET, next.into());
    }
    response
}
