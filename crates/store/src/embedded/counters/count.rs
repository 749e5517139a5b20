//! Counting sights of a key: five times exactly, then eight parts of the window.
//!
//! Duplicates decide at small numbers, so those are exact. In parts, only whole parts
//! leave the window, so up to an eighth of it is missing: `span_s` says what is covered.
//! Nothing older than the window is ever counted.

use assay_model::recall::Reading;

use super::slot::{Slot, State};
use super::time::{Tick, Window, gap_ms};

/// Parts of a ring.
const PARTS: i64 = 8;
/// A part's count stops here: 20 bits.
const PART_MAX: u32 = (1 << 20) - 1;

/// The slot and the reading of a key seen for the first time.
pub(super) fn first(at: Tick) -> (Slot, Reading) {
    let newest = at.stored();
    let slot = Slot {
        state: State::Times,
        old: false,
        newest,
        cells: [newest, 0, 0, 0, 0],
    };
    (slot, alone())
}

/// An event that stands for itself only.
fn alone() -> Reading {
    Reading {
        count: 1,
        span_s: 0,
        gap_ms: None,
    }
}

/// Counts an event and says what the key has seen.
pub(super) fn bump(slot: &mut Slot, at: Tick, window: Window) -> Reading {
    let before = at.near(slot.newest);
    if at.is_ghost(before) {
        let (fresh, reading) = first(at);
        *slot = fresh;
        return reading;
    }
    if !window.holds(before, at) {
        // Older than the window: it is for reports only.
        return alone();
    }
    let newest = before.max(at);
    let (count, span_s) = match slot.state {
        State::Ring => in_parts(slot, before, at, window),
        _ => exactly(slot, newest, at, window),
    };
    slot.newest = newest.stored();
    Reading {
        count,
        span_s,
        gap_ms: Some(gap_ms(at, before)),
    }
}

fn exactly(slot: &mut Slot, newest: Tick, at: Tick, window: Window) -> (u32, u32) {
    let mut kept = [0; 5];
    let mut count = 0;
    let mut oldest = at;
    for stored in slot.cells.into_iter().filter(|&stored| stored != 0) {
        let time = newest.near(stored);
        if window.holds(newest, time) {
            kept[count] = stored;
            count += 1;
            oldest = oldest.min(time);
        } else {
            slot.old = true;
        }
    }
    if count == kept.len() {
        return into_parts(slot, newest, at, window);
    }
    kept[count] = at.stored();
    slot.cells = kept;
    let span_s = match slot.old {
        true => window.whole_s(),
        false => window.span(oldest, newest),
    };
    (count as u32 + 1, span_s)
}

/// The sixth sight within the window: from here on parts are counted.
fn into_parts(slot: &mut Slot, newest: Tick, at: Tick, window: Window) -> (u32, u32) {
    let head = window.part(newest, PARTS);
    let mut ring = Ring([0; 8]);
    let times = slot.cells.map(|stored| newest.near(stored));
    for time in times.into_iter().chain([at]) {
        if !ring.add(head, window.part(time, PARTS)) {
            slot.old = true;
        }
    }
    slot.state = State::Ring;
    slot.cells = ring.pack();
    ring.reading(head, newest, window, slot.old)
}

fn in_parts(slot: &mut Slot, before: Tick, at: Tick, window: Window) -> (u32, u32) {
    let mut ring = Ring::unpack(slot.cells);
    let newest = before.max(at);
    let head = window.part(newest, PARTS);
    slot.old |= ring.turn(window.part(before, PARTS), head);
    if ring.0 == [0; 8] {
        // Nothing is left of what was: exact again.
        let (fresh, _) = first(at);
        *slot = Slot { old: true, ..fresh };
        return (1, window.whole_s());
    }
    ring.add(head, window.part(at, PARTS));
    slot.cells = ring.pack();
    ring.reading(head, newest, window, slot.old)
}

/// Counts of eight parts; a part lies at its number modulo eight.
struct Ring([u32; 8]);

impl Ring {
    /// Cell 0 holds the upper four bits of each part, the others the lower sixteen.
    fn unpack(cells: [u32; 5]) -> Self {
        let mut parts = [0; 8];
        for (at, part) in parts.iter_mut().enumerate() {
            let low = cells[1 + at / 2] >> (16 * (at % 2)) & 0xffff;
            let high = cells[0] >> (4 * at) & 0xf;
            *part = high << 16 | low;
        }
        Self(parts)
    }

    fn pack(&self) -> [u32; 5] {
        let mut cells = [0; 5];
        for (at, part) in self.0.iter().enumerate() {
            cells[1 + at / 2] |= (part & 0xffff) << (16 * (at % 2));
            cells[0] |= (part >> 16) << (4 * at);
        }
        cells
    }

    /// Counts an event in its part; false when that part has left the ring.
    fn add(&mut self, head: i64, part: i64) -> bool {
        if head - part >= PARTS {
            return false;
        }
        let count = self.at(part);
        *count = (*count + 1).min(PART_MAX);
        true
    }

    /// Moves from one newest part to a later one; true when counts were left behind.
    fn turn(&mut self, from: i64, to: i64) -> bool {
        let mut left = false;
        for step in 1..=(to - from).min(PARTS) {
            left |= std::mem::take(self.at(from + step)) > 0;
        }
        left
    }

    fn at(&mut self, part: i64) -> &mut u32 {
        &mut self.0[part.rem_euclid(PARTS) as usize]
    }

    fn reading(&mut self, head: i64, newest: Tick, window: Window, old: bool) -> (u32, u32) {
        let count = self.0.iter().sum();
        let mut start = head - (PARTS - 1);
        if !old {
            // A young key is covered since its first sight: its oldest part has counts.
            while start < head && *self.at(start) == 0 {
                start += 1;
            }
        }
        (count, window.span_from_part(start, PARTS, newest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_packs_into_160_bits() {
        let ring = Ring([0, 1, PART_MAX, 0x1_2345, 7, PART_MAX, 0xffff, 0x1_0000]);
        assert_eq!(Ring::unpack(ring.pack()).0, ring.0);
    }

    #[test]
    fn a_part_saturates() {
        let mut ring = Ring([PART_MAX; 8]);
        assert!(ring.add(0, 0));
        assert_eq!(ring.0[0], PART_MAX);
    }

    #[test]
    fn an_idle_ring_becomes_exact_again() {
        let window = Window::of_s(60);
        let (mut slot, _) = first(Tick(1_000_000));
        for step in 1..10 {
            bump(&mut slot, Tick(1_000_000 + step), window);
        }
        assert_eq!(slot.state, State::Ring);
        let reading = bump(&mut slot, Tick(1_100_000), window);
        assert_eq!((reading.count, reading.span_s), (1, 60));
        assert_eq!(slot.state, State::Times);
    }

    #[test]
    fn a_slot_from_before_the_wrap_starts_anew() {
        let window = Window::of_s(60);
        let (mut slot, _) = first(Tick(1 << 33));
        let later = Tick((1 << 33) + (1 << 31) + 5);
        let reading = bump(&mut slot, later, window);
        assert_eq!((reading.count, reading.gap_ms), (1, None));
    }
}
