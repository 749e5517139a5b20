//! Flattened range arrays: sorted starts, one value each, no overlaps.
//!
//! A first-level index over 16 bits of the address narrows the search to a few
//! entries, so a look-up costs one or two cache misses.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// No value: a gap.
pub(crate) const NONE: u32 = u32::MAX;

const CELLS: usize = 1 << 16;

/// An address as a search key.
pub(crate) trait Key: Copy + Ord + Default {
    /// First-level cell, not falling as the key grows.
    fn cell(self) -> usize;
    /// The next key, unless this is the last.
    fn next(self) -> Option<Self>;
    /// Number of keys in `self..=last`, less one.
    fn width(self, last: Self) -> u64;
}

impl Key for u32 {
    fn cell(self) -> usize {
        (self >> 16) as usize
    }

    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }

    fn width(self, last: Self) -> u64 {
        u64::from(last - self)
    }
}

impl Key for u64 {
    /// Bits 3..19: only 2000::/3 is allocated, so the top three say nothing.
    fn cell(self) -> usize {
        match self >> 61 {
            0 => 0,
            1 => (self >> 45) as usize & (CELLS - 1),
            _ => CELLS - 1,
        }
    }

    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }

    fn width(self, last: Self) -> u64 {
        last - self
    }
}

/// A run with its value, before flattening.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run<K> {
    pub(crate) first: K,
    pub(crate) last: K,
    pub(crate) value: u32,
}

/// Sorted steps: a value holds from its start to the next start.
pub(crate) type Steps<K> = Vec<(K, u32)>;

/// Flattens runs: the narrowest wins, of equals the later one.
pub(crate) fn flatten<K: Key>(mut runs: Vec<Run<K>>) -> Steps<K> {
    runs.sort_by_key(|r| r.first);
    if runs.windows(2).all(|w| w[0].last < w[1].first) {
        return flatten_disjoint(&runs);
    }
    let mut edges: Vec<K> = runs.iter().map(|r| r.first).collect();
    edges.extend(runs.iter().filter_map(|r| r.last.next()));
    edges.sort_unstable();
    edges.dedup();

    let mut steps = Steps::new();
    let mut open = BinaryHeap::new();
    let mut next = runs.iter().enumerate().peekable();
    for edge in edges {
        while let Some((order, run)) = next.next_if(|(_, r)| r.first == edge) {
            open.push((Reverse(run.first.width(run.last)), order));
        }
        let value = loop {
            match open.peek() {
                None => break NONE,
                Some(&(_, order)) if runs[order].last >= edge => break runs[order].value,
                Some(_) => open.pop(),
            };
        };
        push_step(&mut steps, edge, value);
    }
    steps
}

fn flatten_disjoint<K: Key>(runs: &[Run<K>]) -> Steps<K> {
    let mut steps = Steps::new();
    for (at, run) in runs.iter().enumerate() {
        push_step(&mut steps, run.first, run.value);
        let gap = run.last.next();
        if let Some(gap) = gap
            && runs.get(at + 1).is_none_or(|r| r.first != gap)
        {
            push_step(&mut steps, gap, NONE);
        }
    }
    steps
}

/// Appends a step unless it repeats the value before it.
pub(crate) fn push_step<K: Key>(steps: &mut Steps<K>, start: K, value: u32) {
    if steps.last().map_or(NONE, |s| s.1) != value {
        steps.push((start, value));
    }
}

/// Walks several step lists at once: `visit(start, values)` at every change.
pub(crate) fn merge<K: Key, const N: usize>(
    layers: &[&[(K, u32)]; N],
    mut visit: impl FnMut(K, &[u32; N]),
) {
    let mut at = [0usize; N];
    let mut values = [NONE; N];
    loop {
        let next = (0..N)
            .filter_map(|i| layers[i].get(at[i]).map(|s| s.0))
            .min();
        let Some(start) = next else { return };
        for i in 0..N {
            if let Some(&(key, value)) = layers[i].get(at[i])
                && key == start
            {
                values[i] = value;
                at[i] += 1;
            }
        }
        visit(start, &values);
    }
}

/// Value at `key` in a step list.
pub(crate) fn value_at<K: Key>(steps: &[(K, u32)], key: K) -> u32 {
    match steps.partition_point(|s| s.0 <= key).checked_sub(1) {
        Some(i) => steps[i].1,
        None => NONE,
    }
}

/// The finished, indexed array.
#[derive(Debug)]
pub(crate) struct Flat<K> {
    starts: Box<[K]>,
    values: Box<[u32]>,
    /// For each cell, the position of the first start in it or later.
    cells: Box<[u32]>,
}

impl<K: Key> Flat<K> {
    /// Indexes sorted steps.
    pub(crate) fn new(steps: &[(K, u32)]) -> Self {
        let mut cells = Vec::with_capacity(CELLS + 1);
        for (at, step) in steps.iter().enumerate() {
            while cells.len() <= step.0.cell() {
                cells.push(at as u32);
            }
        }
        cells.resize(CELLS + 1, steps.len() as u32);
        Self {
            starts: steps.iter().map(|s| s.0).collect(),
            values: steps.iter().map(|s| s.1).collect(),
            cells: cells.into_boxed_slice(),
        }
    }

    /// The value that holds at `key`, [`NONE`] in a gap.
    pub(crate) fn get(&self, key: K) -> u32 {
        let cell = key.cell();
        let (Some(&low), Some(&high)) = (self.cells.get(cell), self.cells.get(cell + 1)) else {
            return NONE;
        };
        let (low, high) = (low as usize, high as usize);
        let inside = self.starts.get(low..high).unwrap_or(&[]);
        let at = low + inside.partition_point(|&s| s <= key);
        match at.checked_sub(1) {
            Some(i) => self.values.get(i).copied().unwrap_or(NONE),
            None => NONE,
        }
    }

    /// Number of steps.
    pub(crate) fn len(&self) -> usize {
        self.starts.len()
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        self.starts.len() * size_of::<K>() + self.values.len() * 4 + self.cells.len() * 4
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(first: u32, last: u32, value: u32) -> Run<u32> {
        Run { first, last, value }
    }

    #[test]
    fn narrower_runs_win_inside_wider_ones() {
        let flat = Flat::new(&flatten(vec![
            run(0, u32::MAX, 1),
            run(10, 20, 2),
            run(12, 13, 3),
        ]));
        let seen: Vec<u32> = [0, 9, 10, 12, 13, 14, 20, 21, u32::MAX]
            .map(|k| flat.get(k))
            .into();
        assert_eq!(seen, [1, 1, 2, 3, 3, 2, 2, 1, 1]);
    }

    #[test]
    fn a_gap_has_no_value() {
        let flat = Flat::new(&flatten(vec![
            run(70_000, 70_001, 5),
            run(900_000, 900_000, 6),
        ]));
        assert_eq!(
            [69_999, 70_000, 70_002, 899_999, 900_000, 900_001].map(|k| flat.get(k)),
            [NONE, 5, NONE, NONE, 6, NONE]
        );
    }

    #[test]
    fn ipv6_cells_keep_the_order() {
        let keys = [
            0u64,
            1 << 45,
            0x2001_0db8 << 32,
            0x2a02_26f7 << 32,
            0x4000 << 48,
            u64::MAX,
        ];
        assert!(keys.windows(2).all(|w| w[0].cell() <= w[1].cell()));
        let steps: Steps<u64> = keys
            .iter()
            .enumerate()
            .map(|(i, &k)| (k, i as u32))
            .collect();
        let flat = Flat::new(&steps);
        for (i, &k) in keys.iter().enumerate() {
            assert_eq!(flat.get(k), i as u32, "{k:x}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_a_naive_search(
            runs in prop::collection::vec((0u32..400_000, 0u32..100_000), 0..40),
            keys in prop::collection::vec(0u32..600_000, 60),
        ) {
            let runs: Vec<_> = runs.iter().enumerate()
                .map(|(i, &(first, width))| run(first, first + width, i as u32)).collect();
            let flat = Flat::new(&flatten(runs.clone()));
            for key in keys {
                let mut naive: Option<&Run<u32>> = None;
                let mut order: Vec<_> = runs.iter().enumerate().collect();
                order.sort_by_key(|(_, r)| r.first);
                for (_, r) in order {
                    let width = r.last - r.first;
                    if r.first <= key && key <= r.last
                        && naive.is_none_or(|n| width <= n.last - n.first) { naive = Some(r); }
                }
                prop_assert_eq!(flat.get(key), naive.map_or(NONE, |r| r.value));
            }
        }
    }
}
