//! The numbers of a source: sparse counts, so that a source of ten events costs little.
//!
//! Everything is a whole number under a slot: sums of two tallies are sums of their counts,
//! whatever the order in which events came.

use assay_model::recall::Family;

/// What a slot counts. Numbers live in memory only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Part {
    /// Every event; one bin.
    Events = 0,
    /// Events that were let through, so that something could come of them; one bin.
    Passed = 1,
    /// Events that a filter could look at; bin = the filter's place.
    Asked = 2,
    /// Events that a filter marks; bin = the filter's place.
    Marked = 3,
    /// Click to conversion, bins of [`super::ctit`].
    Ctit = 4,
    /// Local hour within the country, 0 to 23.
    Hour = 5,
    /// Device model within its operating system.
    Model = 6,
    /// Version of the operating system within it.
    OsVersion = 7,
    /// Language within the country.
    Language = 8,
    /// Network prefix within the country, of addresses that are one line's.
    Subnet = 9,
    /// Device ids within the operating system: seen before, new, limited.
    Device = 10,
    /// Conversions that were rejected, by their own time; one bin.
    Rejected = 11,
    /// Of these, how many were approved again; one bin.
    Reinstated = 12,
}

/// One number of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot(u32);

impl Slot {
    /// The slot of a bin.
    #[must_use]
    pub const fn new(family: Family, part: Part, bin: u16) -> Self {
        Self((family as u32) << 24 | (part as u32) << 16 | bin as u32)
    }

    const fn bin(self) -> u16 {
        self.0 as u16
    }
}

/// Counts by slot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Ascending by slot.
    counts: Vec<(Slot, u32)>,
    /// A bit per day of a window with events in it.
    days: u64,
}

impl Tally {
    /// Adds one; says whether the slot is new.
    pub fn add(&mut self, slot: Slot) -> bool {
        match self.counts.binary_search_by_key(&slot, |(own, _)| *own) {
            Ok(at) => {
                self.counts[at].1 = self.counts[at].1.saturating_add(1);
                false
            }
            Err(at) => {
                self.counts.insert(at, (slot, 1));
                true
            }
        }
    }

    /// Whether the slot holds something.
    #[must_use]
    pub fn has(&self, slot: Slot) -> bool {
        self.counts
            .binary_search_by_key(&slot, |(own, _)| *own)
            .is_ok()
    }

    /// Notes that this lies on the window's `nth` day.
    pub fn on_day(&mut self, nth: i64) {
        self.days |= 1 << nth.clamp(0, 63);
    }

    /// On how many days of its window something happened.
    #[must_use]
    pub const fn days(&self) -> u32 {
        self.days.count_ones()
    }

    /// Adds all of another.
    pub fn merge(&mut self, other: &Self) {
        self.days |= other.days;
        if self.counts.is_empty() {
            self.counts.clone_from(&other.counts);
            return;
        }
        let mut merged = Vec::with_capacity(self.counts.len() + other.counts.len());
        let (mut own, mut more) = (
            self.counts.iter().peekable(),
            other.counts.iter().peekable(),
        );
        while let (Some(a), Some(b)) = (own.peek(), more.peek()) {
            match a.0.cmp(&b.0) {
                std::cmp::Ordering::Less => merged.extend(own.next()),
                std::cmp::Ordering::Greater => merged.extend(more.next()),
                std::cmp::Ordering::Equal => {
                    merged.push((a.0, a.1.saturating_add(b.1)));
                    own.next();
                    more.next();
                }
            }
        }
        merged.extend(own);
        merged.extend(more);
        self.counts = merged;
    }

    /// What one bin holds.
    #[must_use]
    pub fn count(&self, family: Family, part: Part, bin: u16) -> u32 {
        let slot = Slot::new(family, part, bin);
        self.counts
            .binary_search_by_key(&slot, |(own, _)| *own)
            .map_or(0, |at| self.counts[at].1)
    }

    /// What a part's single bin holds.
    #[must_use]
    pub fn total(&self, family: Family, part: Part) -> u32 {
        self.count(family, part, 0)
    }

    /// A part's bins that hold something, ascending.
    pub fn bins(&self, family: Family, part: Part) -> impl Iterator<Item = (u16, u32)> + Clone {
        let from = Slot::new(family, part, 0);
        let to = Slot::new(family, part, u16::MAX);
        let start = self.counts.partition_point(|(slot, _)| *slot < from);
        let end = self.counts.partition_point(|(slot, _)| *slot <= to);
        self.counts[start..end]
            .iter()
            .map(|(slot, n)| (slot.bin(), *n))
    }

    /// Sum of a part's bins.
    #[must_use]
    pub fn sum(&self, family: Family, part: Part) -> u32 {
        self.bins(family, part).map(|(_, n)| n).sum()
    }

    /// How many slots hold something.
    #[must_use]
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_is_counting_at_once() {
        let slots: Vec<Slot> = (0..200u16)
            .map(|n| {
                let part = if n % 3 == 0 { Part::Hour } else { Part::Ctit };
                Slot::new(Family::Clicks, part, n * 7 % 24)
            })
            .collect();
        let count = |slots: &[Slot]| {
            let mut tally = Tally::default();
            for slot in slots {
                tally.add(*slot);
            }
            tally
        };
        let (left, right) = slots.split_at(77);
        let mut merged = count(left);
        merged.merge(&count(right));
        assert_eq!(merged, count(&slots));
        assert_eq!(merged.sum(Family::Clicks, Part::Hour), 67);
        assert_eq!(merged.sum(Family::Conversions, Part::Hour), 0);
        assert_eq!(merged.bins(Family::Clicks, Part::Model).count(), 0);
    }
}
