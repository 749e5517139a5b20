//! Records are made by the rule that decided, and replayed by another.

use std::sync::Arc;

use assay_model::document::{IntegrationKind, Rule};
use assay_model::hit::{Field, Hit};
use assay_model::ports::ScratchCounters;
use assay_model::recall::{Bump, Prints, Reading, Recall};
use assay_model::testing::{NOW, facts_of};
use assay_model::verdict::{OnDegraded, RuleRef};
use assay_model::{AccountId, EventId, EventRecord, IntegrationId, Reason, Timestamp};
use serde_json::json;

use super::*;
use crate::CompiledRule;

const KIND: IntegrationKind = IntegrationKind::Custom;

fn rule(filter: &str, settings: serde_json::Value) -> Rule {
    let mut rule = Rule::default_rule();
    rule.preset = assay_model::document::Preset::DisableAll;
    rule.filters.insert(filter.to_owned(), settings);
    rule
}

fn flooding(threshold: u32, window: &str) -> Rule {
    let settings = json!({"click_threshold": threshold, "time_window": window});
    rule("click_flooding", settings)
}

/// The one rule version that records name.
struct Stored(Arc<CompiledRule>);

impl Stored {
    fn new(rule: &Rule) -> Self {
        let id = RuleRef { id: 4, version: 2 };
        Self(Arc::new(CompiledRule::compile(rule, id, KIND).unwrap()))
    }

    /// What this rule made of an event, as stored.
    fn record(&self, number: u32, count: u32, change: impl FnOnce(&mut Hit<'static>)) -> Vec<u8> {
        let facts = facts_of(|hit| {
            hit.ip = "8.8.8.8".parse().ok();
            hit.set(Field::Publisher, Some("p1"));
            change(hit);
        });
        let facts = assay_model::Facts {
            ip: facts.hit.ip.map(assay_model::facts::IpFacts::unknown),
            ..facts
        };
        let reading = |spec: &assay_model::recall::CounterSpec| {
            spec.bump(&mut Prints::new(&facts))?;
            Some(Reading {
                count,
                span_s: 60,
                gap_ms: None,
            })
        };
        let recall = Recall {
            readings: self.0.needs().iter().map(reading).collect(),
            ..Recall::default()
        };
        let record = EventRecord {
            event_id: EventId::new(NOW, 0, 0, number),
            verdict: self.0.judge(&facts, &recall, OnDegraded::Allow),
            facts: facts.clone(),
            recall,
            destination: None,
            detect_revision: crate::REVISION,
            decision_us: 1,
        };
        let mut bytes = Vec::new();
        record.encode(&mut bytes);
        bytes
    }
}

impl Recorded for Stored {
    fn rule(&self, rule: RuleRef, _: IntegrationKind) -> Option<Arc<CompiledRule>> {
        (rule == self.0.rule).then(|| Arc::clone(&self.0))
    }

    fn kind(&self, integration: IntegrationId) -> Option<IntegrationKind> {
        (integration == IntegrationId(7)).then_some(KIND)
    }
}

/// Counts every key by itself, whatever its window.
#[derive(Default)]
struct Plain(std::collections::HashMap<u64, u32>);

impl ScratchCounters for Plain {
    fn bump(&mut self, _: AccountId, _: Timestamp, bumps: &[Bump], out: &mut Vec<Option<Reading>>) {
        out.clear();
        for bump in bumps {
            let count = self.0.entry(bump.key).or_default();
            *count += 1;
            out.push(Some(Reading {
                count: *count,
                span_s: 1,
                gap_ms: None,
            }));
        }
    }
}

fn candidate(rule: &Rule, version: u32) -> Candidate {
    Candidate::compile(&[(RuleRef { id: 4, version }, rule.clone())]).unwrap()
}

/// Replays records; stops where counters are missing.
fn replay(
    candidate: &Candidate,
    stored: &Stored,
    records: &[Vec<u8>],
    counters: Option<Counters>,
) -> Result<Tally, Unjudged> {
    let mut judge = Judge::new(candidate, stored, counters);
    let mut tally = Tally::default();
    for bytes in records {
        let record = EventRecord::decode(bytes).unwrap();
        match judge.judge(&record) {
            Ok(judged) => {
                tally.add(&record, &judged);
            }
            Err(Unjudged::NeedsCounters) => return Err(Unjudged::NeedsCounters),
            Err(why) => tally.leave_out(why),
        }
    }
    Ok(tally)
}

#[test]
fn the_same_version_comes_to_every_verdict_again() {
    let own = flooding(500, "1h");
    let stored = Stored::new(&own);
    let records: Vec<_> = (0..10).map(|n| stored.record(n, 495 + n, |_| {})).collect();
    let tally = replay(&candidate(&own, 2), &stored, &records, None).unwrap();
    assert_eq!((tally.same, tally.different), (10, 0));
    assert_eq!((tally.totals.rejected, tally.totals.changed()), (4, 0));
    assert_eq!(tally.rebuilt, 0);
}

#[test]
fn a_verdict_that_does_not_come_out_again_is_named() {
    let stored = Stored::new(&flooding(500, "1h"));
    let bytes = stored.record(7, 900, |_| {});
    let mut record = EventRecord::decode(&bytes).unwrap();
    record.verdict.points -= 1;
    for (revision, expected) in [(crate::REVISION, (1, 0)), (1, (0, 1))] {
        record.detect_revision = revision;
        let mut altered = Vec::new();
        record.encode(&mut altered);
        let candidate = candidate(&flooding(500, "1h"), 2);
        let tally = replay(&candidate, &stored, &[altered], None).unwrap();
        assert_eq!((tally.different, tally.different_revision), expected);
        assert_eq!(tally.examples.iter().next(), Some(&record.event_id));
        assert_eq!(tally.revisions.get(&revision), Some(&1));
    }
}

#[test]
fn another_threshold_reads_the_stored_counters() {
    let stored = Stored::new(&flooding(500, "1h"));
    let records: Vec<_> = [400, 450, 600, 700]
        .into_iter()
        .zip(0..)
        .map(|(count, n)| stored.record(n, count, |_| {}))
        .collect();
    let stricter = replay(&candidate(&flooding(420, "1h"), 0), &stored, &records, None);
    let row = stricter.unwrap().totals;
    assert_eq!(row.to_rejected.events, 1);
    assert_eq!(
        row.to_rejected.reasons.get(&Reason::ClickFlooding),
        Some(&1)
    );
    let looser = replay(&candidate(&flooding(650, "1h"), 0), &stored, &records, None).unwrap();
    assert_eq!(looser.totals.to_approved.events, 1);
    let sample = EventId::new(NOW, 0, 0, 2);
    assert_eq!(looser.totals.to_approved.samples.first(), Some(&sample));
    assert_eq!(
        looser.same, 4,
        "the records hold, whatever the candidate does"
    );
}

#[test]
fn another_window_needs_counters_made_anew() {
    let stored = Stored::new(&flooding(500, "1h"));
    let records: Vec<_> = (0..5).map(|n| stored.record(n, 1, |_| {})).collect();
    let candidate = candidate(&flooding(3, "2h"), 0);
    let without = replay(&candidate, &stored, &records, None);
    assert_eq!(without.unwrap_err(), Unjudged::NeedsCounters);
    assert_eq!(candidate.window_s(), 7200);
    let counters = Counters::new(Box::<Plain>::default());
    let tally = replay(&candidate, &stored, &records, Some(counters)).unwrap();
    assert_eq!(tally.rebuilt, 5);
    assert_eq!(
        tally.totals.to_rejected.events, 2,
        "the fourth and the fifth"
    );
}

#[test]
fn the_warm_up_counts_and_judges_nobody() {
    let stored = Stored::new(&flooding(500, "1h"));
    let records: Vec<_> = (0..4).map(|n| stored.record(n, 1, |_| {})).collect();
    let candidate = candidate(&flooding(3, "2h"), 0);
    let counters = Counters::new(Box::<Plain>::default());
    let mut judge = Judge::new(&candidate, &stored, Some(counters));
    for bytes in &records[..3] {
        judge.warm_up(&EventRecord::decode(bytes).unwrap());
    }
    let record = EventRecord::decode(&records[3]).unwrap();
    let judged = judge.judge(&record).unwrap();
    assert_eq!(judged.verdict.reason, Reason::ClickFlooding);
}

#[test]
fn what_the_deciding_rule_did_not_screen_has_no_counters() {
    let mut own = flooding(500, "1h");
    own.protection = assay_model::document::Protection::Conversion;
    let stored = Stored::new(&own);
    let record = stored.record(1, 900, |_| {});
    let without = replay(
        &candidate(&flooding(500, "1h"), 0),
        &stored,
        &[record],
        None,
    );
    assert_eq!(without.unwrap_err(), Unjudged::NeedsCounters);
}

#[test]
fn events_that_cannot_be_replayed_are_counted_by_cause() {
    let stored = Stored::new(&flooding(500, "1h"));
    let foreign = stored.record(1, 1, |hit| hit.integration = IntegrationId(9));
    let plain = stored.record(2, 1, |_| {});
    let mut unscreened = EventRecord::decode(&plain).unwrap();
    unscreened.verdict.rule = RuleRef { id: 0, version: 0 };
    let mut records = vec![foreign, Vec::new()];
    unscreened.encode(&mut records[1]);
    let mut unknown = EventRecord::decode(&plain).unwrap();
    unknown.verdict.rule = RuleRef { id: 4, version: 1 };
    let mut bytes = Vec::new();
    unknown.encode(&mut bytes);
    records.push(bytes);
    let counters = Counters::new(Box::<Plain>::default());
    let candidate = candidate(&flooding(500, "1h"), 0);
    let tally = replay(&candidate, &stored, &records, Some(counters)).unwrap();
    let left_out = tally.unreplayed;
    assert_eq!((left_out.no_integration, left_out.unscreened), (1, 1));
    assert_eq!((tally.no_rule, tally.totals.events), (1, 1));
}

#[test]
fn sources_beyond_the_bound_are_one_row_however_threads_shared_them() {
    let stored = Stored::new(&flooding(500, "1h"));
    let candidate = candidate(&flooding(500, "1h"), 2);
    let names: Vec<&'static str> = (0..SOURCES_MAX + 5)
        .map(|n| &*Box::leak(format!("p{n}").into_boxed_str()))
        .collect();
    let record =
        |n: usize| stored.record(n as u32, 1, |hit| hit.set(Field::Publisher, Some(names[n])));
    let (first, second) = (SOURCES_MAX - 10, SOURCES_MAX + 5);
    let part = |range: std::ops::Range<usize>| {
        let records: Vec<_> = range.map(record).collect();
        replay(&candidate, &stored, &records, None).unwrap()
    };
    let mut tally = part(0..first);
    tally.merge(part(first..second));
    assert_eq!(tally.sources.len(), SOURCES_MAX);
    assert_eq!(tally.others.events, 5);
    assert_eq!(tally.totals.events, second as u64);
}
