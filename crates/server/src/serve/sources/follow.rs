//! The event log of every lane, read on.
//!
//! The log is not held back for this: segments go when they are sealed. What went before it
//! was read is counted from the store instead.

use assay_model::record::{EventRecord, peek_frame};
use assay_store::spool::{Spool, SpoolReader};

use super::{SourceKeeper, locked};

/// Records of one lane read in one go, so that accounts are judged in between.
const AT_ONCE: usize = 100_000;

/// Follows the log of every lane.
pub struct Follower {
    lanes: Vec<Place>,
}

struct Place {
    lane: u8,
    reader: SpoolReader,
}

impl Follower {
    /// Begins at the end: what was written before is counted from the store.
    #[must_use]
    pub fn new(spool: &Spool) -> Self {
        let place = |lane| {
            let reader = spool.reader(lane, spool.written(lane))?;
            Some(Place { lane, reader })
        };
        Self {
            lanes: spool.lanes().filter_map(place).collect(),
        }
    }

    /// Counts what came since the last step; true = there is more.
    pub fn step(&mut self, keeper: &SourceKeeper) -> bool {
        let mut more = false;
        for place in &mut self.lanes {
            match place.read_on(keeper) {
                Ok(rest) => more |= rest,
                Err(error) => {
                    let lane = place.lane;
                    tracing::error!(lane, %error, "events are not counted for their sources");
                }
            }
        }
        more
    }
}

impl Place {
    fn read_on(&mut self, keeper: &SourceKeeper) -> std::io::Result<bool> {
        let started_us = keeper.engine.clock.monotonic_us();
        let (mut read, mut added) = (0, 0);
        let mut position = self.reader.position();
        while read < AT_ONCE
            && let Some(batch) = self.reader.next_batch()?
        {
            if batch.end.segment > position.segment + 1 {
                keeper.missed();
            }
            position = batch.end;
            for bytes in batch.records {
                read += 1;
                added += u64::from(keeper.count(bytes));
            }
        }
        if read > 0 {
            keeper.folded(added, started_us);
        }
        Ok(read >= AT_ONCE)
    }
}

impl SourceKeeper {
    /// Counts a record of the log for its source.
    fn count(&self, bytes: &[u8]) -> bool {
        let Ok(frame) = peek_frame(bytes) else {
            return false;
        };
        let known = locked(&self.accounts).get(&frame.account.0).cloned();
        let Some(account) = known else {
            return false;
        };
        let policies = self.engine.policies.load();
        let Some(policy) = policies.account(frame.account) else {
            return false;
        };
        match EventRecord::decode(bytes) {
            Ok(record) => locked(&account.folded).add(policy, &record),
            Err(_) => false,
        }
    }

    /// Segments of the log went before they were read.
    fn missed(&self) {
        for account in locked(&self.accounts).values() {
            locked(&account.folded).missed();
        }
    }
}
