//! Counting sights of a key: five times exactly, then eight parts of the window.
//!
//! Duplicates decide at small numbers, so those are exact. In parts, only whole parts
//! leave the window, so up to an eighth of it is missing: `span_s` says what is covered.
//! Nothing older than the window is ever counted.

use assay_model::recall::Reading;

use super::slot::{Slot, State};
use super::time::{Moment, Tick, gap_ms};

/// Parts of a ring.
pub(super) const PARTS: i64 = 8;
/// A part's count stops here: 20 bits.
const PART_MAX: u32 = (1 << 20) - 1;

/// The slot and the reading of a key seen for the first time.
pub(super) fn first(at: Tick) -> (Slot, Reading) {
    let newest = at.stored();
    let slot = Slot {
        state: State::Times,
        old: false,
        newest,
        first: newest,
        rest: [0, 0],
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
#[inline]
pub(super) fn bump(slot: &mut Slot, now: &Moment) -> Reading {
    let at = now.at;
    let before = at.near(slot.newest);
    if !now.window.holds(before, at) {
        if at.is_ghost(before) {
            let (fresh, reading) = first(at);
            *slot = fresh;
            return reading;
        }
        // Older than the window: it is for reports only.
        return alone();
    }
    let newest = before.max(at);
    let (count, span_s) = match slot.state {
        State::Ring => in_parts(slot, before, newest, now),
        _ => exactly(slot, newest, now),
    };
    slot.newest = newest.stored();
    Reading {
        count,
        span_s,
        gap_ms: Some(gap_ms(at, before)),
    }
}

/// Times lie in the first cells, so what is used is a count.
#[inline]
fn exactly(slot: &mut Slot, newest: Tick, now: &Moment) -> (u32, u32) {
    let mut used = 0;
    let mut held = 0;
    let mut oldest = now.at.0;
    for stored in slot.cells() {
        let time = newest.near(stored);
        let is_held = stored != 0 && now.window.holds(newest, time);
        used += u32::from(stored != 0);
        held += u32::from(is_held);
        oldest = if is_held { oldest.min(time.0) } else { oldest };
    }
    if held < used {
        slot.old = true;
        slot.set_cells(without_old(slot.cells(), newest, now));
    }
    let stored = now.at.stored();
    let wide = u64::from(stored);
    match held {
        0 => slot.first = stored,
        1 => slot.rest[0] |= wide,
        2 => slot.rest[0] |= wide << 32,
        3 => slot.rest[1] |= wide,
        4 => slot.rest[1] |= wide << 32,
        _ => return into_parts(slot, newest, now),
    }
    let span_s = match slot.old {
        true => now.window.whole_s(),
        false => now.window.span_of_ms(newest.ms_since(Tick(oldest))),
    };
    (held + 1, span_s)
}

/// The times that are still in the window, in the first cells.
fn without_old(cells: [u32; 5], newest: Tick, now: &Moment) -> [u32; 5] {
    let is_held = |stored: &u32| *stored != 0 && now.window.holds(newest, newest.near(*stored));
    let mut kept = [0; 5];
    for (to, from) in kept.iter_mut().zip(cells.into_iter().filter(is_held)) {
        *to = from;
    }
    kept
}

/// The sixth sight within the window: from here on parts are counted.
fn into_parts(slot: &mut Slot, newest: Tick, now: &Moment) -> (u32, u32) {
    let head = now.part_of(newest);
    let mut ring = Ring::default();
    let times = slot.cells().map(|stored| newest.near(stored));
    for time in times.into_iter().chain([now.at]) {
        if !ring.add(head, now.part_of(time)) {
            slot.old = true;
        }
    }
    slot.state = State::Ring;
    ring.put_into(slot);
    ring.reading(head, newest, now, slot.old)
}

#[inline]
fn in_parts(slot: &mut Slot, before: Tick, newest: Tick, now: &Moment) -> (u32, u32) {
    let mut ring = Ring {
        high: slot.first,
        low: slot.rest.into(),
    };
    let from = now.part_of(before);
    let head = from.max(now.part);
    if head > from {
        slot.old |= ring.turn(from, head);
        if ring == Ring::default() {
            // Nothing is left of what was: exact again.
            let (fresh, _) = first(now.at);
            *slot = Slot { old: true, ..fresh };
            return (1, now.window.whole_s());
        }
    }
    ring.add(head, now.part);
    ring.put_into(slot);
    ring.reading(head, newest, now, slot.old)
}

/// Counts of eight parts of 20 bits; a part lies at its number modulo eight.
///
/// The upper four bits of all parts are in one word, the lower sixteen in two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ring {
    high: u32,
    /// Parts 0 to 3, and 4 to 7. No array: an index known only at run time would send
    /// the words through memory, which costs more than the rest.
    low: (u64, u64),
}

impl Ring {
    fn put_into(self, slot: &mut Slot) {
        slot.first = self.high;
        slot.rest = self.low.into();
    }

    #[inline]
    fn get(&self, part: i64) -> u32 {
        let at = part.rem_euclid(PARTS) as usize;
        let word = if at < 4 { self.low.0 } else { self.low.1 };
        let low = (word >> (16 * (at % 4))) as u32 & 0xffff;
        let high = (self.high >> (4 * at)) & 0xf;
        high << 16 | low
    }

    #[inline]
    fn set(&mut self, part: i64, count: u32) {
        let at = part.rem_euclid(PARTS) as usize;
        let (low, high) = (16 * (at % 4), 4 * at);
        let (clear, put) = (0xffff_u64 << low, u64::from(count & 0xffff) << low);
        let (first, second) = self.low;
        self.low = match at < 4 {
            true => (first & !clear | put, second),
            false => (first, second & !clear | put),
        };
        self.high = self.high & !(0xf << high) | (count >> 16) << high;
    }

    /// All parts together, worked out side by side.
    #[inline]
    fn sum(&self) -> u32 {
        let halves = |word: u64| (word & 0xffff_0000_ffff) + (word >> 16 & 0xffff_0000_ffff);
        let low = halves(self.low.0) + halves(self.low.1);
        let high = (self.high & 0x0f0f_0f0f) + (self.high >> 4 & 0x0f0f_0f0f);
        low as u32 + (low >> 32) as u32 + ((high.wrapping_mul(0x0101_0101) >> 24) << 16)
    }

    /// Counts an event in its part; false when that part has left the ring.
    fn add(&mut self, head: i64, part: i64) -> bool {
        if head - part >= PARTS {
            return false;
        }
        self.set(part, (self.get(part) + 1).min(PART_MAX));
        true
    }

    /// Moves from one newest part to a later one; true when counts were left behind.
    fn turn(&mut self, from: i64, to: i64) -> bool {
        let mut left = false;
        for part in (from + 1..=to).take(PARTS as usize) {
            left |= self.get(part) > 0;
            self.set(part, 0);
        }
        left
    }

    #[inline]
    fn reading(&self, head: i64, newest: Tick, now: &Moment, old: bool) -> (u32, u32) {
        let mut start = head - (PARTS - 1);
        if !old {
            // A young key is covered since its first sight: its oldest part has counts.
            while start < head && self.get(start) == 0 {
                start += 1;
            }
        }
        (self.sum(), now.span_from_part(start, newest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedded::counters::time::Window;

    fn at(tick: i64) -> Moment {
        Moment::new(Tick(tick), Window::of_s(60), PARTS)
    }

    #[test]
    fn a_ring_keeps_eight_counts_of_20_bits() {
        let mut ring = Ring::default();
        let counts = [0, 1, PART_MAX, 0x1_2345, 7, PART_MAX, 0xffff, 0x1_0000];
        for (part, count) in counts.into_iter().enumerate() {
            ring.set(part as i64 - 8, count);
        }
        for (part, count) in counts.into_iter().enumerate() {
            assert_eq!(ring.get(part as i64), count);
        }
        assert_eq!(ring.sum(), counts.iter().sum::<u32>());
        assert!(ring.add(5, 5));
        assert_eq!(ring.get(5), PART_MAX);
    }

    #[test]
    fn an_idle_ring_becomes_exact_again() {
        let (mut slot, _) = first(Tick(1_000_000));
        for step in 1..10 {
            bump(&mut slot, &at(1_000_000 + step));
        }
        assert_eq!(slot.state, State::Ring);
        let reading = bump(&mut slot, &at(1_100_000));
        assert_eq!((reading.count, reading.span_s), (1, 60));
        assert_eq!(slot.state, State::Times);
    }

    #[test]
    fn a_slot_from_before_the_wrap_starts_anew() {
        let (mut slot, _) = first(Tick(1 << 33));
        let reading = bump(&mut slot, &at((1 << 33) + (1 << 31) + 5));
        assert_eq!((reading.count, reading.gap_ms), (1, None));
    }
}
