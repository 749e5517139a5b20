//! What holds whatever the events are.

use assay_model::verdict::Finding;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::given::{Given, all, click, conversion, judged, now, rule};

/// Every filter of sources, at defaults or with the share it needs.
fn filters() -> Vec<(&'static str, Value)> {
    let mut all: Vec<(&str, Value)> = [
        "click_spam",
        "conversion_rate",
        "rejection_threshold",
        "low_session_time",
        "ctit_variance",
        "ctit_distribution",
        "device_anomaly",
        "attribute_distribution",
        "new_device",
        "night_pattern",
    ]
    .map(|key| (key, json!({})))
    .to_vec();
    let share = json!({"threshold_percentage": 30});
    all.extend([("vpn", share.clone()), ("residential_proxy", share)]);
    all
}

fn event() -> impl Strategy<Value = Given> {
    let source = (0..6usize, 0..9i64, prop::option::of(0..200_000i64));
    let who = (any::<bool>(), 0..4u8, 0..3u8, 5..16u8);
    (source, who).prop_map(
        |((publisher, days, ctit_s), (vpn, net, model, android))| Given {
            before_min: days * 1440 + 1,
            ctit_s,
            vpn,
            ip: [20, net, net, 1],
            model: format!("SM-{model}"),
            android,
            ..click(&format!("p{publisher}"))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Nobody is held below the least of all least volumes, whatever the events.
    #[test]
    fn below_the_minimum_nobody_is_held(events in prop::collection::vec(event(), 0..120)) {
        for (key, settings) in filters() {
            let rule = rule(key, settings);
            let mut few: Vec<Given> = Vec::new();
            for own in &events {
                // Nineteen of a publisher: the least minimum of all is twenty.
                if few.iter().filter(|one| one.publisher == own.publisher).count() < 19 {
                    few.push(own.clone());
                }
            }
            prop_assert!(judged(&rule, &few).held.is_empty(), "{key}");
        }
    }

    /// The order in which events come changes nothing.
    #[test]
    fn order_does_not_matter(
        events in prop::collection::vec(event(), 200..600),
        turn in 0..200usize,
    ) {
        let mut other = events.clone();
        other.rotate_left(turn);
        other.reverse();
        for (key, settings) in filters() {
            let rule = rule(key, settings);
            let (one, two) = (judged(&rule, &events), judged(&rule, &other));
            prop_assert_eq!(one.held, two.held, "{}", key);
        }
    }

    /// What is held proves itself: its numbers break its threshold.
    #[test]
    fn evidence_recomputes(events in prop::collection::vec(event(), 400..900)) {
        for (key, settings) in filters() {
            for held in judged(&rule(key, settings), &events).held {
                let standing = held.standing;
                let mut finding = Finding::new(standing.reason).over(standing.threshold);
                finding.observed = standing.observed;
                prop_assert!(finding.holds(), "{key} {finding:?}");
            }
        }
    }

    /// One more marked event instead of an unmarked one never frees a source.
    #[test]
    fn more_of_it_never_frees(n in 100..400usize, marked in 0..400usize) {
        let rule = rule("vpn", json!({"threshold_percentage": 30}));
        let of = |marked: usize| {
            let own = |nth| Given { vpn: nth < marked, ..click("p1") };
            let events: Vec<Given> = (0..n).map(own).collect();
            !judged(&rule, &events).held.is_empty()
        };
        let marked = marked.min(n - 1);
        prop_assert!(!of(marked) || of(marked + 1));
    }
}

/// A hold does not come and go with the last event: between limit and release it stays.
#[test]
fn between_limit_and_release_what_was_held_stays_and_nothing_new_is() {
    let rule = rule("vpn", json!({"threshold_percentage": 50}));
    let of = |vpn: usize| -> Vec<Given> {
        let own = |nth| Given {
            vpn: nth < vpn,
            ..click("p1")
        };
        (0..400).map(own).collect()
    };
    let held = judged(&rule, &of(240)).held;
    assert_eq!(held.len(), 1);
    let between = all(&rule, &of(190));
    assert_eq!(now(&rule, &between, &held).held.len(), 1);
    assert!(now(&rule, &between, &[]).held.is_empty());
    assert!(now(&rule, &all(&rule, &of(170)), &held).held.is_empty());
    assert!(judged(&rule, &[conversion("p1", 60)]).held.is_empty());
}
