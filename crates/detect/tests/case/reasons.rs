//! The catalogue against what detection finds: each reason proves itself from its evidence
//! object alone, or is named here with who else says it.

use std::collections::BTreeMap;

use assay_detect::CompiledRule;
use assay_model::click::{ClickMatch, ClickSearch, MatchedBy};
use assay_model::document::{IntegrationKind, Rule};
use assay_model::facts::Benign;
use assay_model::recall::{Degraded, Recall};
use assay_model::render::evidence_json;
use assay_model::reputation::{KeyKind, Learned, Reputed, Use};
use assay_model::testing::{NOW, facts_of};
use assay_model::verdict::{OnDegraded, RuleRef};
use assay_model::{Action, CATALOGUE, EventKind, Facts, Field, Reason, Test};
use serde_json::Value;

use super::case::Case;
use super::{names_in, root};

/// Said by a door, a person or a status, and never by a filter: there is no evidence of a
/// verdict to recompute.
const SAID_ELSEWHERE: &[&str] = &[
    "CLEAN",
    "ERROR",
    "MONITORED",
    "PROCESSING",
    "TEST_TRAFFIC",
    "TOKEN_INVALID",
    "TOKEN_FORGED",
    "TOKEN_ALTERED",
    "TOKEN_FOREIGN",
    "POSTBACK_SOURCE",
    "DUPLICATE_CONVERSION",
    "ADVERTISER_REJECTED",
    "MANUAL_REJECTED",
    "MANUAL_APPROVED",
];

/// In the catalogue, and said by nothing in this build.
const NOT_YET: &[&str] = &[
    "DUPLICATE_CLICK",
    "IP_REPUTATION",
    "ORGANIC_POACHING",
    "STORE_VALIDATION_FAILED",
    "OFFER_EXPIRED",
    "INCENTIVIZED",
    "ALREADY_CONVERTED",
    "SAMPLED_HOLDOUT",
    "CHARGEBACK",
    "RETRO_DETECTED",
    "APPEAL_UPHELD",
    "APPEAL_REVERSED",
];

/// Evidence by reason.
type Found = BTreeMap<&'static str, Vec<Value>>;

fn keep(found: &mut Found, evidence: impl IntoIterator<Item = Value>) {
    for evidence in evidence {
        let code = evidence["reason"].as_str().unwrap();
        let row = CATALOGUE.iter().find(|row| row.code == code).unwrap();
        found.entry(row.code).or_default().push(evidence);
    }
}

/// What the filters find in their own cases.
fn by_filters() -> Found {
    let mut found = Found::new();
    for key in assay_detect::filter_keys() {
        let folder = root().join(key).join("hit");
        for name in names_in(&folder) {
            let text = std::fs::read_to_string(folder.join(&name)).unwrap();
            let case = Case::read(&text).unwrap();
            let evidence = case.judged(key, |verdict, _| {
                let all = verdict.findings.iter().map(evidence_json);
                all.collect::<Vec<_>>()
            });
            keep(&mut found, evidence.unwrap());
        }
    }
    found
}

/// What every rule finds beside its filters.
fn by_rules(found: &mut Found) {
    let id = RuleRef { id: 1, version: 1 };
    let rule = CompiledRule::compile(&Rule::default_rule(), id, IntegrationKind::Custom).unwrap();
    let mut judge = |facts: &Facts<'_>, recall: &Recall| {
        let verdict = rule.judge(facts, recall, OnDegraded::Allow);
        keep(found, verdict.findings.iter().map(evidence_json));
    };
    let none = Recall::default();
    for state in ["invalid k1", "expired k1 400", "replay k1"] {
        let told = format!("enforce {state}");
        judge(
            &facts_of(|hit| hit.set(Field::SignatureState, Some(&told))),
            &none,
        );
    }
    judge(
        &facts_of(|hit| hit.unreplaced.push(("s3", "S3MACRO"))),
        &none,
    );
    let mut relay = facts_of(|hit| hit.ip = "172.224.226.1".parse().ok());
    relay.ip.as_mut().unwrap().benign = Some(Benign::Relay);
    judge(&relay, &none);
    let late = Recall {
        degraded: Some(Degraded::BudgetSpent),
        ..Recall::default()
    };
    judge(&facts_of(|_| {}), &late);
    let conversion = facts_of(|hit| {
        hit.event = EventKind::Conversion;
        hit.set(Field::TransactionId, Some("abc"));
    });
    let missing = Recall {
        search: ClickSearch::NotFound,
        ..Recall::default()
    };
    judge(&conversion, &missing);
    let mut click = ClickMatch::unknown(MatchedBy::OwnId, 86_400);
    click.time = Some(NOW.plus_ms(-90_000_000));
    click.action = Some(Action::Rejected);
    click.reason = Reason::Vpn;
    let rejected = Recall {
        search: ClickSearch::Found,
        click: Some(Box::new(click)),
        ..Recall::default()
    };
    judge(&conversion, &rejected);
    let bad = Learned {
        n: 500.0,
        log_odds: 4.0,
        variance: 0.01,
    };
    let reputed = Recall {
        reputation: Some(Box::new(Reputed {
            as_of: NOW,
            base: -3.0,
            settings: Use {
                margin: 0.5,
                blocks: true,
            },
            keys: [(KeyKind::Publisher, bad)].into_iter().collect(),
        })),
        ..Recall::default()
    };
    judge(&facts_of(|_| {}), &reputed);
}

/// Whether an evidence object proves its reason: written from the catalogue's columns, and
/// knowing nothing but the object.
fn proves(evidence: &Value) -> bool {
    let code = evidence["reason"].as_str().unwrap();
    let info = CATALOGUE.iter().find(|row| row.code == code).unwrap();
    let observed = &evidence["observed"];
    let pair = |name: &str| Some((observed[name].as_f64()?, evidence["threshold"].as_f64()?));
    match info.test {
        Test::Fact => info.fields.is_empty() || observed.is_object(),
        Test::Above(name) => pair(name).is_some_and(|(seen, limit)| seen > limit),
        Test::Below(name) => pair(name).is_some_and(|(seen, limit)| seen < limit),
    }
}

#[test]
fn every_reason_proves_itself_from_its_evidence_or_is_named_here() {
    let mut found = by_filters();
    by_rules(&mut found);
    let mut missing = Vec::new();
    for row in CATALOGUE {
        let named = SAID_ELSEWHERE.contains(&row.code) || NOT_YET.contains(&row.code);
        let seen = found.get(row.code).is_some_and(|all| !all.is_empty());
        if seen == named {
            missing.push((
                row.code,
                if seen {
                    "named, but found"
                } else {
                    "never found"
                },
            ));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    for evidence in found.values().flatten() {
        assert!(proves(evidence), "{evidence}");
        let mut emptied = evidence.clone();
        emptied.as_object_mut().unwrap().remove("observed");
        assert!(!proves(&emptied), "proved by nothing: {emptied}");
        let info = CATALOGUE.iter().find(|row| evidence["reason"] == row.code);
        if let Test::Above(name) | Test::Below(name) = info.unwrap().test {
            let mut at_limit = evidence.clone();
            at_limit["observed"][name] = evidence["threshold"].clone();
            assert!(
                !proves(&at_limit),
                "the limit itself is allowed: {at_limit}"
            );
        }
    }
}
