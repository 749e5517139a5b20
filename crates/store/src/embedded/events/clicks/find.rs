//! Look-ups: memory first, then the sidecars, and the record decides.

use std::cmp::Reverse;

use assay_model::ports::{ClickRow, Lookup, StoredEvent};
use assay_model::record::{Frame, peek_external_id};
use assay_model::{AccountId, EventId, EventKind, IntegrationId, Timestamp};

use super::super::EventsError;
use super::super::snapshot::StoredFile;
use super::super::store::EventStore;
use super::keys;
use super::recent::Spooled;
use super::sidecar::{Place, Sidecar};

/// How often a look-up begins again when its click moved from spool to file meanwhile.
const ATTEMPTS: usize = 3;

/// What is looked for.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// Our own id.
    Own(AccountId, EventId),
    /// A caller's id, from a moment on.
    External(AccountId, IntegrationId, String, Timestamp),
}

impl Wanted {
    fn hash(&self) -> u64 {
        match self {
            Self::Own(account, id) => keys::own(*account, *id),
            Self::External(account, integration, id, _) => {
                keys::external(*account, *integration, id)
            }
        }
    }

    fn is(&self, frame: &Frame, external_id: &str) -> bool {
        let (account, fits) = match self {
            Self::Own(account, id) => (*account, frame.event_id == *id),
            Self::External(account, integration, id, _) => (
                *account,
                frame.integration == *integration && external_id == id,
            ),
        };
        frame.account == account && fits && keys::is_indexed(frame.event)
    }

    fn is_too_old(&self, time: Timestamp) -> bool {
        matches!(self, Self::External(_, _, _, since) if time < *since)
    }

    fn may_be_in(&self, file: &StoredFile) -> bool {
        let row = &file.row;
        match self {
            Self::Own(account, id) => (row.ids.0..=row.ids.1).contains(id) && row.has(*account),
            Self::External(account, _, _, since) => row.time.1 >= *since && row.has(*account),
        }
    }
}

/// The click.
pub fn find(store: &EventStore, wanted: &Wanted) -> Result<Lookup, EventsError> {
    for _ in 0..ATTEMPTS {
        let mut best = Best::default();
        let whole = in_spool(store, wanted, &mut best)?;
        if !(matches!(wanted, Wanted::Own(..)) && best.found.is_some()) {
            in_files(store, wanted, &mut best)?;
        }
        if whole || best.found.is_some() {
            return Ok(best.into());
        }
    }
    Err(EventsError::Moved)
}

/// The best so far: a click before an impression, then the newest.
#[derive(Default)]
struct Best {
    found: Option<(Rank, Vec<u8>)>,
}

/// Clicks above impressions, newer above older.
type Rank = (Reverse<bool>, Timestamp, EventId);

fn rank(frame: &Frame) -> Rank {
    let impression = frame.event == EventKind::Impression;
    (Reverse(impression), frame.time, frame.event_id)
}

impl Best {
    /// Takes a record that fits, unless there is a better one; false = it has another id.
    fn offer(&mut self, wanted: &Wanted, bytes: &[u8]) -> bool {
        let Ok((frame, external_id)) = peek_external_id(bytes) else {
            return false;
        };
        if !wanted.is(&frame, external_id) {
            return false;
        }
        let rank = rank(&frame);
        let better = self.found.as_ref().is_none_or(|(best, _)| *best < rank);
        if better && !wanted.is_too_old(frame.time) {
            self.found = Some((rank, bytes.to_vec()));
        }
        true
    }

    /// Whether something that is not newer than `newest` could still be better.
    fn could_be_better(&self, impression: bool, newest: Timestamp) -> bool {
        let best = self.found.as_ref();
        best.is_none_or(|((of, time, _), _)| (Reverse(impression), newest) >= (*of, *time))
    }
}

impl From<Best> for Lookup {
    fn from(best: Best) -> Self {
        match best.found {
            None => Self::NotFound,
            Some(((Reverse(impression), _, _), bytes)) => Self::Found(Box::new(ClickRow {
                kind: match impression {
                    true => EventKind::Impression,
                    false => EventKind::Click,
                },
                event: StoredEvent(bytes),
            })),
        }
    }
}

/// Looks at unsealed clicks; false = one that is in no file could not be read.
fn in_spool(store: &EventStore, wanted: &Wanted, best: &mut Best) -> Result<bool, EventsError> {
    let mut whole = true;
    let entries = store.0.clicks.recent().find(wanted.hash());
    for (lane, entry) in entries {
        if !best.could_be_better(entry.impression, entry.time) {
            continue;
        }
        match read(store, lane, &entry)? {
            Some(bytes) => _ = best.offer(wanted, &bytes),
            // Only what is sealed is ever released: then a file has it.
            None => whole &= store.sealed(lane) > entry.from,
        }
    }
    Ok(whole)
}

fn read(store: &EventStore, lane: u8, entry: &Spooled) -> Result<Option<Vec<u8>>, EventsError> {
    let Some(mut reader) = store.0.spool.reader(lane, entry.from) else {
        return Ok(None);
    };
    let Some(mut batch) = reader.next_batch()? else {
        return Ok(None);
    };
    let record = batch.records.nth(entry.nth as usize);
    // Where a released segment was, the reader finds the next one: then this is another event.
    let same = |bytes: &&[u8]| {
        peek_external_id(bytes).is_ok_and(|(frame, external_id)| {
            keys::own(frame.account, frame.event_id) == entry.hash
                || keys::external(frame.account, frame.integration, external_id) == entry.hash
        })
    };
    Ok(record.filter(same).map(<[u8]>::to_vec))
}

/// Looks at sidecars, the newest first.
fn in_files(store: &EventStore, wanted: &Wanted, best: &mut Best) -> Result<(), EventsError> {
    let mut files = store.0.files();
    files.retain(|file| wanted.may_be_in(file));
    files.sort_unstable_by_key(|file| Reverse(file.row.time.1));
    for file in files {
        // A click anywhere is better than an impression here.
        if best.could_be_better(false, file.row.time.1) {
            in_file(store, &file, wanted, best)?;
        }
    }
    Ok(())
}

fn in_file(
    store: &EventStore,
    file: &StoredFile,
    wanted: &Wanted,
    best: &mut Best,
) -> Result<(), EventsError> {
    let places = places(store, file, wanted).inspect_err(|_| {
        store.0.clicks.broken().insert(file.row.id);
    })?;
    let mut done = [false; 2];
    for place in places {
        let kind = usize::from(place.is_impression());
        // The first of its kind with this id is the newest one.
        if done[kind] || !best.could_be_better(place.is_impression(), file.row.time.1) {
            continue;
        }
        done[kind] = best.offer(wanted, &record(store, file, place)?);
    }
    Ok(())
}

fn places(
    store: &EventStore,
    file: &StoredFile,
    wanted: &Wanted,
) -> Result<Vec<Place>, EventsError> {
    match file.row.clicks {
        None => return Err(EventsError::Sidecar("is not made yet")),
        Some(0) => return Ok(Vec::new()),
        Some(_) => {}
    }
    let open = || Sidecar::open(&super::path_of(&file.path));
    let sidecar = store.0.clicks.sidecars.of(file.row.id, open)?;
    match wanted {
        Wanted::Own(..) => sidecar.own(wanted.hash()),
        Wanted::External(..) => sidecar.external(wanted.hash()),
    }
}

fn record(store: &EventStore, file: &StoredFile, place: Place) -> Result<Vec<u8>, EventsError> {
    let footer = store.footers().of(file)?;
    let mut row = place.row();
    for group in 0..footer.row_groups() {
        let rows = footer.rows(group);
        if row < rows {
            let mut records = footer.records(group, &[row])?;
            return records.pop().ok_or(EventsError::Sidecar("names no row"));
        }
        row -= rows;
    }
    Err(EventsError::Sidecar("names no row"))
}
