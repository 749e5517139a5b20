//! Sources as rows of the API.

use std::cmp::Reverse;
use std::collections::HashMap;

use assay_detect::sources::{Held, Surveyed, Tested};
use assay_model::ports::SourceQuery;
use assay_model::sources::SourceName;
use serde_json::{Value, json};

use super::account::filter_key;
use super::kept;

/// A source under a rule, before it is JSON.
struct Row {
    rule: u64,
    source: SourceName,
    surveyed: Option<Surveyed>,
    held: Vec<Held>,
}

/// Rows that match: what is held first, then the largest first.
pub fn rows(surveyed: Vec<Surveyed>, held: &[Held], query: &SourceQuery) -> Vec<Value> {
    let mut rows: HashMap<(u64, SourceName), Row> = HashMap::new();
    let empty = |rule, source| Row {
        rule,
        source,
        surveyed: None,
        held: Vec::new(),
    };
    for one in surveyed {
        let key = (one.rule, one.source.clone());
        let row = rows
            .entry(key)
            .or_insert_with_key(|(rule, source)| empty(*rule, source.clone()));
        row.surveyed = Some(one);
    }
    for one in held {
        let key = (one.rule, one.source.clone());
        let row = rows
            .entry(key)
            .or_insert_with_key(|(rule, source)| empty(*rule, source.clone()));
        row.held.push(one.clone());
    }
    let mut rows: Vec<Row> = rows
        .into_values()
        .filter(|row| matches(row, query))
        .collect();
    rows.sort_by(|a, b| order(a).cmp(&order(b)));
    rows.iter().map(json_of).collect()
}

fn matches(row: &Row, query: &SourceQuery) -> bool {
    let publisher = query.publisher.as_deref();
    query.level.is_none_or(|level| level == row.source.level)
        && publisher.is_none_or(|wanted| wanted == row.source.publisher)
        && query.held.is_none_or(|held| held != row.held.is_empty())
}

fn order(row: &Row) -> (bool, Reverse<u64>, &SourceName, u64) {
    (
        row.held.is_empty(),
        Reverse(volume(row)),
        &row.source,
        row.rule,
    )
}

fn volume(row: &Row) -> u64 {
    let of = |own: &Surveyed| {
        u64::from(own.clicks) + u64::from(own.impressions) + u64::from(own.conversions)
    };
    row.surveyed.as_ref().map_or(0, of)
}

fn json_of(row: &Row) -> Value {
    let tests = row.surveyed.as_ref().map_or(&[][..], |own| &own.tests);
    let state = match (row.held.is_empty(), tests.is_empty()) {
        (false, _) => "held",
        (true, false) => "clean",
        (true, true) => "too_little_volume",
    };
    let since = row.held.iter().map(|held| held.standing.since).min();
    let tests: Vec<Value> = tests
        .iter()
        .map(|(filter, test)| tested(*filter, test))
        .collect();
    let held: Vec<Value> = row.held.iter().map(kept::named).collect();
    let mut out = json!({
        "level": row.source.level.as_str(),
        "publisher": row.source.publisher,
        "sub_id": row.source.sub_id,
        "offer": row.source.offer,
        "rule": row.rule,
        "state": state,
        "since": since.map(|at| at.to_string()),
        "tests": tests,
        "held": held,
    });
    if let Some(own) = &row.surveyed {
        out["window_s"] = own.window_s.into();
        out["clicks"] = own.clicks.into();
        out["impressions"] = own.impressions.into();
        out["conversions"] = own.conversions.into();
        out["ctit_median_s"] = own.ctit_median_s.into();
    }
    out
}

/// A test's number beside its limit.
fn tested(filter: u8, test: &Tested) -> Value {
    let observed: serde_json::Map<String, Value> = test
        .observed
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.json()))
        .collect();
    json!({
        "filter": filter_key(filter),
        "reason": test.reason.code(),
        "test": test.test,
        "value": test.seen,
        "limit": test.limit,
        "worse": if test.above { "above" } else { "below" },
        "release": test.release,
        "n": test.n,
        "n_min": test.n_min,
        "p": test.p,
        "observed": observed,
    })
}
