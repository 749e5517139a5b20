//! A sidecar: the sorted hashes of an events file's clicks, and their rows.
//!
//! ```text
//! block 0          magic "ASSAYCLK", version u32, count of own ids u64, of callers' ids u64, crc
//! blocks 1..       own ids: up to 340 × (hash u64, place u32), crc at the end of each block
//! blocks after     callers' ids, in the same form
//! ```
//! Little-endian, blocks of 4 KiB. A place is the row twice, plus one for an impression. Entries
//! of one hash stand clicks first, then the newest first: rows are sorted by time within an
//! integration. Hashes are spread evenly, so a look-up guesses its block and reads one to three.

use std::cmp::Reverse;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use assay_model::hit::Field;
use assay_model::record::Frame;
use assay_model::{EventKind, EventRecord};

use super::super::EventsError;
use super::keys;

const MAGIC: &[u8; 8] = b"ASSAYCLK";
const VERSION: u32 = 1;
const BLOCK: usize = 4096;
const ENTRY: usize = 12;
const ENTRIES: usize = (BLOCK - 4) / ENTRY;

/// Where the sidecar of an events file is.
pub fn path_of(events_file: &Path) -> PathBuf {
    events_file.with_extension("clicks")
}

/// A row of the events file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(u32);

impl Place {
    fn of(row: u32, kind: EventKind) -> Self {
        Self(row << 1 | u32::from(kind == EventKind::Impression))
    }

    /// The row.
    pub const fn row(self) -> usize {
        (self.0 >> 1) as usize
    }

    /// Whether it is no click but an impression.
    pub const fn is_impression(self) -> bool {
        self.0 & 1 == 1
    }
}

/// Gathers the entries of a file while it is written.
#[derive(Debug, Default)]
pub struct SidecarWriter {
    own: Vec<(u64, Place)>,
    external: Vec<(u64, Place)>,
}

impl SidecarWriter {
    /// Adds the event in `row`, if it is one that is looked up.
    pub fn add(&mut self, row: u32, frame: &Frame, external_id: &str) {
        if !keys::is_indexed(frame.event) {
            return;
        }
        let place = Place::of(row, frame.event);
        let own = keys::own(frame.account, frame.event_id);
        self.own.push((own, place));
        if !external_id.is_empty() {
            let hash = keys::external(frame.account, frame.integration, external_id);
            self.external.push((hash, place));
        }
    }

    /// As [`Self::add`], of an event that is decoded.
    pub fn add_event(&mut self, row: u32, record: &EventRecord<'_>) {
        let hit = &record.facts.hit;
        let frame = Frame {
            event_id: record.event_id,
            account: hit.account,
            integration: hit.integration,
            event: hit.event,
            received: hit.received,
            time: hit.time,
        };
        let external_id = hit.get(Field::ExternalTransactionId);
        self.add(row, &frame, external_id.unwrap_or(""));
    }

    /// Events that can be looked up.
    pub fn clicks(&self) -> u64 {
        self.own.len() as u64
    }

    /// Writes the sidecar durably; there is none when nothing can be looked up.
    pub fn write(mut self, path: &Path) -> Result<(), EventsError> {
        if self.own.is_empty() {
            return Ok(());
        }
        let mut bytes = vec![0; BLOCK];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..20].copy_from_slice(&(self.own.len() as u64).to_le_bytes());
        bytes[20..28].copy_from_slice(&(self.external.len() as u64).to_le_bytes());
        check(&mut bytes);
        for entries in [&mut self.own, &mut self.external] {
            entries.sort_unstable_by_key(|(hash, place)| {
                (*hash, place.is_impression(), Reverse(*place))
            });
            for entries in entries.chunks(ENTRIES) {
                block(entries, &mut bytes);
            }
        }
        let mut file = File::create(path)?;
        file.write_all(&bytes)?;
        Ok(file.sync_all()?)
    }
}

fn block(entries: &[(u64, Place)], out: &mut Vec<u8>) {
    let from = out.len();
    for (hash, place) in entries {
        out.extend(hash.to_le_bytes());
        out.extend(place.0.to_le_bytes());
    }
    out.resize(from + BLOCK, 0);
    check(&mut out[from..]);
}

fn check(block: &mut [u8]) {
    let crc = crc32c::crc32c(&block[..BLOCK - 4]);
    block[BLOCK - 4..].copy_from_slice(&crc.to_le_bytes());
}

/// A sidecar that is read.
#[derive(Debug)]
pub struct Sidecar {
    file: File,
    own: u64,
    external: u64,
}

/// Entries of one kind: where their blocks begin, and how many there are.
#[derive(Clone, Copy)]
struct Section {
    first_block: u64,
    entries: u64,
}

impl Section {
    fn blocks(self) -> u64 {
        self.entries.div_ceil(ENTRIES as u64)
    }
}

impl Sidecar {
    /// Opens it; a part that is missing is an error, not an absence.
    pub fn open(path: &Path) -> Result<Self, EventsError> {
        let file = File::open(path)?;
        let mut sidecar = Self {
            file,
            own: 0,
            external: 0,
        };
        let head = sidecar.block(0)?;
        let number = |at: usize| head[at..at + 8].try_into().map(u64::from_le_bytes);
        if head[..8] != *MAGIC || head[8..12] != VERSION.to_le_bytes() {
            return Err(EventsError::Sidecar("is no click index of this version"));
        }
        let cut = |_| EventsError::Sidecar("is cut short");
        (sidecar.own, sidecar.external) = (number(12).map_err(cut)?, number(20).map_err(cut)?);
        Ok(sidecar)
    }

    /// Places of our own id's hash.
    pub fn own(&self, hash: u64) -> Result<Vec<Place>, EventsError> {
        self.places(self.own_section(), hash)
    }

    /// Places of a caller's id's hash: clicks first, then the newest first.
    pub fn external(&self, hash: u64) -> Result<Vec<Place>, EventsError> {
        let section = Section {
            first_block: 1 + self.own_section().blocks(),
            entries: self.external,
        };
        self.places(section, hash)
    }

    fn own_section(&self) -> Section {
        Section {
            first_block: 1,
            entries: self.own,
        }
    }

    fn places(&self, section: Section, hash: u64) -> Result<Vec<Place>, EventsError> {
        let mut places = Vec::new();
        let mut at = self.first_block_of(section, hash)?;
        while at < section.blocks() {
            let entries = self.entries(section, at)?;
            let from = entries.partition_point(|(of, _)| *of < hash);
            let alike = entries[from..].iter().take_while(|(of, _)| *of == hash);
            let before = places.len();
            places.extend(alike.map(|(_, place)| *place));
            if from + places.len() - before < entries.len() {
                break;
            }
            at += 1;
        }
        Ok(places)
    }

    /// The first block that ends with `hash` or above.
    fn first_block_of(&self, section: Section, hash: u64) -> Result<u64, EventsError> {
        let (mut low, mut high) = (0, section.blocks());
        let guess = (u128::from(hash) * u128::from(high)) >> 64;
        let (mut at, mut step) = (guess as u64, 1);
        while low < high {
            let entries = self.entries(section, at)?;
            let (first, last) = (entries.first(), entries.last());
            if last.is_none_or(|(last, _)| *last < hash) {
                low = at + 1;
                at = at.saturating_add(step);
            } else if first.is_some_and(|(first, _)| *first < hash) {
                return Ok(at);
            } else {
                high = at;
                at = at.saturating_sub(step);
            }
            step *= 2;
            if !(low..high).contains(&at) {
                at = low + (high - low) / 2;
            }
        }
        Ok(low)
    }

    fn entries(&self, section: Section, at: u64) -> Result<Vec<(u64, Place)>, EventsError> {
        let block = self.block(section.first_block + at)?;
        let left = section.entries.saturating_sub(at * ENTRIES as u64);
        let count = left.min(ENTRIES as u64) as usize;
        let entries = block.chunks_exact(ENTRY).take(count).map(|entry| {
            let (hash, place) = entry.split_at(8);
            let hash = hash.try_into().map_or(0, u64::from_le_bytes);
            (hash, Place(place.try_into().map_or(0, u32::from_le_bytes)))
        });
        Ok(entries.collect())
    }

    fn block(&self, at: u64) -> Result<[u8; BLOCK], EventsError> {
        let mut block = [0; BLOCK];
        self.file.read_exact_at(&mut block, at * BLOCK as u64)?;
        let crc = crc32c::crc32c(&block[..BLOCK - 4]);
        if block[BLOCK - 4..] != crc.to_le_bytes() {
            return Err(EventsError::Sidecar("is damaged"));
        }
        Ok(block)
    }
}
