//! What a replay comes to, per source: what changes, why, and which events show it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use assay_model::hit::Field;
use assay_model::{EventId, EventRecord, Reason};

use super::{Agreement, Judged, Unjudged};

/// Sources that get a row of their own; the rest is one row. Bounds the memory.
pub const SOURCES_MAX: usize = 10_000;
/// Event ids kept per source and direction.
pub const SAMPLES: usize = 5;
/// Event ids kept of records that do not hold.
pub const EXAMPLES: usize = 100;

/// A publisher and its sub id, as the candidate's rule maps it; empty = not given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Source {
    /// Who sent the traffic.
    pub publisher: String,
    /// Part of the publisher's traffic.
    pub sub_id: String,
}

/// Which way a verdict changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// Was let through, and would be rejected (held, or reported as such).
    ToRejected,
    /// Was rejected, and would be let through.
    ToApproved,
}

/// Verdicts that change one way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// How many.
    pub events: u64,
    /// By the reason of the rejection: the candidate's, or the recorded one.
    pub reasons: BTreeMap<Reason, u64>,
    /// Some of them: the lowest ids, so that every run shows the same.
    pub samples: BTreeSet<EventId>,
}

impl Change {
    fn add(&mut self, id: EventId, reason: Reason) {
        self.events += 1;
        *self.reasons.entry(reason).or_default() += 1;
        keep_lowest(&mut self.samples, id, SAMPLES);
    }

    fn merge(&mut self, other: &Self) {
        self.events += other.events;
        for (reason, events) in &other.reasons {
            *self.reasons.entry(*reason).or_default() += events;
        }
        for id in &other.samples {
            keep_lowest(&mut self.samples, *id, SAMPLES);
        }
    }
}

fn keep_lowest(ids: &mut BTreeSet<EventId>, id: EventId, most: usize) {
    ids.insert(id);
    if ids.len() > most {
        ids.pop_last();
    }
}

/// One source, or all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Events judged.
    pub events: u64,
    /// Of these, rejected then (held and monitored ones too).
    pub rejected: u64,
    /// Of these, rejected by the candidate.
    pub rejected_now: u64,
    /// Let through then, rejected now.
    pub to_rejected: Change,
    /// Rejected then, let through now.
    pub to_approved: Change,
    /// Rejected both times, for another main reason.
    pub other_reason: u64,
}

impl Row {
    /// Verdicts that change.
    #[must_use]
    pub const fn changed(&self) -> u64 {
        self.to_rejected.events + self.to_approved.events
    }

    fn add(&mut self, record: &EventRecord<'_>, judged: &Judged<'_>) -> Option<Direction> {
        let (then, now) = (&record.verdict, &judged.verdict);
        self.events += 1;
        self.rejected += u64::from(then.is_caught());
        self.rejected_now += u64::from(now.is_caught());
        match (then.is_caught(), now.is_caught()) {
            (false, true) => {
                self.to_rejected.add(record.event_id, now.reason);
                Some(Direction::ToRejected)
            }
            (true, false) => {
                self.to_approved.add(record.event_id, then.reason);
                Some(Direction::ToApproved)
            }
            (true, true) if then.reason != now.reason => {
                self.other_reason += 1;
                None
            }
            _ => None,
        }
    }

    /// Adds another row's counts.
    pub fn merge(&mut self, other: &Self) {
        self.events += other.events;
        self.rejected += other.rejected;
        self.rejected_now += other.rejected_now;
        self.to_rejected.merge(&other.to_rejected);
        self.to_approved.merge(&other.to_approved);
        self.other_reason += other.other_reason;
    }
}

/// Events that were not replayed, by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unreplayed {
    /// Test events.
    pub test: u64,
    /// Events of paused integrations.
    pub unscreened: u64,
    /// Events of integrations that are not stored.
    pub no_integration: u64,
    /// Records that cannot be decoded.
    pub damaged: u64,
}

/// What a replay comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All sources together.
    pub totals: Row,
    /// By source.
    pub sources: HashMap<Source, Row>,
    /// The sources beyond [`SOURCES_MAX`].
    pub others: Row,
    /// Records whose verdict came out the same, bit for bit.
    pub same: u64,
    /// Records whose verdict did not.
    pub different: u64,
    /// Records of another revision of detection whose verdict did not.
    pub different_revision: u64,
    /// Records whose rule version is not stored.
    pub no_rule: u64,
    /// Some records that do not hold.
    pub examples: BTreeSet<EventId>,
    /// By revision of detection, as recorded.
    pub revisions: BTreeMap<u32, u64>,
    /// Verdicts in which counters made anew had a part.
    pub rebuilt: u64,
    /// Verdicts without what the statistics would have said, since nobody asked then.
    pub unasked: u64,
    /// What was left out.
    pub unreplayed: Unreplayed,
    source: Source,
}

impl Tally {
    /// Adds a judged event; returns which way its verdict changes.
    pub fn add(&mut self, record: &EventRecord<'_>, judged: &Judged<'_>) -> Option<Direction> {
        *self.revisions.entry(record.detect_revision).or_default() += 1;
        self.agree(record.event_id, judged.agreement);
        self.rebuilt += u64::from(judged.rebuilt);
        self.unasked += u64::from(judged.unasked);
        // A record made when its event was judged again is no event of its own.
        if record.recall.again.is_some() {
            return None;
        }
        let hit = &record.facts.hit;
        let text = |field| hit.get(field).unwrap_or("");
        self.source.publisher.clear();
        self.source.publisher.push_str(text(Field::Publisher));
        self.source.sub_id.clear();
        self.source.sub_id.push_str(text(judged.rule.sub_id));
        let full = self.sources.len() >= SOURCES_MAX;
        let row = match self.sources.get_mut(&self.source) {
            Some(row) => row,
            None if full => &mut self.others,
            None => self.sources.entry(self.source.clone()).or_default(),
        };
        row.add(record, judged);
        self.totals.add(record, judged)
    }

    fn agree(&mut self, id: EventId, agreement: Agreement) {
        let count = match agreement {
            Agreement::Same => &mut self.same,
            Agreement::Different => &mut self.different,
            Agreement::DifferentRevision => &mut self.different_revision,
            Agreement::NoRule => &mut self.no_rule,
        };
        *count += 1;
        let differs = [Agreement::Different, Agreement::DifferentRevision];
        if differs.contains(&agreement) {
            keep_lowest(&mut self.examples, id, EXAMPLES);
        }
    }

    /// Counts an event that was not replayed. That counters are missing is no count: the
    /// replay begins anew with them.
    pub const fn leave_out(&mut self, why: Unjudged) {
        match why {
            Unjudged::Test => self.unreplayed.test += 1,
            Unjudged::Unscreened => self.unreplayed.unscreened += 1,
            Unjudged::NoIntegration => self.unreplayed.no_integration += 1,
            Unjudged::NeedsCounters => {}
        }
    }

    /// Adds another thread's share.
    pub fn merge(&mut self, other: Self) {
        self.totals.merge(&other.totals);
        self.others.merge(&other.others);
        // Sorted, so that which sources have rows does not hang on a hash's order.
        let sources: BTreeMap<Source, Row> = other.sources.into_iter().collect();
        for (source, row) in sources {
            let full = self.sources.len() >= SOURCES_MAX;
            match self.sources.get_mut(&source) {
                Some(own) => own.merge(&row),
                None if full => self.others.merge(&row),
                None => {
                    self.sources.insert(source, row);
                }
            }
        }
        self.same += other.same;
        self.different += other.different;
        self.different_revision += other.different_revision;
        self.no_rule += other.no_rule;
        self.rebuilt += other.rebuilt;
        self.unasked += other.unasked;
        for id in other.examples {
            keep_lowest(&mut self.examples, id, EXAMPLES);
        }
        for (revision, events) in other.revisions {
            *self.revisions.entry(revision).or_default() += events;
        }
        let (own, more) = (&mut self.unreplayed, other.unreplayed);
        own.test += more.test;
        own.unscreened += more.unscreened;
        own.no_integration += more.no_integration;
        own.damaged += more.damaged;
    }
}
