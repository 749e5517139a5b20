//! Tests of the folder, against the whole router in process.

use std::sync::Arc;

use assay_model::facts::{Country, UaFacts, UaKind};
use assay_model::testing::{NOW, clean_verdict, facts_of};
use assay_model::verdict::{Action, Check, Finding, Missing};
use assay_model::{AccountId, Class, EventId, EventRecord, Field, Reason, Recall, Risk, Span};
use axum::http::StatusCode;
use serde_json::{Value, json};
use smallvec::smallvec;

use crate::testing::TestApp;

/// A rejected click of publisher `p<script>`; `number` keeps ids apart.
pub fn rejected(number: u32) -> EventRecord<'static> {
    let mut record = approved(number);
    record
        .facts
        .hit
        .set(Field::Publisher, Some("p<script>alert(1)</script>"));
    let mut findings = vec![
        Finding::new(Reason::ClickFlooding)
            .with("count", 501u32)
            .over(500u32)
            .within(Span(3600).0),
    ];
    let event = record.facts.hit.event;
    let weighing = record.verdict.weighing;
    let outcome = assay_detect::weigh(&mut findings, event, weighing, None);
    let verdict = &mut record.verdict;
    verdict.findings = findings;
    verdict.risk = outcome.risk;
    verdict.points = outcome.points;
    verdict.class = outcome.class;
    verdict.reason = outcome.reason;
    verdict.action = outcome.action;
    verdict.checks = smallvec![
        Check::Clean,
        Check::Flagged,
        Check::Skipped(Missing::DeviceId),
        Check::Off
    ];
    assert_eq!(
        (verdict.action, verdict.class),
        (Action::Rejected, Class::Sivt)
    );
    record
}

/// An approved click of publisher `p1`.
pub fn approved(number: u32) -> EventRecord<'static> {
    let mut facts = facts_of(|hit| {
        hit.account = AccountId(1);
        hit.ip = "8.8.8.8".parse().ok();
        hit.set(Field::Publisher, Some("p1"));
        hit.set(Field::UserAgent, Some("Mozilla/5.0"));
    });
    if let Some(ip) = &mut facts.ip {
        ip.country = Country::parse("US");
        ip.asn = Some(15169);
        ip.operator = Some("Google <LLC>");
    }
    let mut ua = UaFacts::bare(UaKind::Browser);
    ua.browser = "Chrome".into();
    ua.browser_version = "141.0".into();
    ua.os = "Windows".into();
    facts.ua = Some(Arc::new(ua));
    EventRecord {
        event_id: EventId::new(NOW, 1, 0, number),
        facts,
        recall: Recall::default(),
        verdict: clean_verdict(),
        destination: None,
        detect_revision: 1,
        decision_us: 24,
    }
}

#[tokio::test]
async fn the_why_shows_verdict_filters_evidence_and_recomputes() {
    let app = TestApp::start().await;
    let mut event = rejected(1);
    let hit = &mut event.facts.hit;
    hit.set(Field::TransactionId, Some("chosen by its link"));
    app.add_event(&event);
    let answer = app.get(&format!("/events/{}", event.event_id)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let why = answer.json();
    assert_eq!(why["event_id"], event.event_id.to_string());
    assert_eq!(why["transaction_id"], format!("tid-{}", event.event_id));
    assert_eq!(why["facts"]["transaction_id"], "chosen by its link");
    let list = app.get("/events").await.json();
    assert_eq!(list["items"][0]["transaction_id"], why["transaction_id"]);
    assert_eq!((&why["risk"], &why["score"]), (&json!("medium"), &json!(2)));
    assert_eq!(why["reasons"], json!(["CLICK_FLOODING"]));
    assert_eq!(why["evidence"][0]["observed"], json!({"count": 501}));
    assert_eq!(why["evidence"][0]["threshold"], 500);
    assert_eq!(why["evidence"][0]["window"], "1h");
    assert_eq!(why["rule"], json!({"id": 1, "version": 1}));
    assert_eq!(why["facts"]["network"]["asn"], 15169);
    assert_eq!(why["recomputed"]["same"], true);
    assert_eq!(why["recomputed"]["action"], "rejected");
    let filters = why["filters"].as_array().unwrap();
    let keys = assay_detect::filter_keys();
    assert_eq!(filters[0], json!({"key": keys[0], "state": "clean"}));
    assert_eq!(filters[1], json!({"key": keys[1], "state": "flagged"}));
    assert_eq!(
        filters[2],
        json!({"key": keys[2], "state": "skipped", "missing": "no device_id"})
    );
    assert_eq!(filters[3], json!({"key": keys[3], "state": "off"}));
}

#[tokio::test]
async fn a_verdict_that_its_evidence_does_not_carry_is_shown_as_such() {
    let app = TestApp::start().await;
    let mut event = rejected(1);
    event.verdict.findings[0] = Finding::new(Reason::ClickFlooding)
        .with("count", 500u32)
        .over(500u32);
    app.add_event(&event);
    let why = app.get(&format!("/events/{}", event.event_id)).await.json();
    assert_eq!(why["recomputed"]["same"], false);
    assert_eq!(why["recomputed"]["risk"], Risk::Clean.as_str());
}

#[tokio::test]
async fn an_unknown_event_is_not_found() {
    let app = TestApp::start().await;
    for id in ["nonsense", "aaaaaaaaaaaaaaaa"] {
        let answer = app.get(&format!("/events/{id}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{id}");
    }
}

#[tokio::test]
async fn the_newest_events_come_first_filtered_and_in_pages() {
    let app = TestApp::start().await;
    for number in 0..3 {
        app.add_event(&approved(number));
    }
    app.add_event(&rejected(3));
    let first = app.get("/events?limit=2").await.json();
    assert_eq!(first["items"][0]["action"], "rejected");
    let cursor = first["next"].as_str().unwrap();
    let second = app
        .get(&format!("/events?limit=2&before={cursor}"))
        .await
        .json();
    assert_eq!(second["items"].as_array().unwrap().len(), 2);
    assert_eq!(second["next"], Value::Null);
    let only = app
        .get("/events?filter[publisher]=p1&filter[action]=approved,rejected")
        .await;
    assert_eq!(only.json()["items"].as_array().unwrap().len(), 3);
    let none = app.get("/events?to=2026-01-01").await.json();
    assert_eq!(none["items"], json!([]), "`to` is outside");
    let all = app.get("/events?from=2026-01-01").await.json();
    assert_eq!(
        all["items"].as_array().unwrap().len(),
        4,
        "`from` is inside"
    );
}

#[tokio::test]
async fn faulty_questions_name_their_parameter() {
    let app = TestApp::start().await;
    for (query, field) in [
        ("from=soon", "from"),
        ("before=x", "before"),
        ("limit=501", "limit"),
        ("filter[colour]=red", "filter[colour]"),
        ("filter[hour]=1", "filter[hour]"),
        ("filter[risk]=high,hihg", "filter[risk]"),
        ("filter[integration]=seven", "filter[integration]"),
        ("from=2026-01-02&to=2026-01-01", "to"),
        ("publisher=p1", "publisher"),
    ] {
        let answer = app.get(&format!("/events?{query}")).await;
        assert_eq!(answer.fields(), [field], "{query}");
    }
}
