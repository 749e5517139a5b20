//! The path of an event, as one function. Start here.
//!
//! hit → facts → rule → recall → verdict → record → answer. One wait, before the verdict;
//! exactly one record, whatever the verdict.

use assay_intel::ip::IpTables;
use assay_model::EventId;
use assay_model::click::{ClickMatch, ClickSearch};
use assay_model::facts::Facts;
use assay_model::hit::Hit;
use assay_model::ports::CounterStore;
use assay_model::recall::{Degraded, Reading, Recall};
use assay_model::record::{RecordParts, encode_around};
use assay_model::verdict::{Action, Finding, RuleRef, Verdict};
use smallvec::SmallVec;

use crate::engine::Engine;
use crate::enrich::enrich;
use crate::look::Looker;
use crate::outbox::{Outbox, Scratch};
use crate::policy::{AccountPolicy, IntegrationPolicy};
use crate::waterfall;

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
    /// The first whose scope matches; what it rejects goes on to the next offer's own.
    Onward,
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
    Had(RuleRef, Box<Had>),
}

/// What an earlier judgement of the same event has read.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Had {
    /// The rule's counters.
    pub readings: Readings,
    /// What the offer's own limits found by theirs.
    pub limits: Vec<Finding<'static>>,
}

/// Counters as a record keeps them.
pub type Readings = SmallVec<[Option<Reading>; 16]>;

impl Memory {
    /// Puts it into what was looked up for the event by this rule.
    pub(crate) fn into_recall(self, recall: &mut Recall, rule: RuleRef) {
        recall.uncounted = !matches!(self.counters, Counters::Move);
        if let Counters::Had(by, had) = self.counters {
            recall.limits = had.limits;
            if by == rule && had.readings.len() == recall.readings.len() {
                recall.readings = had.readings;
            }
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
    let looker = Looker::new(engine, (account, integration), O::KEEPS);
    let tables = engine.intel.tables();
    let tables: &IpTables = &tables;
    let mut facts = enrich(engine, tables, account, hit);
    scratch.counted.clear();
    let screening = course.screening;
    let looked = looker.look(scratch, &facts, screening, course.memory);
    let mut look = looked.await;
    let on_degraded = looker.on_degraded();
    let mut verdict = look.judge(&facts, on_degraded);
    let mut spent_us = looker.spent_us();
    if spent_us > engine.limits.budget_us && look.recall.degraded.is_none() {
        // Seldom enough to judge twice: a clock read before the verdict would cost every event.
        look.recall.degraded = Some(Degraded::BudgetSpent);
        verdict = look.judge(&facts, on_degraded);
    }
    let given_back = looker.give_back(scratch, &facts, &look, verdict.action);
    given_back.await;
    if screening == Screening::Onward && verdict.action == Action::Rejected {
        let turned_down = waterfall::passed(&facts, &verdict);
        drop(verdict);
        look = waterfall::go_on(&looker, scratch, &mut facts, look, turned_down).await;
        verdict = look.judge(&facts, on_degraded);
        spent_us = looker.spent_us();
    }
    let recall = &look.recall;
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
        encode_around(&parts, &scratch.facts, recall, &verdict, out);
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
    let looker = Looker::new(engine, whose, false);
    let tables = engine.intel.tables();
    let mut facts = enrich(engine, &tables, whose.0, hit);
    let mut look = looker.glance(&facts, screening);
    let mut verdict = look.judge(&facts, looker.on_degraded());
    if screening == Screening::Onward && verdict.action == Action::Rejected {
        drop(verdict);
        look = waterfall::foretell(&looker, &mut facts, look);
        verdict = look.judge(&facts, looker.on_degraded());
    }
    respond(&facts, &verdict)
}
