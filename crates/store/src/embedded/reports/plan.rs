//! A report's question, checked and made ready: which columns, which rows, which groups.

use assay_model::hit::EventKind;
use assay_model::ports::{Dimension, ReportError, ReportQuery};
use assay_model::{AccountId, Timestamp};
use jiff::tz::TimeZone;

use super::zone::{Cutter, TimeFilter};
use crate::embedded::events::TextFilter;

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
        query.check()?;
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
            if let Some(cutter) = cutter(filter.dimension) {
                plan.times.push((cutter, filter.values.clone()));
                continue;
            }
            let plain = filter.dimension.plain(filter.values.clone());
            let plain = plain.map_err(|detail| ReportError::Invalid {
                field: "filter",
                detail: detail.to_owned(),
            })?;
            plan.texts
                .extend(plain.into_iter().map(|(dimension, values)| TextFilter {
                    column: dimension.column().as_str(),
                    values,
                }));
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

/// What a click report is of, unless the question says otherwise.
fn clicks() -> TextFilter {
    let kinds = [EventKind::Click, EventKind::PageView, EventKind::AppView];
    TextFilter {
        column: Dimension::Event.as_str(),
        values: kinds.map(|kind| kind.as_str().to_owned()).to_vec(),
    }
}
