//! Segment files: names, header, preallocation, and reading frames back.
//!
//! A segment starts with 64 bytes: magic, version, lane, number, seed and their checksum. The rest
//! is preallocated zeros, so an append changes no metadata and `fdatasync` writes data only.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::frame::{HEADER, Header, Kind, MAGIC};

/// Bytes before the first frame.
pub const SEGMENT_HEADER: u64 = 64;
const SEGMENT_MAGIC: &[u8; 8] = b"ASSAYLOG";
const VERSION: u32 = 1;
/// How much a reader asks the disk for at once.
const CHUNK: usize = 1 << 20;

/// Path of a segment.
pub fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:012}.seg"))
}

/// Numbers of the segments in a folder, ascending.
pub fn list(folder: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".seg"));
        numbers.extend(number.and_then(|text| text.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// A new segment on disk: preallocated, its header and its name durable.
pub fn create(folder: &Path, lane: u8, number: u64, seed: u32, bytes: u64) -> io::Result<File> {
    let path = path(folder, number);
    // A file of this name can only be one that a crash left half made: it holds no record.
    let file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .read(true)
        .write(true)
        .open(&path)?;
    let made = preallocate(&file, bytes)
        .and_then(|()| file.write_all_at(&header_bytes(lane, number, seed), 0))
        .and_then(|()| file.sync_all())
        .and_then(|()| File::open(folder)?.sync_all());
    if let Err(cause) = made {
        let _ = std::fs::remove_file(&path);
        return Err(cause);
    }
    Ok(file)
}

/// Reserves the blocks, so that the disk cannot be full in the middle of a segment.
#[cfg(target_os = "linux")]
pub fn preallocate(file: &File, bytes: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::io::Errno;
    match fallocate(file, FallocateFlags::empty(), 0, bytes) {
        Ok(()) => Ok(()),
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => file.set_len(bytes),
        Err(errno) => Err(errno.into()),
    }
}

/// Sets the length; blocks are reserved on Linux only.
#[cfg(not(target_os = "linux"))]
pub fn preallocate(file: &File, bytes: u64) -> io::Result<()> {
    file.set_len(bytes)
}

fn header_bytes(lane: u8, number: u64, seed: u32) -> [u8; SEGMENT_HEADER as usize] {
    let mut out = [0; SEGMENT_HEADER as usize];
    out[..8].copy_from_slice(SEGMENT_MAGIC);
    out[8..12].copy_from_slice(&VERSION.to_le_bytes());
    out[12..16].copy_from_slice(&u32::from(lane).to_le_bytes());
    out[16..24].copy_from_slice(&number.to_le_bytes());
    out[24..28].copy_from_slice(&seed.to_le_bytes());
    let crc = crc32c::crc32c(&out[..60]);
    out[60..].copy_from_slice(&crc.to_le_bytes());
    out
}

/// The seed of a segment; `None` when the header is damaged or of another version.
fn read_seed(file: &File) -> io::Result<Option<u32>> {
    let mut bytes = [0; SEGMENT_HEADER as usize];
    match file.read_exact_at(&mut bytes, 0) {
        Ok(()) => {}
        Err(cause) if cause.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(cause) => return Err(cause),
    }
    let word =
        |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let whole = bytes[..8] == *SEGMENT_MAGIC
        && word(8) == VERSION
        && word(60) == crc32c::crc32c(&bytes[..60]);
    Ok(whole.then(|| word(24)))
}

/// A valid frame in a segment; the payload is in the reader's buffer until its next call.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// The frame's header.
    pub header: Header,
    /// Offset just past the frame.
    pub end: u64,
}

/// Reads a segment's frames in order and finds the next valid one after damage.
#[derive(Debug)]
pub struct SegmentReader {
    file: File,
    /// Seed of the segment.
    pub seed: u32,
    at: u64,
    buffer: Vec<u8>,
    buffer_at: u64,
    /// Bytes passed over because no valid frame stood there.
    pub damaged: u64,
}

impl SegmentReader {
    /// Opens a segment at `offset`; `None` when its header does not read.
    pub fn open(path: &Path, offset: u64) -> io::Result<Option<Self>> {
        let file = File::open(path)?;
        let Some(seed) = read_seed(&file)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            file,
            seed,
            at: offset.max(SEGMENT_HEADER),
            buffer: Vec::new(),
            buffer_at: 0,
            damaged: 0,
        }))
    }

    /// Length of the file.
    pub fn file_len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Makes what was read survive a power cut.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// The next valid frame that ends at or before `limit`; `None` leaves the place as it is.
    pub fn next(&mut self, limit: u64) -> io::Result<Option<Found>> {
        let mut at = self.at;
        loop {
            if let Some(found) = self.frame_at(at, limit)? {
                self.damaged += at - self.at;
                self.at = found.end;
                return Ok(Some(found));
            }
            match self.search(at + 1, limit)? {
                Some(next) => at = next,
                None => {
                    // What was read past the last frame may be overwritten by the writer.
                    self.buffer.clear();
                    return Ok(None);
                }
            }
        }
    }

    /// The payload of the frame that [`Self::next`] just returned.
    pub fn payload(&self, found: &Found) -> &[u8] {
        let from = found.end - u64::from(found.header.len) - self.buffer_at;
        let from = from as usize;
        self.buffer
            .get(from..from + found.header.len as usize)
            .unwrap_or_default()
    }

    fn frame_at(&mut self, at: u64, limit: u64) -> io::Result<Option<Found>> {
        let seed = self.seed;
        let Some(header) = Header::read(self.bytes(at, HEADER, limit)?, seed) else {
            return Ok(None);
        };
        let len = header.len as usize;
        let frame = self.bytes(at, HEADER + len, limit)?;
        let whole = frame.len() == HEADER + len && header.fits(&frame[HEADER..], seed);
        Ok(whole.then(|| Found {
            header,
            end: at + (HEADER + len) as u64,
        }))
    }

    /// Where the next bytes that could be a frame stand.
    fn search(&mut self, from: u64, limit: u64) -> io::Result<Option<u64>> {
        let finder = memchr::memmem::Finder::new(&MAGIC);
        let mut at = from;
        loop {
            let bytes = self.bytes(at, CHUNK, limit)?;
            if let Some(place) = finder.find(bytes) {
                return Ok(Some(at + place as u64));
            }
            if bytes.len() < CHUNK {
                return Ok(None);
            }
            // The magic may lie across two chunks.
            at += (CHUNK - MAGIC.len() + 1) as u64;
        }
    }

    /// Up to `len` bytes at `at`, none from `limit` on.
    fn bytes(&mut self, at: u64, len: usize, limit: u64) -> io::Result<&[u8]> {
        let len = len.min(usize::try_from(limit.saturating_sub(at)).unwrap_or(usize::MAX));
        let buffered = self.buffer_at..self.buffer_at + self.buffer.len() as u64;
        if at < buffered.start || at + len as u64 > buffered.end {
            self.fill(at, len.max(CHUNK), limit)?;
        }
        let from = (at - self.buffer_at) as usize;
        let to = (from + len).min(self.buffer.len());
        Ok(&self.buffer[from.min(to)..to])
    }

    fn fill(&mut self, at: u64, len: usize, limit: u64) -> io::Result<()> {
        let len = len.min(usize::try_from(limit.saturating_sub(at)).unwrap_or(usize::MAX));
        self.buffer.resize(len, 0);
        self.buffer_at = at;
        let mut read = 0;
        while read < len {
            match self
                .file
                .read_at(&mut self.buffer[read..], at + read as u64)
            {
                Ok(0) => break,
                Ok(n) => read += n,
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => {
                    self.buffer.clear();
                    return Err(cause);
                }
            }
        }
        self.buffer.truncate(read);
        Ok(())
    }
}

/// Records lost before a gap frame.
pub fn lost_in(found: &Found, payload: &[u8]) -> u64 {
    match (found.header.kind, payload.first_chunk::<8>()) {
        (Kind::Gap, Some(bytes)) => u64::from_le_bytes(*bytes),
        _ => 0,
    }
}
