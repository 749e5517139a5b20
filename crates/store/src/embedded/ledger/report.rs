//! The conversion report: one pass over the rows of a stretch of time.

use std::cmp::Ordering;

use assay_model::AccountId;
use assay_model::ledger::Status;
use assay_model::ports::{
    ConversionDimension, ConversionMeasures, ConversionReport, ConversionReportQuery, ReportError,
    ReportRow,
};
use hashbrown::HashMap;
use jiff::tz::TimeZone;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Row};

use super::list::{Conditions, expression};
use super::row::named;
use crate::embedded::reports::{Cutter, TimeFilter, page_of};

/// Most groups of a report.
const MOST_GROUPS: usize = 200_000;
/// Columns that every report reads; the dimensions follow.
const FIXED: &str = "time, status, currency, payout_micros, revenue_micros";
const FIXED_COLUMNS: usize = 5;

/// A report's question, checked and made ready.
pub struct Plan {
    sql: String,
    values: Vec<Value>,
    axes: Vec<Axis>,
    times: Vec<TimeFilter>,
}

/// One dimension of the report.
enum Axis {
    /// A text, in this column of the statement.
    Text(usize),
    /// A stretch of time.
    Time(Cutter),
}

/// A group's value of one dimension: times sort as times.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Part {
    Start(i64),
    Text(Box<str>),
}

type Groups = HashMap<Vec<Part>, ConversionMeasures>;

impl Plan {
    /// Checks the question.
    pub fn new(account: AccountId, query: &ConversionReportQuery) -> Result<Self, ReportError> {
        query.check()?;
        let zone = TimeZone::get(&query.tz)
            .map_err(|_| invalid("tz", format!("{:?} is not an IANA time zone", query.tz)))?;
        let cutter =
            |unit: ConversionDimension| unit.time().map(|unit| Cutter::new(zone.clone(), unit));
        let mut columns = FIXED.to_owned();
        let mut next = FIXED_COLUMNS;
        let mut axes = Vec::new();
        for unit in &query.group_by {
            match (cutter(*unit), expression(*unit)) {
                (Some(cutter), _) => axes.push(Axis::Time(cutter)),
                (None, Some(column)) => {
                    columns.push_str(", ");
                    columns.push_str(column);
                    axes.push(Axis::Text(next));
                    next += 1;
                }
                (None, None) => return Err(invalid("group_by", "has no column".to_owned())),
            }
        }
        let mut conditions = Conditions::of(account);
        conditions.add("time >= ", query.from.0);
        conditions.add("time < ", query.to.0);
        let mut times = Vec::new();
        for filter in &query.filters {
            match cutter(filter.dimension) {
                Some(cutter) => times.push(TimeFilter::new(cutter, &filter.values)),
                None => {
                    conditions.filter(filter);
                }
            }
        }
        let (conditions, values) = conditions.finish();
        // Test traffic stays out of reports.
        let sql = format!(
            "SELECT {columns} FROM conversions \
             WHERE {conditions} AND instr(',' || reasons || ',', ',TEST_TRAFFIC,') = 0"
        );
        Ok(Self {
            sql,
            values,
            axes,
            times,
        })
    }

    fn key(&self, row: &Row<'_>, time: i64) -> rusqlite::Result<Vec<Part>> {
        let part = |axis: &Axis| {
            Ok(match axis {
                Axis::Time(cutter) => Part::Start(cutter.cut(time).start),
                Axis::Text(column) => Part::Text(text(row.get_ref(*column)?).into()),
            })
        };
        self.axes.iter().map(part).collect()
    }

    fn names(&self, key: &[Part]) -> Vec<String> {
        let parts = self.axes.iter().zip(key);
        parts
            .map(|(axis, part)| match (axis, part) {
                (Axis::Time(cutter), Part::Start(start)) => cutter.name(*start),
                (_, Part::Start(start)) => start.to_string(),
                (_, Part::Text(text)) => text.to_string(),
            })
            .collect()
    }
}

fn text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_) => String::new(),
    }
}

fn invalid(field: &'static str, detail: String) -> ReportError {
    ReportError::Invalid { field, detail }
}

/// Folds the rows and cuts the page.
pub fn run(
    db: &Connection,
    plan: &Plan,
    offset: u64,
    limit: u32,
) -> Result<ConversionReport, ReportError> {
    let groups = fold(db, plan)?;
    let mut totals = ConversionMeasures::default();
    for measures in groups.values() {
        totals += measures;
    }
    let mut rows: Vec<_> = groups.into_iter().collect();
    rows.sort_unstable_by(order);
    let (page, next) = page_of(rows.len(), offset, limit);
    let page = rows.drain(page).map(|(key, measures)| ReportRow {
        key: plan.names(&key),
        measures,
    });
    Ok(ConversionReport {
        rows: page.collect(),
        totals,
        next,
    })
}

/// Times ascending, then most conversions first, then by key.
fn order(
    (key_a, a): &(Vec<Part>, ConversionMeasures),
    (key_b, b): &(Vec<Part>, ConversionMeasures),
) -> Ordering {
    let starts = |key: &[Part]| -> Vec<i64> {
        key.iter()
            .filter_map(|part| match part {
                Part::Start(start) => Some(*start),
                Part::Text(_) => None,
            })
            .collect()
    };
    starts(key_a)
        .cmp(&starts(key_b))
        .then_with(|| b.conversions.cmp(&a.conversions))
        .then_with(|| key_a.cmp(key_b))
}

fn fold(db: &Connection, plan: &Plan) -> Result<Groups, ReportError> {
    let failed = |e: rusqlite::Error| ReportError::Backend(e.to_string());
    let mut statement = db.prepare_cached(&plan.sql).map_err(failed)?;
    let mut rows = statement
        .query(rusqlite::params_from_iter(&plan.values))
        .map_err(failed)?;
    let mut groups = Groups::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let time = row.get(0).map_err(failed)?;
        if plan.times.iter().all(|filter| filter.matches(time)) {
            count(&mut groups, plan, row, time).map_err(failed)?;
        }
        if groups.len() > MOST_GROUPS {
            return Err(ReportError::TooManyGroups(MOST_GROUPS));
        }
    }
    Ok(groups)
}

fn count(groups: &mut Groups, plan: &Plan, row: &Row<'_>, time: i64) -> rusqlite::Result<()> {
    let status = named(row, 1, Status::parse)?;
    let currency = row.get_ref(2)?.as_str()?;
    let (payout, revenue) = (row.get(3)?, row.get(4)?);
    groups
        .entry(plan.key(row, time)?)
        .or_default()
        .count(status, currency, payout, revenue);
    Ok(())
}
