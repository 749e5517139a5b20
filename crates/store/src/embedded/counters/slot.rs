//! A slot of the table: 32 bytes, one counter of one key.
//!
//! Word 0, the head: lock 1 bit | state 3 | old 1 | expiry 16 | account 10 | tag 33.
//! Word 1: newest time in the upper half; words 1 to 3: five cells of 32 bits, whose
//! meaning depends on the state (see `count` and `distinct`).
//! The layout is written into checkpoints: a change needs a new [`LAYOUT`].

use assay_model::AccountId;
use assay_model::recall::Measure;

/// Number of this layout and of how keys are made, in the head of every checkpoint.
pub(super) const LAYOUT: u32 = 2;

/// Lock of a bucket, kept in the head of its first slot.
pub(super) const LOCK: u64 = 1 << 63;
const STATE_SHIFT: u32 = 60;
const USED: u64 = 1 << 62;
const DISTINCT: u64 = 1 << 61;
const OLD_SHIFT: u32 = 59;
const EXPIRY_SHIFT: u32 = 43;
const ACCOUNT_SHIFT: u32 = 33;
const TAG_MASK: u64 = (1 << ACCOUNT_SHIFT) - 1;
/// Accounts are told apart by this many values in a slot.
pub(super) const ACCOUNT_CLASSES: usize = 1 << 10;

/// How a slot's cells are to be read: used 1 bit | distinct 1 | grown 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum State {
    /// Up to five times.
    Times = 0b100,
    /// Eight parts of the window with a count each.
    Ring = 0b101,
    /// Up to five members.
    Members = 0b110,
    /// A sketch of members.
    Sketch = 0b111,
}

impl State {
    fn of(bits: u64) -> Option<Self> {
        match bits & 7 {
            0b100 => Some(Self::Times),
            0b101 => Some(Self::Ring),
            0b110 => Some(Self::Members),
            0b111 => Some(Self::Sketch),
            _ => None,
        }
    }
}

/// Which counter a slot is for: what is compared on a look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Owner {
    /// Used, measure, account and tag, at their places in the head.
    bits: u64,
}

impl Owner {
    pub fn new(hash: u64, account: AccountId, measure: Measure) -> Self {
        let class = u64::from(account.0) % ACCOUNT_CLASSES as u64;
        let distinct = match measure {
            Measure::Count | Measure::Total | Measure::Payout => 0,
            Measure::Distinct => DISTINCT,
        };
        Self {
            bits: USED | distinct | (class << ACCOUNT_SHIFT) | (hash & TAG_MASK),
        }
    }

    /// Whether the head is one of this counter.
    pub fn owns(self, head: u64) -> bool {
        const COMPARED: u64 =
            USED | DISTINCT | ((ACCOUNT_CLASSES as u64 - 1) << ACCOUNT_SHIFT) | TAG_MASK;
        head & COMPARED == self.bits
    }

    pub fn account_class(self) -> usize {
        account_class(self.bits)
    }
}

/// Whether a slot's head says that it holds a counter.
pub(super) fn is_used(head: u64) -> bool {
    head & USED != 0
}

pub(super) fn account_class(head: u64) -> usize {
    (head >> ACCOUNT_SHIFT) as usize % ACCOUNT_CLASSES
}

pub(super) fn expiry(head: u64) -> u16 {
    (head >> EXPIRY_SHIFT) as u16
}

/// A slot taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub state: State,
    /// Known for a whole window or longer; counts only, distinct counts keep their age.
    pub old: bool,
    /// Newest time seen, in ticks.
    pub newest: u32,
    /// Cell 0.
    pub first: u32,
    /// Cells 1 to 4, two a word: kept whole so that they stay in registers.
    pub rest: [u64; 2],
}

impl Slot {
    /// Takes a slot apart; `None` when it is free.
    #[inline]
    pub fn unpack(head: u64, words: [u64; 3]) -> Option<Self> {
        let [first, second, third] = words;
        Some(Self {
            state: State::of(head >> STATE_SHIFT)?,
            old: head >> OLD_SHIFT & 1 == 1,
            newest: (first >> 32) as u32,
            first: first as u32,
            rest: [second, third],
        })
    }

    /// Puts a slot together: its head and the three words behind it.
    #[inline]
    pub fn pack(&self, owner: Owner, expiry: u16) -> (u64, [u64; 3]) {
        let head = (self.state as u64) << STATE_SHIFT
            | u64::from(self.old) << OLD_SHIFT
            | u64::from(expiry) << EXPIRY_SHIFT
            | owner.bits;
        let [second, third] = self.rest;
        let first = u64::from(self.newest) << 32 | u64::from(self.first);
        (head, [first, second, third])
    }

    /// The five cells.
    #[inline]
    pub fn cells(&self) -> [u32; 5] {
        let [a, b] = self.rest;
        [
            self.first,
            a as u32,
            (a >> 32) as u32,
            b as u32,
            (b >> 32) as u32,
        ]
    }

    /// Puts the five cells in.
    #[inline]
    pub fn set_cells(&mut self, cells: [u32; 5]) {
        let pair = |low: u32, high: u32| u64::from(high) << 32 | u64::from(low);
        let [first, a, b, c, d] = cells;
        self.first = first;
        self.rest = [pair(a, b), pair(c, d)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_packs_and_unpacks() {
        for state in [State::Times, State::Ring, State::Members, State::Sketch] {
            let measure = match state {
                State::Times | State::Ring => Measure::Count,
                State::Members | State::Sketch => Measure::Distinct,
            };
            let owner = Owner::new(u64::MAX, AccountId(u32::MAX), measure);
            let slot = Slot {
                state,
                old: true,
                newest: 0xdead_beef,
                first: 1,
                rest: [u64::MAX, 0x8000_0000_0000_0005],
            };
            let mut again = slot;
            again.set_cells(slot.cells());
            assert_eq!(again, slot);
            let (head, words) = slot.pack(owner, 0xabcd);
            assert_eq!(head & LOCK, 0);
            assert_eq!(Slot::unpack(head, words), Some(slot));
            assert_eq!(expiry(head), 0xabcd);
            assert_eq!(account_class(head), owner.account_class());
            assert!(owner.owns(head) && owner.owns(head | LOCK));
            assert!(!Owner::new(0, AccountId(u32::MAX), measure).owns(head));
            assert!(!Owner::new(u64::MAX, AccountId(0), measure).owns(head));
        }
        assert_eq!(Slot::unpack(0, [0; 3]), None);
        assert!(!Owner::new(0, AccountId(0), Measure::Count).owns(0));
    }
}
