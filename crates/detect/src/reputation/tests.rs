//! What outcomes teach, and what it may do.

use assay_model::document::{ReputationMode, Reputations};
use assay_model::facts::Facts;
use assay_model::hit::Field;
use assay_model::reason::Risk;
use assay_model::reputation::keys_of;
use assay_model::testing::{NOW, facts_of};
use assay_model::verdict::Effect;

use super::*;

fn settings() -> Reputations {
    Reputations {
        block_mode: ReputationMode::Block,
        ..Reputations::default()
    }
}

fn of(publisher: &'static str, sub_id: &'static str) -> Facts<'static> {
    facts_of(|hit| {
        hit.set(Field::Publisher, Some(publisher));
        hit.set(Field::SubId, Some(sub_id).filter(|text| !text.is_empty()));
    })
}

fn learn(to: &mut Learning, facts: &Facts<'_>, bad: u32, good: u32) {
    let keys = keys_of(facts, Field::SubId);
    for n in 0..bad + good {
        to.learn(&keys, n < bad, 1.0, NOW);
    }
}

/// An account where one event in ten ends badly.
fn account() -> Learning {
    let mut learning = Learning::new(settings());
    for publisher in ["a", "b", "c", "d"] {
        learn(&mut learning, &of(publisher, ""), 10, 90);
    }
    learning
}

fn found(learning: &Learning, facts: &Facts<'_>) -> assay_model::Finding<'static> {
    let reputed = learning.look_up(facts, Field::SubId, NOW).unwrap();
    finding(&reputed).unwrap()
}

#[test]
fn a_bad_publisher_is_rejected_only_once_enough_outcomes_say_so() {
    let mut learning = account();
    let bad = of("bad", "");
    learn(&mut learning, &bad, 3, 0);
    let early = found(&learning, &bad);
    assert_eq!((early.risk, early.effect), (Risk::Low, Effect::Flag));
    learn(&mut learning, &bad, 27, 0);
    let late = found(&learning, &bad);
    assert_eq!((late.risk, late.effect), (Risk::Medium, Effect::Block));
    assert_eq!(late.n, 30);
}

#[test]
fn an_average_publisher_is_clean_and_in_the_middle() {
    let average = found(&account(), &of("a", ""));
    assert_eq!(average.risk, Risk::Clean);
    let Some(assay_model::verdict::Value::Int(points)) = average.value("points") else {
        panic!("no points");
    };
    assert!((15..=17).contains(points), "{points}");
}

#[test]
fn half_bad_of_a_good_account_is_worse_but_not_medium() {
    // The odds are far above the base's, but a good outcome is as likely as a bad one.
    let mut learning = account();
    let mixed = of("mixed", "");
    learn(&mut learning, &mixed, 50, 50);
    assert_eq!(found(&learning, &mixed).risk, Risk::Low);
}

#[test]
fn a_new_sub_id_starts_from_its_publisher() {
    let mut learning = account();
    learn(&mut learning, &of("bad", "1"), 40, 0);
    let new = summed(
        &learning
            .look_up(&of("bad", "2"), Field::SubId, NOW)
            .unwrap(),
    )
    .unwrap();
    let of_publisher =
        summed(&learning.look_up(&of("bad", ""), Field::SubId, NOW).unwrap()).unwrap();
    assert_eq!(new, of_publisher);
    learn(&mut learning, &of("bad", "2"), 0, 1);
    let better = found(&learning, &of("bad", "2"));
    assert!(better.value("log_odds").unwrap().number().unwrap() < new.log_odds);
    assert_eq!(
        better.risk,
        Risk::Low,
        "what contradicts its publisher is unsure"
    );
}

#[test]
fn old_outcomes_fade() {
    let mut learning = account();
    let bad = of("bad", "");
    learn(&mut learning, &bad, 30, 0);
    let later = NOW.plus_ms(10 * 30 * 86_400_000);
    // The account itself goes on, or nothing is said at all.
    let other = keys_of(&of("a", ""), Field::SubId);
    for n in 0..400 {
        learning.learn(&other, n % 10 == 0, 1.0, later);
    }
    let reputed = learning.look_up(&bad, Field::SubId, later).unwrap();
    assert_eq!(finding(&reputed).unwrap().risk, Risk::Clean);
}

#[test]
fn an_account_with_few_outcomes_says_nothing() {
    let mut learning = Learning::new(settings());
    let bad = of("bad", "");
    learn(&mut learning, &bad, 19, 0);
    assert!(learning.look_up(&bad, Field::SubId, NOW).is_none());
    assert!(learning.snapshot(NOW).is_empty());
    learn(&mut learning, &bad, 1, 0);
    assert!(learning.look_up(&bad, Field::SubId, NOW).is_some());
}

#[test]
fn switched_off_says_nothing_and_still_learns() {
    let mut learning = account();
    let bad = of("bad", "");
    learn(&mut learning, &bad, 30, 0);
    learning.set(Reputations {
        enabled: false,
        ..settings()
    });
    assert!(learning.snapshot(NOW).is_empty());
    assert!(learning.look_up(&bad, Field::SubId, NOW).is_none());
    learning.set(Reputations::default());
    assert_eq!(
        found(&learning, &bad).effect,
        Effect::Flag,
        "reported, by default"
    );
}

#[test]
fn a_snapshot_says_what_counting_does() {
    let mut learning = account();
    let bad = of("bad", "7");
    learn(&mut learning, &bad, 30, 4);
    let direct = learning.look_up(&bad, Field::SubId, NOW).unwrap();
    let snapshot = learning.snapshot(NOW);
    assert_eq!(snapshot.look_up(&bad, Field::SubId).unwrap(), direct);
}

#[test]
fn what_is_taken_back_was_never_learned() {
    let mut learning = account();
    let bad = of("bad", "");
    let keys = keys_of(&bad, Field::SubId);
    let before = learning.snapshot(NOW).base;
    learning.learn(&keys, true, 1.0, NOW);
    learning.learn(&keys, true, -1.0, NOW);
    assert_eq!(learning.snapshot(NOW).base.to_bits(), before.to_bits());
    assert!(learning.look_up(&bad, Field::SubId, NOW).is_none());
}

#[test]
fn a_device_counts_whole_where_nothing_else_tells_the_same() {
    let learned = |kind| {
        let one = assay_model::reputation::Learned {
            log_odds: 1.0,
            variance: 0.04,
            n: 50.0,
        };
        (kind, one)
    };
    let known = |kinds: &[assay_model::reputation::KeyKind]| {
        summed(&assay_model::reputation::Reputed {
            as_of: NOW,
            base: -2.0,
            settings: assay_model::reputation::Use {
                margin: 0.7,
                blocks: true,
            },
            keys: kinds.iter().copied().map(learned).collect(),
        })
        .unwrap()
        .log_odds
    };
    use assay_model::reputation::KeyKind as K;
    assert!((known(&[K::DeviceModel]) - 1.0).abs() < 1e-6);
    assert!((known(&[K::DeviceModel, K::OsVersion]) - 1.0).abs() < 1e-6);
    assert!((known(&[K::Publisher, K::Carrier, K::Network]) - 2.0).abs() < 1e-6);
}

#[test]
fn a_good_reputation_adds_nothing_to_what_is_bad_otherwise() {
    let learning = account();
    let good = found(&learning, &of("a", ""));
    let weigh = |findings: &mut [assay_model::Finding<'_>]| {
        let click = assay_model::EventKind::Click;
        crate::weigh(
            findings,
            click,
            assay_model::verdict::Weighing::default(),
            None,
        )
    };
    let vpn = assay_model::Finding::new(assay_model::Reason::Vpn);
    let alone = weigh(&mut [vpn.clone()]);
    assert_eq!(weigh(&mut [vpn, good.clone()]), alone);
    let clean = weigh(&mut [good]);
    assert_eq!(clean.reason, assay_model::Reason::Clean);
    assert!((1..20).contains(&clean.points));
}

#[test]
fn keys_have_a_limit_and_the_weakest_go() {
    let mut learning = account();
    for n in 0..KEYS_MAX {
        let name: &'static str = Box::leak(n.to_string().into_boxed_str());
        learning.learn(&keys_of(&of(name, ""), Field::SubId), false, 1.0, NOW);
    }
    assert!(learning.counted().count() <= KEYS_MAX);
    let known = learning.look_up(&of("a", ""), Field::SubId, NOW);
    assert!(known.is_some(), "one with a hundred outcomes stays");
}
