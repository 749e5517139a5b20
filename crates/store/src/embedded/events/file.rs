//! Writing an events file: sorted rows in, a durable Parquet file and its manifest row out.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use assay_model::{AccountId, EventId, EventRecord, Timestamp};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowRowGroupWriterFactory;
use parquet::basic::Encoding;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;

use super::EventsError;
use super::chunk::Squeeze;
use super::clicks::{self, SidecarWriter};
use super::columns::{self, SCHEMA};
use super::group::Group;
use super::manifest::FileRow;
use super::rows::Decoded;

/// Rows in a row group: what one thread of a report folds at a time.
pub const ROW_GROUP_ROWS: usize = 262_144;
/// Level of compression: 3 takes a third longer and saves a twentieth of the bytes.
const ZSTD_LEVEL: i32 = 1;

/// Where a day's files are.
pub fn day_folder(root: &Path, day: i64) -> PathBuf {
    let at = Timestamp(day.saturating_mul(86_400_000)).to_string();
    // A date, in the form that engines take for a partition.
    root.join(format!("day={}", at.split('T').next().unwrap_or(&at)))
}

/// Where a file is.
pub fn path_of(root: &Path, day: i64, id: u64) -> PathBuf {
    day_folder(root, day).join(format!("{id:010}.parquet"))
}

/// A file being written, under a temporary name.
pub struct FileWriter {
    out: SerializedFileWriter<File>,
    factory: ArrowRowGroupWriterFactory,
    group: Option<Group>,
    groups: usize,
    squeeze: Squeeze,
    /// How many events a row group will have at most.
    announced: u64,
    clicks: SidecarWriter,
    summary: Summary,
    id: u64,
    day: i64,
    temporary: PathBuf,
    path: PathBuf,
}

/// What the manifest wants to know, gathered on the way.
#[derive(Default)]
struct Summary {
    rows: u64,
    time: Option<(Timestamp, Timestamp)>,
    received: Option<(Timestamp, Timestamp)>,
    ids: Option<(EventId, EventId)>,
    accounts: BTreeMap<AccountId, u64>,
}

impl Summary {
    fn add(&mut self, record: &EventRecord<'_>) {
        let hit = &record.facts.hit;
        self.rows += 1;
        widen(&mut self.time, hit.time);
        widen(&mut self.received, hit.received);
        widen(&mut self.ids, record.event_id);
        *self.accounts.entry(hit.account).or_default() += 1;
    }
}

fn widen<T: Copy + Ord>(range: &mut Option<(T, T)>, value: T) {
    *range = Some(match *range {
        None => (value, value),
        Some((low, high)) => (low.min(value), high.max(value)),
    });
}

impl FileWriter {
    /// Starts file `id` of `day`; `rows` is how many will come (bloom filters are sized by it).
    pub fn create(root: &Path, day: i64, id: u64, rows: u64) -> Result<Self, EventsError> {
        let folder = day_folder(root, day);
        std::fs::create_dir_all(&folder)?;
        let path = path_of(root, day, id);
        let temporary = path.with_extension("tmp");
        let file = File::create(&temporary)?;
        let squeeze = Squeeze::new(ZSTD_LEVEL)?;
        let properties = properties(&squeeze);
        // It puts the Arrow schema into the footer.
        let writer = ArrowWriter::try_new(file, Arc::clone(&SCHEMA), Some(properties))?;
        let (out, factory) = writer.into_serialized_writer()?;
        Ok(Self {
            out,
            factory,
            group: None,
            groups: 0,
            squeeze,
            announced: rows.clamp(1, ROW_GROUP_ROWS as u64),
            clicks: SidecarWriter::default(),
            summary: Summary::default(),
            id,
            day,
            temporary,
            path,
        })
    }

    /// Adds some events; events come sorted by account, integration, time.
    pub fn extend(&mut self, mut events: &[Decoded<'_>]) -> Result<(), EventsError> {
        for event in events {
            let row = u32::try_from(self.summary.rows).unwrap_or(u32::MAX);
            self.clicks.add_event(row, &event.record);
            self.summary.add(&event.record);
        }
        while !events.is_empty() {
            let group = match &mut self.group {
                Some(group) => group,
                none => none.insert(Group::new(&self.factory, self.groups, self.announced)?),
            };
            let room = ROW_GROUP_ROWS - group.rows();
            let (these, rest) = events.split_at(events.len().min(room));
            group.extend(these, &mut self.squeeze)?;
            if these.len() == room {
                self.end_group()?;
            }
            events = rest;
        }
        Ok(())
    }

    fn end_group(&mut self) -> Result<(), EventsError> {
        if let Some(group) = self.group.take() {
            group.finish(&mut self.out, &mut self.squeeze)?;
            self.groups += 1;
        }
        Ok(())
    }

    /// Writes what is left, and makes the bytes durable under the temporary name.
    pub fn finish(mut self) -> Result<Written, EventsError> {
        self.end_group()?;
        let file = self.out.into_inner()?;
        file.sync_all()?;
        let clicks = self.clicks.clicks();
        self.clicks.write(&sidecar_of(&self.temporary))?;
        let bytes = file.metadata()?.len();
        let Summary {
            rows,
            time,
            received,
            ids,
            accounts,
        } = self.summary;
        let row = FileRow {
            id: self.id,
            day: self.day,
            rows,
            bytes,
            time: time.unwrap_or_default(),
            received: received.unwrap_or_default(),
            ids: ids.unwrap_or((EventId([0; 10]), EventId([0; 10]))),
            clicks: Some(clicks),
            accounts: accounts.into_iter().collect(),
        };
        Ok(Written {
            row,
            temporary: self.temporary,
            path: self.path,
        })
    }
}

/// A file that is durable but not yet under its name.
#[derive(Debug)]
pub struct Written {
    /// Its manifest row.
    pub row: FileRow,
    temporary: PathBuf,
    /// The name it gets.
    pub path: PathBuf,
}

impl Written {
    /// Gives the file and its click index their names.
    pub fn rename(&self) -> Result<(), EventsError> {
        if self.row.clicks != Some(0) {
            let path = clicks::path_of(&self.path);
            std::fs::rename(sidecar_of(&self.temporary), path)?;
        }
        Ok(std::fs::rename(&self.temporary, &self.path)?)
    }

    /// Makes the name, and the folder's own, durable.
    pub fn sync_folder(&self) -> Result<(), EventsError> {
        for folder in self.path.ancestors().skip(1).take(2) {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }

    /// Takes the file away again.
    pub fn remove(&self) {
        // What stays behind is deleted at the next start.
        for path in [&self.temporary, &self.path] {
            let _ = std::fs::remove_file(path);
        }
        for path in [sidecar_of(&self.temporary), clicks::path_of(&self.path)] {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// The temporary name of the click index of a file with this temporary name.
fn sidecar_of(temporary: &Path) -> PathBuf {
    temporary.with_extension("clicks-tmp")
}

fn properties(squeeze: &Squeeze) -> WriterProperties {
    let path = |name: &str| ColumnPath::from(name);
    let mut builder = WriterProperties::builder()
        .set_created_by("assay".to_owned())
        .set_compression(squeeze.codec())
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_sorting_columns(Some(sorting()));
    // What readers skip by.
    for name in [
        columns::ACCOUNT,
        columns::TIME,
        columns::RECEIVED,
        columns::ID_TIME,
        columns::TEST,
    ] {
        builder = builder.set_column_statistics_enabled(path(name), EnabledStatistics::Chunk);
    }
    for name in [
        columns::ACCOUNT,
        columns::TIME,
        columns::RECEIVED,
        columns::ID_TIME,
        columns::POINTS,
        columns::DECISION_US,
    ] {
        builder = builder.set_column_encoding(path(name), Encoding::DELTA_BINARY_PACKED);
    }
    builder.build()
}

/// Integrations are sorted as numbers within an account, which a text column cannot claim.
fn sorting() -> Vec<SortingColumn> {
    let account = SCHEMA.index_of(columns::ACCOUNT);
    account
        .into_iter()
        .map(|column| SortingColumn {
            column_idx: i32::try_from(column).unwrap_or(0),
            descending: false,
            nulls_first: false,
        })
        .collect()
}
