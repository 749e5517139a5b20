//! Adding up under a key for as long as it is kept: exact, and without a window.
//!
//! Caps ask for the sum of a calendar day or of all time; a window that slides would never
//! let go of a cap under steady traffic. A key begins anew with its period, so nothing has
//! to leave the sum. What was added can be taken back, down to nothing.

use assay_model::recall::Reading;

use super::slot::{Slot, State};
use super::time::{Tick, gap_ms};

/// The slot and the reading of a key seen for the first time.
pub(super) fn first(at: Tick, added: u32) -> (Slot, Reading) {
    let mut slot = Slot {
        state: State::Times,
        old: true,
        newest: at.stored(),
        first: 0,
        rest: [0, 0],
    };
    let count = add(&mut slot, added);
    let reading = Reading {
        count,
        span_s: 0,
        gap_ms: None,
    };
    (slot, reading)
}

/// Adds an amount and says what the key has come to.
pub(super) fn bump(slot: &mut Slot, at: Tick, added: u32) -> Reading {
    let before = at.near(slot.newest);
    let count = add(slot, added);
    slot.newest = before.max(at).stored();
    Reading {
        count,
        span_s: 0,
        gap_ms: Some(gap_ms(at, before)),
    }
}

fn add(slot: &mut Slot, added: u32) -> u32 {
    let total = slot.rest[0].saturating_add_signed(i64::from(added.cast_signed()));
    slot.rest[0] = total;
    u32::try_from(total).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_stays_exact_and_can_be_taken_back() {
        let (mut slot, reading) = first(Tick(1_000_000), 3);
        assert_eq!(reading.count, 3);
        for _ in 0..2_000_000 {
            bump(&mut slot, Tick(1_000_001), 1);
        }
        assert_eq!(bump(&mut slot, Tick(90_000_000), 0).count, 2_000_003);
        assert_eq!(
            bump(&mut slot, Tick(5), (-3_i32).cast_unsigned()).count,
            2_000_000
        );
        let low = bump(&mut slot, Tick(90_000_000), i32::MIN.cast_unsigned());
        assert_eq!(low.count, 0, "never below nothing");
        assert_eq!(at_most(&mut slot), u32::MAX);
    }

    fn at_most(slot: &mut Slot) -> u32 {
        bump(slot, Tick(1), i32::MAX.cast_unsigned());
        bump(slot, Tick(1), i32::MAX.cast_unsigned());
        bump(slot, Tick(1), i32::MAX.cast_unsigned()).count
    }
}
