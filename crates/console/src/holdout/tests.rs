//! Both sides are counted by source, and told with their intervals.

use assay_model::hit::Field;
use assay_model::ledger::NewConversion;
use assay_model::ports::Ledger as _;
use assay_model::testing::{NOW, clean_verdict, facts_of};
use assay_model::{AccountId, EventId, EventRecord, Finding, Reason};
use serde_json::json;

use crate::conversions::tests::approved;
use crate::testing::TestApp;

fn id(number: u32) -> EventId {
    EventId::new(NOW, 0, 0, number)
}

fn add_click(app: &TestApp, number: u32, publisher: &'static str, held_out: bool) {
    let mut verdict = clean_verdict();
    if held_out {
        verdict.reason = Reason::SampledHoldout;
        verdict.findings = vec![
            Finding::new(Reason::SampledHoldout)
                .with("share", 5u32)
                .with("would_be", "VPN"),
        ];
    }
    app.add_event(&EventRecord {
        event_id: id(number),
        facts: facts_of(|hit| hit.set(Field::Publisher, Some(publisher))),
        recall: assay_model::recall::Recall::default(),
        verdict,
        destination: None,
        detect_revision: 1,
        decision_us: 1,
    });
}

async fn convert(app: &TestApp, number: u32, click: u32, change: impl FnOnce(&mut NewConversion)) {
    let mut new = approved(number);
    new.click = Some(id(click));
    new.event = String::new();
    new.attributes.publisher = "p1".to_owned();
    new.attributes.sub_ids = Default::default();
    change(&mut new);
    app.ledger
        .append(AccountId(1), new, Vec::new())
        .await
        .unwrap();
}

#[tokio::test]
async fn both_sides_of_a_source_are_compared() {
    let app = TestApp::start().await;
    for n in 0..10 {
        add_click(&app, n, "p1", n < 4);
        add_click(&app, 100 + n, "p2", false);
    }
    convert(&app, 1, 0, |_| {}).await;
    convert(&app, 2, 1, |_| {}).await;
    convert(&app, 3, 5, |_| {}).await;
    // Another event of the same click, and the conversion of a rejected one, count nowhere.
    convert(&app, 4, 6, |new| new.event = "sale".to_owned()).await;
    convert(&app, 5, 7, |new| new.reasons = vec![Reason::ClickRejected]).await;
    let answer = app.get("/holdout?from=2026-01-01&to=2026-01-02").await;
    let told = answer.json();
    let row = &told["sources"][0];
    assert_eq!(told["source_count"], 1, "{told:#}");
    assert_eq!(row["publisher"], "p1");
    let counts = |side: &str| (row[side]["clicks"].clone(), row[side]["converted"].clone());
    assert_eq!(counts("held_out"), (json!(4), json!(2)));
    assert_eq!(counts("approved"), (json!(6), json!(1)));
    assert_eq!(row["reasons"], json!([{"reason": "VPN", "clicks": 4}]));
    let difference = row["difference"]["value"].as_f64().unwrap();
    assert!((difference - (0.5 - 1.0 / 6.0)).abs() < 1e-9);
    let low = row["difference"]["interval"][0].as_f64().unwrap();
    assert!(low < 0.0, "four clicks prove nothing: {low}");
    assert_eq!(told["complete"], true);
}

#[tokio::test]
async fn where_nothing_was_let_through_there_is_nothing_to_compare() {
    let app = TestApp::start().await;
    add_click(&app, 1, "p1", false);
    let told = app.get("/holdout?from=2026-01-01&to=2026-01-02").await;
    assert_eq!(told.json()["sources"], json!([]));
    assert_eq!(told.json()["totals"]["difference"], json!(null));
    let wrong = app.get("/holdout?from=2026-01-02&to=2026-01-01").await;
    assert_eq!(
        (wrong.status.as_u16(), wrong.fields()),
        (422, vec!["to".to_owned()])
    );
}
