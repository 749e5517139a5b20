//! The published examples that do not add up (facts.md 1.A.6), done right.

use assay_model::Reason;
use serde_json::json;

use crate::given::{Given, click, conversion, judged, rule};

fn requests(vpn: usize, clean: usize) -> Vec<Given> {
    let marked = |nth| Given {
        vpn: nth < vpn,
        ..click("p1")
    };
    (0..vpn + clean).map(marked).collect()
}

/// The text says that seven more are needed: 78 of 104 is exactly 75 %, 79 of 105 is above.
#[test]
fn seventy_four_and_twenty_six_at_75_percent_take_five_more() {
    let settings = json!({"threshold_percentage": 75, "min_requests": 100});
    let rule = rule("vpn", settings);
    for more in 0..=4 {
        let judged = judged(&rule, &requests(74 + more, 26));
        assert!(judged.held.is_empty(), "with {more} more");
    }
    let judged = judged(&rule, &requests(74 + 5, 26));
    let standing = &judged.held[0].standing;
    assert_eq!((standing.reason, standing.n), (Reason::Vpn, 105));
    assert!(judged.held[0].explanation.p < 1e-6);
}

#[test]
fn until_the_minimum_everything_passes() {
    let rule = rule(
        "vpn",
        json!({"threshold_percentage": 75, "min_requests": 100}),
    );
    assert!(judged(&rule, &requests(99, 0)).held.is_empty());
    assert_eq!(judged(&rule, &requests(100, 0)).held.len(), 1);
}

fn rate(clicks: usize, conversions: usize) -> Vec<Given> {
    let clicks = (0..clicks).map(|_| click("p1"));
    let conversions = (0..conversions).map(|_| conversion("p1", 600));
    clicks.chain(conversions).collect()
}

/// The text rejects a source with 1 conversion (0.67 %) where 2 are the minimum.
#[test]
fn one_conversion_is_not_judged_where_two_are_the_minimum() {
    let settings = json!({"low_cr": 5, "min_clicks": 100, "min_conversions": 2});
    let rule = rule("conversion_rate", settings);
    assert!(judged(&rule, &rate(150, 1)).held.is_empty());
    assert!(
        judged(&rule, &rate(99, 2)).held.is_empty(),
        "nor below 100 clicks"
    );
    let judged = judged(&rule, &rate(600, 4));
    assert_eq!(judged.held[0].standing.reason, Reason::CrLow);
}

/// Over the limit, and no more than chance: two of a hundred where one is allowed.
#[test]
fn a_rate_just_over_its_limit_is_chance_until_there_are_more() {
    let rule = rule("conversion_rate", json!({"high_cr": 1.5}));
    assert!(judged(&rule, &rate(100, 2)).held.is_empty());
    assert_eq!(judged(&rule, &rate(10_000, 200)).held.len(), 1);
}
