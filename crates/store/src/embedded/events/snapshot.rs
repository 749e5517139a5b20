//! One moment of the store: the files, and the unsealed rows past them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow_array::RecordBatch;
use assay_model::EventRecord;
use assay_model::ports::LogPosition;

use super::EventsError;
use super::manifest::{FileRow, Manifest};
use super::parquet_file::{Footer, Footers};
use super::rows::Rows;
use super::store::{EventStore, manifest_of, root_of};
use crate::spool::{self, SpoolReader};

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
    pub reader: RestReader,
}

/// Where a [`Rest`] is read from.
#[derive(Clone, Debug)]
pub(crate) enum RestReader {
    Live(spool::Spool),
    Folder(PathBuf),
}

impl Rest {
    fn open(&self) -> Option<SpoolReader> {
        match &self.reader {
            RestReader::Live(spool) => spool.reader(self.lane, self.from),
            RestReader::Folder(folder) => Some(spool::read_only(folder, self.lane, self.from)),
        }
    }

    /// Decodes the stretch, some rows at a time.
    pub fn for_each(
        &self,
        mut each: impl FnMut(RecordBatch) -> Result<(), EventsError>,
    ) -> Result<(), EventsError> {
        let Some(mut reader) = self.open() else {
            return Ok(());
        };
        let mut rows = Rows::default();
        while let Some(batch) = reader.next_batch()? {
            if batch.end > self.to {
                break;
            }
            for bytes in batch.records {
                if let Ok(record) = EventRecord::decode(bytes) {
                    rows.push(&record, bytes);
                }
            }
            if rows.len() >= REST_ROWS {
                each(rows.finish()?)?;
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        each(rows.finish()?)
    }
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

/// Reads the manifest until it holds still while files and segments are looked up.
fn from_folder(source: &FolderSource) -> Result<Snapshot, EventsError> {
    const ATTEMPTS: usize = 5;
    let root = root_of(&source.folder);
    for attempt in 1.. {
        let (rows, positions) = match Manifest::open_read_only(&manifest_of(&source.folder))? {
            Some(mut manifest) => manifest.load()?,
            None => (Vec::new(), Vec::new()),
        };
        let files: Vec<_> = rows
            .into_iter()
            .map(|row| {
                let path = super::file::path_of(&root, row.day, row.id);
                Arc::new(StoredFile::new(row, path))
            })
            .collect();
        // Opening the footer opens the file, which then outlives its name.
        let opened: Result<Vec<_>, _> = files.iter().map(|f| source.footers.of(f)).collect();
        match opened {
            Err(error) if attempt >= ATTEMPTS => return Err(error),
            Err(_) => continue,
            Ok(_) => {}
        }
        let mut rest = Vec::new();
        for lane in spool::lanes_of(&source.folder)? {
            let from = positions.iter().find(|(of, _)| *of == lane);
            rest.push(Rest {
                lane,
                from: from.map_or_else(LogPosition::default, |(_, at)| *at),
                to: LogPosition {
                    segment: u64::MAX,
                    offset: 0,
                },
                reader: RestReader::Folder(source.folder.clone()),
            });
        }
        return Ok(Snapshot::new(files, Vec::new(), rest));
    }
    Err(EventsError::Io(std::io::ErrorKind::NotFound.into()))
}
