//! What reader, reports, sealer and compaction share: the files, the positions, the tail.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use assay_model::EventId;
use assay_model::ports::LogPosition;

use super::EventsError;
use super::clicks::{self, ClickIndexer, Clicks, EmbeddedClicks};
use super::file::path_of;
use super::manifest::{Change, FileRow, Manifest};
use super::parquet_file::Footers;
use super::reader::EmbeddedEvents;
use super::scan::EmbeddedScan;
use super::seal::Sealer;
use super::snapshot::{Snapshot, SnapshotSource, StoredFile};
use super::tail::Tail;
use crate::embedded::reports::EmbeddedReports;
use crate::spool::Spool;

/// Limits of the event store.
#[derive(Clone, Debug)]
pub struct EventsOptions {
    /// Most memory for unsealed events kept decoded; the rest is read again when asked for.
    pub tail_bytes: usize,
    /// Seal when this much has gathered in the spool…
    pub seal_bytes: u64,
    /// …or when this long has passed.
    pub seal_ms: i64,
    /// Most files of a day after compaction.
    pub day_files: usize,
}

impl Default for EventsOptions {
    fn default() -> Self {
        Self {
            tail_bytes: 256 << 20,
            seal_bytes: 64 << 20,
            seal_ms: 60_000,
            day_files: 8,
        }
    }
}

/// The event store of a data folder; a handle to share.
#[derive(Clone)]
pub struct EventStore(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub root: PathBuf,
    pub spool: Spool,
    pub options: EventsOptions,
    pub footers: Footers,
    pub clicks: Clicks,
    next_file: AtomicU64,
    manifest: Mutex<Manifest>,
    /// Held over a whole seal, so that no record is sealed twice.
    sealing: Mutex<()>,
    /// Held over a whole maintenance, so that no file is replaced twice.
    maintaining: Mutex<()>,
    state: Mutex<State>,
    tail: Mutex<Tail>,
}

/// The manifest in memory.
#[derive(Clone, Default)]
pub(super) struct State {
    pub files: BTreeMap<u64, Arc<StoredFile>>,
    pub positions: BTreeMap<u8, LogPosition>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change under these locks is one step, so a panic elsewhere leaves them whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl EventStore {
    /// Opens the store over a spool; files that no manifest row names are deleted.
    ///
    /// # Errors
    /// [`EventsError`] of disk or manifest.
    pub fn open(
        data_folder: &Path,
        spool: &Spool,
        options: EventsOptions,
    ) -> Result<Self, EventsError> {
        let root = root_of(data_folder);
        std::fs::create_dir_all(&root)?;
        let mut manifest = Manifest::open(&manifest_of(data_folder))?;
        let (rows, positions) = manifest.load()?;
        delete_orphans(&root, &rows)?;
        let mut state = State::default();
        for (lane, position) in positions {
            // A power cut may have taken what was already sealed: what comes next is new.
            state
                .positions
                .insert(lane, position.min(spool.written(lane)));
        }
        let next_file = rows.last().map_or(1, |row| row.id + 1);
        for row in rows {
            let path = path_of(&root, row.day, row.id);
            state
                .files
                .insert(row.id, Arc::new(StoredFile::new(row, path)));
        }
        let tail = Tail::new(spool, &state.positions, options.tail_bytes);
        Ok(Self(Arc::new(Inner {
            root,
            spool: spool.clone(),
            options,
            footers: Footers::default(),
            clicks: Clicks::default(),
            next_file: AtomicU64::new(next_file),
            manifest: Mutex::new(manifest),
            sealing: Mutex::new(()),
            maintaining: Mutex::new(()),
            state: Mutex::new(state),
            tail: Mutex::new(tail),
        })))
    }

    /// Reads single events and lists.
    #[must_use]
    pub fn reader(&self) -> EmbeddedEvents {
        EmbeddedEvents::new(SnapshotSource::Live(self.clone()))
    }

    /// Reads many events in one go.
    #[must_use]
    pub fn scan(&self) -> EmbeddedScan {
        EmbeddedScan::new(SnapshotSource::Live(self.clone()))
    }

    /// Makes reports.
    #[must_use]
    pub fn reports(&self) -> EmbeddedReports {
        EmbeddedReports::new(SnapshotSource::Live(self.clone()))
    }

    /// Finds clicks for their conversions; it needs [`Self::click_indexer`] to run.
    #[must_use]
    pub fn clicks(&self) -> EmbeddedClicks {
        EmbeddedClicks::new(self.clone())
    }

    /// Keeps the click index up with the spool; run it on a thread of its own.
    #[must_use]
    pub fn click_indexer(&self) -> ClickIndexer {
        ClickIndexer::new(self.clone())
    }

    /// Moves events from spool to files; run it on a thread of its own.
    #[must_use]
    pub fn sealer(&self) -> Sealer {
        Sealer::new(self.clone())
    }

    /// How far a lane is in files: what may be released once it is checkpointed too.
    #[must_use]
    pub fn sealed(&self, lane: u8) -> LogPosition {
        self.0.sealed(lane)
    }

    /// The newest event id in files. Lanes start above this and above what their spool has, so
    /// that even a lost spool repeats no id.
    #[must_use]
    pub fn newest_id(&self) -> Option<EventId> {
        self.0.files().iter().map(|file| file.row.ids.1).max()
    }

    /// Decodes what was appended since the last call, so that the next reader need not.
    ///
    /// # Errors
    /// [`EventsError`] of the disk.
    pub fn refresh(&self) -> Result<(), EventsError> {
        self.snapshot().map(drop)
    }

    /// Everything there is, each event once.
    pub(crate) fn snapshot(&self) -> Result<Snapshot, EventsError> {
        let mut tail = lock(&self.0.tail);
        let sealed = lock(&self.0.state).positions.clone();
        tail.refresh(&sealed)?;
        // Taken while the tail is held: it has all that these positions leave out.
        let state = lock(&self.0.state).clone();
        let slices = tail.slices(&state.positions)?;
        let rest = tail.rest();
        drop(tail);
        Ok(Snapshot::new(
            state.files.into_values().collect(),
            slices,
            rest,
        ))
    }

    pub(crate) fn footers(&self) -> &Footers {
        &self.0.footers
    }
}

impl Inner {
    pub fn manifest(&self) -> MutexGuard<'_, Manifest> {
        lock(&self.manifest)
    }

    pub fn sealing(&self) -> MutexGuard<'_, ()> {
        lock(&self.sealing)
    }

    pub fn maintaining(&self) -> MutexGuard<'_, ()> {
        lock(&self.maintaining)
    }

    /// As [`Self::maintaining`]; `None` = somebody else does.
    pub fn try_maintaining(&self) -> Option<MutexGuard<'_, ()>> {
        match self.maintaining.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(guard)) => Some(guard.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    pub fn sealed(&self, lane: u8) -> LogPosition {
        let state = lock(&self.state);
        state.positions.get(&lane).copied().unwrap_or_default()
    }

    pub fn files(&self) -> Vec<Arc<StoredFile>> {
        lock(&self.state).files.values().cloned().collect()
    }

    pub fn next_file_id(&self) -> u64 {
        self.next_file.fetch_add(1, Ordering::Relaxed)
    }

    /// Commits a change and lets readers see it.
    pub fn apply(&self, manifest: &mut Manifest, change: &Change<'_>) -> Result<(), EventsError> {
        manifest.apply(change)?;
        let mut state = lock(&self.state);
        for row in change.add {
            let path = path_of(&self.root, row.day, row.id);
            let file = Arc::new(StoredFile::new(row.clone(), path));
            state.files.insert(row.id, file);
        }
        for id in change.remove {
            if let Some(file) = state.files.remove(id) {
                self.footers.forget(*id);
                self.clicks.sidecars.forget(*id);
                // Its last reader deletes it.
                file.doom();
            }
        }
        for (id, clicks) in change.indexed {
            if let Some(file) = state.files.get_mut(id) {
                let mut row = file.row.clone();
                row.clicks = Some(*clicks);
                *file = Arc::new(StoredFile::new(row, file.path.clone()));
            }
        }
        state.positions.extend(change.positions.iter().copied());
        Ok(())
    }
}

pub(super) fn root_of(data_folder: &Path) -> PathBuf {
    data_folder.join("events")
}

pub(super) fn manifest_of(data_folder: &Path) -> PathBuf {
    root_of(data_folder).join("manifest.db")
}

/// Deletes files and click indexes that a crash left without a manifest row, and empty folders.
fn delete_orphans(root: &Path, rows: &[FileRow]) -> Result<(), EventsError> {
    let files = rows.iter().map(|row| path_of(root, row.day, row.id));
    let known: HashSet<PathBuf> = files
        .flat_map(|path| [clicks::path_of(&path), path])
        .collect();
    for day in std::fs::read_dir(root)? {
        let day = day?.path();
        if !day.is_dir() {
            continue;
        }
        for file in std::fs::read_dir(&day)? {
            let file = file?.path();
            if !known.contains(&file) {
                std::fs::remove_file(&file)?;
            }
        }
        // Fails when there are files, as it should.
        let _ = std::fs::remove_dir(&day);
    }
    Ok(())
}
