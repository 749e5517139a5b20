//! Frames: how one `write()` looks in a segment.
//!
//! ```text
//! magic u32 | payload length u32 | records u32 | crc32c of payload u32 | crc32c of the header u32 | payload
//! ```
//! All little-endian. Both checksums start from a seed that is random per segment, so bytes of a
//! record (which a visitor chooses) cannot pass for a frame when damage makes a reader search.

/// Bytes of a frame header.
pub const HEADER: usize = 20;
/// What every frame starts with; the fourth byte is the kind.
pub const MAGIC: [u8; 3] = [0xa5, b'L', b'G'];

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Records.
    Batch,
    /// How many records were lost before it (`u64`), because the log was full or failed.
    Gap,
}

impl Kind {
    const fn code(self) -> u8 {
        match self {
            Self::Batch => b'B',
            Self::Gap => b'G',
        }
    }

    const fn from_code(code: u8) -> Option<Self> {
        match code {
            b'B' => Some(Self::Batch),
            b'G' => Some(Self::Gap),
            _ => None,
        }
    }
}

/// A frame's header, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the payload is.
    pub kind: Kind,
    /// Length of the payload.
    pub len: u32,
    /// Records in it.
    pub records: u32,
    /// Checksum of the payload.
    pub crc: u32,
}

impl Header {
    /// The header of a frame around `payload`.
    pub fn of(kind: Kind, payload: &[u8], records: u32, seed: u32) -> Self {
        Self {
            kind,
            len: payload.len() as u32,
            records,
            crc: crc32c::crc32c_append(seed, payload),
        }
    }

    /// The header's bytes.
    pub fn bytes(&self, seed: u32) -> [u8; HEADER] {
        let mut out = [0; HEADER];
        out[..3].copy_from_slice(&MAGIC);
        out[3] = self.kind.code();
        out[4..8].copy_from_slice(&self.len.to_le_bytes());
        out[8..12].copy_from_slice(&self.records.to_le_bytes());
        out[12..16].copy_from_slice(&self.crc.to_le_bytes());
        let own = crc32c::crc32c_append(seed, &out[..16]);
        out[16..].copy_from_slice(&own.to_le_bytes());
        out
    }

    /// Reads a header; `None` when the bytes are none.
    pub fn read(bytes: &[u8], seed: u32) -> Option<Self> {
        let bytes: &[u8; HEADER] = bytes.get(..HEADER)?.try_into().ok()?;
        if bytes[..3] != MAGIC {
            return None;
        }
        let word = |at: usize| {
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        if word(16) != crc32c::crc32c_append(seed, &bytes[..16]) {
            return None;
        }
        Some(Self {
            kind: Kind::from_code(bytes[3])?,
            len: word(4),
            records: word(8),
            crc: word(12),
        })
    }

    /// Whether `payload` is what was written.
    pub fn fits(&self, payload: &[u8], seed: u32) -> bool {
        crc32c::crc32c_append(seed, payload) == self.crc
    }
}

/// The records of a batch: each a `u32` little-endian length and its bytes.
#[derive(Clone, Debug)]
pub struct Records<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Records<'a> {
    type Item = &'a [u8];

    /// A length that points past the batch ends it: the writer was wrong, not the disk.
    fn next(&mut self) -> Option<&'a [u8]> {
        let (len, rest) = self.0.split_first_chunk::<4>()?;
        let (record, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        self.0 = rest;
        Some(record)
    }
}
