//! What is held against sources and what outcomes taught, as the hot path reads it.
//!
//! A task leaves immutable snapshots here, an account's at a time; a decision loads what is in
//! force once and looks its event up. Nothing waits for the task: one that is late leaves the
//! numbers it had, whose age stands in the evidence.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, Guard};
use assay_detect::CompiledRule;
use assay_detect::reputation::Learning;
use assay_model::AccountId;
use assay_model::facts::Facts;
use assay_model::recall::Recall;
use assay_model::reputation::{Reputation, Reputed};
use assay_model::sources::{Against, SourceKey, SourceLevel, Standings};

/// One account's snapshots.
#[derive(Debug, Default)]
pub struct AccountSources {
    /// What is held against whom.
    pub standings: Arc<Standings>,
    /// What outcomes taught.
    pub reputation: Taught,
}

/// Where an event's reputation is looked up.
#[derive(Clone, Debug, Default)]
pub enum Taught {
    /// Nowhere.
    #[default]
    Nothing,
    /// In a snapshot.
    Snapshot(Arc<Reputation>),
    /// In what is being learned, event by event: for one thread that reads a file.
    Live(Arc<Mutex<Learning>>),
}

impl Taught {
    fn look_up(&self, facts: &Facts<'_>, rule: &CompiledRule) -> Option<Box<Reputed>> {
        match self {
            Self::Nothing => None,
            Self::Snapshot(known) => known.look_up(facts, rule.sub_id),
            Self::Live(learning) => learning
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .look_up(facts, rule.sub_id, facts.hit.time),
        }
    }
}

type ByAccount = HashMap<u32, Arc<AccountSources>>;

/// The snapshots in force.
#[derive(Debug, Default)]
pub struct SourceSnapshots {
    current: ArcSwap<ByAccount>,
}

impl SourceSnapshots {
    fn load(&self) -> Guard<Arc<ByAccount>> {
        self.current.load()
    }

    /// An account's snapshots.
    #[must_use]
    pub fn of(&self, account: AccountId) -> Option<Arc<AccountSources>> {
        self.load().get(&account.0).cloned()
    }

    /// Puts an account's snapshots in force beside the others'.
    pub fn put(&self, account: AccountId, sources: AccountSources) {
        let sources = Arc::new(sources);
        self.current.rcu(|old| {
            let mut all = ByAccount::clone(old);
            all.insert(account.0, Arc::clone(&sources));
            all
        });
    }

    /// Looks an event up under the rule that judges it.
    pub fn recall(&self, rule: &CompiledRule, facts: &Facts<'_>, recall: &mut Recall) {
        let all = self.load();
        if all.is_empty() || !rule.screens(facts.hit.event) {
            return;
        }
        let Some(own) = all.get(&facts.hit.account.0) else {
            return;
        };
        stand(&own.standings, rule, facts, recall);
        if rule.asks_reputation() {
            recall.reputation = own.reputation.look_up(facts, rule);
        }
    }
}

/// What is held against the event's sources. Most filters of a rule ask about the same ones,
/// so each level's is looked up once.
fn stand(standings: &Standings, rule: &CompiledRule, facts: &Facts<'_>, recall: &mut Recall) {
    let asked = rule.standings();
    if asked.is_empty() || standings.number == 0 {
        return;
    }
    recall.snapshot = standings.number;
    if standings.is_empty() {
        return;
    }
    let mut held: [Option<&[Against]>; SourceLevel::ALL.len()] = Default::default();
    for (place, spec) in (0u16..).zip(asked) {
        let own = *held[spec.level as usize].get_or_insert_with(|| {
            let key = SourceKey::of(facts, spec.level, spec.sub_id);
            key.map_or(&[], |key| standings.against(key))
        });
        let of_filter = |held: &&Against| held.rule == rule.rule.id && held.filter == spec.filter;
        if let Some(found) = own.iter().find(of_filter) {
            recall.standings.push((place, Arc::clone(&found.standing)));
        }
    }
}
