//! A report's question, checked and made ready: which columns, which rows, which groups.

use assay_model::hit::EventKind;
use assay_model::ports::{Dimension, ReportError, ReportQuery};
use assay_model::{AccountId, Timestamp};
use jiff::tz::TimeZone;

use super::zone::{Cutter, TimeFilter};
use crate::embedded::events::TextFilter;

/// Most dimensions of a report.
const MOST_DIMENSIONS: usize = 8;

/// What to fold.
#[derive(Debug)]
pub struct Plan {
    /// Whose events.
    pub account: AccountId,
    /// From here on.
    pub from: Timestamp,
    /// Before here.
    pub to: Timestamp,
    /// Dimensions, outermost first.
    pub group_by: Vec<Dimension>,
    /// For each of them that is a time: how it is cut.
    pub cutters: Vec<Option<Cutter>>,
    /// Filters on texts; one on the kind of event is always among them.
    pub texts: Vec<TextFilter>,
    times: Vec<(Cutter, Vec<String>)>,
}

impl Plan {
    /// Checks the question.
    pub fn new(account: AccountId, query: &ReportQuery) -> Result<Self, ReportError> {
        let zone = zone(&query.tz)?;
        check(query)?;
        let cutter = |unit: Dimension| unit.is_time().then(|| Cutter::new(zone.clone(), unit));
        let mut plan = Self {
            account,
            from: query.from,
            to: query.to,
            cutters: query.group_by.iter().map(|unit| cutter(*unit)).collect(),
            group_by: query.group_by.clone(),
            texts: Vec::new(),
            times: Vec::new(),
        };
        for filter in &query.filters {
            match cutter(filter.dimension) {
                Some(cutter) => plan.times.push((cutter, filter.values.clone())),
                None => plan.texts.push(TextFilter {
                    column: filter.dimension.column().as_str(),
                    values: filter.values.clone(),
                }),
            }
        }
        if !query
            .filters
            .iter()
            .any(|filter| filter.dimension == Dimension::Event)
        {
            plan.texts.push(clicks());
        }
        Ok(plan)
    }

    /// Filters on stretches of time, for one thread.
    pub fn times(&self) -> Vec<TimeFilter> {
        let filters = self.times.iter();
        filters
            .map(|(cutter, names)| TimeFilter::new(cutter.clone(), names))
            .collect()
    }

    /// Whether any part of the plan reads the event's time, beyond the range.
    pub fn needs_time(&self) -> bool {
        !self.times.is_empty() || self.cutters.iter().any(Option::is_some)
    }
}

fn zone(name: &str) -> Result<TimeZone, ReportError> {
    TimeZone::get(name).map_err(|_| ReportError::Invalid {
        field: "tz",
        detail: format!("{name:?} is not an IANA time zone"),
    })
}

fn check(query: &ReportQuery) -> Result<(), ReportError> {
    let invalid = |field, detail: &str| {
        Err(ReportError::Invalid {
            field,
            detail: detail.to_owned(),
        })
    };
    if query.to <= query.from {
        return invalid("to", "is not after from");
    }
    if query.group_by.len() > MOST_DIMENSIONS {
        return invalid("group_by", "at most 8 dimensions");
    }
    let twice = |(at, unit)| query.group_by[..at].contains(unit);
    if query.group_by.iter().enumerate().any(twice) {
        return invalid("group_by", "names a dimension twice");
    }
    Ok(())
}

/// What a click report is of, unless the question says otherwise.
fn clicks() -> TextFilter {
    let kinds = [EventKind::Click, EventKind::PageView, EventKind::AppView];
    TextFilter {
        column: Dimension::Event.as_str(),
        values: kinds.map(|kind| kind.as_str().to_owned()).to_vec(),
    }
}
