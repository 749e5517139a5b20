//! Slices of the table on disk, so that a restart goes on counting.
//!
//! Slices are written in turn, each with the position of the spool it stands at. A start
//! loads them and replays what is newer, per slice. A file that is torn, of another
//! layout or of a table of another size is left out and named, never half loaded.
//!
//! File: head of [`HEAD_BYTES`] (see [`Head`]), then per bucket a mask of its used slots
//! (`u16`) and 32 bytes for each. All numbers little-endian. CRC-32C over all but itself.
//! Limits: a bucket's lock is held while it is copied, about 50 ns.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use super::CounterTable;
use super::slot::{LAYOUT, account_class, is_used};
use super::table::{SLICES, SLOTS};

/// Longest position, in bytes.
pub const POSITION_MAX: usize = 512;
const MAGIC: [u8; 8] = *b"AssayCtr";
const VERSION: u32 = 1;
const HEAD_BYTES: usize = 36 + POSITION_MAX;
/// Most bytes of a bucket: mask and sixteen slots.
const BUCKET_BYTES: usize = 2 + SLOTS * 32;

/// A slice could not be written.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// There is no such slice.
    #[error("there is no slice {0}")]
    NoSlice(usize),
    /// The position is longer than [`POSITION_MAX`].
    #[error("a position of {0} bytes is longer than {POSITION_MAX}")]
    Position(usize),
    /// The disk failed.
    #[error("writing counters failed: {0}")]
    Io(#[from] io::Error),
}

/// What became of a slice on loading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Restored {
    /// It is back, and stands at this position.
    At(Vec<u8>),
    /// There is no file: a first start, or the slice's turn never came.
    Missing,
    /// The file cannot be used, and why; the slice is empty.
    Refused(String),
}

impl Restored {
    /// The position from which the slice is to be replayed; `None` = from the start.
    #[must_use]
    pub fn position(&self) -> Option<&[u8]> {
        match self {
            Self::At(position) => Some(position),
            Self::Missing | Self::Refused(_) => None,
        }
    }
}

impl CounterTable {
    /// Writes a slice beside its old file and puts it in its place.
    ///
    /// `position` says up to where the spool's records are in the slice. It must be
    /// taken before the call: a record bumped in between is counted once more by a
    /// replay, one that is missing would be lost. Blocks on the disk: not for a lane.
    ///
    /// # Errors
    /// [`CheckpointError`]; then the slice's old file is still there.
    pub fn checkpoint_slice(
        &self,
        slice: usize,
        dir: &Path,
        position: &[u8],
    ) -> Result<(), CheckpointError> {
        if slice >= SLICES {
            return Err(CheckpointError::NoSlice(slice));
        }
        let mut bytes = self.head(slice, position)?.to_bytes();
        for bucket in self.table.slice(slice) {
            self.copy_bucket(bucket, &mut bytes);
        }
        let crc = crc32c::crc32c(&bytes);
        bytes.extend(crc.to_le_bytes());
        replace(&path_of(dir, slice), &bytes)?;
        Ok(())
    }

    /// Loads every slice that has a usable file; one result per slice, in order.
    ///
    /// For an empty table, before it serves. Blocks on the disk.
    pub fn load(&self, dir: &Path) -> Vec<Restored> {
        self.generation.fetch_add(1, Ordering::Relaxed);
        (0..SLICES)
            .map(|slice| self.load_slice(slice, dir))
            .collect()
    }

    fn head(&self, slice: usize, position: &[u8]) -> Result<Head, CheckpointError> {
        let mut head = Head {
            slice: slice as u32,
            buckets: self.table.buckets() as u64,
            position_len: position.len() as u32,
            position: [0; POSITION_MAX],
        };
        head.position
            .get_mut(..position.len())
            .ok_or(CheckpointError::Position(position.len()))?
            .copy_from_slice(position);
        Ok(head)
    }

    fn copy_bucket(&self, bucket: usize, out: &mut Vec<u8>) {
        let mut copied = [(0, [0; 3]); SLOTS];
        {
            let locked = self.table.lock(bucket);
            for (slot, copy) in copied.iter_mut().enumerate() {
                *copy = (locked.head(slot), locked.rest(slot));
            }
        }
        let used = |slot: usize| u16::from(is_used(copied[slot].0)) << slot;
        let mask: u16 = (0..SLOTS).map(used).sum();
        out.extend(mask.to_le_bytes());
        for (head, rest) in copied.into_iter().filter(|(head, _)| is_used(*head)) {
            out.extend(head.to_le_bytes());
            out.extend(rest.into_iter().flat_map(u64::to_le_bytes));
        }
    }

    fn load_slice(&self, slice: usize, dir: &Path) -> Restored {
        let most = HEAD_BYTES + self.table.slice(slice).len() * BUCKET_BYTES + 4;
        let bytes = match read_at_most(&path_of(dir, slice), most) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Restored::Missing,
            Err(e) => return Restored::Refused(e.to_string()),
        };
        match self.restore(slice, &bytes) {
            Ok(position) => Restored::At(position),
            Err(why) => Restored::Refused(why.to_owned()),
        }
    }

    fn restore(&self, slice: usize, bytes: &[u8]) -> Result<Vec<u8>, &'static str> {
        let (head, body) = Head::read(bytes)?;
        if head.slice as usize != slice {
            return Err("is of another slice");
        }
        if head.buckets != self.table.buckets() as u64 {
            return Err("is of a table of another size");
        }
        let position = head
            .position
            .get(..head.position_len as usize)
            .ok_or("has a position that is too long")?;
        let mut rest = body;
        for bucket in self.table.slice(slice) {
            rest = self
                .restore_bucket(slice, bucket, rest)
                .ok_or("ends too early")?;
        }
        Ok(position.to_vec())
    }

    fn restore_bucket<'b>(&self, slice: usize, bucket: usize, bytes: &'b [u8]) -> Option<&'b [u8]> {
        let (mask, mut bytes) = bytes.split_first_chunk()?;
        let mask = u16::from_le_bytes(*mask);
        let mut locked = self.table.lock(bucket);
        for slot in (0..SLOTS).filter(|slot| mask >> slot & 1 == 1) {
            let mut words = [0; 4];
            for word in &mut words {
                let (next, rest) = bytes.split_first_chunk()?;
                *word = u64::from_le_bytes(*next);
                bytes = rest;
            }
            let [head, rest @ ..] = words;
            let was_used = is_used(locked.head(slot));
            if is_used(head) && !was_used {
                locked.put(slot, head, rest);
                self.cells.of(slice).used.fetch_add(1, Ordering::Relaxed);
                self.held[account_class(head)].fetch_add(1, Ordering::Relaxed);
            }
        }
        Some(bytes)
    }
}

/// The first bytes of a file.
struct Head {
    slice: u32,
    buckets: u64,
    position_len: u32,
    position: [u8; POSITION_MAX],
}

impl Head {
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(LAYOUT.to_le_bytes());
        bytes.extend(self.slice.to_le_bytes());
        bytes.extend((SLICES as u32).to_le_bytes());
        bytes.extend(self.buckets.to_le_bytes());
        bytes.extend(self.position_len.to_le_bytes());
        bytes.extend(self.position);
        bytes
    }

    /// Checks a whole file and takes its head off.
    fn read(bytes: &[u8]) -> Result<(Self, &[u8]), &'static str> {
        let (bytes, crc) = bytes.split_last_chunk().ok_or("is empty")?;
        let (head, body) = bytes.split_at_checked(HEAD_BYTES).ok_or("ends too early")?;
        let mut fields = Fields(head);
        // The version comes before the sum: another format may sum in another way.
        if fields.take() != Some(MAGIC) {
            return Err("is no checkpoint of counters");
        }
        if fields.number() != Some(VERSION) || fields.number() != Some(LAYOUT) {
            return Err("is of another version");
        }
        if crc32c::crc32c(bytes) != u32::from_le_bytes(*crc) {
            return Err("is torn: its sum is wrong");
        }
        let slice = fields.number().ok_or("ends too early")?;
        if fields.number() != Some(SLICES as u32) {
            return Err("is of a table with other slices");
        }
        let head = Self {
            slice,
            buckets: fields.take().map(u64::from_le_bytes).unwrap_or(0),
            position_len: fields.number().ok_or("ends too early")?,
            position: fields.take().ok_or("ends too early")?,
        };
        Ok((head, body))
    }
}

/// Bytes read field by field.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }

    fn number(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }
}

fn path_of(dir: &Path, slice: usize) -> PathBuf {
    dir.join(format!("counters-{slice:02}"))
}

fn read_at_most(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(most as u64 + 1)
        .read_to_end(&mut bytes)?;
    match bytes.len() > most {
        true => Err(io::Error::other("is longer than the table's slice can be")),
        false => Ok(bytes),
    }
}

/// Writes beside the file, then takes its place: there is always a whole file.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    match path.parent() {
        Some(dir) => File::open(dir)?.sync_all(),
        None => Ok(()),
    }
}
