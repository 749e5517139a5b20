//! Outcomes in the input: what became of an event is learned after the event was scored, so
//! it moves the points of those that follow, never its own.

use std::sync::{Arc, Mutex, PoisonError};

use assay_detect::reputation::Learning;
use assay_gateway::{AccountPolicy, AccountSources, Decision, Engine, IntegrationPolicy, Taught};
use assay_model::document::Reputations;
use assay_model::reputation::{Outcome, keys_of};
use assay_store::embedded::counters::CounterTable;

use crate::offline;

/// What the input's own outcomes have taught so far.
pub struct Lessons(Arc<Mutex<Learning>>);

impl Lessons {
    /// Nothing yet; the engine looks events up in it from now on.
    pub fn of(engine: &Engine<CounterTable>) -> Self {
        let learning = Arc::new(Mutex::new(Learning::new(Reputations::default())));
        let sources = AccountSources {
            reputation: Taught::Live(Arc::clone(&learning)),
            ..AccountSources::default()
        };
        engine.sources.put(offline::ACCOUNT, sources);
        Self(learning)
    }

    /// Learns an event's outcome. What was judged without all its inputs never teaches.
    pub fn learn(
        &self,
        account: &AccountPolicy,
        integration: &IntegrationPolicy,
        decision: &Decision<'_, '_>,
        outcome: Option<Outcome>,
    ) {
        let Some(outcome) = outcome.filter(|_| decision.verdict.degraded.is_none()) else {
            return;
        };
        let facts = decision.facts;
        let rules = account.rules(integration.settings.kind);
        let keys = keys_of(facts, rules.rule_for(facts).sub_id);
        let mut learning = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        learning.learn(&keys, outcome.is_bad(), 1.0, facts.hit.time);
    }
}
