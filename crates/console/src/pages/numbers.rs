//! The overview's numbers: three reports, kept for a second however many people look.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use assay_model::ports::{ClickMeasures, Dimension, ReportError, ReportQuery, ReportRow};
use assay_model::{AccountId, Timestamp};

use super::Visit;
use crate::reports::period;

/// How long numbers are shown again instead of being counted again.
const KEEP_MS: i64 = 1000;

/// Accounts whose numbers are kept.
const ACCOUNTS_MAX: usize = 1000;

const HOUR_MS: i64 = 3_600_000;
const MINUTE_MS: i64 = 60_000;

/// What the overview counts.
#[derive(Debug, Default)]
pub struct Numbers {
    /// Since midnight.
    pub today: ClickMeasures,
    /// The last hour.
    pub hour: ClickMeasures,
    /// The last hour by risk, reason, class, action and integration.
    pub groups: Vec<ReportRow>,
    /// The last hour by minute; first minute first.
    pub minutes: Vec<(Timestamp, ClickMeasures)>,
}

/// Place of each dimension in a group's key.
pub const GROUPS: [Dimension; 5] = [
    Dimension::Risk,
    Dimension::Reason,
    Dimension::Class,
    Dimension::Action,
    Dimension::Integration,
];

impl Numbers {
    /// Clicks of the last hour by one of [`GROUPS`], most first.
    #[must_use]
    pub fn by(&self, place: usize) -> Vec<(&str, u64)> {
        let mut sums: HashMap<&str, u64> = HashMap::new();
        for row in &self.groups {
            let value = row.key.get(place).map_or("", String::as_str);
            *sums.entry(value).or_default() += row.measures.clicks;
        }
        let mut out: Vec<_> = sums.into_iter().collect();
        out.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        out
    }
}

type Kept = HashMap<AccountId, (Timestamp, Arc<Numbers>)>;

/// The last numbers of each account.
#[derive(Default)]
pub struct NumbersCache {
    kept: Mutex<Kept>,
}

impl NumbersCache {
    /// Numbers of at most a second ago.
    ///
    /// # Errors
    /// [`ReportError`].
    pub async fn get(&self, visit: &Visit) -> Result<Arc<Numbers>, ReportError> {
        let account = visit.session.account;
        let now = visit.now;
        if let Some((at, numbers)) = self.kept().get(&account)
            && (0..KEEP_MS).contains(&now.ms_since(*at))
        {
            return Ok(Arc::clone(numbers));
        }
        let numbers = Arc::new(count(visit).await?);
        let mut kept = self.kept();
        if kept.len() >= ACCOUNTS_MAX {
            kept.clear();
        }
        kept.insert(account, (now, Arc::clone(&numbers)));
        Ok(numbers)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn count(visit: &Visit) -> Result<Numbers, ReportError> {
    let to = visit.now.plus_ms(1);
    let ask = |from: Timestamp, group_by: Vec<Dimension>| ReportQuery {
        from,
        to,
        tz: visit.account.time_zone.clone(),
        group_by,
        filters: Vec::new(),
        offset: 0,
        limit: 1000,
    };
    let reports = &visit.app.state.reports;
    let account = visit.session.account;
    let midnight = period::today(visit.now, &visit.zone);
    let hour = visit.now.plus_ms(-HOUR_MS);
    let today = reports.clicks(account, &ask(midnight, Vec::new())).await?;
    let groups = reports.clicks(account, &ask(hour, GROUPS.to_vec())).await?;
    Ok(Numbers {
        today: today.totals,
        hour: groups.totals,
        groups: groups.rows,
        minutes: minutes(visit, &ask).await?,
    })
}

/// Counts of each of the last sixty minutes, the open one last; a report's rows name only
/// minutes that had events.
async fn minutes(
    visit: &Visit,
    ask: &(impl Fn(Timestamp, Vec<Dimension>) -> ReportQuery + Sync),
) -> Result<Vec<(Timestamp, ClickMeasures)>, ReportError> {
    let open = Timestamp(visit.now.0 - visit.now.0.rem_euclid(MINUTE_MS));
    let first = open.plus_ms(-59 * MINUTE_MS);
    let query = ask(first, vec![Dimension::Minute]);
    let reports = &visit.app.state.reports;
    let found = reports.clicks(visit.session.account, &query).await?;
    let counts: HashMap<Timestamp, ClickMeasures> = found
        .rows
        .iter()
        .filter_map(|row| Some((Timestamp::parse(row.key.first()?).ok()?, row.measures)))
        .collect();
    Ok((0..60)
        .map(|minute| first.plus_ms(minute * MINUTE_MS))
        .map(|at| (at, counts.get(&at).copied().unwrap_or_default()))
        .collect())
}
