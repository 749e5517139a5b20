//! Tests of the folder, against the whole router in process.

use axum::http::StatusCode;
use serde_json::json;

use crate::testing::TestApp;

#[tokio::test]
async fn an_account_is_read_and_changed() {
    let app = TestApp::start().await;
    assert_eq!(
        app.get("/account").await.json(),
        json!({"id": 1, "version": 1, "name": "Main", "time_zone": "UTC", "currency": "USD",
               "retention": {"events_d": 400},
               "reputation": {"enabled": true, "block_mode": "flag", "half_life": "30d",
                              "prior_weight": 10.0, "margin": 2.0}})
    );
    let change = json!({"time_zone": "Europe/Berlin", "retention": {"events_d": 30}, "version": 1});
    let changed = app.patch("/account", &change).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
    assert_eq!(changed.json()["time_zone"], "Europe/Berlin");
    assert_eq!(changed.json()["currency"], "USD");
    let stale = app.patch("/account", &change).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn faulty_settings_are_refused_by_name() {
    let app = TestApp::start().await;
    for (body, field) in [
        (json!({"time_zone": "Mars/Olympus"}), "time_zone"),
        (json!({"currency": "euro"}), "currency"),
        (json!({"retention": {"events_d": 0}}), "retention.events_d"),
        (json!({"retention": {"days": 3}}), "retention.days"),
        (json!({"reputation": {"margin": 1.0}}), "reputation.margin"),
        (
            json!({"reputation": {"half_life": "1h"}}),
            "reputation.half_life",
        ),
        (
            json!({"reputation": {"prior_weight": 0}}),
            "reputation.prior_weight",
        ),
        (json!({"reputation": {"mode": "on"}}), "reputation.mode"),
        (json!({"colour": 1}), "colour"),
        (json!({"id": 2}), "id"),
    ] {
        let answer = app.patch("/account", &body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert_eq!(answer.fields(), [field], "{body}");
    }
}
