//! Bumping a batch of keys: near first, then under the lock; and who leaves a full bucket.
//!
//! With millions of keys each bucket is a miss of the cache, some 100 ns. All buckets of
//! an event are touched before the first is used, so their misses overlap.

use std::sync::atomic::Ordering;

use assay_model::recall::{Bump, Measure, Reading};
use assay_model::{AccountId, Timestamp};

use super::slot::{Owner, Slot, account_class, expiry};
use super::table::{Locked, SLOTS};
use super::time::{Moment, Tick, Window, life_left};
use super::{CounterTable, Slices, count, distinct, total};

/// Keys touched together.
const TOGETHER: usize = 16;

/// Spreads a key over all bits; one to one.
pub(super) const fn mix(key: u64) -> u64 {
    let key = (key ^ (key >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    let key = (key ^ (key >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    key ^ (key >> 32)
}

/// Where a key is to be looked for.
#[derive(Clone, Copy, Default)]
struct Spot {
    bucket: usize,
    owner: Owner,
    /// Where a search for the coldest begins.
    start: usize,
    /// Its place in the batch.
    bump: usize,
    /// The slot it was seen in before the lock was taken.
    guess: Option<usize>,
}

/// The table is full and the account's share used up.
struct Refused;

impl CounterTable {
    /// Bumps the keys of some slices in order; returns how many found no room.
    pub(super) fn bump_all(
        &self,
        account: AccountId,
        at: Timestamp,
        bumps: &[Bump],
        only: Slices,
        mut read: impl FnMut(Reading),
    ) -> usize {
        let at = Tick::of(at);
        let mut refused = 0;
        let mut spots = [Spot::default(); TOGETHER];
        for bumps in bumps.chunks(TOGETHER) {
            let spots = self.locate(account, bumps, only, &mut spots);
            self.touch(spots);
            let mut last: Option<(&Bump, Moment)> = None;
            for spot in spots {
                let bump = &bumps[spot.bump];
                let now = match last {
                    Some((other, now)) if same_parts(bump, other) => now,
                    _ => moment_of(at, bump),
                };
                last = Some((bump, now));
                match self.bump_one(spot, &now, bump) {
                    Ok(reading) => read(reading),
                    Err(Refused) => refused += 1,
                }
            }
        }
        refused
    }

    fn locate<'s>(
        &self,
        account: AccountId,
        bumps: &[Bump],
        only: Slices,
        spots: &'s mut [Spot; TOGETHER],
    ) -> &'s mut [Spot] {
        let mut found = 0;
        for (at, bump) in bumps.iter().enumerate() {
            let hash = mix(bump.key);
            let bucket = self.table.bucket_of(hash);
            if only != Slices::ALL && !only.contains(self.table.slice_of(bucket)) {
                continue;
            }
            self.table.touch_heads(bucket);
            spots[found] = Spot {
                bucket,
                owner: Owner::new(hash, account, bump.measure),
                start: hash as usize % SLOTS,
                bump: at,
                guess: None,
            };
            found += 1;
        }
        &mut spots[..found]
    }

    /// The heads are on their way: find the slots and set their lines on the way too.
    fn touch(&self, spots: &mut [Spot]) {
        for spot in spots {
            spot.guess = self.table.find(spot.bucket, spot.owner);
            if let Some(slot) = spot.guess {
                self.table.touch_slot(spot.bucket, slot);
            }
        }
    }

    fn bump_one(&self, spot: &Spot, now: &Moment, bump: &Bump) -> Result<Reading, Refused> {
        let mut bucket = self.table.lock(spot.bucket);
        let guess = spot.guess;
        let known = guess
            .filter(|&slot| spot.owner.owns(bucket.head(slot)))
            .or_else(|| bucket.find(spot.owner));
        if let Some(slot) = known
            && let Some(mut kept) = Slot::unpack(bucket.head(slot), bucket.rest(slot))
        {
            let reading = match bump.measure {
                Measure::Count => count::bump(&mut kept, now),
                Measure::Total | Measure::Payout => total::bump(&mut kept, now.at, bump.member),
                Measure::Distinct => distinct::bump(&mut kept, now, bump.member),
            };
            let newest = now.at.near(kept.newest);
            let (head, rest) = kept.pack(spot.owner, now.window.expiry_unit(newest));
            bucket.put(slot, head, rest);
            return Ok(reading);
        }
        let slot = self.make_room(&bucket, spot, now.at)?;
        let (fresh, reading) = match bump.measure {
            Measure::Count => count::first(now.at),
            Measure::Total | Measure::Payout => total::first(now.at, bump.member),
            Measure::Distinct => distinct::first(now, bump.member),
        };
        let (head, rest) = fresh.pack(spot.owner, now.window.expiry_unit(now.at));
        bucket.put(slot, head, rest);
        Ok(reading)
    }

    /// The slot for a new key: a free one, else one that counts no more, else one of an
    /// account over its share, else the one that would be forgotten first.
    fn make_room(&self, bucket: &Locked<'_>, spot: &Spot, at: Tick) -> Result<usize, Refused> {
        let cell = self.cells.of(self.table.slice_of(spot.bucket));
        let class = spot.owner.account_class();
        if let Some(slot) = bucket.free() {
            cell.used.fetch_add(1, Ordering::Relaxed);
            self.held[class].fetch_add(1, Ordering::Relaxed);
            return Ok(slot);
        }
        let now = at.expiry_unit();
        // Expiry is coarse, so many are equally cold: begin anywhere, or one slot would
        // take all the changes.
        let ranked = (0..SLOTS)
            .map(|step| (step + spot.start) % SLOTS)
            .map(|slot| (self.rank(bucket.head(slot), now), slot));
        let ((rank, _), slot) = ranked
            .min_by_key(|(rank, _)| *rank)
            .unwrap_or(((Rank::Live, 0), 0));
        match rank {
            Rank::Live if self.is_over_share(class) => {
                cell.refused.fetch_add(1, Ordering::Relaxed);
                return Err(Refused);
            }
            Rank::Expired => cell.expired.fetch_add(1, Ordering::Relaxed),
            Rank::OverShare | Rank::Live => cell.evicted.fetch_add(1, Ordering::Relaxed),
        };
        let leaves = account_class(bucket.head(slot));
        if leaves != class {
            self.held[leaves].fetch_sub(1, Ordering::Relaxed);
            self.held[class].fetch_add(1, Ordering::Relaxed);
        }
        Ok(slot)
    }

    fn rank(&self, head: u64, now: u16) -> (Rank, i16) {
        let left = life_left(expiry(head), now);
        let rank = match () {
            () if left < 0 => Rank::Expired,
            () if self.is_over_share(account_class(head)) => Rank::OverShare,
            () => Rank::Live,
        };
        (rank, left)
    }

    fn is_over_share(&self, class: usize) -> bool {
        self.account_slots_max
            .is_some_and(|most| self.held[class].load(Ordering::Relaxed) >= most)
    }
}

fn same_parts(one: &Bump, other: &Bump) -> bool {
    one.window_s == other.window_s && one.measure == other.measure
}

fn moment_of(at: Tick, bump: &Bump) -> Moment {
    let parts = match bump.measure {
        Measure::Count | Measure::Total | Measure::Payout => count::PARTS,
        Measure::Distinct => distinct::PARTS,
    };
    Moment::new(at, Window::of_s(bump.window_s), parts)
}

/// Who leaves a full bucket first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Expired,
    OverShare,
    Live,
}
