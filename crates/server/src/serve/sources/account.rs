//! One account: what is held, what was learned, and how both are put in force.

use std::sync::{Arc, Mutex};

use assay_detect::reputation::Learning;
use assay_detect::sources::{Held, SourceChange, What, judge};
use assay_gateway::{AccountPolicy, AccountSources, Engine, Taught};
use assay_model::document::Reputations;
use assay_model::ports::{KeptSnapshot, Lift, NewDecision, SourceStep, StoreError};
use assay_model::sources::Standings;
use assay_model::{AccountId, Timestamp};
use assay_store::embedded::CounterTable;

use super::fold::Folded;
use super::{SourcePorts, kept, lessons, locked};

/// A snapshot of what was learned is made at most this often, when there is something new.
const LEARNED_EVERY_MS: i64 = 2_000;
/// A snapshot that says nothing of anybody is written down at most this often.
const WRITTEN_EVERY_MS: i64 = 3_600_000;

/// One account's state. Each part has a lock of its own, none is held while another is taken
/// but in the order in which they stand here.
pub struct Account {
    /// Whose.
    pub id: AccountId,
    /// Events counted.
    pub folded: Mutex<Folded>,
    state: Mutex<State>,
    learned: Mutex<Learned>,
}

/// What is held.
#[derive(Default)]
struct State {
    number: u64,
    as_of: Option<Timestamp>,
    held: Vec<Held>,
    lifts: Vec<Lift>,
    /// When the last judgement was made by this process.
    judged: Option<Timestamp>,
    written: Option<Timestamp>,
}

/// What outcomes taught.
struct Learned {
    learning: Learning,
    new: bool,
    published: Option<Timestamp>,
}

impl Account {
    pub fn new(id: AccountId, settings: Reputations) -> Self {
        Self {
            id,
            folded: Mutex::default(),
            state: Mutex::default(),
            learned: Mutex::new(Learned {
                learning: Learning::new(settings),
                new: false,
                published: None,
            }),
        }
    }

    /// Reads what was in force, and everything that was learned.
    pub async fn restore(&self, ports: &SourcePorts, now: Timestamp) -> Result<(), StoreError> {
        let snapshot = ports.store.snapshot(self.id).await?;
        let lifts = ports.store.lifts(self.id, now).await?;
        {
            let mut state = locked(&self.state);
            state.lifts = lifts;
            if let Some(snapshot) = snapshot {
                state.number = snapshot.number;
                state.as_of = Some(snapshot.as_of);
                state.held = kept::read(&snapshot.held);
            }
        }
        let settings = *locked(&self.learned).learning.settings();
        let learning = lessons::load(ports, self.id, settings, now).await?;
        let mut learned = locked(&self.learned);
        learned.learning = learning;
        learned.new = true;
        Ok(())
    }

    /// When the numbers in force were taken, and how many sources are held.
    pub fn standing(&self) -> (Option<Timestamp>, usize) {
        let state = locked(&self.state);
        (state.as_of, state.held.len())
    }

    /// What is held, with the snapshot's number.
    pub fn held(&self) -> (u64, Option<Timestamp>, Vec<Held>) {
        let state = locked(&self.state);
        (state.number, state.as_of, state.held.clone())
    }

    /// Whether it is time to judge.
    pub fn is_due(&self, now: Timestamp, every_ms: i64) -> bool {
        let judged = locked(&self.state).judged;
        judged.is_none_or(|at| now.ms_since(at) >= every_ms)
    }

    /// Judges, writes down what changed, and takes it for in force.
    pub async fn judge(
        &self,
        ports: &SourcePorts,
        policy: &AccountPolicy,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (before, number, lifts, written) = {
            let mut state = locked(&self.state);
            state.lifts.retain(|lift| now < lift.until);
            let number = next_number(state.number, now);
            let lifts = state.lifts.clone();
            (state.held.clone(), number, lifts, state.written)
        };
        let mut judgement = {
            let mut folded = locked(&self.folded);
            let Some(profiles) = folded.profiles(now) else {
                return Ok(());
            };
            judge(policy.every_rule(), profiles, &before, number, now)
        };
        let is_lifted = |held: &Held| {
            let key = filter_key(held.filter);
            let covers = |lift: &Lift| lift.covers(held.rule, key, &held.source, now);
            lifts.iter().any(covers)
        };
        judgement.held.retain(|held| !is_lifted(held));
        judgement.changes.retain(|change| !is_lifted(&change.held));
        let changes: Vec<NewDecision> = judgement
            .changes
            .iter()
            .map(|change| line(change, number, now))
            .collect();
        let says_nothing = judgement.held.is_empty() && changes.is_empty();
        let fresh = written.is_some_and(|at| now.ms_since(at) < WRITTEN_EVERY_MS);
        if !(says_nothing && fresh) {
            let snapshot = KeptSnapshot {
                number,
                as_of: now,
                held: kept::written(&judgement.held),
            };
            ports.store.judged(self.id, snapshot, changes).await?;
        }
        let mut state = locked(&self.state);
        if !(says_nothing && fresh) {
            state.written = Some(now);
        }
        state.number = number;
        state.as_of = Some(now);
        state.judged = Some(now);
        // What a person has lifted while this was judged is not held again.
        let lifts = state.lifts.clone();
        judgement.held.retain(|held| {
            let key = filter_key(held.filter);
            let covers = |lift: &Lift| lift.covers(held.rule, key, &held.source, now);
            !lifts.iter().any(covers)
        });
        state.held = judgement.held;
        Ok(())
    }

    /// Takes what a person has lifted out of force; what it was is given back.
    pub fn lift(&self, lift: Lift, now: Timestamp) -> Vec<Held> {
        let mut state = locked(&self.state);
        let covers = |held: &Held| {
            let key = filter_key(held.filter);
            lift.covers(held.rule, key, &held.source, now)
        };
        let (gone, kept) = state.held.drain(..).partition(covers);
        state.held = kept;
        state.number = next_number(state.number, now);
        state.lifts.push(lift);
        gone
    }

    /// What is written down of what is in force.
    pub fn snapshot(&self) -> Option<KeptSnapshot> {
        let state = locked(&self.state);
        Some(KeptSnapshot {
            number: state.number,
            as_of: state.as_of?,
            held: kept::written(&state.held),
        })
    }

    /// Uses these settings from now on.
    pub fn learn_as(&self, settings: Reputations) {
        let mut learned = locked(&self.learned);
        if *learned.learning.settings() != settings {
            learned.learning.set(settings);
            learned.published = None;
            learned.new = true;
        }
    }

    /// Counts what outcomes teach.
    pub fn learn(&self, teach: impl FnOnce(&mut Learning)) {
        let mut learned = locked(&self.learned);
        teach(&mut learned.learning);
        learned.new = true;
    }

    /// Whether something was learned that no snapshot has, and one may be made.
    pub fn has_learned(&self, now: Timestamp) -> bool {
        let learned = locked(&self.learned);
        let rested = learned
            .published
            .is_none_or(|at| now.ms_since(at) >= LEARNED_EVERY_MS);
        learned.new && rested
    }

    /// Puts everything in force.
    pub fn publish(&self, engine: &Engine<CounterTable>) {
        let now = engine.clock.now();
        let standings = self.standings();
        let known = {
            let mut learned = locked(&self.learned);
            learned.new = false;
            learned.published = Some(now);
            learned.learning.snapshot(now)
        };
        let reputation = match known.is_empty() {
            true => Taught::Nothing,
            false => Taught::Snapshot(Arc::new(known)),
        };
        let sources = AccountSources {
            standings: Arc::new(standings),
            reputation,
        };
        engine.sources.put(self.id, sources);
    }

    fn standings(&self) -> Standings {
        let state = locked(&self.state);
        let Some(as_of) = state.as_of else {
            return Standings::default();
        };
        let mut standings = Standings::new(state.number, as_of);
        for held in &state.held {
            let source = held.source.key();
            standings.hold(held.rule, held.filter, source, held.standing.clone());
        }
        standings
    }
}

/// Numbers grow across restarts, also past snapshots that nobody wrote down: they are seconds,
/// or one more than the last.
fn next_number(last: u64, now: Timestamp) -> u64 {
    let seconds = u64::try_from(now.0 / 1000).unwrap_or(0);
    seconds.max(last + 1)
}

/// The key of a filter by its place; a filter that this build does not have has none.
pub fn filter_key(place: u8) -> &'static str {
    let keys = assay_detect::filter_keys();
    keys.get(usize::from(place)).copied().unwrap_or("")
}

fn line(change: &SourceChange, number: u64, now: Timestamp) -> NewDecision {
    let held = &change.held;
    NewDecision {
        at: now,
        snapshot: number,
        step: match change.what {
            What::Held => SourceStep::Held,
            What::Changed => SourceStep::Changed,
            What::Lifted => SourceStep::Lifted,
        },
        source: held.source.clone(),
        rule: Some(held.rule),
        filter: filter_key(held.filter).to_owned(),
        reason: held.standing.reason.code().to_owned(),
        actor: "engine".to_owned(),
        detail: kept::detail(held, change.freed_by.as_ref()),
    }
}
