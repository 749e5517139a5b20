//! A source among the others of its offer: each filter on a plain case of what it is for, and
//! on the others beside it.

use assay_detect::sources::{Limits, Outcome, Profiles, What};
use assay_model::Reason;
use assay_model::sources::SourceLevel;
use serde_json::json;

use crate::given::{Given, add, all, click, conversion, judged, now, reject, rule};

/// A number between 0 and 1 that `nth` fixes.
fn spread(nth: usize) -> f64 {
    (nth as f64 * 0.618_033_988_75).fract()
}

/// Five publishers like people: times, models and addresses all over the place.
fn others(events: usize, make: impl Fn(&str, usize) -> Given) -> Vec<Given> {
    (0..5)
        .flat_map(|number| {
            let publisher = format!("other{number}");
            let make = &make;
            (0..events)
                .map(move |nth| make(&publisher, nth + 7 * number))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn person(publisher: &str, nth: usize) -> Given {
    let ctit_s = (60.0 * (4.0 * spread(nth)).exp()) as i64;
    Given {
        model: format!("SM-{}", nth % 40),
        android: 10 + (nth % 5) as u8,
        ip: [20, (nth % 211) as u8, (nth % 97) as u8, 1],
        device: Some(format!("{publisher}-{nth}")),
        ..conversion(publisher, ctit_s)
    }
}

/// The publishers and reasons that a filter holds.
fn held(key: &str, events: &[Given]) -> Vec<(String, Reason)> {
    let judged = judged(&rule(key, json!({})), events);
    let held = judged.held.into_iter();
    held.map(|held| (held.source.publisher, held.standing.reason))
        .collect()
}

fn with_bad(count: usize, bad: impl Fn(usize, Given) -> Given) -> Vec<Given> {
    let mut events = others(300, person);
    events.extend((0..count).map(|nth| bad(nth, person("bad", nth))));
    events
}

#[test]
fn times_tell_sprayed_fast_and_waiting_sources_from_people() {
    let late = with_bad(300, |nth, own| Given {
        ctit_s: Some((spread(nth) * 500_000.0) as i64),
        ..own
    });
    let of_bad = |reason| vec![("bad".to_owned(), reason)];
    assert_eq!(held("ctit_distribution", &late), of_bad(Reason::ClickSpam));
    assert_eq!(held("click_spam", &late), of_bad(Reason::ClickSpam));
    assert!(held("low_session_time", &late).is_empty());

    let fast = with_bad(300, |nth, own| Given {
        ctit_s: Some(12 + (nth % 20) as i64),
        ..own
    });
    assert_eq!(
        held("ctit_distribution", &fast),
        of_bad(Reason::CtitShortShare)
    );
    assert_eq!(
        held("low_session_time", &fast),
        of_bad(Reason::CtitShortShare)
    );

    // Half of it waits seven minutes, give or take ten seconds.
    let alike = with_bad(300, |nth, own| match nth % 2 {
        0 => Given {
            ctit_s: Some(410 + (nth % 20) as i64),
            ..own
        },
        _ => own,
    });
    assert_eq!(
        held("ctit_variance", &alike),
        of_bad(Reason::CtitLowVariance)
    );
}

#[test]
fn devices_and_addresses_tell_farms_from_people() {
    let of_bad = |reason| vec![("bad".to_owned(), reason)];
    let models = with_bad(300, |nth, own| Given {
        model: format!("SM-{}", nth % 2),
        ..own
    });
    assert_eq!(
        held("attribute_distribution", &models),
        of_bad(Reason::DeviceAttributeOutlier)
    );
    let addresses = with_bad(300, |nth, own| Given {
        ip: [33, 1, (nth % 3) as u8, 9],
        ..own
    });
    assert_eq!(
        held("attribute_distribution", &addresses),
        of_bad(Reason::IpDistribution)
    );
    let old: Vec<Given> = with_bad(300, |_, own| Given { android: 5, ..own })
        .into_iter()
        .map(|own| Given {
            ctit_s: None,
            ..own
        })
        .collect();
    assert_eq!(
        held("device_anomaly", &old),
        of_bad(Reason::OutdatedDeviceShare)
    );
    assert!(held("attribute_distribution", &others(300, person)).is_empty());
}

/// Others' people come back, and show their id; on three days, as it takes.
#[test]
fn ids_that_are_hidden_or_always_new_are_told_from_people_s() {
    let click_of = |nth: usize, device: String| Given {
        ctit_s: None,
        before_min: (nth % 5 * 1440) as i64 + 1,
        device: Some(device),
        ..click("bad")
    };
    let mut events = others(300, |publisher, nth| Given {
        publisher: publisher.to_owned(),
        ..click_of(nth, format!("{publisher}-{}", nth % 100))
    });
    events.extend((0..300).map(|nth| match nth % 2 {
        0 => click_of(nth, "00000000-0000".to_owned()),
        _ => click_of(nth, format!("new-{nth}")),
    }));
    let held = held("new_device", &events);
    assert_eq!(held, [("bad".to_owned(), Reason::NewDeviceRatio)]);
}

#[test]
fn who_is_awake_when_its_visitors_sleep_is_held_after_three_days() {
    let hours_of = |publisher: &str, nth: usize, night: bool| {
        // NOW is one in the morning in Germany.
        let hours_ago = if night { nth % 2 } else { 4 + nth % 14 } as i64;
        Given {
            before_min: 60 * hours_ago - 50 * i64::from(hours_ago == 0)
                + 51
                + 1440 * (nth as i64 % 4),
            ..click(publisher)
        }
    };
    let others = others(200, |publisher, nth| hours_of(publisher, nth, false));
    let bad = |days: i64| {
        let mut events = others.clone();
        let own = (0..400).map(|nth| hours_of("bad", nth, true));
        events.extend(own.filter(|own| own.before_min < days * 1440));
        held("night_pattern", &events)
    };
    assert!(bad(1).is_empty(), "one night is no pattern");
    assert_eq!(bad(4), [("bad".to_owned(), Reason::NightPattern)]);
}

#[test]
fn rejections_hold_a_source_and_their_reversal_frees_it() {
    let rule = rule("rejection_threshold", json!({}));
    let mut profiles = Profiles::new(Limits::default());
    for nth in 0..40 {
        add(&mut profiles, &rule, &person("bad", nth));
    }
    for _ in 0..38 {
        reject(&mut profiles, &rule, "bad", Outcome::Rejected);
    }
    let first = now(&rule, &profiles, &[]);
    assert_eq!(first.held[0].standing.reason, Reason::RejectionRate);
    assert_eq!(first.held[0].source.level, SourceLevel::SubId);
    assert_eq!(first.held[0].recovery.release, 63.0);
    for _ in 0..20 {
        reject(&mut profiles, &rule, "bad", Outcome::Reinstated);
    }
    let second = now(&rule, &profiles, &first.held);
    assert_eq!(second.changes[0].what, What::Lifted);
}

/// A source that is alone on its offer has nothing to be unlike.
#[test]
fn without_others_nothing_is_unlike_them() {
    for key in [
        "ctit_distribution",
        "ctit_variance",
        "low_session_time",
        "attribute_distribution",
        "new_device",
        "night_pattern",
    ] {
        let rule = rule(key, json!({}));
        let own: Vec<Given> = (0..500).map(|_| conversion("bad", 30)).collect();
        assert_eq!(now(&rule, &all(&rule, &own), &[]).tests, 0, "{key}");
    }
}
