//! The newest events that match, a page at a time.
//!
//! Files are visited newest first and only as long as they can hold something newer than the page
//! has; in a row group the light columns are read first, records only of the rows that won.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use arrow_array::RecordBatch;
use assay_model::ports::{EventFilter, EventPage, EventQuery, StoredEvent};
use assay_model::{AccountId, EventId};

use super::EventsError;
use super::columns::{ACCOUNT, EVENT_ID, ID_TIME, RECEIVED};
use super::get::{ids, record_at};
use super::mask::{Mask, TextFilter, times};
use super::parquet_file::Footer;
use super::snapshot::{SnapshotSource, StoredFile};

/// Most events of a page.
pub const MOST: u32 = 1000;

/// The page.
pub fn list(
    source: &SnapshotSource,
    account: AccountId,
    query: &EventQuery,
) -> Result<EventPage, EventsError> {
    let snapshot = source.snapshot()?;
    let mut search = Search::new(account, query);
    snapshot.for_each_unsealed(|batch| search.add_unsealed(batch))?;
    let mut files = snapshot.files;
    files.retain(|file| search.may_be_in(file));
    files.sort_by_key(|file| Reverse(file.row.ids.1));
    for file in files {
        if search.wants(file.row.ids.1) {
            let footer = source.footer(&file)?;
            search.add_file(&footer)?;
        }
    }
    search.page()
}

/// Where a found event's record is.
enum Place {
    Here(Vec<u8>),
    File {
        footer: Arc<Footer>,
        group: usize,
        row: usize,
    },
}

/// Rows of one row group, and whose they are.
type Together = (Arc<Footer>, Vec<(usize, EventId)>);

struct Search {
    account: AccountId,
    from: i64,
    to: i64,
    before: Option<EventId>,
    filters: Vec<Filter>,
    limit: usize,
    /// The newest so far, the oldest of them on top; one more than the page has.
    newest: BinaryHeap<Reverse<EventId>>,
    places: BTreeMap<EventId, Place>,
}

impl Search {
    fn new(account: AccountId, query: &EventQuery) -> Self {
        Self {
            account,
            from: query.from.map_or(i64::MIN, |at| at.0),
            to: query.to.map_or(i64::MAX, |at| at.0),
            before: query.before,
            filters: query.filters.iter().map(Filter::of).collect(),
            limit: query.limit.clamp(1, MOST) as usize,
            newest: BinaryHeap::new(),
            places: BTreeMap::new(),
        }
    }

    fn may_be_in(&self, file: &StoredFile) -> bool {
        let row = &file.row;
        row.has(self.account)
            && row.received.1.0 >= self.from
            && row.received.0.0 < self.to
            && self.before.is_none_or(|before| row.ids.0 < before)
    }

    /// Whether something as new as `newest` would still be on the page.
    fn wants(&self, newest: EventId) -> bool {
        let newest = self.before.map_or(newest, |before| newest.min(before));
        self.is_among_newest(newest)
    }

    fn is_among_newest(&self, id: EventId) -> bool {
        self.newest.len() <= self.limit || self.newest.peek().is_some_and(|Reverse(old)| id > *old)
    }

    fn add_unsealed(&mut self, batch: &RecordBatch) -> Result<(), EventsError> {
        for (id, row) in self.candidates(batch)? {
            if self.is_among_newest(id) {
                self.keep(id, Place::Here(record_at(batch, row)?.to_vec()));
            }
        }
        Ok(())
    }

    fn add_file(&mut self, footer: &Arc<Footer>) -> Result<(), EventsError> {
        let mut groups: Vec<(i64, usize)> = (0..footer.row_groups())
            .filter(|group| self.may_be_in_group(footer, *group))
            .map(|group| {
                (
                    footer.range(group, ID_TIME).map_or(i64::MAX, |r| r.1),
                    group,
                )
            })
            .collect();
        groups.sort_unstable_by_key(|group| Reverse(*group));
        let mut columns = vec![ACCOUNT, RECEIVED, ID_TIME, EVENT_ID];
        columns.extend(self.filters.iter().filter_map(|filter| filter.column()));
        for (newest, group) in groups {
            // An id of the same millisecond may still be newer.
            let oldest = self.newest.peek().map_or(i64::MIN, |Reverse(id)| id.at().0);
            if self.newest.len() > self.limit && newest < oldest {
                break;
            }
            let Some(batch) = footer.read_whole(group, columns.iter().copied())? else {
                continue;
            };
            for (id, row) in self.candidates(&batch)? {
                let footer = Arc::clone(footer);
                self.keep(id, Place::File { footer, group, row });
            }
        }
        Ok(())
    }

    fn may_be_in_group(&self, footer: &Footer, group: usize) -> bool {
        let account = i64::from(self.account.0);
        let has = |column, test: &dyn Fn(i64, i64) -> bool| {
            footer
                .range(group, column)
                .is_none_or(|(low, high)| test(low, high))
        };
        has(ACCOUNT, &|low, high| low <= account && account <= high)
            && has(RECEIVED, &|low, high| high >= self.from && low < self.to)
            && has(ID_TIME, &|low, _| {
                self.before.is_none_or(|id| low <= id.at().0)
            })
    }

    /// Matching rows that may be among the newest.
    fn candidates(&self, batch: &RecordBatch) -> Result<Vec<(EventId, usize)>, EventsError> {
        let mut mask = Mask::of_account(batch, self.account)?;
        mask.within(batch, RECEIVED, self.from, self.to)?;
        for filter in &self.filters {
            filter.apply(batch, &mut mask)?;
        }
        let times = times(batch, ID_TIME)?;
        let last = self.before.map_or(i64::MAX, |id| id.at().0);
        let full = self.newest.len() > self.limit;
        let oldest = self.newest.peek().map_or(i64::MIN, |Reverse(id)| id.at().0);
        let first = if full { oldest } else { i64::MIN };
        let mut rows: Vec<usize> = (0..times.len())
            .filter(|row| mask.0[*row] && (first..=last).contains(&times[*row]))
            .collect();
        // Only the newest times can win; rows of the same millisecond stay together.
        rows.sort_unstable_by_key(|row| Reverse(times[*row]));
        let ids = ids(batch)?;
        let mut found: Vec<(EventId, usize)> = Vec::new();
        for row in rows {
            let last_wanted = found.get(self.limit).map(|(id, _)| id.at().0);
            if last_wanted.is_some_and(|last| last > times[row]) {
                break;
            }
            if let Ok(id) = ids.value(row).parse::<EventId>()
                && self.before.is_none_or(|before| id < before)
            {
                found.push((id, row));
            }
        }
        Ok(found)
    }

    fn keep(&mut self, id: EventId, place: Place) {
        if !self.is_among_newest(id) || self.places.insert(id, place).is_some() {
            return;
        }
        self.newest.push(Reverse(id));
        if self.newest.len() > self.limit + 1
            && let Some(Reverse(oldest)) = self.newest.pop()
        {
            self.places.remove(&oldest);
        }
    }

    fn page(mut self) -> Result<EventPage, EventsError> {
        let more = self.places.len() > self.limit;
        if more {
            self.places.pop_first();
        }
        let next = self.places.first_key_value().map(|(id, _)| *id);
        let records = self.fetch()?;
        Ok(EventPage {
            events: records.into_values().rev().map(StoredEvent).collect(),
            next: next.filter(|_| more),
        })
    }

    /// Reads the records of the page, those of a row group together.
    fn fetch(&mut self) -> Result<BTreeMap<EventId, Vec<u8>>, EventsError> {
        let mut records = BTreeMap::new();
        let mut groups: BTreeMap<(usize, usize), Together> = BTreeMap::new();
        for (id, place) in std::mem::take(&mut self.places) {
            match place {
                Place::Here(bytes) => {
                    records.insert(id, bytes);
                }
                Place::File { footer, group, row } => {
                    let key = (Arc::as_ptr(&footer) as usize, group);
                    let group = groups.entry(key).or_insert((footer, Vec::new()));
                    group.1.push((row, id));
                }
            }
        }
        for ((_, group), (footer, mut rows)) in groups {
            rows.sort_unstable();
            let places: Vec<usize> = rows.iter().map(|(row, _)| *row).collect();
            let ids = rows.into_iter().map(|(_, id)| id);
            records.extend(ids.zip(footer.records(group, &places)?));
        }
        Ok(records)
    }
}

/// A filter on a column, or on a stretch of time in UTC.
pub(super) enum Filter {
    Text(TextFilter),
    Time(crate::embedded::reports::TimeFilter),
}

impl Filter {
    pub fn of(filter: &EventFilter) -> Self {
        if filter.dimension.is_time() {
            return Self::Time(crate::embedded::reports::TimeFilter::utc(
                filter.dimension,
                &filter.values,
            ));
        }
        Self::Text(TextFilter {
            column: filter.dimension.column().as_str(),
            values: filter.values.clone(),
        })
    }

    pub fn column(&self) -> Option<&'static str> {
        match self {
            Self::Text(filter) => Some(filter.column),
            Self::Time(_) => Some(super::TIME),
        }
    }

    pub fn apply(&self, batch: &RecordBatch, mask: &mut Mask) -> Result<(), EventsError> {
        match self {
            Self::Text(filter) => mask.matching(batch, filter),
            Self::Time(filter) => {
                for (keep, time) in mask.0.iter_mut().zip(times(batch, super::TIME)?) {
                    *keep = *keep && filter.matches(*time);
                }
                Ok(())
            }
        }
    }
}
