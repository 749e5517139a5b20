//! Many events in one go: row groups taken by threads in turn, or all in order of event time.
//!
//! Only records are read, and of a row group whose statistics leave something open the light
//! columns that say which. A thread holds the light columns of one row group and a thousand
//! records; what is read in order holds some hundred thousand records more ([`order`]).

mod counters;
mod order;

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use arrow_array::RecordBatch;
use assay_model::AccountId;
use assay_model::ports::{
    EventFilter, EventScan, Scan, ScanQuery, ScratchCounters, StoreError, Visit,
};

use super::EventsError;
use super::columns::{ACCOUNT, TIME};
use super::get::record_at;
use super::list::Filter;
use super::mask::Mask;
use super::parquet_file::Footer;
use super::snapshot::{Snapshot, SnapshotSource};

/// Records read at a time.
const BATCH_ROWS: usize = 1024;

/// Scans the embedded store; cheap to clone.
#[derive(Clone)]
pub struct EmbeddedScan {
    source: SnapshotSource,
}

impl EmbeddedScan {
    pub(super) fn new(source: SnapshotSource) -> Self {
        Self { source }
    }

    /// Reads a data folder that another process may be writing to.
    #[must_use]
    pub fn open_read_only(data_folder: &Path) -> Self {
        Self::new(SnapshotSource::folder(data_folder))
    }
}

impl EventScan for EmbeddedScan {
    fn open(&self, account: AccountId, query: &ScanQuery) -> Result<Box<dyn Scan>, StoreError> {
        Ok(Box::new(Opened::new(&self.source, account, query)?))
    }

    fn counters(&self) -> Box<dyn ScratchCounters> {
        Box::new(counters::Scratch::default())
    }
}

/// A row group that may have events of the scan.
struct Group {
    footer: Arc<Footer>,
    group: usize,
    /// Whether all its rows are the account's.
    all_own: bool,
    /// Lowest and highest time.
    times: (i64, i64),
    rows: usize,
}

/// What is read in one go.
#[derive(Clone, Copy)]
enum Piece {
    Group(usize),
    Unsealed(usize),
    Rest(usize),
}

/// A scan over one snapshot.
struct Opened {
    account: AccountId,
    from: i64,
    to: i64,
    filters: Vec<EventFilter>,
    snapshot: Snapshot,
    groups: Vec<Group>,
}

impl Opened {
    fn new(
        source: &SnapshotSource,
        account: AccountId,
        query: &ScanQuery,
    ) -> Result<Self, EventsError> {
        let snapshot = source.snapshot()?;
        let (from, to) = (query.from.0, query.to.0);
        let own = i64::from(account.0);
        let mut groups = Vec::new();
        for file in &snapshot.files {
            let row = &file.row;
            if !row.has(account) || row.time.1.0 < from || row.time.0.0 >= to {
                continue;
            }
            let footer = source.footer(file)?;
            for group in 0..footer.row_groups() {
                let accounts = footer.range(group, ACCOUNT);
                let times = footer.range(group, TIME).unwrap_or((i64::MIN, i64::MAX));
                let has_own = accounts.is_none_or(|(low, high)| low <= own && own <= high);
                if has_own && times.1 >= from && times.0 < to {
                    groups.push(Group {
                        rows: footer.rows(group),
                        footer: Arc::clone(&footer),
                        group,
                        all_own: accounts == Some((own, own)),
                        times,
                    });
                }
            }
        }
        Ok(Self {
            account,
            from,
            to,
            filters: query.filters.clone(),
            snapshot,
            groups,
        })
    }

    /// What lies in the spool alone first: it moves into files as time goes by.
    fn pieces(&self) -> Vec<Piece> {
        let rest = (0..self.snapshot.rest.len()).map(Piece::Rest);
        let tail = (0..self.snapshot.tail.len()).map(Piece::Unsealed);
        let groups = (0..self.groups.len()).map(Piece::Group);
        rest.chain(tail).chain(groups).collect()
    }

    /// Made anew for each use: one on a stretch of time remembers where it was last.
    fn filters(&self) -> impl Iterator<Item = Filter> + '_ {
        self.filters.iter().map(Filter::of)
    }

    /// Rows of the scan within `from..to`; `None` = all rows.
    fn wanted(&self, group: &Group, from: i64, to: i64) -> Result<Option<Vec<bool>>, EventsError> {
        let mut columns: Vec<_> = self.filters().filter_map(|f| f.column()).collect();
        if !group.all_own {
            columns.push(ACCOUNT);
        }
        if group.times.0 < from || group.times.1 >= to {
            columns.push(TIME);
        }
        if columns.is_empty() {
            return Ok(None);
        }
        columns.extend([ACCOUNT, TIME]);
        let batch = group.footer.read_whole(group.group, columns)?;
        batch.map(|batch| self.mask(&batch, from, to)).transpose()
    }

    fn mask(&self, batch: &RecordBatch, from: i64, to: i64) -> Result<Vec<bool>, EventsError> {
        let mut mask = Mask::of_account(batch, self.account)?;
        mask.within(batch, TIME, from, to)?;
        for filter in self.filters() {
            filter.apply(batch, &mut mask)?;
        }
        Ok(mask.0)
    }

    /// Hands over the records of a piece that are within `from..to`.
    fn read(
        &self,
        piece: Piece,
        (from, to): (i64, i64),
        visit: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, EventsError> {
        match piece {
            Piece::Group(at) => self.read_group(&self.groups[at], (from, to), visit),
            Piece::Unsealed(at) => self.read_batch(&self.snapshot.tail[at], (from, to), visit),
            Piece::Rest(at) => {
                let rest = &self.snapshot.rest[at];
                if rest.spool.reader(rest.lane, rest.from).is_none() {
                    // Released since: read on, the scan would be without it and not say so.
                    return Err(EventsError::Moved);
                }
                let mut flow = ControlFlow::Continue(());
                rest.for_each(|batch| {
                    if flow.is_continue() {
                        flow = self.read_batch(&batch, (from, to), visit)?;
                    }
                    Ok(())
                })?;
                Ok(flow)
            }
        }
    }

    fn read_group(
        &self,
        group: &Group,
        (from, to): (i64, i64),
        visit: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, EventsError> {
        let wanted = self.wanted(group, from, to)?;
        if wanted.as_ref().is_some_and(|rows| !rows.contains(&true)) {
            return Ok(ControlFlow::Continue(()));
        }
        let batches = group
            .footer
            .records_of(group.group, wanted.as_deref(), BATCH_ROWS)?;
        for batch in batches {
            let batch = batch?;
            for row in 0..batch.num_rows() {
                if visit(record_at(&batch, row)?).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn read_batch(
        &self,
        batch: &RecordBatch,
        (from, to): (i64, i64),
        visit: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, EventsError> {
        for (row, wanted) in self.mask(batch, from, to)?.into_iter().enumerate() {
            if wanted && visit(record_at(batch, row)?).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Takes pieces until there are none, or somebody has seen enough.
    fn take_turns(
        &self,
        pieces: &[Piece],
        next: &AtomicUsize,
        over: &AtomicBool,
        visit: &mut Visit<'_>,
    ) -> Result<(), EventsError> {
        let mut visit = |record: &[u8]| match over.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => visit(record),
        };
        while let Some(piece) = pieces.get(next.fetch_add(1, Ordering::Relaxed)) {
            let read = self.read(*piece, (self.from, self.to), &mut visit);
            if !matches!(read, Ok(ControlFlow::Continue(()))) {
                over.store(true, Ordering::Relaxed);
                return read.map(|_| ());
            }
        }
        Ok(())
    }
}

impl Scan for Opened {
    fn events(&self) -> u64 {
        let sealed: usize = self.groups.iter().map(|group| group.rows).sum();
        let tail: usize = self.snapshot.tail.iter().map(RecordBatch::num_rows).sum();
        (sealed + tail) as u64
    }

    fn each(&self, visitors: Vec<Box<Visit<'_>>>) -> Result<(), StoreError> {
        let pieces = self.pieces();
        let (next, over) = (AtomicUsize::new(0), AtomicBool::new(false));
        let (pieces, next, over) = (&pieces, &next, &over);
        std::thread::scope(|scope| {
            let threads: Vec<_> = visitors
                .into_iter()
                .map(|mut visit| {
                    scope.spawn(move || {
                        give_way();
                        self.take_turns(pieces, next, over, &mut *visit)
                    })
                })
                .collect();
            threads.into_iter().try_for_each(joined)
        })
    }

    fn in_time_order(&self, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        std::thread::scope(|scope| {
            joined(scope.spawn(|| {
                give_way();
                order::read(self, visit)
            }))
        })
    }
}

fn joined(
    thread: std::thread::ScopedJoinHandle<'_, Result<(), EventsError>>,
) -> Result<(), StoreError> {
    match thread.join() {
        Ok(done) => Ok(done?),
        Err(_) => Err(StoreError::Backend("a scan's thread panicked".to_owned())),
    }
}

/// Puts the calling thread behind everything else; on Linux the call is the thread's own.
fn give_way() {
    // A scan that may not be nice is a scan all the same.
    let _ = rustix::process::setpriority_process(None, 19);
}

#[cfg(test)]
mod tests;
