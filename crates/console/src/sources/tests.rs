//! Tests of the folder, against the whole router in process.

use assay_model::AccountId;
use assay_model::document::TokenScope;
use assay_model::ports::SourceStep;
use axum::http::StatusCode;
use serde_json::json;

use crate::testing::{STRANGER, TestApp};

#[tokio::test]
async fn sources_say_how_old_their_numbers_are() {
    let app = TestApp::start().await;
    let answer = app.get("/sources?level=publisher&held=true&limit=2").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let found = answer.json();
    assert_eq!(
        (&found["snapshot"], &found["age_s"]),
        (&json!(9), &json!(61))
    );
    assert_eq!(found["items"][0]["tests"][0]["value"], 31.5);
    let asked = app.sources.asked();
    assert_eq!((asked.held, asked.limit), (Some(true), 2));
    assert!(asked.level.is_some());
    let strange = app.call("GET", "/sources", STRANGER, "").await.json();
    assert_eq!(strange["items"], json!([]));
    assert_eq!(strange["age_s"], json!(null));
}

#[tokio::test]
async fn wrong_questions_are_refused_by_name() {
    let app = TestApp::start().await;
    for (query, field) in [
        ("level=offer", "level"),
        ("held=maybe", "held"),
        ("limit=0", "limit"),
        ("colour=red", "colour"),
    ] {
        let answer = app.get(&format!("/sources?{query}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert_eq!(answer.fields(), [field]);
    }
}

#[tokio::test]
async fn the_log_is_read_in_pages_and_is_one_s_own() {
    let app = TestApp::start().await;
    for publisher in ["p1", "p2", "p1"] {
        app.sources.add(1, publisher, SourceStep::Held);
    }
    let first = app.get("/sources/decisions?limit=2").await.json();
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    assert_eq!(first["items"][0]["what"], "held");
    let next = format!("/sources/decisions?limit=2&before={}", first["next"]);
    let second = app.get(&next).await.json();
    assert_eq!(second["items"].as_array().unwrap().len(), 1);
    assert_eq!(second["next"], json!(null));
    let of_p2 = app.get("/sources/decisions?publisher=p2").await.json();
    assert_eq!(of_p2["items"].as_array().unwrap().len(), 1);
    let strange = app
        .call("GET", "/sources/decisions", STRANGER, "")
        .await
        .json();
    assert_eq!(strange["items"], json!([]));
}

#[tokio::test]
async fn a_source_is_lifted_with_a_reason_and_an_end() {
    let app = TestApp::start().await;
    let day = app.state.clock.now().plus_ms(86_400_000).to_string();
    let lift = json!({"publisher": "p1", "until": day, "note": "new landing page"});
    let made = app.post("/sources/lift", &lift).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    assert_eq!(made.json()["what"], "lifted_by_hand");
    assert_eq!(made.json()["detail"]["note"], "new landing page");
    for (change, field) in [
        (json!({"publisher": ""}), "publisher"),
        (json!({"note": " "}), "note"),
        (json!({"until": "2020-01-01T00:00:00Z"}), "until"),
        (json!({"until": "2029-01-01T00:00:00Z"}), "until"),
        (json!({"filter": "no_such"}), "filter"),
        (json!({"colour": 1}), "colour"),
    ] {
        let mut wrong = lift.clone();
        for (name, value) in change.as_object().unwrap() {
            wrong[name] = value.clone();
        }
        let answer = app.post("/sources/lift", &wrong).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{change}");
        assert_eq!(answer.fields(), [field], "{}", answer.text);
    }
    let reader = "token-that-reads-only-0123456789abcdef0123";
    app.add_token(AccountId(1), reader, &[TokenScope::Read])
        .await;
    let refused = app
        .call("POST", "/sources/lift", reader, &lift.to_string())
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}
