//! From records to what is held, on the smallest sources that can be told apart.

use assay_model::click::{ClickMatch, MatchedBy};
use assay_model::document::{IntegrationKind, Preset, Rule};
use assay_model::recall::Recall;
use assay_model::record::EventRecord;
use assay_model::testing::{NOW, clean_verdict, facts_of};
use assay_model::verdict::{RuleRef, Value as Observed};
use assay_model::{EventId, EventKind, Field, Reason, Timestamp};
use serde_json::{Value, json};

use super::{Held, Judgement, Limits, Origin, Outcome, Profiles, What, judge};
use crate::CompiledRule;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;

/// A rule with one filter.
fn rule(key: &str, settings: Value) -> CompiledRule {
    let mut rule = Rule::default_rule();
    rule.preset = Preset::DisableAll;
    rule.filters.insert(key.to_owned(), settings);
    let id = RuleRef { id: 3, version: 1 };
    CompiledRule::compile(&rule, id, IntegrationKind::Custom).unwrap()
}

/// An event of publisher `p1` on offer `o1`, `before_ms` before [`NOW`].
fn record(event: EventKind, before_ms: i64) -> EventRecord<'static> {
    let facts = facts_of(|hit| {
        hit.event = event;
        hit.time = NOW.plus_ms(-before_ms);
        hit.set(Field::Publisher, Some("p1"));
        hit.set(Field::Offer, Some("o1"));
    });
    let mut recall = Recall::default();
    if event.is_conversion() {
        let mut click = ClickMatch::unknown(MatchedBy::OwnId, 30 * 86_400);
        click.time = Some(facts.hit.time.plus_ms(-10 * MINUTE_MS));
        recall.click = Some(Box::new(click));
    }
    EventRecord {
        event_id: EventId([0; 10]),
        facts,
        recall,
        verdict: clean_verdict(),
        destination: None,
        detect_revision: crate::REVISION,
        decision_us: 1,
    }
}

fn profiles(rule: &CompiledRule, clicks: u32, conversions: u32, before_ms: i64) -> Profiles {
    let mut profiles = Profiles::new(Limits::default());
    add(&mut profiles, rule, clicks, conversions, before_ms);
    profiles
}

fn add(profiles: &mut Profiles, rule: &CompiledRule, clicks: u32, conversions: u32, ago_ms: i64) {
    for _ in 0..clicks {
        profiles.add(rule, &record(EventKind::Click, ago_ms));
    }
    for _ in 0..conversions {
        profiles.add(rule, &record(EventKind::Conversion, ago_ms));
    }
}

fn at(rule: &CompiledRule, profiles: &Profiles, before: &[Held], now: Timestamp) -> Judgement {
    judge([rule], profiles, before, 1, now)
}

#[test]
fn a_source_is_held_with_its_numbers_and_freed_by_better_ones() {
    let rule = rule("conversion_rate", json!({}));
    let mut profiles = profiles(&rule, 200, 80, 5 * MINUTE_MS);
    let first = at(&rule, &profiles, &[], NOW);
    let [held] = &first.held[..] else {
        panic!("{first:?}");
    };
    assert_eq!(held.standing.reason, Reason::CrHigh);
    assert_eq!((held.standing.n, held.standing.since), (200, NOW));
    assert_eq!(first.changes[0].what, What::Held);
    let snapshot = first.standings.get(3, held.filter, held.source.key());
    assert_eq!(snapshot.map(|own| &**own), Some(&held.standing));

    // 80 of 420 is 19 %: under the limit, not yet under nine tenths of it.
    add(&mut profiles, &rule, 220, 0, MINUTE_MS);
    let later = NOW.plus_ms(MINUTE_MS);
    let second = at(&rule, &profiles, &first.held, later);
    assert!(second.changes.is_empty());
    assert_eq!(second.held[0].standing.since, NOW);
    assert_eq!(second.held[0].standing.threshold, Observed::Float(18.0));
    assert!(
        at(&rule, &profiles, &[], later).held.is_empty(),
        "nobody new at 19 %"
    );

    add(&mut profiles, &rule, 100, 0, MINUTE_MS);
    let third = at(&rule, &profiles, &second.held, later);
    assert!(third.held.is_empty() && third.standings.is_empty());
    assert_eq!(third.changes[0].what, What::Lifted);
    assert!(third.changes[0].freed_by.is_some());
}

#[test]
fn without_traffic_a_hold_ends_with_its_window() {
    let rule = rule("conversion_rate", json!({"time_interval": "daily"}));
    let profiles = profiles(&rule, 200, 80, 5 * MINUTE_MS);
    let held = at(&rule, &profiles, &[], NOW).held;
    assert_eq!(held.len(), 1);
    let still = at(&rule, &profiles, &held, NOW.plus_ms(DAY_MS / 2));
    assert_eq!(still.held.len(), 1);
    let gone = at(
        &rule,
        &profiles,
        &still.held,
        NOW.plus_ms(DAY_MS + MINUTE_MS),
    );
    assert!(gone.held.is_empty());
    assert_eq!(gone.changes[0].what, What::Lifted);
}

#[test]
fn what_cannot_count_does_not() {
    let rule = rule("conversion_rate", json!({}));
    let mut profiles = Profiles::new(Limits::default());
    let mut off: Vec<EventRecord<'_>> = Vec::new();
    for change in [
        |r: &mut EventRecord<'_>| r.facts.hit.set(Field::Publisher, None),
        |r: &mut EventRecord<'_>| r.recall.again = Some(EventId([1; 10])),
        |r: &mut EventRecord<'_>| r.recall.uncounted = true,
        |r: &mut EventRecord<'_>| {
            r.verdict.degraded = Some(assay_model::recall::Degraded::Warming);
        },
        |r: &mut EventRecord<'_>| {
            let test = assay_model::verdict::Finding::new(Reason::TestTraffic).with("flag", "1");
            r.verdict.findings.push(test);
        },
        |r: &mut EventRecord<'_>| r.facts.hit.event = EventKind::PostEvent,
    ] {
        let mut event = record(EventKind::Click, 0);
        change(&mut event);
        off.push(event);
    }
    for event in &off {
        profiles.add(&rule, event);
    }
    assert_eq!(profiles.size().sources, 0);
    profiles.add(&rule, &record(EventKind::Click, 0));
    assert_eq!(profiles.size().sources, 1);
}

#[test]
fn past_the_limit_sub_ids_are_their_publisher_s_and_new_sources_nobody_s() {
    let rule = rule("conversion_rate", json!({"check_by_subid": true}));
    let limits = Limits {
        sources: 8,
        ..Limits::default()
    };
    let mut profiles = Profiles::new(limits);
    let names: Vec<String> = (0..40).map(|n| format!("n{n}")).collect();
    for sub_id in &names {
        let mut event = record(EventKind::Click, 0);
        event.facts.hit.set(Field::SubId, Some(sub_id));
        profiles.add(&rule, &event);
    }
    assert_eq!((profiles.size().sources, profiles.size().folded), (8, 33));
    for publisher in &names {
        let mut event = record(EventKind::Click, 0);
        event.facts.hit.set(Field::Publisher, Some(publisher));
        profiles.add(&rule, &event);
    }
    assert_eq!((profiles.size().sources, profiles.size().folded), (8, 73));
}

#[test]
fn hours_become_days_and_days_are_forgotten() {
    let rule = rule("conversion_rate", json!({"time_interval": "monthly"}));
    let mut profiles = Profiles::new(Limits::default());
    for hours_ago in 0..100 {
        add(&mut profiles, &rule, 10, 0, hours_ago * 60 * MINUTE_MS);
    }
    // Midnight to midnight: two days of hours, two of days, and the hour that began at NOW.
    let slots = 2;
    assert_eq!(profiles.size().counts, slots * (48 + 1 + 3));
    profiles.forget(NOW.plus_ms(-DAY_MS));
    assert_eq!(profiles.size().counts, slots * 25);
    profiles.forget(NOW.plus_ms(2 * DAY_MS));
    assert_eq!(profiles.size().sources, 0);
}

#[test]
fn outcomes_count_at_the_conversion_s_own_time() {
    let rule = rule("conversion_rate", json!({}));
    let mut profiles = Profiles::new(Limits::default());
    let origin = Origin {
        publisher: "p1",
        sub_id: "",
        offer: "o1",
    };
    profiles.outcome(&rule, origin, NOW, Outcome::Rejected);
    profiles.outcome(&rule, origin, NOW, Outcome::Reinstated);
    assert_eq!(profiles.size().counts, 2);
}
