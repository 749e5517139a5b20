//! The keys of transaction ids: made at the first start, replaced in time, put in force.

use std::sync::Arc;

use anyhow::Context as _;
use assay_console::ClickIds;
use assay_gateway::Engine;
use assay_model::ports::KeyStore;
use assay_model::transaction::{Content, Key, KeyRing};
use assay_model::{EventRecord, Timestamp};
use assay_store::embedded::CounterTable;

const DAY_MS: i64 = 86_400_000;
/// Age at which the newest key gets a successor.
const ROTATES_MS: i64 = 90 * DAY_MS;
/// How long ids are honoured: the longest look-back, and a day for clocks.
const LIVES_MS: i64 = 91 * DAY_MS;

/// Keeps the ring of transaction keys.
pub struct KeyKeeper {
    store: Arc<dyn KeyStore>,
    engine: Arc<Engine<CounterTable>>,
}

impl KeyKeeper {
    /// A keeper that has put nothing in force yet.
    pub const fn new(store: Arc<dyn KeyStore>, engine: Arc<Engine<CounterTable>>) -> Self {
        Self { store, engine }
    }

    /// Puts the stored ring in force.
    ///
    /// # Errors
    /// When control data cannot be read; the ring in force stays.
    pub async fn refresh(&self) -> anyhow::Result<()> {
        if let Some(ring) = self.store.transaction_keys().await? {
            self.engine.policies.put_keys(ring);
        }
        Ok(())
    }

    /// Makes a first ring, adds a key where the newest is old, drops those that no living id
    /// needs, and puts the result in force.
    ///
    /// # Errors
    /// When control data cannot be read or written, or the system gives no random bytes.
    pub async fn keep(&self) -> anyhow::Result<()> {
        let now = self.engine.clock.now();
        let old = self.store.transaction_keys().await?;
        let new = kept(old.as_ref(), now, &random()?).context("no key ids are left")?;
        if old.as_ref() != Some(&new) {
            // False: another node was faster, and its ring is the one to read.
            self.store
                .replace_transaction_keys(old.as_ref(), &new)
                .await?;
        }
        self.refresh().await
    }
}

/// Our ids of clicks, sealed again for whoever looks at a record.
pub struct SealedIds(pub Arc<Engine<CounterTable>>);

impl ClickIds for SealedIds {
    fn of(&self, record: &EventRecord<'_>) -> Option<String> {
        let content = Content::of(record.event_id, &record.facts, &record.verdict);
        let keys = self.0.policies.keys();
        keys.as_ref()?.seal(&content, record.facts.hit.received)
    }
}

/// The ring as it should be now.
fn kept(old: Option<&KeyRing>, now: Timestamp, secret: &[u8; 32]) -> Option<KeyRing> {
    let Some(old) = old else {
        let first = Key {
            id: 0,
            made: now,
            secret: *secret,
        };
        return KeyRing::new(vec![first]);
    };
    let ring = old.without_expired(now, LIVES_MS);
    let newest = ring.keys().last()?;
    if now.ms_since(newest.made) < ROTATES_MS {
        return Some(ring);
    }
    ring.rotated(now, *secret)
}

fn random() -> anyhow::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no random bytes: {error}"))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_is_made_rotated_and_cleared_in_time() {
        let start = Timestamp(1_767_225_600_000);
        let mut ring = kept(None, start, &[1; 32]).unwrap();
        assert_eq!(ring.keys().len(), 1);
        let mut most = 0;
        for day in 0..1000 {
            let now = start.plus_ms(day * DAY_MS);
            ring = kept(Some(&ring), now, &[2; 32]).unwrap();
            let age_d = now.ms_since(ring.current(now).made) / DAY_MS;
            assert!(age_d <= 91, "day {day}: the key in use is {age_d} days old");
            most = most.max(ring.keys().len());
        }
        assert_eq!(most, 3, "one coming, one in use, one that ids still need");
        let same = kept(Some(&ring), start.plus_ms(999 * DAY_MS), &[3; 32]).unwrap();
        assert_eq!(same, ring, "nothing to do, nothing written");
    }
}
