//! Rows in order, and the page that was asked for.

use std::cmp::Ordering;
use std::ops::Range;

use assay_model::ports::{ClickMeasures, ReportResult, ReportRow};

use super::groups::{Groups, Key, Values};
use super::plan::Plan;

/// Cuts the page out of all groups.
pub fn cut(plan: &Plan, groups: &Groups, offset: u64, limit: u32) -> ReportResult {
    let mut totals = ClickMeasures::default();
    // A group that only masked rows fell into is none.
    let mut rows: Vec<(&Key, &ClickMeasures)> = groups.counts.iter().collect();
    for (_, measures) in &rows {
        totals += **measures;
    }
    rows.sort_unstable_by(|a, b| order(&groups.values, a, b));
    let (page, next) = page_of(rows.len(), offset, limit);
    let page = rows[page].iter().map(|(key, measures)| ReportRow {
        key: texts(plan, &groups.values, key),
        measures: **measures,
    });
    ReportResult {
        rows: page.collect(),
        totals,
        next,
    }
}

/// Which of so many rows are the page, and where the next one begins.
pub fn page_of(rows: usize, offset: u64, limit: u32) -> (Range<usize>, Option<u64>) {
    let from = usize::try_from(offset).unwrap_or(usize::MAX).min(rows);
    let to = from.saturating_add(limit as usize).min(rows);
    (from..to, (to < rows).then_some(to as u64))
}

/// Times ascending, then most clicks first, then by key.
fn order(
    values: &[Values],
    (key_a, a): &(&Key, &ClickMeasures),
    (key_b, b): &(&Key, &ClickMeasures),
) -> Ordering {
    let compare = |times: bool| {
        let mut parts = values.iter().zip(key_a.iter().zip(key_b.iter()));
        parts.find_map(|(values, (a, b))| {
            let (a, b) = (*a as usize, *b as usize);
            let order = match values {
                Values::Starts(all) if times => all.values[a].cmp(&all.values[b]),
                Values::Texts(all) if !times => all.values[a].cmp(&all.values[b]),
                _ => Ordering::Equal,
            };
            (order != Ordering::Equal).then_some(order)
        })
    };
    compare(true)
        .unwrap_or(Ordering::Equal)
        .then_with(|| b.clicks.cmp(&a.clicks))
        .then_with(|| compare(false).unwrap_or(Ordering::Equal))
}

fn texts(plan: &Plan, values: &[Values], key: &Key) -> Vec<String> {
    let parts = key.iter().zip(values).zip(&plan.cutters);
    parts
        .map(|((code, values), cutter)| match (values, cutter) {
            (Values::Texts(all), _) => all.values[*code as usize].to_string(),
            (Values::Starts(all), Some(cutter)) => cutter.name(all.values[*code as usize]),
            (Values::Starts(_), None) => String::new(),
        })
        .collect()
}
