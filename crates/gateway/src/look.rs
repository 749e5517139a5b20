//! What one judgement of an event looks up: its rule, its counters, what is held against its
//! sources, and the limits that are no rule's.

use assay_detect::CompiledRule;
use assay_model::facts::Facts;
use assay_model::ports::{CounterStore, RecallError};
use assay_model::recall::{Bump, Degraded, Measure, Reading, Recall};
use assay_model::record::encode_facts;
use assay_model::verdict::{Action, OnDegraded, Verdict};

use crate::decide::{Counters, Memory, Readings, Screening};
use crate::engine::Engine;
use crate::network::OwnLimits;
use crate::outbox::Scratch;
use crate::policy::{AccountPolicy, IntegrationPolicy};

/// What was looked up, ready to be judged.
#[derive(Debug)]
pub struct Look<'p> {
    pub rule: &'p CompiledRule,
    pub recall: Recall,
}

impl<'p> Look<'p> {
    /// Judges the event whose look it is.
    pub fn judge<'a>(&self, facts: &'a Facts<'_>, on_degraded: OnDegraded) -> Verdict<'a>
    where
        'p: 'a,
    {
        self.rule.judge(facts, &self.recall, on_degraded)
    }
}

/// Looks things up for one event.
pub struct Looker<'p, C> {
    pub engine: &'p Engine<C>,
    pub account: &'p AccountPolicy,
    pub integration: &'p IntegrationPolicy,
    started_us: u64,
    /// Whether a record is kept.
    keeps: bool,
}

impl<'p, C: CounterStore> Looker<'p, C> {
    /// For an event that comes in now.
    pub fn new(
        engine: &'p Engine<C>,
        (account, integration): (&'p AccountPolicy, &'p IntegrationPolicy),
        keeps: bool,
    ) -> Self {
        Self {
            engine,
            account,
            integration,
            started_us: engine.clock.monotonic_us(),
            keeps,
        }
    }

    pub fn on_degraded(&self) -> OnDegraded {
        self.integration.settings.on_degraded
    }

    pub fn spent_us(&self) -> u64 {
        let now_us = self.engine.clock.monotonic_us();
        now_us.saturating_sub(self.started_us)
    }

    /// Whether the decision's budget is spent.
    pub fn is_late(&self) -> bool {
        self.spent_us() > self.engine.limits.budget_us
    }

    /// Everything that the event's rule wants to know; its counters are moved and read.
    pub async fn look(
        &self,
        scratch: &mut Scratch,
        facts: &Facts<'_>,
        screening: Screening,
        memory: Memory,
    ) -> Look<'p> {
        let rule = self.rule_for(facts, screening);
        let own = self.limits_of(facts, screening);
        scratch.bumps.clear();
        if matches!(memory.counters, Counters::Move) {
            rule.bumps(facts, &mut scratch.bumps);
            own.bumps(facts, rule.needs().len(), &mut scratch.bumps);
        }
        scratch.ask();
        self.engine.counters.expect(&scratch.batch);
        // While the counters come near.
        self.encode(scratch, facts);
        let needed = rule.needs().len() + own.needs();
        let onward = screening == Screening::Onward;
        let mut recall = self.remember(scratch, facts, needed, onward).await;
        let readings: Readings = recall.readings.drain(rule.needs().len()..).collect();
        self.engine.sources.recall(rule, facts, &mut recall);
        recall.limits = own.find(facts, &readings);
        memory.into_recall(&mut recall, rule.rule);
        Look { rule, recall }
    }

    /// What is known without counting.
    pub fn glance(&self, facts: &Facts<'_>, screening: Screening) -> Look<'p> {
        let rule = self.rule_for(facts, screening);
        let mut recall = Recall::default();
        recall.readings.resize(rule.needs().len(), None);
        self.engine.sources.recall(rule, facts, &mut recall);
        recall.limits = self.limits_of(facts, screening).find(facts, &[]);
        Look { rule, recall }
    }

    /// Keeps the facts' part of the record.
    pub fn encode(&self, scratch: &mut Scratch, facts: &Facts<'_>) {
        if self.keeps {
            scratch.facts.clear();
            encode_facts(facts, &mut scratch.facts);
        }
    }

    /// Takes back what the event added to caps, if it was rejected.
    pub async fn give_back(
        &self,
        scratch: &mut Scratch,
        facts: &Facts<'_>,
        look: &Look<'_>,
        action: Action,
    ) {
        look.rule
            .given_back(action, &scratch.bumps, &mut scratch.batch);
        if scratch.batch.is_empty() {
            return;
        }
        // Only what has caps gives any back. A store that does not answer keeps the total too
        // high until its period is over: the cap stays one.
        let (account, time) = (facts.hit.account, facts.hit.time);
        let counters = &self.engine.counters;
        let given = counters.recall(account, time, &scratch.batch, &mut scratch.readings);
        let _ = given.await;
    }

    fn limits_of(&self, facts: &Facts<'_>, screening: Screening) -> OwnLimits<'p> {
        match screening {
            Screening::Off => OwnLimits::default(),
            _ => self.account.network.limits_of(facts),
        }
    }

    fn rule_for(&self, facts: &Facts<'_>, screening: Screening) -> &'p CompiledRule {
        let rules = self.account.rules(self.integration.settings.kind);
        match screening {
            Screening::ByScope | Screening::Onward => rules.rule_for(facts),
            Screening::ByRule(id) => rules
                .by_id(id, self.integration.id.0)
                .unwrap_or_else(|| rules.rule_for(facts)),
            Screening::Off => rules.unscreened(),
        }
    }

    /// Bumps and reads the counters: the only wait before the answer.
    async fn remember(
        &self,
        scratch: &mut Scratch,
        facts: &Facts<'_>,
        needed: usize,
        onward: bool,
    ) -> Recall {
        let mut recall = Recall::default();
        recall.readings.resize(needed, None);
        if scratch.bumps.is_empty() {
            return recall;
        }
        let (account, time) = (facts.hit.account, facts.hit.time);
        let counters = &self.engine.counters;
        let answer = if scratch.batch.is_empty() {
            // Everything was asked for the same event before.
            scratch.readings.clear();
            Ok(())
        } else {
            let answer = counters.recall(account, time, &scratch.batch, &mut scratch.readings);
            answer.await
        };
        match answer {
            Ok(()) => scratch.answer(&mut recall, onward),
            Err(RecallError::Late) => recall.degraded = Some(Degraded::RecallLate),
            Err(RecallError::Warming) => recall.degraded = Some(Degraded::Warming),
            Err(RecallError::Quota) => recall.degraded = Some(Degraded::TableQuota),
        }
        recall
    }
}

impl Scratch {
    /// Puts the bumps that were not made for this event before into the batch.
    fn ask(&mut self) {
        let Self {
            bumps,
            batch,
            counted,
            ..
        } = self;
        batch.clear();
        let bumps = bumps.iter().map(|(_, bump)| *bump);
        batch.extend(bumps.filter(|bump| known(counted, bump).is_none()));
    }

    /// Puts the readings of all bumps where they belong; one that may be asked again for the
    /// same event is kept, but for totals, which are given back.
    fn answer(&mut self, recall: &mut Recall, onward: bool) {
        let mut fresh = self.readings.iter();
        for (place, bump) in &self.bumps {
            let had = known(&self.counted, bump);
            let Some(reading) = had.or_else(|| fresh.next().copied()) else {
                return;
            };
            recall.readings[usize::from(*place)] = Some(reading);
            if onward && had.is_none() && bump.measure != Measure::Total {
                self.counted.push((*bump, reading));
            }
        }
    }
}

fn known(counted: &[(Bump, Reading)], bump: &Bump) -> Option<Reading> {
    let found = counted.iter().find(|(own, _)| own == bump);
    found.map(|(_, reading)| *reading)
}
