//! Counters across a restart: slices written out in turn, newer records replayed.
//!
//! Each slice carries the lanes' positions at its writing. A start loads the slices and
//! replays every record for exactly the slices that were written before it, so nothing is
//! lost and nothing counted twice.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use assay_model::ports::LogPosition;
use assay_model::recall::Bump;
use assay_model::record::EventRecord;
use assay_store::embedded::counters::{SLICE_COUNT, Slices};
use assay_store::spool::{pack, unpack};

use super::Node;

/// Per slice of the counters: up to where each lane's records are in it.
type Written = Vec<HashMap<u8, LogPosition>>;

/// Longest a start waits for its counters; past it we serve, and counter filters skip.
const WARM_MAX: Duration = Duration::from_secs(5);

impl Node {
    fn counters_dir(&self) -> PathBuf {
        self.dir.join("counters")
    }

    /// Loads the slices and replays what came after each; past five seconds the replay goes
    /// on beside the traffic, whose counter filters skip as `warming` until it is done.
    ///
    /// # Errors
    /// When the folder cannot be made, or the system gives no thread.
    pub fn warm(self: &Arc<Self>) -> anyhow::Result<()> {
        self.touch();
        let dir = self.counters_dir();
        std::fs::create_dir_all(&dir)?;
        let table = &self.engine.counters;
        let slices: Written = table
            .load(&dir)
            .iter()
            .map(|restored| restored.position().map(read_positions).unwrap_or_default())
            .collect();
        // Only what was there before we serve: newer records bump by themselves.
        let ends: Vec<(u8, LogPosition)> = self
            .spool
            .lanes()
            .map(|lane| (lane, self.spool.written(lane)))
            .collect();
        table.set_warming(true);
        let (done, wait) = mpsc::sync_channel::<()>(1);
        let node = Arc::clone(self);
        std::thread::Builder::new().name("assay-warm".to_owned()).spawn(move || {
            for (lane, end) in ends {
                if let Err(error) = node.replay(lane, &slices, end) {
                    tracing::error!(lane, %error, "counters are not whole: the spool does not read");
                }
            }
            node.engine.counters.set_warming(false);
            let _ = done.send(());
        })?;
        if wait.recv_timeout(WARM_MAX).is_err() {
            tracing::warn!("counters are still being replayed; their filters skip until then");
        }
        Ok(())
    }

    /// Builds what is built on first use, so that the first visitor does not wait for it.
    fn touch(&self) {
        self.engine
            .user_agents
            .get("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0");
        std::hint::black_box(self.engine.intel.tables().lookup([8, 8, 8, 8].into()));
    }

    fn replay(&self, lane: u8, slices: &Written, end: LogPosition) -> anyhow::Result<()> {
        let positions: Vec<LogPosition> = slices
            .iter()
            .map(|slice| slice.get(&lane).copied().unwrap_or_default())
            .collect();
        let from = positions.iter().min().copied().unwrap_or_default();
        let Some(mut reader) = self.spool.reader(lane, from) else {
            return Ok(());
        };
        let (mut bumps, mut batch) = (Vec::new(), Vec::new());
        while reader.position() < end {
            let Some(read) = reader.next_batch()? else {
                return Ok(());
            };
            if read.end > end {
                return Ok(());
            }
            let mut missing = Slices::NONE;
            for (slice, position) in positions.iter().enumerate() {
                if *position < read.end {
                    missing.insert(slice);
                }
            }
            for bytes in read.records {
                self.replay_record(bytes, missing, &mut bumps, &mut batch);
            }
        }
        Ok(())
    }

    /// Bumps again what a record bumped: its rule is found as it was when it came in, by the
    /// rules in force now.
    fn replay_record(
        &self,
        bytes: &[u8],
        only: Slices,
        bumps: &mut Vec<(u16, Bump)>,
        batch: &mut Vec<Bump>,
    ) {
        let Ok(record) = EventRecord::decode(bytes) else {
            return;
        };
        if record.recall.uncounted {
            return;
        }
        let snapshot = self.engine.policies.load();
        let Some((account, integration)) = snapshot.integration(record.facts.hit.integration)
        else {
            return;
        };
        let rules = account.rules(integration.settings.kind);
        let rule = rules.rule_for(&record.facts);
        rule.bumps(&record.facts, bumps);
        rule.given_back(record.verdict.action, bumps, batch);
        let given_back = batch.len();
        batch.extend(bumps.iter().map(|(_, bump)| *bump));
        // Nothing can be given back before it was added.
        batch.rotate_left(given_back);
        self.engine
            .counters
            .replay(record.facts.hit.account, record.facts.hit.time, batch, only);
    }

    /// Writes one slice out; returns false when the disk would not.
    pub fn checkpoint(&self, slice: usize) -> bool {
        // Taken first: a record bumped in between is counted once more by a replay, one that
        // is missing would be lost.
        let positions: Vec<(u8, LogPosition)> = self
            .spool
            .lanes()
            .map(|lane| (lane, self.spool.synced(lane)))
            .collect();
        match self.engine.counters.checkpoint_slice(
            slice,
            &self.counters_dir(),
            &write_positions(&positions),
        ) {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(slice, %error, "counters not written out");
                false
            }
        }
    }

    /// Writes every slice out; at the end of a run.
    pub fn checkpoint_all(&self) {
        for slice in 0..SLICE_COUNT {
            if !self.checkpoint(slice) {
                return;
            }
        }
        let stats = &self.engine.stats;
        tracing::info!(
            lost = stats.lost_records.load(Ordering::Relaxed),
            "counters written out"
        );
    }
}

/// Nine bytes a lane: its number, and its packed position.
fn write_positions(positions: &[(u8, LogPosition)]) -> Vec<u8> {
    let mut out = Vec::with_capacity(positions.len() * 9);
    for (lane, position) in positions {
        out.push(*lane);
        out.extend_from_slice(&pack(*position).to_le_bytes());
    }
    out
}

fn read_positions(bytes: &[u8]) -> HashMap<u8, LogPosition> {
    bytes
        .chunks_exact(9)
        .filter_map(|part| {
            let (lane, word) = part.split_first()?;
            Some((*lane, unpack(u64::from_le_bytes(word.try_into().ok()?))))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_read_back() {
        let positions = [
            (
                0,
                LogPosition {
                    segment: 3,
                    offset: 77,
                },
            ),
            (
                5,
                LogPosition {
                    segment: 1 << 30,
                    offset: 0,
                },
            ),
        ];
        assert_eq!(
            read_positions(&write_positions(&positions)),
            positions.into()
        );
    }
}
