//! Clicks that are in no file yet: where in the spool they are.
//!
//! In chunks by spool position, so that what a seal has taken is dropped without looking at it.

use std::collections::{BTreeMap, VecDeque};

use assay_model::Timestamp;
use assay_model::ports::LogPosition;
use hashbrown::HashTable;

/// Entries of a chunk.
const CHUNK: usize = 65_536;
/// Most entries: at 20,000 clicks a second a hundred seconds behind a stuck seal, some 200 MB.
/// Beyond, the indexer waits: then look-ups say that they could not look.
const MOST: usize = 4_000_000;

/// Where an unsealed click is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spooled {
    /// Hash of what it is found by.
    pub hash: u64,
    /// No click but an impression.
    pub impression: bool,
    /// Its own time.
    pub time: Timestamp,
    /// Where the batch that it is in begins.
    pub from: LogPosition,
    /// Which record of the batch.
    pub nth: u32,
}

#[derive(Debug, Default)]
struct Chunk {
    entries: HashTable<Spooled>,
    end: LogPosition,
}

#[derive(Debug, Default)]
struct Lane {
    chunks: VecDeque<Chunk>,
    indexed: LogPosition,
}

/// All lanes.
#[derive(Debug, Default)]
pub struct Recent {
    lanes: BTreeMap<u8, Lane>,
}

impl Recent {
    /// Whether there is no room for more.
    pub fn is_full(&self) -> bool {
        self.len() >= MOST
    }

    /// Entries in all.
    pub fn len(&self) -> usize {
        let chunks = self.lanes.values().flat_map(|lane| &lane.chunks);
        chunks.map(|chunk| chunk.entries.len()).sum()
    }

    /// Adds what was found in a lane up to `end`.
    pub fn add(&mut self, lane: u8, found: &[Spooled], end: LogPosition) {
        let lane = self.lanes.entry(lane).or_default();
        lane.indexed = end;
        if found.is_empty() {
            return;
        }
        if lane
            .chunks
            .back()
            .is_none_or(|chunk| chunk.entries.len() >= CHUNK)
        {
            lane.chunks.push_back(Chunk::default());
        }
        if let Some(chunk) = lane.chunks.back_mut() {
            for entry in found {
                chunk.add(*entry);
            }
            chunk.end = end;
        }
    }

    /// How far a lane is indexed.
    pub fn indexed(&self, lane: u8) -> LogPosition {
        self.lanes
            .get(&lane)
            .map_or_else(LogPosition::default, |lane| lane.indexed)
    }

    /// Drops what is in files.
    pub fn forget(&mut self, lane: u8, sealed: LogPosition) {
        if let Some(lane) = self.lanes.get_mut(&lane) {
            while lane.chunks.front().is_some_and(|chunk| chunk.end <= sealed) {
                lane.chunks.pop_front();
            }
        }
    }

    /// Entries of a hash: clicks first, then the newest first.
    pub fn find(&self, hash: u64) -> Vec<(u8, Spooled)> {
        let mut found = Vec::new();
        for (number, lane) in &self.lanes {
            for chunk in &lane.chunks {
                let entries = chunk.entries.iter_hash(hash);
                found.extend(entries.filter(|e| e.hash == hash).map(|e| (*number, *e)));
            }
        }
        found.sort_by_key(|(_, entry)| (entry.impression, std::cmp::Reverse(entry.time)));
        found
    }
}

impl Chunk {
    /// Of a hash only the newest click and the newest impression are kept: however often an id
    /// comes, it takes the same room.
    fn add(&mut self, entry: Spooled) {
        let same = |old: &Spooled| old.hash == entry.hash && old.impression == entry.impression;
        match self.entries.find_mut(entry.hash, same) {
            Some(old) if old.time <= entry.time => *old = entry,
            Some(_) => {}
            None => {
                self.entries.insert_unique(entry.hash, entry, |e| e.hash);
            }
        }
    }
}
