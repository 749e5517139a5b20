//! A log position as one word, so that lanes and readers share it without a lock.

use std::sync::atomic::{AtomicU64, Ordering};

use assay_model::ports::LogPosition;

/// Bits of the offset: segments of at most 256 MiB.
const OFFSET_BITS: u32 = 28;

/// Largest segment that positions can point into.
pub const MAX_SEGMENT_BYTES: u64 = (1 << OFFSET_BITS) - 1;

/// Packs a position so that order is kept.
#[must_use]
pub const fn pack(position: LogPosition) -> u64 {
    (position.segment << OFFSET_BITS) | (position.offset & MAX_SEGMENT_BYTES)
}

/// The position that was packed.
#[must_use]
pub const fn unpack(word: u64) -> LogPosition {
    LogPosition {
        segment: word >> OFFSET_BITS,
        offset: word & MAX_SEGMENT_BYTES,
    }
}

/// A position that one thread moves forward and others read.
#[derive(Debug, Default)]
pub struct SharedPosition(AtomicU64);

impl SharedPosition {
    /// Starts at `position`.
    pub fn at(position: LogPosition) -> Self {
        Self(AtomicU64::new(pack(position)))
    }

    /// Publishes `position`; what was written before is visible to who reads it.
    pub fn set(&self, position: LogPosition) {
        self.0.store(pack(position), Ordering::Release);
    }

    /// Moves forward to `position`, never back.
    pub fn raise(&self, position: LogPosition) {
        self.0.fetch_max(pack(position), Ordering::AcqRel);
    }

    /// The position now.
    pub fn get(&self) -> LogPosition {
        unpack(self.0.load(Ordering::Acquire))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_survives_packing() {
        let at = |segment, offset| LogPosition { segment, offset };
        let positions = [
            at(0, 0),
            at(1, 0),
            at(1, MAX_SEGMENT_BYTES),
            at(2, 1),
            at(1 << 35, 9),
        ];
        for pair in positions.windows(2) {
            assert!(pack(pair[0]) < pack(pair[1]));
        }
        for position in positions {
            assert_eq!(unpack(pack(position)), position);
        }
    }
}
