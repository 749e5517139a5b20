//! Sealing: records from the spool into Parquet files, each exactly once.
//!
//! Files are written under temporary names, fsynced, renamed, their folders fsynced; then one
//! manifest transaction takes their rows and the spool positions. A crash before it leaves files
//! that the next start deletes; after it, the spool is not read up to there again.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use assay_model::ports::LogPosition;
use assay_model::record::peek_frame;
use assay_model::{AccountId, EventId, IntegrationId, Timestamp};

use super::EventsError;
use super::file::{FileWriter, Written};
use super::manifest::Change;
use super::rows::{AT_ONCE, Decoded};
use super::store::EventStore;

/// Most days that one seal writes files for; older days beyond share the newest of theirs, so
/// that made-up event times cannot make a file each.
const MOST_DAYS: usize = 32;

/// Steps between which a crash test may stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealStep {
    /// Records are read from the spool.
    Read,
    /// A file is written and fsynced under its temporary name.
    Written,
    /// A file has its name.
    Renamed,
    /// Its folder is fsynced.
    FolderSynced,
    /// The manifest has taken files and positions.
    Committed,
}

impl SealStep {
    /// All steps, in order.
    pub const ALL: [Self; 5] = [
        Self::Read,
        Self::Written,
        Self::Renamed,
        Self::FolderSynced,
        Self::Committed,
    ];
}

/// What was sealed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sealed {
    /// Events that are in files now.
    pub events: u64,
    /// Files written.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Records that could not be decoded and were left out.
    pub unreadable: u64,
}

type FailPoint = Box<dyn Fn(SealStep) -> bool + Send>;

/// Moves events from spool to files; one thread runs it.
pub struct Sealer {
    store: EventStore,
    last: Option<Timestamp>,
    stop_after: Option<FailPoint>,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer")
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}

/// Records of a round, in one buffer.
#[derive(Default)]
struct Round {
    bytes: Vec<u8>,
    keys: Vec<Key>,
    positions: Vec<(u8, LogPosition)>,
    unreadable: u64,
}

/// Where a record goes, and where its bytes are.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    day: i64,
    account: AccountId,
    integration: IntegrationId,
    time: Timestamp,
    id: EventId,
    from: usize,
    to: usize,
}

impl Key {
    fn range(&self) -> Range<usize> {
        self.from..self.to
    }
}

impl Sealer {
    pub(super) fn new(store: EventStore) -> Self {
        Self {
            store,
            last: None,
            stop_after: None,
        }
    }

    /// Stops with [`EventsError::Stopped`], cleaning up nothing, after a step that `stop` picks.
    #[must_use]
    pub fn stopping(mut self, stop: impl Fn(SealStep) -> bool + Send + 'static) -> Self {
        self.stop_after = Some(Box::new(stop));
        self
    }

    /// Seals if enough has gathered or enough time has passed; call it every second or so.
    ///
    /// # Errors
    /// [`EventsError`]; nothing is lost, the next call tries again.
    pub fn seal_due(&mut self, now: Timestamp) -> Result<Sealed, EventsError> {
        let options = &self.store.0.options;
        let (by_size, every) = (options.seal_bytes, options.seal_ms);
        let last = *self.last.get_or_insert(now);
        if now.ms_since(last) < every && self.unsealed_bytes() < by_size {
            return Ok(Sealed::default());
        }
        let sealed = self.seal()?;
        self.last = Some(now);
        Ok(sealed)
    }

    /// Seals everything that is in the spool.
    ///
    /// # Errors
    /// As [`Self::seal_due`].
    pub fn seal(&mut self) -> Result<Sealed, EventsError> {
        let _alone = self.store.0.sealing();
        let spool = &self.store.0.spool;
        // Only what survives a power cut: else new events could come to stand at positions
        // that count as sealed.
        spool.flush()?;
        let ends: Vec<(u8, LogPosition)> = spool
            .lanes()
            .map(|lane| (lane, spool.synced(lane)))
            .collect();
        let mut total = Sealed::default();
        while let Some(round) = self.read(&ends)? {
            self.step(SealStep::Read)?;
            let sealed = self.write(round)?;
            total.events += sealed.events;
            total.files += sealed.files;
            total.bytes += sealed.bytes;
            total.unreadable += sealed.unreadable;
        }
        Ok(total)
    }

    /// Bytes of spool that are in no file yet.
    #[must_use]
    pub fn unsealed_bytes(&self) -> u64 {
        let inner = &self.store.0;
        let lanes = inner.spool.lanes().map(|lane| {
            let (from, to) = (inner.sealed(lane), inner.spool.written(lane));
            inner.spool.distance(from, to)
        });
        lanes.sum()
    }

    fn step(&self, step: SealStep) -> Result<(), EventsError> {
        match &self.stop_after {
            Some(stop) if stop(step) => Err(EventsError::Stopped(step)),
            _ => Ok(()),
        }
    }

    /// The next records, one lane after the other, as many as memory allows; `None` = all read.
    fn read(&self, ends: &[(u8, LogPosition)]) -> Result<Option<Round>, EventsError> {
        let inner = &self.store.0;
        // Twice what makes a seal due, so that what came meanwhile makes no tiny file.
        let most = (inner.options.seal_bytes as usize).saturating_mul(2);
        let mut round = Round::default();
        for (lane, end) in ends {
            let from = inner.sealed(*lane);
            let Some(mut reader) = inner.spool.reader(*lane, from) else {
                continue;
            };
            while round.bytes.len() < most && reader.position() < *end {
                match reader.next_batch()? {
                    Some(batch) if batch.end <= *end => {
                        for bytes in batch.records {
                            round.add(bytes);
                        }
                    }
                    _ => break,
                }
            }
            let to = reader.position().min(*end);
            if to > from {
                round.positions.push((*lane, to));
            }
        }
        Ok((!round.positions.is_empty()).then_some(round))
    }

    fn write(&self, mut round: Round) -> Result<Sealed, EventsError> {
        round.share_days();
        // The buffer is in spool order: what is equal stays so.
        round.keys.sort_unstable();
        let mut written = Vec::new();
        let result = self.write_days(&round, &mut written);
        match result {
            Ok(()) => {}
            // As a crash would: nothing is cleaned up.
            Err(stopped @ EventsError::Stopped(_)) => return Err(stopped),
            Err(error) => {
                written.iter().for_each(Written::remove);
                return Err(error);
            }
        }
        self.step(SealStep::Committed)?;
        let events = written.iter().map(|file| file.row.rows).sum();
        Ok(Sealed {
            events,
            files: written.len() as u64,
            bytes: written.iter().map(|file| file.row.bytes).sum(),
            unreadable: round.unreadable + round.keys.len() as u64 - events,
        })
    }

    fn write_days(&self, round: &Round, written: &mut Vec<Written>) -> Result<(), EventsError> {
        let inner = &self.store.0;
        for day in round.keys.chunk_by(|a, b| a.day == b.day) {
            let id = inner.next_file_id();
            let mut file = FileWriter::create(&inner.root, day[0].day, id, day.len() as u64)?;
            for keys in day.chunks(
                std::env::var("AT")
                    .ok()
                    .and_then(|t| t.parse().ok())
                    .unwrap_or(AT_ONCE),
            ) {
                let bytes = keys.iter().map(|key| &round.bytes[key.range()]);
                let events: Vec<_> = bytes.filter_map(Decoded::of).collect();
                file.extend(&events)?;
            }
            let file = file.finish()?;
            if file.row.rows == 0 {
                // Only records whose start could be read and no more.
                file.remove();
                continue;
            }
            written.push(file);
            self.step(SealStep::Written)?;
        }
        for file in &*written {
            file.rename()?;
            self.step(SealStep::Renamed)?;
            file.sync_folder()?;
            self.step(SealStep::FolderSynced)?;
        }
        let add: Vec<_> = written.iter().map(|file| file.row.clone()).collect();
        let change = Change {
            add: &add,
            positions: &round.positions,
            ..Change::default()
        };
        inner.apply(&mut inner.manifest(), &change)
    }
}

impl Round {
    fn add(&mut self, bytes: &[u8]) {
        let Ok(frame) = peek_frame(bytes) else {
            self.unreadable += 1;
            return;
        };
        let from = self.bytes.len();
        self.keys.push(Key {
            day: frame.time.utc_day(),
            account: frame.account,
            integration: frame.integration,
            time: frame.time,
            id: frame.event_id,
            from,
            to: from + bytes.len(),
        });
        self.bytes.extend_from_slice(bytes);
    }

    /// Puts the smallest days beyond [`MOST_DAYS`] together.
    fn share_days(&mut self) {
        let mut days: BTreeMap<i64, usize> = BTreeMap::new();
        for key in &self.keys {
            *days.entry(key.day).or_default() += 1;
        }
        if days.len() <= MOST_DAYS {
            return;
        }
        let mut by_rows: Vec<(usize, i64)> = days.into_iter().map(|(d, n)| (n, d)).collect();
        by_rows.sort_unstable();
        let count = by_rows.len() - MOST_DAYS + 1;
        let shared: Vec<i64> = by_rows[..count].iter().map(|(_, day)| *day).collect();
        let Some(newest) = shared.iter().max().copied() else {
            return;
        };
        for key in &mut self.keys {
            if shared.contains(&key.day) {
                key.day = newest;
            }
        }
    }
}
