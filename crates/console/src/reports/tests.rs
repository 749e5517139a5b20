//! Tests of the folder, against the whole router in process.

use assay_model::testing::NOW;
use axum::http::StatusCode;
use serde_json::json;

use crate::events::tests::{approved, rejected};
use crate::state::Settings;
use crate::testing::{STRANGER, TestApp};

#[tokio::test]
async fn the_click_report_has_the_documented_shape() {
    let app = TestApp::start().await;
    app.add_event(&approved(1));
    app.add_event(&approved(2));
    app.add_event(&rejected(3));
    let answer = app
        .get("/reports/clicks?from=2026-01-01&to=2026-01-02&group_by=publisher,action")
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let report = answer.json();
    assert_eq!(report["from"], "2026-01-01T00:00:00.000Z");
    assert_eq!(report["to"], "2026-01-02T00:00:00.000Z");
    assert_eq!(report["tz"], "UTC");
    assert_eq!(report["group_by"], json!(["publisher", "action"]));
    assert_eq!(
        report["rows"][0],
        json!({"publisher": "p1", "action": "approved", "clicks": 2, "approved": 2,
               "rejected": 0, "monitored": 0, "givt": 0, "sivt": 0, "policy": 0})
    );
    assert_eq!(report["totals"]["clicks"], 3);
    assert_eq!(report["totals"]["sivt"], 1);
    assert_eq!(report["next"], json!(null));
    let filtered = app
        .get("/reports/clicks?from=2026-01-01&to=2026-01-02&filter[publisher]=p1,p2")
        .await;
    assert_eq!(filtered.json()["totals"]["clicks"], 2);
}

#[tokio::test]
async fn rows_come_in_pages() {
    let app = TestApp::start().await;
    app.add_event(&approved(1));
    app.add_event(&rejected(2));
    let path = "/reports/clicks?from=2026-01-01&to=2026-01-02&group_by=publisher&limit=1";
    let first = app.get(path).await.json();
    assert_eq!(first["next"], 1);
    let second = app.get(&format!("{path}&offset=1")).await.json();
    assert_eq!(second["rows"].as_array().unwrap().len(), 1);
    assert_eq!(second["next"], json!(null));
}

#[tokio::test]
async fn dates_are_midnights_of_the_zone_and_the_accounts_is_the_default() {
    let app = TestApp::start().await;
    app.patch("/account", &json!({"time_zone": "Europe/Berlin"}))
        .await;
    let path = "/reports/clicks?from=2026-07-01&to=2026-07-02";
    let berlin = app.get(path).await.json();
    assert_eq!(berlin["tz"], "Europe/Berlin");
    assert_eq!(berlin["from"], "2026-06-30T22:00:00.000Z");
    let tokyo = app.get(&format!("{path}&tz=Asia/Tokyo")).await.json();
    assert_eq!(tokyo["from"], "2026-06-30T15:00:00.000Z");
    let today = app.get("/reports/clicks").await.json();
    assert_eq!(today["from"], "2025-12-31T23:00:00.000Z");
    assert_eq!(today["to"], NOW.plus_ms(1).to_string());
}

#[tokio::test]
async fn csv_is_quoted_disarmed_and_names_its_columns() {
    let app = TestApp::start().await;
    let mut event = approved(1);
    event
        .facts
        .hit
        .set(assay_model::Field::Publisher, Some("=cmd,\"x\""));
    app.add_event(&event);
    let answer = app
        .get("/reports/clicks?from=2026-01-01&to=2026-01-02&group_by=publisher&format=csv")
        .await;
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(
        answer.text,
        "publisher,clicks,approved,rejected,monitored,givt,sivt,policy\r\n\
         \"'=cmd,\"\"x\"\"\",1,1,0,0,0,0,0\r\n"
    );
}

#[tokio::test]
async fn faulty_questions_name_their_parameter() {
    let app = TestApp::start().await;
    for (query, field) in [
        ("from=soon", "from"),
        ("from=2026-01-02&to=2026-01-02", "to"),
        ("tz=Mars/Olympus", "tz"),
        ("group_by=colour", "group_by"),
        ("group_by=offer,offer", "group_by"),
        ("format=xml", "format"),
        ("filter[colour]=red", "filter[colour]"),
        ("limit=100000", "limit"),
        ("groupby=offer", "groupby"),
    ] {
        let answer = app.get(&format!("/reports/clicks?{query}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert_eq!(answer.fields(), [field], "{query}");
    }
    app.reports
        .broken
        .store(true, std::sync::atomic::Ordering::Relaxed);
    let answer = app.get("/reports/clicks").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!answer.text.contains("secret"));
}

#[tokio::test]
async fn an_account_over_its_parallel_reports_is_told_when_to_come_again() {
    let app = TestApp::with(Settings {
        reports_parallel: 1,
        ..Settings::default()
    });
    app.found_two_accounts().await;
    let held = app.reports.held.write().await;
    let path = "/reports/clicks?from=2026-01-01&to=2026-01-02";
    let (first, (second, theirs)) = tokio::join!(app.get(path), async {
        let second = app.get(path).await;
        let other = app.get("/reports/conversions").await;
        assert_eq!(other.status, StatusCode::TOO_MANY_REQUESTS);
        drop(held);
        (second, app.call("GET", path, STRANGER, "").await)
    });
    assert_eq!(second.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(second.header("retry-after"), "2");
    assert_eq!(second.header("content-type"), "application/problem+json");
    assert_eq!(second.json()["code"], "too_many");
    assert_eq!(first.status, StatusCode::OK, "{}", first.text);
    assert_eq!(theirs.status, StatusCode::OK, "{}", theirs.text);
    assert_eq!(app.get(path).await.status, StatusCode::OK);
}
