//! One recorded event, judged again.

use std::collections::HashMap;
use std::sync::Arc;

use assay_model::document::IntegrationKind;
use assay_model::ports::ScratchCounters;
use assay_model::recall::{Bump, CounterSpec, Measure, Reading, Recall};
use assay_model::verdict::{Action, RuleRef, Verdict};
use assay_model::{EventRecord, IntegrationId, Reason};

use super::Candidate;
use crate::CompiledRule;

/// What was in force when events were recorded.
pub trait Recorded: Sync {
    /// The rule version, compiled for the kind of integration; `None` = it is not stored.
    fn rule(&self, rule: RuleRef, kind: IntegrationKind) -> Option<Arc<CompiledRule>>;
    /// What the integration is; `None` = it was never stored.
    fn kind(&self, integration: IntegrationId) -> Option<IntegrationKind>;
}

/// Whether a record still holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// Its rule version comes to the same verdict, bit for bit.
    Same,
    /// It does not.
    Different,
    /// It does not, and the record is of another revision of detection.
    DifferentRevision,
    /// The rule version is not stored.
    NoRule,
}

/// An event that is not replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unjudged {
    /// A test event, which is in no report.
    Test,
    /// Of an integration that was paused: nothing judged it.
    Unscreened,
    /// Its integration is not stored.
    NoIntegration,
    /// The candidate needs a counter that the record has no reading of.
    NeedsCounters,
}

/// What an event came to.
#[derive(Debug)]
pub struct Judged<'j> {
    /// Whether the record still holds.
    pub agreement: Agreement,
    /// The rule that would have judged it.
    pub rule: &'j CompiledRule,
    /// What it would have come to.
    pub verdict: Verdict<'j>,
    /// Whether counters made anew had a part in it.
    pub rebuilt: bool,
    /// Whether the candidate asks about the event's source what the deciding rule did not:
    /// what the statistics said then is not recorded, and is held against nobody.
    pub unasked: bool,
}

/// Counters made anew, for events that come in order of their time.
pub struct Counters {
    store: Box<dyn ScratchCounters>,
    batch: Vec<Bump>,
    readings: Vec<Option<Reading>>,
}

impl Counters {
    /// Over empty counters.
    #[must_use]
    pub fn new(store: Box<dyn ScratchCounters>) -> Self {
        Self {
            store,
            batch: Vec::new(),
            readings: Vec::new(),
        }
    }
}

/// Where a candidate's counters stand among those that a recorded rule read.
type Places = Arc<[Option<u16>]>;

/// Judges recorded events; each thread has its own.
pub struct Judge<'p> {
    candidate: &'p Candidate,
    recorded: &'p dyn Recorded,
    rules: HashMap<(RuleRef, IntegrationKind), Option<Arc<CompiledRule>>>,
    kinds: HashMap<IntegrationId, Option<IntegrationKind>>,
    places: HashMap<(RuleRef, RuleRef, IntegrationKind), Places>,
    counters: Option<Counters>,
    bumps: Vec<(u16, Bump)>,
    rebuilt: Vec<Option<Reading>>,
    /// The deciding rule of the event at hand, and the recall that the candidate gets.
    then: Option<Arc<CompiledRule>>,
    recall: Recall,
}

impl<'p> Judge<'p> {
    /// Judges by what records hold; `counters` = makes anew what they do not.
    #[must_use]
    pub fn new(
        candidate: &'p Candidate,
        recorded: &'p dyn Recorded,
        counters: Option<Counters>,
    ) -> Self {
        Self {
            candidate,
            recorded,
            rules: HashMap::new(),
            kinds: HashMap::new(),
            places: HashMap::new(),
            counters,
            bumps: Vec::new(),
            rebuilt: Vec::new(),
            then: None,
            recall: Recall::default(),
        }
    }

    /// Counts an event of the warm-up: it is judged by nobody.
    pub fn warm_up(&mut self, record: &EventRecord<'_>) {
        if is_test(record) || record.verdict.rule == UNSCREENED {
            return;
        }
        let hit = &record.facts.hit;
        let Some(kind) = self.kind(hit.integration) else {
            return;
        };
        let then = self.rule(record.verdict.rule, kind);
        if let Some(now) = self
            .candidate
            .rule_for(kind, &record.facts, then.as_deref())
        {
            self.count(record, now);
            self.give_back(record, now, record.verdict.action);
        }
    }

    /// Judges one event.
    ///
    /// # Errors
    /// [`Unjudged`], which says why not.
    pub fn judge<'j>(&'j mut self, record: &'j EventRecord<'_>) -> Result<Judged<'j>, Unjudged> {
        let facts = &record.facts;
        let stored = &record.verdict;
        if is_test(record) {
            return Err(Unjudged::Test);
        }
        if stored.rule == UNSCREENED {
            return Err(Unjudged::Unscreened);
        }
        let kind = self
            .kind(facts.hit.integration)
            .ok_or(Unjudged::NoIntegration)?;
        self.then = self.rule(stored.rule, kind);
        let candidate = self.candidate;
        let now = candidate
            .rule_for(kind, facts, self.then.as_deref())
            .ok_or(Unjudged::NoIntegration)?;
        self.count(record, now);
        // The very rule that decided: one judgement answers both questions.
        let same_rule = now.rule == stored.rule && self.fits(record);
        let Remembered { rebuilt, unasked } = match same_rule {
            true => Remembered::default(),
            false => self.remember(record, now, kind)?,
        };
        let on_degraded = stored.weighing.on_degraded;
        if same_rule {
            let verdict = now.judge(facts, &record.recall, on_degraded);
            self.give_back(record, now, verdict.action);
            return Ok(Judged {
                agreement: agreement(record, &verdict),
                rule: now,
                verdict,
                rebuilt,
                unasked,
            });
        }
        let agreement = match &self.then {
            None => Agreement::NoRule,
            Some(then) => agreement(record, &then.judge(facts, &record.recall, on_degraded)),
        };
        let verdict = now.judge(facts, &self.recall, on_degraded);
        self.give_back(record, now, verdict.action);
        Ok(Judged {
            agreement,
            rule: now,
            verdict,
            rebuilt,
            unasked,
        })
    }

    fn kind(&mut self, integration: IntegrationId) -> Option<IntegrationKind> {
        let recorded = self.recorded;
        *self
            .kinds
            .entry(integration)
            .or_insert_with(|| recorded.kind(integration))
    }

    fn rule(&mut self, rule: RuleRef, kind: IntegrationKind) -> Option<Arc<CompiledRule>> {
        let recorded = self.recorded;
        self.rules
            .entry((rule, kind))
            .or_insert_with(|| recorded.rule(rule, kind))
            .clone()
    }

    /// Whether the record's readings are those of its rule's counters, as this build has them.
    fn fits(&self, record: &EventRecord<'_>) -> bool {
        let then = self.then.as_ref();
        then.is_some_and(|rule| rule.needs().len() == record.recall.readings.len())
    }

    /// Bumps the candidate's counters as the event would have; `rebuilt` has their readings.
    fn count(&mut self, record: &EventRecord<'_>, now: &CompiledRule) {
        let Some(counters) = &mut self.counters else {
            return;
        };
        self.rebuilt.clear();
        self.rebuilt.resize(now.needs().len(), None);
        // Counted under another record of the same event.
        if record.recall.uncounted {
            return;
        }
        now.bumps(&record.facts, &mut self.bumps);
        counters.batch.clear();
        let bumps = self.bumps.iter().map(|(_, bump)| *bump);
        counters.batch.extend(bumps);
        let hit = &record.facts.hit;
        let (batch, readings) = (&counters.batch, &mut counters.readings);
        counters.store.bump(hit.account, hit.time, batch, readings);
        for ((place, _), reading) in self.bumps.iter().zip(readings.iter()) {
            self.rebuilt[usize::from(*place)] = *reading;
        }
    }

    /// Takes back from the candidate's totals what a rejected event had added to them.
    fn give_back(&mut self, record: &EventRecord<'_>, now: &CompiledRule, action: Action) {
        let Some(counters) = self.counters.as_mut().filter(|_| !record.recall.uncounted) else {
            return;
        };
        now.given_back(action, &self.bumps, &mut counters.batch);
        if !counters.batch.is_empty() {
            let hit = &record.facts.hit;
            let (batch, readings) = (&counters.batch, &mut counters.readings);
            counters.store.bump(hit.account, hit.time, batch, readings);
        }
    }

    /// Puts together what the candidate remembers of the event: stored readings where the
    /// deciding rule had the same counter, else such as were made anew.
    fn remember(
        &mut self,
        record: &EventRecord<'_>,
        now: &CompiledRule,
        kind: IntegrationKind,
    ) -> Result<Remembered, Unjudged> {
        let event = record.facts.hit.event;
        let then = self.then.clone();
        // What the deciding rule did not screen it did not count either.
        let read = then.filter(|rule| rule.screens(event) && self.fits(record));
        let places = self.places(read.as_deref(), now, kind);
        let missing = places.iter().any(Option::is_none);
        let rebuilt = missing && now.screens(event);
        if rebuilt && self.counters.is_none() {
            return Err(Unjudged::NeedsCounters);
        }
        let stored = &record.recall;
        self.recall.clone_from(stored);
        self.recall.readings.clear();
        for (at, place) in places.iter().enumerate() {
            self.recall.readings.push(match place {
                Some(place) => stored.readings.get(usize::from(*place)).copied().flatten(),
                None => self.rebuilt.get(at).copied().flatten(),
            });
        }
        let unasked = self.ask(stored, read.as_deref(), now) && now.screens(event);
        Ok(Remembered { rebuilt, unasked })
    }

    /// Puts what was held against the event's sources where the candidate asks for it; true =
    /// it asks something that the deciding rule did not.
    fn ask(&mut self, stored: &Recall, then: Option<&CompiledRule>, now: &CompiledRule) -> bool {
        let asked = then.map_or(&[] as &[_], CompiledRule::standings);
        self.recall.standings.clear();
        let mut unasked = false;
        for (place, question) in (0u16..).zip(now.standings()) {
            let own = asked.iter().position(|other| other == question);
            unasked |= own.is_none();
            let standing = stored
                .standings
                .iter()
                .find(|(at, _)| Some(usize::from(*at)) == own);
            if let Some((_, standing)) = standing {
                self.recall.standings.push((place, Arc::clone(standing)));
            }
        }
        unasked
    }

    fn places(
        &mut self,
        then: Option<&CompiledRule>,
        now: &CompiledRule,
        kind: IntegrationKind,
    ) -> Places {
        let Some(then) = then else {
            return vec![None; now.needs().len()].into();
        };
        let key = (then.rule, now.rule, kind);
        let made = self.places.entry(key).or_insert_with(|| {
            let place = |spec: &CounterSpec| {
                // What a total begins anew with is a setting of its filter, which the
                // counter does not show.
                if matches!(spec.measure, Measure::Total | Measure::Payout) {
                    return None;
                }
                let at = then.needs().iter().position(|own| own == spec)?;
                u16::try_from(at).ok()
            };
            now.needs().iter().map(place).collect()
        });
        Arc::clone(made)
    }
}

/// What the record does not say of what a candidate remembers.
#[derive(Default)]
struct Remembered {
    rebuilt: bool,
    unasked: bool,
}

/// The rule of events that nobody screens.
const UNSCREENED: RuleRef = RuleRef { id: 0, version: 0 };

fn is_test(record: &EventRecord<'_>) -> bool {
    let findings = &record.verdict.findings;
    findings.iter().any(|f| f.reason == Reason::TestTraffic)
}

fn agreement(record: &EventRecord<'_>, again: &Verdict<'_>) -> Agreement {
    if *again == record.verdict {
        Agreement::Same
    } else if record.detect_revision == crate::REVISION {
        Agreement::Different
    } else {
        Agreement::DifferentRevision
    }
}
