//! Compaction and retention: fewer, larger files a day, and no event past its account's days.
//!
//! Both are one rewrite: the records of some files, in order, into one new file, without those
//! whose time is over. One manifest transaction swaps them; a file that is replaced goes when its
//! last reader ends. Columns are made from the records again, so old files gain new columns.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use assay_model::{AccountId, Timestamp};

use super::EventsError;
use super::file::FileWriter;
use super::manifest::Change;
use super::merge::Merge;
use super::rows::{AT_ONCE, Decoded};
use super::snapshot::StoredFile;
use super::store::EventStore;

/// How many days the events of an account are kept.
pub type Retention<'a> = &'a dyn Fn(AccountId) -> u32;

/// A day is closed this long after its end: what comes later is late data.
const CLOSED_AFTER_MS: i64 = 3_600_000;
const DAY_MS: i64 = 86_400_000;
/// A closed day's files are merged up to this many rows.
const CLOSED_ROWS: u64 = 4_000_000;
/// Files up to this many rows are merged whatever stands beside them.
const SMALL_ROWS: u64 = 20_000;
/// Most files read at once.
const MOST_INPUTS: usize = 64;

/// What maintenance did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Maintained {
    /// Files that were merged or rewritten.
    pub replaced: u64,
    /// Files that took their place.
    pub written: u64,
    /// Events dropped because their time was over.
    pub expired: u64,
}

impl EventStore {
    /// Drops what is past its account's days and merges small files; call it every hour.
    ///
    /// # Errors
    /// [`EventsError`]; what was done so far stands, the next call goes on.
    pub fn maintain(
        &self,
        now: Timestamp,
        retention_of: Retention<'_>,
    ) -> Result<Maintained, EventsError> {
        let _alone = self.0.maintaining();
        let mut done = Maintained::default();
        let mut days: BTreeMap<i64, Vec<Arc<StoredFile>>> = BTreeMap::new();
        for file in self.0.files() {
            days.entry(file.row.day).or_default().push(file);
        }
        for (day, files) in days {
            let age_days = (now.utc_day() - day).max(0);
            let expired = |account| age_days > i64::from(retention_of(account));
            let (old, kept) = split(files, &expired);
            for file in old {
                self.rewrite(&[file], &expired, &mut done)?;
            }
            let closed = now.0 >= (day + 1).saturating_mul(DAY_MS) + CLOSED_AFTER_MS;
            for group in to_merge(kept, self.0.options.day_files, closed) {
                self.rewrite(&group, &|_| false, &mut done)?;
            }
        }
        Ok(done)
    }

    /// Replaces files by one with the same events, less those of accounts whose time is over.
    fn rewrite(
        &self,
        files: &[Arc<StoredFile>],
        expired: &dyn Fn(AccountId) -> bool,
        done: &mut Maintained,
    ) -> Result<(), EventsError> {
        let inner = &self.0;
        let accounts = files.iter().flat_map(|file| &file.row.accounts);
        let gone: HashSet<AccountId> = accounts
            .clone()
            .map(|(account, _)| *account)
            .filter(|a| expired(*a))
            .collect();
        let rows_of = |left: bool| -> u64 {
            let rows = accounts
                .clone()
                .filter(|(account, _)| gone.contains(account) != left);
            rows.map(|(_, rows)| rows).sum()
        };
        let (left, expired) = (rows_of(true), rows_of(false));
        let written = match left {
            0 => None,
            rows => Some(self.merge(files, &gone, rows)?),
        };
        let add: Vec<_> = written.iter().map(|file| file.row.clone()).collect();
        let remove: Vec<u64> = files.iter().map(|file| file.row.id).collect();
        let change = Change {
            add: &add,
            remove: &remove,
            ..Change::default()
        };
        let applied = inner.apply(&mut inner.manifest(), &change);
        if let (Err(_), Some(written)) = (&applied, &written) {
            written.remove();
        }
        applied?;
        done.replaced += files.len() as u64;
        done.written += add.len() as u64;
        done.expired += expired;
        Ok(())
    }

    fn merge(
        &self,
        files: &[Arc<StoredFile>],
        gone: &HashSet<AccountId>,
        rows: u64,
    ) -> Result<super::file::Written, EventsError> {
        let inner = &self.0;
        let day = files.iter().map(|file| file.row.day).max().unwrap_or(0);
        let mut out = FileWriter::create(&inner.root, day, inner.next_file_id(), rows)?;
        let footers = files.iter().map(|file| inner.footers.of(file));
        let mut merge = Merge::new(footers.collect::<Result<_, _>>()?)?;
        loop {
            let records = merge.take(AT_ONCE)?;
            if records.is_empty() {
                break;
            }
            // Only what decodes was ever put into a file.
            let mut events: Vec<_> = records.iter().filter_map(|r| Decoded::of(r)).collect();
            events.retain(|event| !gone.contains(&event.record.facts.hit.account));
            out.extend(&events)?;
        }
        let written = out.finish()?;
        written.rename()?;
        written.sync_folder()?;
        Ok(written)
    }
}

/// Files with an account whose time is over, and the others.
fn split(
    files: Vec<Arc<StoredFile>>,
    expired: &dyn Fn(AccountId) -> bool,
) -> (Vec<Arc<StoredFile>>, Vec<Arc<StoredFile>>) {
    files.into_iter().partition(|file| {
        file.row
            .accounts
            .iter()
            .any(|(account, _)| expired(*account))
    })
}

/// Which files of a day become one: the smallest, until few enough are left; once the day is
/// closed, all of like size that fit together.
fn to_merge(
    mut files: Vec<Arc<StoredFile>>,
    most: usize,
    closed: bool,
) -> Vec<Vec<Arc<StoredFile>>> {
    files.sort_by_key(|file| file.row.rows);
    let mut groups: Vec<Vec<Arc<StoredFile>>> = Vec::new();
    let surplus = (files.len() + 1).saturating_sub(most.max(1));
    let mut rows = 0;
    for (at, file) in files.into_iter().enumerate() {
        let own = file.row.rows;
        // A large file is not written again for the sake of a few late events.
        let alike = own <= SMALL_ROWS || own <= rows * 4;
        let fits = closed && alike && rows + own <= CLOSED_ROWS;
        rows += own;
        if !fits && (surplus < 2 || at >= surplus) {
            break;
        }
        match groups.last_mut() {
            Some(group) if group.len() < MOST_INPUTS => group.push(file),
            _ => groups.push(vec![file]),
        }
    }
    groups.retain(|group| group.len() > 1);
    groups
}
