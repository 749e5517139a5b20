//! Counting different members of a key: five exactly, then a sketch.
//!
//! Up to five: a 27-bit print and the twelfth of the window each was seen in last; a
//! member leaves a twelfth early at most.
//! From the sixth: linear counting over 78 cells, each with the third of the window it
//! was hit in last, so a reading covers two thirds of the window to all of it, as
//! `span_s` says. Standard error of the number: 9 % at 20 members, 10 % at 80, 15 % at
//! 240; it stops at 385. Nothing older than the window is counted.

use assay_model::recall::Reading;

use super::slot::{Slot, State};
use super::time::{Moment, gap_ms};

/// Parts of the window in which members are aged.
pub(super) const PARTS: i64 = 12;
/// Parts of a third.
const THIRD: i64 = PARTS / 3;
const PRINT_BITS: u32 = 27;
const PRINT_MASK: u32 = (1 << PRINT_BITS) - 1;
/// Cells of the sketch.
const CELLS: u32 = 78;
const CELLS_MASK: u128 = (1 << CELLS) - 1;

/// Members that fill so many cells on average: the sum of `CELLS / (CELLS - i)`.
const ESTIMATES: [u32; CELLS as usize + 1] = {
    let mut table = [0; CELLS as usize + 1];
    let mut filled = 0;
    let mut sum: u64 = 1 << 15; // rounds to the nearest
    while filled < CELLS as usize {
        sum += ((CELLS as u64) << 16) / (CELLS as u64 - filled as u64);
        filled += 1;
        table[filled] = (sum >> 16) as u32;
    }
    table
};

/// The slot and the reading of a key seen for the first time.
pub(super) fn first(now: &Moment, member: u32) -> (Slot, Reading) {
    let mut members = Members::default();
    members.add(print_of(member), 0);
    let mut slot = Slot {
        state: State::Members,
        old: false,
        newest: now.at.stored(),
        first: 0,
        rest: [0, 0],
    };
    slot.set_cells(members.pack(now.part));
    (slot, alone())
}

fn alone() -> Reading {
    Reading {
        count: 1,
        span_s: 0,
        gap_ms: None,
    }
}

/// Counts a member and says how many different ones the key has seen.
pub(super) fn bump(slot: &mut Slot, now: &Moment, member: u32) -> Reading {
    let at = now.at;
    let before = at.near(slot.newest);
    if !now.window.holds(before, at) {
        if at.is_ghost(before) {
            let (fresh, reading) = first(now, member);
            *slot = fresh;
            return reading;
        }
        return alone();
    }
    let newest = before.max(at);
    let from = now.part_of(before);
    let turn = Turn {
        from,
        to: from.max(now.part),
        event: now.part,
    };
    let print = print_of(member);
    let (count, start) = match slot.state {
        State::Sketch => in_sketch(slot, turn, print),
        _ => exactly(slot, turn, print),
    };
    slot.newest = newest.stored();
    Reading {
        count,
        span_s: now.span_from_part(start, newest),
        gap_ms: Some(gap_ms(at, before)),
    }
}

/// Part numbers: newest before, newest now, and the event's own.
#[derive(Clone, Copy)]
struct Turn {
    from: i64,
    to: i64,
    event: i64,
}

impl Turn {
    /// Age of the event in parts.
    fn age(self) -> i64 {
        self.to - self.event
    }

    /// How long the key is known, in parts; more than a window is a window.
    fn lived(self, before: u32) -> u32 {
        let parts = i64::from(before) + (self.to - self.from).min(PARTS);
        parts.min(PARTS) as u32
    }
}

/// 0 stands for "none", so nobody has it.
fn print_of(member: u32) -> u32 {
    match member & PRINT_MASK {
        0 => PRINT_MASK,
        print => print,
    }
}

fn exactly(slot: &mut Slot, turn: Turn, print: u32) -> (u32, i64) {
    let mut members = Members::unpack(slot.cells(), turn.from);
    members.lived = turn.lived(members.lived);
    members.turn(turn.to - turn.from);
    if turn.age() < PARTS && !members.add(print, turn.age()) {
        return into_sketch(slot, &members, turn, print);
    }
    slot.set_cells(members.pack(turn.to));
    let count = members.all.iter().flatten().count() as u32;
    let start = turn.to - i64::from(members.lived).min(PARTS - 1);
    (count, start)
}

/// The sixth member within the window: from here on a sketch.
fn into_sketch(slot: &mut Slot, members: &Members, turn: Turn, print: u32) -> (u32, i64) {
    let mut sketch = Sketch {
        ones: 0,
        twos: 0,
        lived: members.lived,
    };
    let third = turn.to.div_euclid(THIRD);
    for member in members.all.iter().flatten() {
        sketch.add(
            third,
            (turn.to - member.age).div_euclid(THIRD),
            member.print,
        );
    }
    sketch.add(third, turn.event.div_euclid(THIRD), print);
    slot.state = State::Sketch;
    slot.set_cells(sketch.pack());
    sketch.reading(turn)
}

fn in_sketch(slot: &mut Slot, turn: Turn, print: u32) -> (u32, i64) {
    let mut sketch = Sketch::unpack(slot.cells());
    let third = turn.to.div_euclid(THIRD);
    sketch.lived = turn.lived(sketch.lived);
    sketch.turn(turn.from.div_euclid(THIRD), third);
    if sketch.ones | sketch.twos == 0 {
        // Nothing is left of what was: exact again.
        let mut members = Members {
            lived: sketch.lived,
            ..Members::default()
        };
        members.add(print, turn.age());
        slot.state = State::Members;
        slot.set_cells(members.pack(turn.to));
        return (1, turn.to - (PARTS - 1));
    }
    sketch.add(third, turn.event.div_euclid(THIRD), print);
    slot.set_cells(sketch.pack());
    sketch.reading(turn)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Member {
    print: u32,
    /// Parts since it was seen last; below [`PARTS`].
    age: i64,
}

/// Up to five members. A cell is: one bit of `lived` | part modulo 16, 4 bits | print.
#[derive(Debug, Default, PartialEq, Eq)]
struct Members {
    all: [Option<Member>; 5],
    lived: u32,
}

impl Members {
    fn unpack(cells: [u32; 5], newest: i64) -> Self {
        let mut members = Self::default();
        for (at, cell) in cells.into_iter().enumerate() {
            members.lived |= (cell >> 31) << at;
            let part = i64::from(cell >> PRINT_BITS & 0xf);
            let print = cell & PRINT_MASK;
            members.all[at] = (print != 0).then(|| Member {
                print,
                age: (newest - part) & 0xf,
            });
        }
        members
    }

    fn pack(&self, newest: i64) -> [u32; 5] {
        let mut cells = [0; 5];
        for (at, cell) in cells.iter_mut().enumerate() {
            *cell = (self.lived >> at & 1) << 31;
            if let Some(member) = self.all[at] {
                let part = ((newest - member.age) & 0xf) as u32;
                *cell |= part << PRINT_BITS | member.print;
            }
        }
        cells
    }

    /// Ages all members; those older than the window leave.
    fn turn(&mut self, parts: i64) {
        for place in &mut self.all {
            if let Some(member) = place {
                member.age += parts;
                if member.age >= PARTS {
                    *place = None;
                }
            }
        }
    }

    /// Notes a member; false when there is no room for another one.
    fn add(&mut self, print: u32, age: i64) -> bool {
        let known = self.all.iter_mut().flatten().find(|m| m.print == print);
        if let Some(member) = known {
            member.age = member.age.min(age);
            return true;
        }
        match self.all.iter_mut().find(|place| place.is_none()) {
            Some(place) => {
                *place = Some(Member { print, age });
                true
            }
            None => false,
        }
    }
}

/// 78 cells of two bits, 0 = never hit, else the third it was hit in last, modulo 3, plus 1.
///
/// As two planes of bits, so that a whole third leaves in a few instructions.
#[derive(Debug, PartialEq, Eq)]
struct Sketch {
    ones: u128,
    twos: u128,
    lived: u32,
}

impl Sketch {
    fn unpack([first, a, b, c, d]: [u32; 5]) -> Self {
        let low = u128::from(a) | u128::from(b) << 32 | u128::from(c) << 64 | u128::from(d) << 96;
        Self {
            ones: low & CELLS_MASK,
            twos: (low >> CELLS | u128::from(first) << (128 - CELLS)) & CELLS_MASK,
            lived: first >> 28,
        }
    }

    fn pack(&self) -> [u32; 5] {
        let low = self.ones | self.twos << CELLS;
        let first = self.lived << 28 | (self.twos >> (128 - CELLS)) as u32;
        [
            first,
            low as u32,
            (low >> 32) as u32,
            (low >> 64) as u32,
            (low >> 96) as u32,
        ]
    }

    /// Cells hit last in this third.
    fn hit_in(&self, third: i64) -> u128 {
        match third.rem_euclid(3) {
            0 => self.ones & !self.twos,
            1 => self.twos & !self.ones,
            _ => self.ones & self.twos,
        }
    }

    /// Moves to a later third; what is three thirds old leaves.
    fn turn(&mut self, from: i64, to: i64) {
        for step in 1..=(to - from).min(3) {
            let left = self.hit_in(from + step);
            self.ones &= !left;
            self.twos &= !left;
        }
    }

    /// Hits a member's cell, unless it was hit in a later third already.
    fn add(&mut self, newest: i64, third: i64, print: u32) {
        if newest - third > 2 {
            return;
        }
        let cell = 1_u128 << cell_of(print);
        let later = (third + 1..=newest).any(|after| self.hit_in(after) & cell != 0);
        if later {
            return;
        }
        let value = third.rem_euclid(3) + 1;
        self.ones &= !cell;
        self.twos &= !cell;
        if value & 1 != 0 {
            self.ones |= cell;
        }
        if value & 2 != 0 {
            self.twos |= cell;
        }
    }

    /// Members and the part since which they are counted.
    fn reading(&self, turn: Turn) -> (u32, i64) {
        let hit = (self.ones | self.twos).count_ones() as usize;
        let oldest = (turn.to.div_euclid(THIRD) - 2) * THIRD;
        let start = (turn.to - i64::from(self.lived)).max(oldest);
        (ESTIMATES[hit.min(CELLS as usize)], start)
    }
}

/// The cell of a member, from its print alone: that is all that is left of the first five.
fn cell_of(print: u32) -> u32 {
    let mixed = (print ^ (print >> 15)).wrapping_mul(0x9e37_79b1);
    let mixed = (mixed ^ (mixed >> 16)).wrapping_mul(0x85eb_ca6b);
    ((u64::from(mixed) * u64::from(CELLS)) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_and_sketch_pack_into_160_bits() {
        let mut members = Members {
            lived: 11,
            ..Members::default()
        };
        for (print, age) in [(1, 0), (PRINT_MASK, 11), (77, 3), (78, 5)] {
            assert!(members.add(print, age));
        }
        for newest in [0, 5, -3, 1_000_003] {
            assert_eq!(Members::unpack(members.pack(newest), newest), members);
        }
        let sketch = Sketch {
            ones: 0x2a5a_5a5a_5a5a_5a5a_5a5a & CELLS_MASK,
            twos: CELLS_MASK ^ 0xffff,
            lived: 12,
        };
        assert_eq!(Sketch::unpack(sketch.pack()), sketch);
    }

    #[test]
    fn estimates_are_small_numbers_at_first_and_stop() {
        assert_eq!(ESTIMATES[..8], [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(ESTIMATES[78], 385);
        assert!(ESTIMATES.is_sorted());
    }

    #[test]
    fn a_sketch_forgets_third_by_third() {
        let mut sketch = Sketch {
            ones: 0,
            twos: 0,
            lived: 0,
        };
        for third in 10..13 {
            sketch.turn(third - 1, third);
            sketch.add(third, third, third as u32 * 7919);
        }
        let hit = |s: &Sketch| (s.ones | s.twos).count_ones();
        assert_eq!(hit(&sketch), 3);
        sketch.turn(12, 13);
        assert_eq!(hit(&sketch), 2);
        sketch.turn(13, 14);
        assert_eq!(hit(&sketch), 1);
        sketch.turn(14, 20);
        assert_eq!(hit(&sketch), 0);
    }
}
