//! What changed verdicts would have cost or saved: events joined with the ledger by click.
//!
//! A conversion is touched when its own verdict changes, or its click's: once, whatever of the
//! two. Approved in the ledger is paid; what was reversed since is not approved any more.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use assay_detect::replay::{Direction, SOURCES_MAX, Source};
use assay_model::ledger::{Conversion, Money, Status};
use assay_model::ports::{ConversionQuery, Ledger, LedgerError};
use assay_model::{AccountId, EventId, EventRecord, Timestamp};

use super::{Progress, ReplayError};

/// Most conversions that are joined: with their keys some 100 bytes each.
pub const CONVERSIONS_MAX: usize = 1_000_000;
/// Conversions of one page.
const PAGE: u32 = 500;

/// What is kept of a conversion.
struct Row {
    paid: bool,
    payout: i64,
    revenue: i64,
    currency: u16,
    /// Its click, or itself where it has none.
    event: EventId,
}

/// The conversions of an account from a moment on, found by their id and by their click's.
#[derive(Default)]
pub struct Conversions {
    rows: Vec<Row>,
    by_id: HashMap<EventId, u32>,
    /// Ascending.
    by_click: Vec<(EventId, u32)>,
    currencies: Vec<String>,
    /// Whether that is all there are.
    pub complete: bool,
}

impl Conversions {
    /// Reads the ledger from `from` on.
    pub async fn load(
        ledger: &dyn Ledger,
        account: AccountId,
        from: Timestamp,
        progress: &Progress,
    ) -> Result<Self, ReplayError> {
        let mut all = Self {
            complete: true,
            ..Self::default()
        };
        let mut query = ConversionQuery {
            from: Some(from),
            limit: PAGE,
            ..ConversionQuery::default()
        };
        loop {
            progress.check()?;
            let page = ledger.list(account, &query).await?;
            progress.add(page.conversions.len() as u64);
            for conversion in &page.conversions {
                all.add(conversion);
            }
            query.before = page.next;
            if page.next.is_none() {
                break;
            }
            if all.rows.len() >= CONVERSIONS_MAX {
                all.complete = false;
                break;
            }
        }
        all.by_click.sort_unstable();
        Ok(all)
    }

    fn add(&mut self, conversion: &Conversion) {
        let row = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        let micros = |amount: &Option<assay_model::ledger::Amount>| {
            amount.as_ref().map_or(0, |amount| amount.micros())
        };
        let currency = self.currency(&conversion.currency);
        self.rows.push(Row {
            paid: conversion.state.status == Status::Approved,
            payout: micros(&conversion.payout),
            revenue: micros(&conversion.revenue),
            currency,
            event: conversion.click.unwrap_or(conversion.conversion_id),
        });
        self.by_id.insert(conversion.conversion_id, row);
        if let Some(click) = conversion.click {
            self.by_click.push((click, row));
        }
    }

    fn currency(&mut self, code: &str) -> u16 {
        let known = self.currencies.iter().position(|own| own == code);
        let place = known.unwrap_or_else(|| {
            self.currencies.push(code.to_owned());
            self.currencies.len() - 1
        });
        u16::try_from(place).unwrap_or(u16::MAX)
    }

    /// The conversions that hang on an event: itself, or those of the click.
    fn of(&self, record: &EventRecord<'_>) -> impl Iterator<Item = u32> + '_ {
        let id = record.event_id;
        let conversion = record.facts.hit.event.is_conversion();
        let own = conversion.then(|| self.by_id.get(&id).copied()).flatten();
        let from = self.by_click.partition_point(|(click, _)| *click < id);
        let of_click = self.by_click[from..].iter();
        let of_click = of_click.take_while(move |(click, _)| *click == id);
        own.into_iter().chain(of_click.map(|(_, row)| *row))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }
}

/// Conversions whose outcome would change, as one thread meets them.
#[derive(Default)]
pub struct Touched(Vec<(u32, Direction, Source)>);

impl Touched {
    /// Notes what hangs on an event whose verdict changes.
    pub fn add(
        &mut self,
        conversions: &Conversions,
        record: &EventRecord<'_>,
        direction: Direction,
        source: &Source,
    ) {
        for row in conversions.of(record) {
            self.0.push((row, direction, source.clone()));
        }
    }

    /// Adds another thread's share.
    pub fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The money of it, each conversion once: a click that is rejected takes its conversions
    /// along, whatever becomes of their own verdicts.
    pub fn sums(mut self, conversions: &Conversions) -> Sums {
        self.0.sort_by_key(|touched| (touched.0, touched.1));
        self.0.dedup_by_key(|(row, ..)| *row);
        let mut sums = Sums::default();
        for (row, direction, source) in &self.0 {
            if let Some(row) = conversions.rows.get(*row as usize) {
                sums.add(row, *direction, source, &conversions.currencies);
            }
        }
        sums
    }
}

/// Conversions touched one way, and their money.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// Conversions.
    pub conversions: u64,
    /// Of these, paid.
    pub paid: u64,
    /// Clicks (and conversions without one) that paid conversions hang on.
    pub paid_events: BTreeSet<EventId>,
    /// Money by currency.
    pub amounts: BTreeMap<String, Amounts>,
}

/// Money in one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// What publishers would get, or not get.
    pub payout: Money,
    /// What advertisers would pay, or not pay.
    pub revenue: Money,
    /// Of the payout, what was paid.
    pub paid_payout: Money,
    /// Of the revenue, what was paid.
    pub paid_revenue: Money,
}

impl Sum {
    fn add(&mut self, row: &Row, currency: &str) {
        self.conversions += 1;
        let (payout, revenue) = (Money(row.payout.into()), Money(row.revenue.into()));
        let amounts = self.amounts.entry(currency.to_owned()).or_default();
        amounts.payout += payout;
        amounts.revenue += revenue;
        if row.paid {
            self.paid += 1;
            self.paid_events.insert(row.event);
            amounts.paid_payout += payout;
            amounts.paid_revenue += revenue;
        }
    }
}

/// Both ways.
pub type BothWays = BTreeMap<Direction, Sum>;

/// Money of all changes.
#[derive(Debug, Default)]
pub struct Sums {
    /// All sources together.
    pub totals: BothWays,
    /// By source; as many as the replay has rows for.
    pub sources: HashMap<Source, BothWays>,
}

impl Sums {
    fn add(&mut self, row: &Row, direction: Direction, source: &Source, currencies: &[String]) {
        let currency = currencies.get(usize::from(row.currency));
        let currency = currency.map_or("", String::as_str);
        let of = |sums: &mut BothWays| sums.entry(direction).or_default().add(row, currency);
        of(&mut self.totals);
        if self.sources.len() < SOURCES_MAX || self.sources.contains_key(source) {
            of(self.sources.entry(source.clone()).or_default());
        }
    }
}

impl From<LedgerError> for ReplayError {
    fn from(error: LedgerError) -> Self {
        Self::Storage(error.to_string())
    }
}
