//! All events in order of event time, in bounded memory.
//!
//! Files are sorted by account, integration and time, and overlap. So the times are counted
//! first, which are light, and cut into spans of some hundred thousand events; a span's records
//! are read from all row groups that reach into it, and sorted.

use std::ops::ControlFlow;

use assay_model::EventId;
use assay_model::ports::Visit;
use assay_model::record::peek_frame;

use super::{Group, Opened, Piece};
use crate::embedded::events::EventsError;
use crate::embedded::events::columns::{ACCOUNT, TIME};
use crate::embedded::events::mask::times;

/// Events of a span, unless more of them are in one cell of time.
const SPAN_EVENTS: u32 = 100_000;
/// Most cells that times are counted in.
const CELLS: i64 = 1 << 20;
/// The shortest cell.
const CELL_MS: i64 = 1000;

/// Hands over every event of the scan, ascending by time, then by id.
pub fn read(scan: &Opened, visit: &mut Visit<'_>) -> Result<(), EventsError> {
    let Some(histogram) = Histogram::of(scan)? else {
        return Ok(());
    };
    let mut span = Span::default();
    for (from, to) in histogram.spans() {
        span.gather(scan, from, to)?;
        if span.hand_over(visit).is_break() {
            return Ok(());
        }
    }
    Ok(())
}

/// How many events there are at which time.
struct Histogram {
    first: i64,
    cell_ms: i64,
    counts: Vec<u32>,
}

impl Histogram {
    /// `None` = there are no events.
    fn of(scan: &Opened) -> Result<Option<Self>, EventsError> {
        let Some((low, high)) = bounds(scan)? else {
            return Ok(None);
        };
        let cell_ms = ((high - low) / CELLS + 1).max(CELL_MS);
        let cells = usize::try_from((high - low) / cell_ms + 1).unwrap_or(1);
        let mut histogram = Self {
            first: low,
            cell_ms,
            counts: vec![0; cells],
        };
        each_time(scan, &mut |time| histogram.add(time))?;
        Ok(Some(histogram))
    }

    fn add(&mut self, time: i64) {
        let cell = usize::try_from((time - self.first) / self.cell_ms).unwrap_or(0);
        if let Some(count) = self.counts.get_mut(cell) {
            *count = count.saturating_add(1);
        }
    }

    /// Stretches of time that together have every event.
    fn spans(&self) -> Vec<(i64, i64)> {
        let mut spans = Vec::new();
        let at = |cell: usize| self.first.saturating_add(self.cell_ms * cell as i64);
        let (mut from, mut events) = (0, 0_u32);
        for (cell, count) in self.counts.iter().enumerate() {
            if events > 0 && events.saturating_add(*count) > SPAN_EVENTS {
                spans.push((at(from), at(cell)));
                (from, events) = (cell, 0);
            }
            events = events.saturating_add(*count);
        }
        spans.push((at(from), at(self.counts.len())));
        spans
    }
}

/// The earliest and latest time there is.
fn bounds(scan: &Opened) -> Result<Option<(i64, i64)>, EventsError> {
    let mut bounds: Option<(i64, i64)> = None;
    each_time(scan, &mut |time| {
        bounds = Some(bounds.map_or((time, time), |(low, high)| (low.min(time), high.max(time))));
    })?;
    Ok(bounds)
}

/// The times of all events that are not filtered out by more than account and time.
fn each_time(scan: &Opened, each: &mut dyn FnMut(i64)) -> Result<(), EventsError> {
    for group in &scan.groups {
        each_time_of(scan, group, each)?;
    }
    let mut of_batch = |batch: &arrow_array::RecordBatch| {
        let wanted = scan.mask(batch, scan.from, scan.to)?;
        for (time, wanted) in times(batch, TIME)?.iter().zip(wanted) {
            if wanted {
                each(*time);
            }
        }
        Ok(())
    };
    scan.snapshot.for_each_unsealed(&mut of_batch)
}

fn each_time_of(
    scan: &Opened,
    group: &Group,
    each: &mut dyn FnMut(i64),
) -> Result<(), EventsError> {
    let filters = scan.filters().filter_map(|filter| filter.column());
    let columns = filters.chain([ACCOUNT, TIME]);
    let Some(batch) = group.footer.read_whole(group.group, columns)? else {
        return Ok(());
    };
    let wanted = scan.mask(&batch, scan.from, scan.to)?;
    for (time, wanted) in times(&batch, TIME)?.iter().zip(wanted) {
        if wanted {
            each(*time);
        }
    }
    Ok(())
}

/// The records of a span: their bytes one after the other, and where each is.
#[derive(Default)]
struct Span {
    bytes: Vec<u8>,
    places: Vec<(i64, EventId, usize, usize)>,
}

impl Span {
    fn gather(&mut self, scan: &Opened, from: i64, to: i64) -> Result<(), EventsError> {
        self.bytes.clear();
        self.places.clear();
        let (from, to) = (from.max(scan.from), to.min(scan.to));
        for piece in scan.pieces() {
            if let Piece::Group(at) = piece {
                let (low, high) = scan.groups[at].times;
                if high < from || low >= to {
                    continue;
                }
            }
            let _ = scan.read(piece, (from, to), &mut |record| {
                self.add(record);
                ControlFlow::Continue(())
            })?;
        }
        self.places.sort_unstable();
        Ok(())
    }

    fn add(&mut self, record: &[u8]) {
        // What cannot be decoded is handed over too: who replays counts it.
        let (time, id) = match peek_frame(record) {
            Ok(frame) => (frame.time.0, frame.event_id),
            Err(_) => (i64::MIN, EventId([0; 10])),
        };
        let from = self.bytes.len();
        self.bytes.extend_from_slice(record);
        self.places.push((time, id, from, self.bytes.len()));
    }

    fn hand_over(&self, visit: &mut Visit<'_>) -> ControlFlow<()> {
        for (_, _, from, to) in &self.places {
            visit(&self.bytes[*from..*to])?;
        }
        ControlFlow::Continue(())
    }
}
