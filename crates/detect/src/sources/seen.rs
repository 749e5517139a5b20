//! Which devices were seen before, in bounded memory.
//!
//! Two Bloom filters in turn: when one is full, the older is forgotten. A wrong "seen" makes
//! a source look better, a forgotten device is at most one more new one for everybody alike.

/// Bits of one filter; half a megabyte.
const BITS: usize = 1 << 22;
/// Devices that one filter takes, at some 1 % of wrong answers.
const CAPACITY: usize = BITS / 10;
/// Bits that are set for a device.
const PROBES: u32 = 4;

/// Devices that were seen.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    now: Vec<u64>,
    before: Vec<u64>,
    len: usize,
}

impl Seen {
    /// Notes a device; says whether it is new.
    pub fn is_new(&mut self, print: u64) -> bool {
        if self.now.is_empty() {
            self.now = vec![0; BITS / 64];
        }
        if has(&self.now, print) {
            return false;
        }
        if self.len >= CAPACITY {
            self.before = std::mem::replace(&mut self.now, vec![0; BITS / 64]);
            self.len = 0;
        }
        self.len += 1;
        for (word, bit) in places(print) {
            self.now[word] |= bit;
        }
        !has(&self.before, print)
    }
}

fn has(filter: &[u64], print: u64) -> bool {
    !filter.is_empty() && places(print).all(|(word, bit)| filter[word] & bit != 0)
}

fn places(print: u64) -> impl Iterator<Item = (usize, u64)> {
    let step = print.rotate_left(32) | 1;
    (0..PROBES).map(move |nth| {
        let at = print.wrapping_add(step.wrapping_mul(u64::from(nth))) as usize % BITS;
        (at / 64, 1 << (at % 64))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_model::recall::key_hash;

    #[test]
    fn what_was_seen_is_not_new_and_few_others_are_called_seen() {
        let mut seen = Seen::default();
        let print = |n: u32| key_hash(&n.to_le_bytes());
        let wrong = (0..100_000).filter(|n| !seen.is_new(print(*n))).count();
        assert!(wrong < 500, "{wrong} called seen that were not");
        assert!((0..100_000).all(|n| !seen.is_new(print(n))));
    }

    #[test]
    fn the_oldest_are_forgotten_not_the_newest() {
        let mut seen = Seen::default();
        let print = |n: u32| key_hash(&n.to_le_bytes());
        let all = 3 * CAPACITY as u32;
        for n in 0..all {
            seen.is_new(print(n));
        }
        assert!(!seen.is_new(print(all - 1)));
        assert!((0..1000).filter(|n| seen.is_new(print(*n))).count() > 900);
    }
}
