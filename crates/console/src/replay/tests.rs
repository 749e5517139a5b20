//! Replays over the API: what is asked, what comes back, who may see it.

use assay_detect::CompiledRule;
use assay_model::document::{IntegrationKind, Rule};
use assay_model::hit::{EventKind, Field};
use assay_model::ports::{ControlStore as _, DocKind, Ledger as _};
use assay_model::recall::{Reading, Recall};
use assay_model::testing::{NOW, facts_of};
use assay_model::verdict::{OnDegraded, RuleRef};
use assay_model::{AccountId, EventId, EventRecord, IntegrationId};
use serde_json::{Value, json};

use crate::conversions::tests::approved;
use crate::testing::{Answer, STRANGER, TestApp};

fn id(number: u32) -> EventId {
    EventId::new(NOW, 0, 0, number)
}

/// Five clicks of publisher `p1` from one address, as the account's default rule judged them,
/// each of `counts` being what its flooding counter said.
async fn app_with_clicks(counts: &[u32]) -> TestApp {
    let app = TestApp::start().await;
    let integration = json!({"name": "n", "kind": "custom"});
    let made = app.post("/integrations", &integration).await;
    let integration = IntegrationId(made.json()["id"].as_u64().unwrap() as u32);
    let rules = app.control.list(AccountId(1), DocKind::Rule, 0, 10).await;
    let doc = rules.unwrap().remove(0);
    let rule: Rule = serde_json::from_value(doc.body).unwrap();
    let by = RuleRef {
        id: doc.id,
        version: doc.version,
    };
    let compiled = CompiledRule::compile(&rule, by, IntegrationKind::Custom).unwrap();
    for (number, count) in (1..).zip(counts) {
        let mut facts = facts_of(|hit| {
            hit.integration = integration;
            hit.ip = "8.8.8.8".parse().ok();
            hit.set(Field::Publisher, Some("p1"));
            hit.set(
                Field::UserAgent,
                Some("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
            );
        });
        facts.ip = facts.hit.ip.map(assay_model::facts::IpFacts::unknown);
        let reading = |spec: &assay_model::recall::CounterSpec| {
            use assay_model::recall::{Level, Measure, Subject};
            let flooding = spec.measure == Measure::Count
                && spec.subject == Subject::Ip
                && spec.level == Level::Account;
            Some(Reading {
                count: if flooding { *count } else { 1 },
                span_s: 60,
                gap_ms: None,
            })
        };
        let recall = Recall {
            readings: compiled.needs().iter().map(reading).collect(),
            ..Recall::default()
        };
        app.add_event(&EventRecord {
            event_id: id(number),
            verdict: compiled.judge(&facts, &recall, OnDegraded::Allow),
            facts: facts.clone(),
            recall,
            destination: None,
            detect_revision: assay_detect::REVISION,
            decision_us: 1,
        });
    }
    app
}

/// Begins a replay and waits for its end.
async fn replay(app: &TestApp, mut asked: Value) -> Value {
    asked["from"] = json!("2025-12-31");
    asked["to"] = json!("2026-01-02");
    let begun = app.post("/replays", &asked).await;
    assert_eq!(begun.status, 201, "{}", begun.text);
    let path = format!("/replays/{}", begun.json()["id"]);
    loop {
        let seen = app.get(&path).await.json();
        if seen["status"] != "running" {
            return seen;
        }
        tokio::task::yield_now().await;
    }
}

/// The default rule with another limit for clicks of one address.
fn default_with(threshold: u32, window: &str) -> Value {
    json!({"name": "Default", "status": "active", "protection": "both",
           "sub_id_mapping": "sub_id", "is_default": true,
           "filters": {"click_flooding": {"click_threshold": threshold, "time_window": window}}})
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_force_changes_nothing_and_every_verdict_comes_out_again() {
    let app = app_with_clicks(&[10, 400, 600]).await;
    let done = replay(&app, json!({})).await;
    assert_eq!(done["status"], "done", "{done}");
    let report = &done["report"];
    assert_eq!(report["agreement"]["same"], 3, "{report:#}");
    assert_eq!(report["totals"]["rejected"], 1);
    assert_eq!(report["totals"]["approved_to_rejected"]["events"], 0);
    assert_eq!(report["totals"]["rejected_to_approved"]["events"], 0);
    assert_eq!(report["rebuilt"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_says_which_sources_change_why_and_what_was_paid() {
    let app = app_with_clicks(&[10, 400, 420, 600]).await;
    let mut conversion = approved(1);
    conversion.kind = EventKind::Conversion;
    conversion.click = Some(id(2));
    let appended = app.ledger.append(AccountId(1), conversion, Vec::new());
    appended.await.unwrap();
    let done = replay(&app, json!({"rules": [default_with(300, "1h")]})).await;
    let report = &done["report"];
    assert_eq!(report["agreement"]["same"], 4, "{report:#}");
    let source = &report["sources"][0];
    assert_eq!(source["publisher"], "p1");
    let change = &source["approved_to_rejected"];
    assert_eq!(change["events"], 2);
    assert_eq!(
        change["reasons"],
        json!([{"reason": "CLICK_FLOODING", "events": 2}])
    );
    assert_eq!(
        change["samples"],
        json!([id(2).to_string(), id(3).to_string()])
    );
    assert_eq!(
        (&change["conversions"], &change["paid_events"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(change["amounts"].as_array().unwrap().len(), 1);
    assert_eq!(report["totals"]["approved_to_rejected"], *change);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_window_is_made_anew_and_said() {
    let app = app_with_clicks(&[10, 11, 12]).await;
    let done = replay(&app, json!({"rules": [default_with(2, "2h")]})).await;
    let report = &done["report"];
    assert_eq!(done["progress"]["phase"], "rebuilding");
    assert!(report["rebuilt"]["warm_up_s"].as_u64().unwrap() >= 7200);
    assert_eq!(report["rebuilt"]["verdicts"], 3);
    assert_eq!(report["totals"]["approved_to_rejected"]["events"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_tried_in_its_rule_s_place() {
    let app = app_with_clicks(&[400]).await;
    let rule = json!({"name": "r", "status": "paused", "protection": "both",
        "sub_id_mapping": "sub_id", "scope": {"publishers": {"include": ["p1"]}},
        "filters": {"click_flooding": {"click_threshold": 300}}});
    let made = app.post("/rules", &rule).await.json();
    let version = json!({"rule": format!("{}@1", made["id"])});
    let done = replay(&app, version).await;
    let change = &done["report"]["totals"]["approved_to_rejected"];
    assert_eq!(
        change["events"], 1,
        "a paused rule is tried as if it were active"
    );
    let nothing = replay(&app, json!({})).await;
    assert_eq!(
        nothing["report"]["totals"]["approved_to_rejected"]["events"],
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_alone_leave_those_in_force_out() {
    let app = app_with_clicks(&[400]).await;
    let mut strict = json!({"name": "r", "status": "active", "protection": "both",
        "sub_id_mapping": "sub_id", "filters": {"click_flooding": {"click_threshold": 300}}});
    app.post("/rules", &strict).await;
    strict["name"] = json!("other");
    strict["scope"] = json!({"publishers": {"include": ["p9"]}});
    let changes = |done: Value| done["report"]["totals"]["approved_to_rejected"]["events"].clone();
    let over = replay(&app, json!({"rules": [strict]})).await;
    assert_eq!(changes(over), 1);
    let only = replay(&app, json!({"rules": [strict], "only": true})).await;
    assert_eq!(changes(only), 0);
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let app = TestApp::start().await;
    let fields = |answer: Answer| (answer.status.as_u16(), answer.fields());
    let cases = [
        (json!({}), "from"),
        (json!({"from": "2026-01-02", "to": "2026-01-01"}), "to"),
        (json!({"last": "1d", "from": "2026-01-01"}), "from"),
        (json!({"last": "1d", "rule": "3"}), "rule"),
        (
            json!({"last": "1d", "rules": [{"name": "x"}]}),
            "rules[0]...",
        ),
        (json!({"last": "1d", "colour": 1}), "colour"),
    ];
    for (asked, field) in cases {
        let (status, found) = fields(app.post("/replays", &asked).await);
        assert_eq!(status, 422, "{asked}");
        assert_eq!(
            found[0].trim_end_matches('.'),
            field.trim_end_matches('.'),
            "{asked}"
        );
    }
    let unknown = json!({"last": "1d", "rule": "99@1"});
    assert_eq!(app.post("/replays", &unknown).await.status, 404);
    let mut wrong = default_with(0, "1h");
    wrong["is_default"] = json!(false);
    let wrong = json!({"last": "1d", "rules": [wrong]});
    let (_, found) = fields(app.post("/replays", &wrong).await);
    assert_eq!(found, ["rules[0].filters.click_flooding.click_threshold"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_is_its_account_s_own_and_can_be_forgotten() {
    let app = app_with_clicks(&[1]).await;
    let done = replay(&app, json!({})).await;
    let path = format!("/replays/{}", done["id"]);
    assert_eq!(app.call("GET", &path, STRANGER, "").await.status, 404);
    assert_eq!(app.call("DELETE", &path, STRANGER, "").await.status, 404);
    assert_eq!(
        app.get("/replays").await.json()["items"][0]["id"],
        done["id"]
    );
    assert_eq!(app.delete(&path).await.status, 204);
    assert_eq!(app.get(&path).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_event_is_shown_under_another_rule() {
    let app = app_with_clicks(&[400]).await;
    let rule = |window: &str| {
        json!({"name": "r", "status": "paused", "protection": "both", "sub_id_mapping": "sub_id",
            "filters": {"click_flooding": {"click_threshold": 300, "time_window": window}}})
    };
    let (same, other) = (rule("1h"), rule("3h"));
    let same = app.post("/rules", &same).await.json()["id"].clone();
    let other = app.post("/rules", &other).await.json()["id"].clone();
    let path = format!("/events/{}/replay", id(1));
    let shown = app.get(&format!("{path}?rule={same}@1")).await.json();
    assert_eq!(shown["recorded"]["action"], "approved", "{shown:#}");
    assert_eq!(shown["candidate"]["action"], "rejected");
    assert_eq!(shown["candidate"]["reason"], "CLICK_FLOODING");
    assert_eq!(shown["record_holds"], true);
    let shown = app.get(&format!("{path}?rule={other}@1")).await.json();
    assert_eq!(shown["candidate"], Value::Null);
    assert!(
        shown["cause"].as_str().unwrap().contains("counts"),
        "{shown}"
    );
    assert_eq!(
        app.get(&path).await.json()["candidate"]["action"],
        "approved"
    );
    assert_eq!(app.get(&format!("{path}?rule=x")).await.status, 422);
    assert_eq!(app.call("GET", &path, STRANGER, "").await.status, 404);
}
