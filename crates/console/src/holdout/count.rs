//! Clicks of both sides, and those of them that converted, by source.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use assay_detect::holdout::Rate;
use assay_detect::replay::Source;
use assay_model::hit::{EventKind, Field};
use assay_model::ledger::Conversion;
use assay_model::ports::{
    ConversionQuery, Dimension, EventFilter, EventScan, Ledger, ReportFilter, ReportQuery,
    ReportReader, ScanQuery,
};
use assay_model::verdict::Value;
use assay_model::{AccountId, EventId, EventRecord, Reason, Timestamp};

use crate::error::ApiError;

/// Most clicks that were let through, and most conversions, that are looked at.
const MOST: usize = 1_000_000;
/// Rows of one page of what is read.
const PAGE: u32 = 500;

/// Clicks by the reason that would have rejected them.
pub type Reasons = BTreeMap<String, u64>;

/// Clicks, and those that converted.
#[derive(Debug, Default)]
pub struct Side {
    clicks: u64,
    converted: HashSet<EventId>,
}

impl Side {
    /// As a rate: a click counts once, however often it converted.
    pub fn rate(&self) -> Rate {
        let hits = self.converted.len() as u64;
        Rate {
            hits,
            // A conversion may be of a click whose event is not kept any more.
            of: self.clicks.max(hits),
        }
    }
}

/// One source.
#[derive(Debug, Default)]
pub struct Own {
    /// Let through on purpose.
    pub held_out: Side,
    /// Approved by themselves.
    pub approved: Side,
    /// Why they would have been rejected.
    pub reasons: Reasons,
}

/// All sources that something was let through of.
#[derive(Debug, Default)]
pub struct Counts {
    /// Of all of them.
    pub held_out: Side,
    /// Of all of them.
    pub approved: Side,
    /// Of all of them.
    pub reasons: Reasons,
    /// By source, those with most clicks let through first.
    pub sources: Vec<(Source, Own)>,
    /// Whether everything was looked at.
    pub complete: bool,
}

/// What is counted from.
#[derive(Clone, Copy)]
pub struct Ports<'p> {
    pub scan: &'p Arc<dyn EventScan>,
    pub reports: &'p dyn ReportReader,
    pub ledger: &'p dyn Ledger,
}

/// Clicks that were let through.
#[derive(Default)]
struct HeldOut {
    sources: HashMap<Source, Own>,
    by_click: HashMap<EventId, Source>,
    complete: bool,
}

impl Ports<'_> {
    /// Counts the clicks of a stretch of time, and what became of them until now.
    pub async fn count(
        self,
        account: AccountId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Counts, ApiError> {
        let mut held = self.held_out(account, from, to).await?;
        if !held.sources.is_empty() {
            self.approved(account, (from, to), &mut held).await?;
            self.converted(account, (from, to), &mut held).await?;
        }
        Ok(held.into_counts())
    }

    /// Only the few records are read that are marked.
    async fn held_out(
        self,
        account: AccountId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<HeldOut, ApiError> {
        let scan = Arc::clone(self.scan);
        let query = ScanQuery {
            from,
            to,
            filters: vec![EventFilter {
                dimension: Dimension::Reason,
                values: vec![Reason::SampledHoldout.code().to_owned()],
            }],
        };
        let read = move || {
            let found = Mutex::new(HeldOut {
                complete: true,
                ..HeldOut::default()
            });
            let visit = |bytes: &[u8]| {
                let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                match EventRecord::decode(bytes) {
                    Ok(record) => found.add(&record),
                    Err(_) => ControlFlow::Continue(()),
                }
            };
            scan.open(account, &query)?.each(vec![Box::new(visit)])?;
            Ok(found.into_inner().unwrap_or_else(PoisonError::into_inner))
        };
        let done = tokio::task::spawn_blocking(read).await;
        done.map_err(|error| ApiError::unavailable("storage", error.to_string()))?
    }

    async fn approved(
        self,
        account: AccountId,
        (from, to): (Timestamp, Timestamp),
        held: &mut HeldOut,
    ) -> Result<(), ApiError> {
        let kinds = [EventKind::Click, EventKind::PageView, EventKind::AppView];
        let only = |dimension, values: &[&str]| ReportFilter {
            dimension,
            values: values.iter().map(|text| (*text).to_owned()).collect(),
        };
        let mut query = ReportQuery {
            from,
            to,
            tz: "UTC".to_owned(),
            group_by: vec![Dimension::Publisher, Dimension::SubId],
            filters: vec![
                only(Dimension::Action, &["approved"]),
                only(Dimension::Event, &kinds.map(EventKind::as_str)),
            ],
            offset: 0,
            limit: PAGE,
        };
        loop {
            let page = self.reports.clicks(account, &query).await?;
            for row in page.rows {
                let mut key = row.key.into_iter();
                let source = Source {
                    publisher: key.next().unwrap_or_default(),
                    sub_id: key.next().unwrap_or_default(),
                };
                if let Some(own) = held.sources.get_mut(&source) {
                    let held_out = own.held_out.clicks;
                    own.approved.clicks = row.measures.approved.saturating_sub(held_out);
                }
            }
            match page.next {
                Some(next) => query.offset = next,
                None => return Ok(()),
            }
        }
    }

    async fn converted(
        self,
        account: AccountId,
        (from, to): (Timestamp, Timestamp),
        held: &mut HeldOut,
    ) -> Result<(), ApiError> {
        let mut query = ConversionQuery {
            from: Some(from),
            limit: PAGE,
            ..ConversionQuery::default()
        };
        let mut seen = 0;
        loop {
            let page = self.ledger.list(account, &query).await?;
            seen += page.conversions.len();
            for conversion in &page.conversions {
                held.add_conversion(conversion, from, to);
            }
            query.before = page.next;
            if page.next.is_none() {
                return Ok(());
            }
            if seen >= MOST {
                held.complete = false;
                return Ok(());
            }
        }
    }
}

impl HeldOut {
    fn add(&mut self, record: &EventRecord<'_>) -> ControlFlow<()> {
        if self.by_click.len() >= MOST {
            self.complete = false;
            return ControlFlow::Break(());
        }
        let hit = &record.facts.hit;
        let text = |field| hit.get(field).unwrap_or("").to_owned();
        let source = Source {
            publisher: text(Field::Publisher),
            sub_id: text(Field::SubId),
        };
        let marked = record.verdict.findings.iter();
        let mut marked = marked.filter(|f| f.reason == Reason::SampledHoldout);
        let would_be = marked.next().and_then(|f| f.value("would_be"));
        let own = self.sources.entry(source.clone()).or_default();
        own.held_out.clicks += 1;
        if let Some(Value::Text(code)) = would_be {
            *own.reasons.entry(code.clone().into_owned()).or_default() += 1;
        }
        self.by_click.insert(record.event_id, source);
        ControlFlow::Continue(())
    }

    /// Base conversions count, whatever became of them; those of rejected clicks are of
    /// neither side.
    fn add_conversion(&mut self, conversion: &Conversion, from: Timestamp, to: Timestamp) {
        let Some(click) = conversion.click else {
            return;
        };
        let in_time = (from..to).contains(&click.at());
        if !conversion.event.is_empty() || !in_time {
            return;
        }
        if let Some(source) = self.by_click.get(&click) {
            if let Some(own) = self.sources.get_mut(source) {
                own.held_out.converted.insert(click);
            }
            return;
        }
        let of = &conversion.attributes;
        let source = Source {
            publisher: of.publisher.clone(),
            sub_id: of.sub_ids[0].clone(),
        };
        let rejected = conversion.state.reasons.contains(&Reason::ClickRejected);
        if let Some(own) = self.sources.get_mut(&source).filter(|_| !rejected) {
            own.approved.converted.insert(click);
        }
    }

    fn into_counts(self) -> Counts {
        let mut sources: Vec<(Source, Own)> = self.sources.into_iter().collect();
        sources.sort_by(|(a, one), (b, other)| {
            let most = other.held_out.clicks.cmp(&one.held_out.clicks);
            most.then(a.cmp(b))
        });
        let mut all = Counts {
            complete: self.complete,
            ..Counts::default()
        };
        for (_, own) in &sources {
            for (sum, side) in [
                (&mut all.held_out, &own.held_out),
                (&mut all.approved, &own.approved),
            ] {
                sum.clicks += side.clicks;
                sum.converted.extend(&side.converted);
            }
            for (reason, clicks) in &own.reasons {
                *all.reasons.entry(reason.clone()).or_default() += clicks;
            }
        }
        all.sources = sources;
        all
    }
}
