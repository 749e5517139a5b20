//! Tests of the folder, against the whole router in process.

use axum::http::StatusCode;
use serde_json::json;

use crate::testing::TestApp;

#[tokio::test]
async fn a_list_keeps_its_entries_and_refuses_what_does_not_fit_its_field() {
    let app = TestApp::start().await;
    let made = app
        .post(
            "/lists",
            &json!({"name": "Bad hosts", "field": "ip", "entries": [
                {"value": "203.0.113.0/24", "note": "seen 3 May", "expires": "2027-01-01T00:00:00Z"},
                {"value": "2001:db8::1"}]}),
        )
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let shown = made.json();
    assert_eq!(shown["mode"], "deny");
    assert_eq!(
        shown["entries"],
        json!([{"value": "203.0.113.0/24", "note": "seen 3 May", "expires": "2027-01-01T00:00:00.000Z"},
               {"value": "2001:db8::1", "note": null, "expires": null}])
    );
    let back = app.put("/lists/1", &shown).await;
    assert_eq!(back.status, StatusCode::OK, "{}", back.text);
    for (body, field) in [
        (json!({"entries": [{"value": "x"}]}), "entries[0].value"),
        (
            json!({"entries": [{"value": "8.8.8.8", "when": 1}]}),
            "entries[0].when",
        ),
        (json!({"entries": [{"note": "n"}]}), "entries[0].value"),
        (json!({"field": "colour"}), "field"),
        (json!({"mode": "maybe"}), "mode"),
    ] {
        let answer = app.patch("/lists/1", &body).await;
        assert_eq!(answer.fields(), [field], "{body}");
    }
}
