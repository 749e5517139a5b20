//! The path of an event, as one function. Start here.
//!
//! hit → facts → rule → recall → verdict → record → answer. One wait, before the verdict;
//! exactly one record, whatever the verdict.

use assay_detect::CompiledRule;
use assay_intel::ip::IpTables;
use assay_model::EventId;
use assay_model::click::{ClickMatch, ClickSearch};
use assay_model::facts::Facts;
use assay_model::hit::Hit;
use assay_model::ports::{CounterStore, RecallError};
use assay_model::recall::{Degraded, Reading, Recall};
use assay_model::record::{RecordParts, encode_around, encode_facts};
use assay_model::verdict::{RuleRef, Verdict};
use smallvec::SmallVec;

use crate::engine::Engine;
use crate::enrich::enrich;
use crate::outbox::{Outbox, Scratch};
use crate::policy::{AccountPolicy, IntegrationPolicy};

/// What a door makes its answer from.
#[derive(Debug)]
pub struct Decision<'d, 'a> {
    /// The event's id; its record is in the outbox.
    pub event_id: EventId,
    /// Everything known of it.
    pub facts: &'d Facts<'a>,
    /// What it came to.
    pub verdict: &'d Verdict<'d>,
    /// Time the decision took.
    pub decision_us: u32,
    /// Where its record says it was sent.
    pub destination: Option<&'d str>,
}

/// Which rule judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Screening {
    /// The first whose scope matches.
    #[default]
    ByScope,
    /// This one, whatever its scope.
    ByRule(u64),
    /// None: the event goes through, and its record says that nothing was looked at.
    Off,
}

/// How a door wants a hit decided.
#[derive(Debug)]
pub struct Course<P> {
    /// Which rule judges.
    pub screening: Screening,
    /// What is remembered of the event beside its counters.
    pub memory: Memory,
    /// Where the event is sent, now that its verdict is known; part of its record.
    pub place: P,
}

/// What is remembered of an event beside its counters: of a conversion, its click.
#[derive(Debug, Default)]
pub struct Memory {
    /// What the search for its click came to.
    pub search: ClickSearch,
    /// That click.
    pub click: Option<Box<ClickMatch>>,
    /// Under which id it was judged before.
    pub again: Option<EventId>,
    /// What is done about its counters.
    pub counters: Counters,
}

/// What is done about an event's counters.
#[derive(Debug, Default)]
pub enum Counters {
    /// They are moved and read.
    #[default]
    Move,
    /// They are left alone: the event is judged once more, and counted then.
    Leave,
    /// They were read when it was judged before, by this rule; another rule has none.
    Had(RuleRef, Box<Readings>),
}

/// Counters as a record keeps them.
pub type Readings = SmallVec<[Option<Reading>; 16]>;

impl Memory {
    fn into_recall(self, recall: &mut Recall, rule: RuleRef) {
        recall.uncounted = !matches!(self.counters, Counters::Move);
        if let Counters::Had(by, readings) = self.counters
            && by == rule
            && readings.len() == recall.readings.len()
        {
            recall.readings = *readings;
        }
        recall.search = self.search;
        recall.click = self.click;
        recall.again = self.again;
    }
}

/// Judges a hit, keeps its record, and lets `respond` make the answer.
pub async fn decide<C: CounterStore, R>(
    engine: &Engine<C>,
    outbox: &impl Outbox,
    scratch: &mut Scratch,
    whose: (&AccountPolicy, &IntegrationPolicy),
    hit: Hit<'_>,
    respond: impl FnOnce(&Decision<'_, '_>) -> R,
) -> R {
    let course = Course {
        screening: Screening::ByScope,
        memory: Memory::default(),
        place: |_: &Decision<'_, '_>| None,
    };
    decide_as(engine, outbox, scratch, whose, hit, course, respond).await
}

/// [`decide`] for doors that choose the rule, or a destination once the verdict is known.
pub async fn decide_as<C: CounterStore, O: Outbox, R>(
    engine: &Engine<C>,
    outbox: &O,
    scratch: &mut Scratch,
    (account, integration): (&AccountPolicy, &IntegrationPolicy),
    hit: Hit<'_>,
    course: Course<impl FnOnce(&Decision<'_, '_>) -> Option<String>>,
    respond: impl FnOnce(&Decision<'_, '_>) -> R,
) -> R {
    let started_us = engine.clock.monotonic_us();
    let tables = engine.intel.tables();
    let tables: &IpTables = &tables;
    let facts = enrich(engine, tables, account, hit);
    let rule = rule_for((account, integration), &facts, course.screening);
    scratch.bumps.clear();
    if matches!(course.memory.counters, Counters::Move) {
        rule.bumps(&facts, &mut scratch.bumps);
    }
    scratch.batch.clear();
    let bumps = scratch.bumps.iter().map(|(_, bump)| *bump);
    scratch.batch.extend(bumps);
    engine.counters.expect(&scratch.batch);
    if O::KEEPS {
        // While the counters come near.
        scratch.facts.clear();
        encode_facts(&facts, &mut scratch.facts);
    }
    let mut recall = remember(engine, scratch, &facts, rule.needs().len()).await;
    engine.sources.recall(rule, &facts, &mut recall);
    course.memory.into_recall(&mut recall, rule.rule);
    let on_degraded = integration.settings.on_degraded;
    let mut verdict = rule.judge(&facts, &recall, on_degraded);
    let spent_us = engine.clock.monotonic_us().saturating_sub(started_us);
    if spent_us > engine.limits.budget_us && recall.degraded.is_none() {
        // Seldom enough to judge twice: a clock read before the verdict would cost every event.
        recall.degraded = Some(Degraded::BudgetSpent);
        verdict = rule.judge(&facts, &recall, on_degraded);
    }
    rule.given_back(verdict.action, &scratch.bumps, &mut scratch.batch);
    if !scratch.batch.is_empty() {
        // Only a rule with caps has any. A store that does not answer keeps the total too
        // high until its period is over: the cap stays one.
        let (account, time) = (facts.hit.account, facts.hit.time);
        let counters = &engine.counters;
        let given = counters.recall(account, time, &scratch.batch, &mut scratch.readings);
        let _ = given.await;
    }
    let decision_us = u32::try_from(spent_us).unwrap_or(u32::MAX);
    engine
        .stats
        .decided(verdict.action, verdict.degraded.is_some(), decision_us);
    let mut destination = None;
    let decision = |event_id| Decision {
        event_id,
        facts: &facts,
        verdict: &verdict,
        decision_us,
        destination: None,
    };
    let event_id = outbox.keep(facts.hit.received, |event_id, out| {
        destination = (course.place)(&decision(event_id));
        let parts = RecordParts {
            event_id,
            destination: destination.as_deref(),
            detect_revision: assay_detect::REVISION,
            decision_us,
        };
        encode_around(&parts, &scratch.facts, &recall, &verdict, out);
    });
    respond(&Decision {
        destination: destination.as_deref(),
        ..decision(event_id)
    })
}

/// What an event would come to by what is known at once: no counter is moved or read, and no
/// record is kept. For HEAD, which is answered without counting.
pub fn foresee<C: CounterStore, R>(
    engine: &Engine<C>,
    whose: (&AccountPolicy, &IntegrationPolicy),
    hit: Hit<'_>,
    screening: Screening,
    respond: impl FnOnce(&Facts<'_>, &Verdict<'_>) -> R,
) -> R {
    let tables = engine.intel.tables();
    let facts = enrich(engine, &tables, whose.0, hit);
    let rule = rule_for(whose, &facts, screening);
    let mut recall = Recall::default();
    recall.readings.resize(rule.needs().len(), None);
    engine.sources.recall(rule, &facts, &mut recall);
    let verdict = rule.judge(&facts, &recall, whose.1.settings.on_degraded);
    respond(&facts, &verdict)
}

fn rule_for<'p>(
    (account, integration): (&'p AccountPolicy, &IntegrationPolicy),
    facts: &Facts<'_>,
    screening: Screening,
) -> &'p CompiledRule {
    let rules = account.rules(integration.settings.kind);
    match screening {
        Screening::ByScope => rules.rule_for(facts),
        Screening::ByRule(id) => rules
            .by_id(id, integration.id.0)
            .unwrap_or_else(|| rules.rule_for(facts)),
        Screening::Off => rules.unscreened(),
    }
}

/// Bumps and reads the rule's counters: the only wait before the answer.
async fn remember<C: CounterStore>(
    engine: &Engine<C>,
    scratch: &mut Scratch,
    facts: &Facts<'_>,
    needed: usize,
) -> Recall {
    let mut recall = Recall::default();
    recall.readings.resize(needed, None);
    if scratch.bumps.is_empty() {
        return recall;
    }
    let account = facts.hit.account;
    let answer = engine
        .counters
        .recall(
            account,
            facts.hit.time,
            &scratch.batch,
            &mut scratch.readings,
        )
        .await;
    match answer {
        Ok(()) => {
            for ((place, _), reading) in scratch.bumps.iter().zip(&scratch.readings) {
                recall.readings[usize::from(*place)] = Some(*reading);
            }
        }
        Err(RecallError::Late) => recall.degraded = Some(Degraded::RecallLate),
        Err(RecallError::Warming) => recall.degraded = Some(Degraded::Warming),
        Err(RecallError::Quota) => recall.degraded = Some(Degraded::TableQuota),
    }
    recall
}
