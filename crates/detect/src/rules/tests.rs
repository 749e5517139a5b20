use std::net::IpAddr;

use assay_model::Strictness;
use assay_model::document::{Scope, Select};
use assay_model::facts::{UaFacts, UaKind};
use assay_model::recall::Reading;
use assay_model::testing::facts_of;
use assay_model::verdict::Mode;
use serde_json::json;

use super::*;

fn rule(name: &str) -> Rule {
    Rule {
        name: name.into(),
        is_default: false,
        priority: 1,
        ..Rule::default_rule()
    }
}

fn compiled(rule: &Rule) -> CompiledRule {
    CompiledRule::compile(rule, RuleRef { id: 1, version: 1 }, IntegrationKind::S2s).unwrap()
}

fn private<'a>() -> Facts<'a> {
    facts_of(|hit| hit.ip = Some(IpAddr::from([10, 0, 0, 1])))
}

fn judged<'a>(rule: &'a CompiledRule, facts: &'a Facts<'_>) -> Verdict<'a> {
    rule.judge(facts, &Recall::default(), OnDegraded::Allow)
}

#[test]
fn first_match_wins_and_the_default_comes_last() {
    let publisher = |name: &str, priority| {
        let mut made = rule(name);
        made.priority = priority;
        made.scope = Scope {
            publishers: Select {
                include: vec!["p1".into()],
                exclude: vec![],
            },
            ..Scope::default()
        };
        made
    };
    let id = |id| RuleRef { id, version: 1 };
    let mut paused = publisher("paused", 1);
    paused.status = Status::Paused;
    let rules = [
        (id(9), Rule::default_rule()),
        (id(3), publisher("late", 3)),
        (id(2), publisher("first", 2)),
        (id(1), paused),
    ];
    let account = AccountRules::compile(&rules, IntegrationKind::S2s).unwrap();
    let of = |publisher: Option<&'static str>| {
        let facts = facts_of(|hit| hit.set(Field::Publisher, publisher));
        account.rule_for(&facts).rule.id
    };
    assert_eq!(
        of(Some("p1")),
        2,
        "paused is passed over, then order decides"
    );
    assert_eq!(of(Some("p2")), 9);
    assert_eq!(of(None), 9);
}

#[test]
fn what_protection_leaves_out_is_not_screened() {
    let mut made = rule("conversions only");
    made.protection = Protection::Conversion;
    let rule = compiled(&made);
    let facts = private();
    let verdict = judged(&rule, &facts);
    assert_eq!(verdict.action, Action::Approved);
    assert!(verdict.checks.is_empty());
    let mut bumps = vec![];
    rule.bumps(&facts, &mut bumps);
    assert!(bumps.is_empty(), "what is not judged is not counted");
}

#[test]
fn what_nobody_screens_is_approved_and_a_rule_is_found_by_its_id() {
    let id = |id| RuleRef { id, version: 1 };
    let mut bound = rule("of integration 5");
    bound.integration_id = Some(5);
    let rules = [(id(9), Rule::default_rule()), (id(2), bound)];
    let account = AccountRules::compile(&rules, IntegrationKind::S2s).unwrap();
    let facts = private();
    let verdict = judged(account.unscreened(), &facts);
    assert_eq!((verdict.action, verdict.rule.id), (Action::Approved, 0));
    assert!(verdict.checks.is_empty() && verdict.findings.is_empty());
    let found = |id, integration| account.by_id(id, integration).map(|rule| rule.rule.id);
    assert_eq!(found(9, 7), Some(9));
    assert_eq!(
        (found(2, 5), found(2, 7), found(3, 5)),
        (Some(2), None, None)
    );
}

#[test]
fn monitor_lets_through_and_says_what_would_have_been() {
    let mut made = rule("monitor");
    made.mode = Mode::Monitor;
    let rule = compiled(&made);
    let facts = private();
    let verdict = judged(&rule, &facts);
    assert_eq!(
        (verdict.action, verdict.risk, verdict.class),
        (Action::Monitored, Risk::High, Class::Givt)
    );
}

#[test]
fn flag_keeps_the_reason_and_does_nothing() {
    let mut made = rule("flag");
    made.filters
        .insert("unroutable".into(), json!({"block_mode": "flag"}));
    let rule = compiled(&made);
    let facts = private();
    let verdict = judged(&rule, &facts);
    assert_eq!(
        (verdict.action, verdict.reason),
        (Action::Approved, Reason::UnroutableIp)
    );
}

#[test]
fn disabled_filters_do_not_run_and_disable_all_leaves_the_named_ones() {
    let mut made = rule("off");
    made.filters
        .insert("unroutable".into(), json!({"enabled": false}));
    let facts = private();
    let rule_off = compiled(&made);
    assert_eq!(judged(&rule_off, &facts).action, Action::Approved);
    made.preset = assay_model::document::Preset::DisableAll;
    made.filters.insert("tor".into(), json!({}));
    assert_eq!(compiled(&made).filter_keys().collect::<Vec<_>>(), ["tor"]);
}

#[test]
fn duplicates_are_judged_for_custom_but_not_for_s2s() {
    let keys = |kind| {
        let rule =
            CompiledRule::compile(&Rule::default_rule(), RuleRef { id: 1, version: 1 }, kind)
                .unwrap();
        rule.filter_keys().any(|key| key == "duplicate_user")
    };
    assert!(!keys(IntegrationKind::S2s));
    assert!(keys(IntegrationKind::Custom));
    assert!(keys(IntegrationKind::Network));
}

#[test]
fn an_allow_list_lifts_intelligence_but_not_the_own_deny_list() {
    let rule = compiled(&rule("lists"));
    let mut facts = private();
    let entry = |deny| assay_model::facts::ListMatch {
        list_id: 1,
        deny,
        field: "ip",
        value: "10.0.0.1",
        entry: "10.0.0.0/8",
        list: "own@1",
        note: "",
    };
    facts.lists.push(entry(false));
    let verdict = judged(&rule, &facts);
    assert_eq!(
        (verdict.action, verdict.findings[0].effect),
        (Action::Approved, Effect::Allowed)
    );
    facts.lists.push(entry(true));
    let verdict = judged(&rule, &facts);
    assert_eq!(
        (verdict.action, verdict.reason),
        (Action::Rejected, Reason::ListDenied)
    );
}

#[test]
fn problems_carry_the_path_of_their_field() {
    let mut made = rule("wrong");
    made.filters.insert(
        "click_flooding".into(),
        json!({"click_threshold": 0, "time_window": "2d"}),
    );
    made.filters.insert(
        "duplicate_user".into(),
        json!({"lookback_time": "yesterday"}),
    );
    made.filters.insert("vpn".into(), json!({"treshold": 3}));
    made.filters.insert("tor".into(), json!({"enabled": "yes"}));
    made.filters.insert("xff".into(), json!(3));
    made.filters
        .insert("caps".into(), json!({"zone": "Europe/Nowhere"}));
    let problems = check_rule(&made);
    let fields: Vec<&str> = problems.iter().map(|p| p.field.as_str()).collect();
    for field in [
        "filters.click_flooding.click_threshold",
        "filters.click_flooding.time_window",
        "filters.duplicate_user.lookback_time",
        "filters.tor.enabled",
        "filters.xff",
        "filters.caps.zone",
    ] {
        assert!(fields.contains(&field), "{field} in {fields:?}");
    }
    assert!(
        problems
            .iter()
            .any(|p| p.field.starts_with("filters.vpn") && p.detail.contains("treshold"))
    );
}

#[test]
fn late_counters_degrade_without_hiding_what_the_others_found() {
    let rule = compiled(&rule("late"));
    let late = Recall {
        readings: smallvec::smallvec![None; rule.needs().len()],
        degraded: Some(Degraded::RecallLate),
        ..Recall::default()
    };
    let facts = facts_of(|hit| hit.ip = Some(IpAddr::from([8, 8, 8, 8])));
    let verdict = rule.judge(&facts, &late, OnDegraded::Allow);
    assert_eq!(
        (verdict.action, verdict.class),
        (Action::Approved, Class::Undecided)
    );
    assert_eq!(verdict.reason, Reason::FailOpenTimeout);
    let facts = private();
    assert_eq!(
        rule.judge(&facts, &late, OnDegraded::Allow).action,
        Action::Rejected
    );
    let facts = facts_of(|hit| hit.ip = Some(IpAddr::from([8, 8, 8, 8])));
    assert_eq!(
        rule.judge(&facts, &late, OnDegraded::Block).action,
        Action::Rejected
    );
}

#[test]
fn a_shared_counter_is_read_once() {
    let mut made = rule("shared");
    made.filters.insert(
        "click_flooding".into(),
        json!({"time_window": "1h", "scope": "ip"}),
    );
    let rule = compiled(&made);
    let unique: std::collections::HashSet<_> = rule.needs().iter().collect();
    assert_eq!(unique.len(), rule.needs().len());
}

#[test]
fn a_rejection_recomputes_from_its_evidence() {
    let rule = compiled(&rule("recompute"));
    let mut facts = facts_of(|hit| {
        hit.ip = Some(IpAddr::from([10, 0, 0, 1]));
        hit.set(Field::UserAgent, Some("curl/8"));
        hit.unreplaced.push(("s3", "S3MACRO"));
    });
    facts.ua = Some(std::sync::Arc::new(UaFacts::bare(UaKind::Library)));
    let reading = Some(Reading {
        count: 9_999,
        span_s: 3600,
        gap_ms: Some(16),
    });
    let recall = Recall {
        readings: smallvec::smallvec![reading; rule.needs().len()],
        degraded: None,
        ..Recall::default()
    };
    let verdict = rule.judge(&facts, &recall, OnDegraded::Allow);
    assert!(verdict.findings.len() >= 4, "{:?}", verdict.findings);
    assert!(crate::verdict::agrees(&verdict, facts.hit.event));
    let mut forged = verdict.clone();
    forged.findings.retain(|f| f.risk < Risk::High);
    assert!(
        !crate::verdict::agrees(&forged, facts.hit.event),
        "evidence that is gone must show"
    );
}

#[test]
fn strictness_reaches_the_verdict() {
    let mut made = rule("strict");
    made.strictness = Strictness::Strict;
    let rule = compiled(&made);
    let facts = facts_of(|hit| {
        hit.ip = Some(IpAddr::from([8, 8, 8, 8]));
        hit.set(Field::Xff, Some("not-an-address, 8.8.8.8"));
    });
    assert_eq!(judged(&rule, &facts).action, Action::Rejected);
}
