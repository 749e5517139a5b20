//! One moment of the store: the files, and the unsealed rows past them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow_array::RecordBatch;
use assay_model::ports::LogPosition;

use super::EventsError;
use super::clicks;
use super::manifest::{FileRow, Manifest, Positions};
use super::parquet_file::{Footer, Footers};
use super::rows::{Decoded, Rows};
use super::store::{EventStore, manifest_of, root_of};
use crate::spool::{self, Spool, SpoolReader};

/// Rows decoded at a time where the tail is read again.
const REST_ROWS: usize = 16_384;

/// A file that readers may hold on to after it was replaced.
#[derive(Debug)]
pub(crate) struct StoredFile {
    pub row: FileRow,
    pub path: PathBuf,
    doomed: AtomicBool,
}

impl StoredFile {
    pub fn new(row: FileRow, path: PathBuf) -> Self {
        Self {
            row,
            path,
            doomed: AtomicBool::new(false),
        }
    }

    /// Deletes the file when its last reader ends.
    pub fn doom(&self) {
        self.doomed.store(true, Ordering::Release);
    }
}

impl Drop for StoredFile {
    fn drop(&mut self) {
        if *self.doomed.get_mut() {
            // What stays behind has no manifest row and goes at the next start.
            let _ = std::fs::remove_file(&self.path);
            let _ = std::fs::remove_file(clicks::path_of(&self.path));
            if let Some(day) = self.path.parent() {
                // Fails unless the day is empty.
                let _ = std::fs::remove_dir(day);
            }
        }
    }
}

/// A stretch of a lane's spool that is in no decoded batch.
#[derive(Clone, Debug)]
pub(crate) struct Rest {
    pub lane: u8,
    pub from: LogPosition,
    pub to: LogPosition,
    pub spool: Spool,
}

impl Rest {
    /// Decodes the stretch, some rows at a time.
    pub fn for_each(
        &self,
        each: impl FnMut(RecordBatch) -> Result<(), EventsError>,
    ) -> Result<(), EventsError> {
        match self.spool.reader(self.lane, self.from) {
            Some(mut reader) => decode(&mut reader, Some(self.to), each),
            None => Ok(()),
        }
    }
}

/// Decodes what a reader has, up to `to`.
fn decode(
    reader: &mut SpoolReader,
    to: Option<LogPosition>,
    mut each: impl FnMut(RecordBatch) -> Result<(), EventsError>,
) -> Result<(), EventsError> {
    let mut rows = Rows::default();
    while let Some(batch) = reader.next_batch()? {
        if to.is_some_and(|to| batch.end > to) {
            break;
        }
        let events: Vec<_> = batch.records.filter_map(Decoded::of).collect();
        rows.extend(&events);
        if rows.len() >= REST_ROWS {
            each(rows.finish()?)?;
        }
    }
    if rows.is_empty() {
        return Ok(());
    }
    each(rows.finish()?)
}

/// Files, decoded unsealed rows, and what must be decoded again.
pub(crate) struct Snapshot {
    pub files: Vec<Arc<StoredFile>>,
    pub tail: Vec<RecordBatch>,
    pub rest: Vec<Rest>,
}

impl Snapshot {
    pub fn new(files: Vec<Arc<StoredFile>>, tail: Vec<RecordBatch>, rest: Vec<Rest>) -> Self {
        Self { files, tail, rest }
    }

    /// All unsealed rows.
    pub fn for_each_unsealed(
        &self,
        mut each: impl FnMut(&RecordBatch) -> Result<(), EventsError>,
    ) -> Result<(), EventsError> {
        for batch in &self.tail {
            each(batch)?;
        }
        for rest in &self.rest {
            rest.for_each(|batch| each(&batch))?;
        }
        Ok(())
    }
}

/// Where snapshots come from.
#[derive(Clone)]
pub(crate) enum SnapshotSource {
    /// The process that writes.
    Live(EventStore),
    /// Beside it, from the folder alone.
    Folder(Arc<FolderSource>),
}

/// A data folder that another process may be writing to.
pub(crate) struct FolderSource {
    pub folder: PathBuf,
    pub footers: Footers,
}

impl SnapshotSource {
    pub fn folder(data_folder: &Path) -> Self {
        Self::Folder(Arc::new(FolderSource {
            folder: data_folder.to_owned(),
            footers: Footers::default(),
        }))
    }

    pub fn snapshot(&self) -> Result<Snapshot, EventsError> {
        match self {
            Self::Live(store) => store.snapshot(),
            Self::Folder(source) => from_folder(source),
        }
    }

    pub fn footer(&self, file: &StoredFile) -> Result<Arc<Footer>, EventsError> {
        match self {
            Self::Live(store) => store.footers().of(file),
            Self::Folder(source) => source.footers.of(file),
        }
    }
}

/// Reads manifest and spool until the manifest holds still meanwhile: then nothing was released.
fn from_folder(source: &FolderSource) -> Result<Snapshot, EventsError> {
    const ATTEMPTS: usize = 5;
    let mut attempt = 1;
    loop {
        let (rows, positions) = manifest_in(&source.folder)?;
        let read = read_folder(source, rows, &positions);
        let (_, after) = manifest_in(&source.folder)?;
        if attempt == ATTEMPTS || (positions == after && read.is_ok()) {
            return read;
        }
        attempt += 1;
    }
}

fn manifest_in(folder: &Path) -> Result<(Vec<FileRow>, Positions), EventsError> {
    match Manifest::open_read_only(&manifest_of(folder))? {
        Some(mut manifest) => manifest.load(),
        None => Ok((Vec::new(), Vec::new())),
    }
}

fn read_folder(
    source: &FolderSource,
    rows: Vec<FileRow>,
    positions: &[(u8, LogPosition)],
) -> Result<Snapshot, EventsError> {
    let root = root_of(&source.folder);
    let files: Vec<_> = rows
        .into_iter()
        .map(|row| {
            let path = super::file::path_of(&root, row.day, row.id);
            Arc::new(StoredFile::new(row, path))
        })
        .collect();
    // An open file outlives its name.
    for file in &files {
        source.footers.of(file)?;
    }
    let mut tail = Vec::new();
    for lane in spool::lanes_of(&source.folder)? {
        let from = positions.iter().find(|(of, _)| *of == lane);
        let from = from.map_or_else(LogPosition::default, |(_, at)| *at);
        let mut reader = spool::read_only(&source.folder, lane, from);
        decode(&mut reader, None, |batch| {
            tail.push(batch);
            Ok(())
        })?;
    }
    Ok(Snapshot::new(files, tail, Vec::new()))
}
