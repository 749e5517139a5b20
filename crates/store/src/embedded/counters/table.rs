//! The memory of the table: buckets of sixteen slots, each bucket with one lock.
//!
//! A bucket is 512 bytes: first the sixteen heads (two cache lines next to each other,
//! so a search misses once), then three words for each slot. The lock is a bit in the
//! head of the first slot, taken by compare-and-swap and held for some 20 ns: only two
//! lanes at the same key, or a checkpoint at the same bucket, ever meet.
//! Memory is taken as zeros, so the system gives pages only as keys arrive.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicU64, Ordering};

use prefetch_index::prefetch_index;

use super::slot::{LOCK, Owner, is_used};

/// Slots of a bucket.
pub(super) const SLOTS: usize = 16;
/// Words of a bucket.
pub(super) const WORDS: usize = SLOTS * 4;
/// Slices of a table; each is written to its own checkpoint file.
pub(super) const SLICES: usize = 64;
/// Rounds of spinning before the processor is given to whoever holds the lock.
const SPINS: u32 = 64;

type Bucket = [AtomicU64; WORDS];

/// The words of all buckets.
#[derive(Debug)]
pub(super) struct Table {
    words: Vec<AtomicU64>,
    /// Words skipped so that buckets lie on 512-byte borders.
    skipped: usize,
    buckets: usize,
}

impl Table {
    /// A table of at least `slots` free slots.
    pub fn new(slots: usize) -> Self {
        let per_slice = slots.div_ceil(SLICES * SLOTS).max(1);
        // A bucket number has 32 bits.
        let buckets = per_slice.min(u32::MAX as usize / SLICES) * SLICES;
        // Zeros cost no memory until they are written; the map is a no-op in place.
        let words: Vec<AtomicU64> = vec![0_u64; (buckets + 1) * WORDS]
            .into_iter()
            .map(AtomicU64::new)
            .collect();
        let skipped = words.as_ptr().align_offset(WORDS * 8) % WORDS;
        Self {
            words,
            skipped,
            buckets,
        }
    }

    pub fn buckets(&self) -> usize {
        self.buckets
    }

    pub fn bytes(&self) -> u64 {
        self.words.len() as u64 * 8
    }

    /// The bucket of a hash: its upper 32 bits, scaled.
    pub fn bucket_of(&self, hash: u64) -> usize {
        (((hash >> 32) * self.buckets as u64) >> 32) as usize
    }

    pub fn slice_of(&self, bucket: usize) -> usize {
        bucket / (self.buckets / SLICES)
    }

    /// The buckets of a slice.
    pub fn slice(&self, slice: usize) -> std::ops::Range<usize> {
        let per_slice = self.buckets / SLICES;
        slice * per_slice..(slice + 1) * per_slice
    }

    fn bucket(&self, bucket: usize) -> &Bucket {
        let (buckets, _) = self.words[self.skipped..].as_chunks();
        &buckets[bucket]
    }

    /// Brings the heads of a bucket near, without a lock.
    pub fn touch_heads(&self, bucket: usize) {
        let words = self.bucket(bucket);
        prefetch_index(words, 0);
        prefetch_index(words, SLOTS / 2);
    }

    /// Brings the rest of a slot near; it may lie in two lines.
    pub fn touch_slot(&self, bucket: usize, slot: usize) {
        let words = self.bucket(bucket);
        let start = SLOTS + slot % SLOTS * 3;
        prefetch_index(words, start);
        prefetch_index(words, start + 2);
    }

    /// Searches a bucket without its lock: a guess, to be checked under the lock.
    pub fn find(&self, bucket: usize, owner: Owner) -> Option<usize> {
        find(self.bucket(bucket), |head| owner.owns(head))
    }

    /// Counts the heads of a bucket that are wanted, without its lock.
    pub fn count(&self, bucket: usize, wanted: impl Fn(u64) -> bool) -> u64 {
        let heads = self.bucket(bucket).iter().take(SLOTS);
        let wanted = heads.filter(|head| wanted(head.load(Ordering::Relaxed)));
        wanted.count() as u64
    }

    /// Takes a bucket's lock.
    pub fn lock(&self, bucket: usize) -> Locked<'_> {
        let words = self.bucket(bucket);
        let first = &words[0];
        let mut spins = 0;
        loop {
            let seen = first.load(Ordering::Relaxed) & !LOCK;
            let taken = first.compare_exchange_weak(
                seen,
                seen | LOCK,
                Ordering::Acquire,
                Ordering::Relaxed,
            );
            if taken.is_ok() {
                return Locked { words, first: seen };
            }
            spins += 1;
            if spins % SPINS == 0 {
                std::thread::yield_now();
            } else {
                spin_loop();
            }
        }
    }
}

/// The first slot whose head is wanted. Looks at all sixteen: a loop that stops early
/// is guessed wrong by the processor, which costs more.
fn find(words: &Bucket, wanted: impl Fn(u64) -> bool) -> Option<usize> {
    let mut found = 0;
    for (slot, head) in words[..SLOTS].iter().enumerate() {
        found |= u32::from(wanted(head.load(Ordering::Relaxed))) << slot;
    }
    (found != 0).then(|| found.trailing_zeros() as usize)
}

/// A bucket whose lock is held; dropped, it is free again.
pub(super) struct Locked<'a> {
    words: &'a Bucket,
    /// Head of the first slot, without the lock's bit.
    first: u64,
}

impl Locked<'_> {
    /// The slot of a counter.
    pub fn find(&self, owner: Owner) -> Option<usize> {
        find(self.words, |head| owner.owns(head))
    }

    /// A slot that was never used.
    pub fn free(&self) -> Option<usize> {
        find(self.words, |head| !is_used(head))
    }

    pub fn head(&self, slot: usize) -> u64 {
        match slot {
            0 => self.first,
            _ => self.words[slot].load(Ordering::Relaxed),
        }
    }

    pub fn rest(&self, slot: usize) -> [u64; 3] {
        let start = SLOTS + slot * 3;
        [0, 1, 2].map(|word| self.words[start + word].load(Ordering::Relaxed))
    }

    pub fn put(&mut self, slot: usize, head: u64, rest: [u64; 3]) {
        let head = head & !LOCK;
        match slot {
            0 => self.first = head,
            _ => self.words[slot].store(head, Ordering::Relaxed),
        }
        let start = SLOTS + slot * 3;
        for (word, value) in rest.into_iter().enumerate() {
            self.words[start + word].store(value, Ordering::Relaxed);
        }
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        self.words[0].store(self.first, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_lie_on_their_borders_and_cover_every_hash() {
        let table = Table::new(5000);
        assert!(table.buckets() * SLOTS >= 5000);
        let start = table.bucket(0).as_ptr();
        assert_eq!(start.align_offset(WORDS * 8), 0);
        assert_eq!(table.bucket_of(0), 0);
        assert_eq!(table.bucket_of(u64::MAX), table.buckets() - 1);
        assert_eq!(table.slice_of(table.buckets() - 1), SLICES - 1);
        assert_eq!(table.slice(SLICES - 1).end, table.buckets());
    }

    #[test]
    fn a_lock_keeps_the_head_it_lies_in() {
        let table = Table::new(1);
        table.lock(0).put(0, 7, [1, 2, 3]);
        let mut locked = table.lock(0);
        assert_eq!((locked.head(0), locked.rest(0)), (7, [1, 2, 3]));
        locked.put(15, 9, [4, 5, 6]);
        drop(locked);
        assert_eq!(table.lock(0).rest(15), [4, 5, 6]);
    }
}
