//! Bumping a batch of keys: near first, then under the lock; and who leaves a full bucket.
//!
//! With millions of keys each bucket is a miss of the cache, some 100 ns. All buckets of
//! an event are touched before the first is used, so their misses overlap.

use std::sync::atomic::Ordering;

use assay_model::recall::{Bump, Measure, Reading};
use assay_model::{AccountId, Timestamp};

use super::slot::{Owner, Slot, account_class, expiry, is_used};
use super::table::{Locked, SLOTS, in_turn};
use super::time::{Tick, Window, life_left};
use super::{CounterTable, Slices, count, distinct};

/// Keys touched together.
const TOGETHER: usize = 16;

/// Spreads a key over all bits; one to one.
pub(super) const fn mix(key: u64) -> u64 {
    let key = (key ^ (key >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    let key = (key ^ (key >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    key ^ (key >> 32)
}

/// Where a key is to be looked for.
#[derive(Clone, Copy)]
struct Spot {
    bucket: usize,
    /// The slot at which a search begins, and the empty one to be taken first.
    home: usize,
    owner: Owner,
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
        for bumps in bumps.chunks(TOGETHER) {
            let mut spots = [None; TOGETHER];
            for (spot, bump) in spots.iter_mut().zip(bumps) {
                *spot = self.spot(account, bump, only);
            }
            self.touch(&spots);
            for (spot, bump) in spots.iter().zip(bumps) {
                let Some(spot) = spot else { continue };
                match self.bump_one(*spot, at, bump) {
                    Ok(reading) => read(reading),
                    Err(Refused) => refused += 1,
                }
            }
        }
        refused
    }

    fn spot(&self, account: AccountId, bump: &Bump, only: Slices) -> Option<Spot> {
        let hash = mix(bump.key);
        let bucket = self.table.bucket_of(hash);
        if only != Slices::ALL && !only.contains(self.table.slice_of(bucket)) {
            return None;
        }
        Some(Spot {
            bucket,
            home: hash as usize % SLOTS,
            owner: Owner::new(hash, account, bump.measure),
        })
    }

    /// Three passes, so that within each the misses overlap.
    fn touch(&self, spots: &[Option<Spot>; TOGETHER]) {
        let mut homes = [0; TOGETHER];
        for (spot, home) in spots.iter().zip(&mut homes) {
            let Some(spot) = spot else { continue };
            *home = self.table.touch_heads(spot.bucket, spot.home);
        }
        for (spot, home) in spots.iter().zip(&homes) {
            let Some(spot) = spot else { continue };
            let owns = |head| spot.owner.owns(head);
            let slot = match owns(*home) {
                true => Some(spot.home),
                false => self.table.find(spot.bucket, spot.home, owns),
            };
            if let Some(slot) = slot {
                self.table.touch_slot(spot.bucket, slot);
            }
        }
    }

    fn bump_one(&self, spot: Spot, at: Tick, bump: &Bump) -> Result<Reading, Refused> {
        let window = Window::of_s(bump.window_s);
        let mut bucket = self.table.lock(spot.bucket);
        let known = in_turn(spot.home).find(|&slot| spot.owner.owns(bucket.head(slot)));
        if let Some(slot) = known
            && let Some(mut kept) = Slot::unpack(bucket.head(slot), bucket.rest(slot))
        {
            let reading = match spot.owner.measure() {
                Measure::Count => count::bump(&mut kept, at, window),
                Measure::Distinct => distinct::bump(&mut kept, at, bump.member, window),
            };
            let (head, rest) = kept.pack(spot.owner, window.expiry_unit(at.near(kept.newest)));
            bucket.put(slot, head, rest);
            return Ok(reading);
        }
        let slot = self.make_room(&bucket, spot, at)?;
        let (fresh, reading) = match spot.owner.measure() {
            Measure::Count => count::first(at),
            Measure::Distinct => distinct::first(at, bump.member, window),
        };
        let (head, rest) = fresh.pack(spot.owner, window.expiry_unit(at));
        bucket.put(slot, head, rest);
        Ok(reading)
    }

    /// The slot for a new key: a free one, else one that counts no more, else one of an
    /// account over its share, else the one that would be forgotten first.
    fn make_room(&self, bucket: &Locked<'_>, spot: Spot, at: Tick) -> Result<usize, Refused> {
        let cell = self.cells.of(self.table.slice_of(spot.bucket));
        let class = spot.owner.account_class();
        let free = in_turn(spot.home).find(|&slot| !is_used(bucket.head(slot)));
        if let Some(slot) = free {
            cell.used.fetch_add(1, Ordering::Relaxed);
            self.held[class].fetch_add(1, Ordering::Relaxed);
            return Ok(slot);
        }
        let now = at.expiry_unit();
        let (rank, slot) = in_turn(spot.home)
            .map(|slot| (self.rank(bucket.head(slot), now), slot))
            .min()
            .unwrap_or(((Rank::Live, 0), spot.home));
        match rank.0 {
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

/// Who leaves a full bucket first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Expired,
    OverShare,
    Live,
}
