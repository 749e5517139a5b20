//! Sources and reputation, beside the lanes: events are folded, sources judged, outcomes
//! learned, and what comes of it is left as a snapshot for the hot path.
//!
//! - [`follow`]: the event log of every lane, read on at low priority.
//! - [`fold`]: one account's events counted, from the store after a start or a change of its
//!   rules, from the log from then on; and its ledger's changes.
//! - [`account`]: what is in force for one account, and how it got there.
//! - [`desk`]: what console and data plane ask.
//! - [`outcomes`], [`lessons`]: what events came to.
//! - [`kept`]: what is held, as it is written down.
//!
//! Nothing waits for any of this: a step that is late leaves the numbers in force, whose age
//! the evidence and the metrics tell.

mod account;
mod desk;
mod fold;
mod follow;
mod kept;
mod lessons;
mod outcomes;
mod shown;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use assay_gateway::Engine;
use assay_model::ports::{
    ClickIndex, EventReader, EventScan, Ledger, LedgerFeed, SourceStore, StoreError,
};
use assay_model::{AccountId, Timestamp};
use assay_store::embedded::CounterTable;

use account::Account;
pub use desk::Desk;
pub use follow::Follower;

/// How often an account is judged, and the most its profiles hold.
#[derive(Clone, Copy, Debug)]
pub struct SourceOptions {
    /// Milliseconds between two judgements.
    pub every_ms: i64,
    /// Most sources of one account; sub ids and offers included.
    pub sources: usize,
    /// Most counts of one account, eight bytes each.
    pub counts: usize,
}

impl Default for SourceOptions {
    fn default() -> Self {
        let own = assay_detect::sources::Limits::default();
        Self {
            every_ms: 60_000,
            sources: own.sources,
            counts: own.counts,
        }
    }
}

impl SourceOptions {
    const fn limits(&self) -> assay_detect::sources::Limits {
        assay_detect::sources::Limits {
            sources: self.sources,
            counts: self.counts,
        }
    }
}

/// What the keeper reads and writes.
#[derive(Clone)]
pub struct SourcePorts {
    /// Decisions and outcomes.
    pub store: Arc<dyn SourceStore>,
    /// Events by id.
    pub events: Arc<dyn EventReader>,
    /// Events in one go.
    pub scan: Arc<dyn EventScan>,
    /// Clicks by the caller's id.
    pub clicks: Arc<dyn ClickIndex>,
    /// Conversions.
    pub ledger: Arc<dyn Ledger>,
    /// Their changes.
    pub feed: Arc<dyn LedgerFeed>,
}

/// Numbers for metrics.
#[derive(Debug, Default)]
pub struct SourceStats {
    /// When the oldest snapshot in force was made; 0 = none.
    oldest_ms: AtomicI64,
    /// Time that the last judgement of all accounts took.
    judged_us: AtomicU64,
    /// Time spent folding events, and how many.
    fold_us: AtomicU64,
    folded: AtomicU64,
    /// Sources held, over all accounts.
    held: AtomicU64,
}

/// Keeps sources judged and outcomes learned, for all accounts.
pub struct SourceKeeper {
    engine: Arc<Engine<CounterTable>>,
    ports: SourcePorts,
    options: SourceOptions,
    accounts: Mutex<HashMap<u32, Arc<Account>>>,
    /// Numbers for metrics.
    pub stats: SourceStats,
}

impl SourceKeeper {
    /// A keeper with nothing in force yet.
    #[must_use]
    pub fn new(
        engine: Arc<Engine<CounterTable>>,
        ports: SourcePorts,
        options: SourceOptions,
    ) -> Self {
        Self {
            engine,
            ports,
            options,
            accounts: Mutex::default(),
            stats: SourceStats::default(),
        }
    }

    /// Puts in force what was in force when the process ended, with its age.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn restore(&self) -> Result<(), StoreError> {
        for id in self.ports.store.accounts().await? {
            let account = self.account(id);
            account
                .restore(&self.ports, self.engine.clock.now())
                .await?;
            account.publish(&self.engine);
        }
        Ok(())
    }

    /// Judges, learns and publishes whatever is due. Blocks; for a thread of its own, with a
    /// handle to a runtime for what is stored.
    pub fn step(&self, runtime: &tokio::runtime::Handle) {
        let now = self.engine.clock.now();
        if let Err(error) = runtime.block_on(self.learn_from_ledger(now)) {
            tracing::error!(%error, "outcomes of the ledger wait");
        }
        let policies = self.engine.policies.load();
        let ids: Vec<AccountId> = policies.accounts().map(|policy| policy.account).collect();
        drop(policies);
        let (mut oldest, mut held) = (i64::MAX, 0);
        for id in ids {
            let account = self.account(id);
            if let Err(error) = self.step_of(&account, now, runtime) {
                tracing::error!(account = id.0, %error, "the sources' snapshot in force stays");
            }
            let (as_of, count) = account.standing();
            held += count;
            if let Some(as_of) = as_of {
                oldest = oldest.min(as_of.0);
            }
        }
        let oldest = if oldest == i64::MAX { 0 } else { oldest };
        self.stats.oldest_ms.store(oldest, Ordering::Relaxed);
        self.stats.held.store(held as u64, Ordering::Relaxed);
    }

    fn step_of(
        &self,
        account: &Account,
        now: Timestamp,
        runtime: &tokio::runtime::Handle,
    ) -> anyhow::Result<()> {
        let policies = self.engine.policies.load();
        let Some(policy) = policies.account(account.id) else {
            return Ok(());
        };
        account.learn_as(policy.reputation);
        fold::keep_up(self, account, policy, now, runtime)?;
        if account.is_due(now, self.options.every_ms) {
            let started_us = self.engine.clock.monotonic_us();
            runtime.block_on(account.judge(&self.ports, policy, now))?;
            let spent = self.engine.clock.monotonic_us().saturating_sub(started_us);
            self.stats.judged_us.store(spent, Ordering::Relaxed);
            account.publish(&self.engine);
        } else if account.has_learned(now) {
            account.publish(&self.engine);
        }
        Ok(())
    }

    fn account(&self, id: AccountId) -> Arc<Account> {
        let mut accounts = locked(&self.accounts);
        let make = || {
            let policies = self.engine.policies.load();
            let settings = policies.account(id).map(|policy| policy.reputation);
            Arc::new(Account::new(id, settings.unwrap_or_default()))
        };
        Arc::clone(accounts.entry(id.0).or_insert_with(make))
    }
}

impl SourceStats {
    /// Name, kind, meaning and value of each, for the metrics page.
    #[must_use]
    pub fn rows(&self, now: Timestamp) -> [(&'static str, &'static str, &'static str, f64); 5] {
        let load = |value: &AtomicU64| value.load(Ordering::Relaxed) as f64;
        let age_ms = match self.oldest_ms.load(Ordering::Relaxed) {
            0 => 0,
            oldest => now.0.saturating_sub(oldest).max(0),
        };
        [
            (
                "assay_sources_snapshot_age_seconds",
                "gauge",
                "Age of the oldest account's numbers about its sources.",
                age_ms as f64 / 1000.0,
            ),
            (
                "assay_sources_judgement_seconds",
                "gauge",
                "Time the last judgement took.",
                load(&self.judged_us) / 1e6,
            ),
            (
                "assay_sources_fold_seconds_total",
                "counter",
                "Time spent counting events for their sources.",
                load(&self.fold_us) / 1e6,
            ),
            (
                "assay_sources_folded_total",
                "counter",
                "Events counted for their sources.",
                load(&self.folded),
            ),
            (
                "assay_sources_held",
                "gauge",
                "Sources that something is held against.",
                load(&self.held),
            ),
        ]
    }
}

/// A lock's value; one that a panic left is whole, since nothing in between can fail.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
