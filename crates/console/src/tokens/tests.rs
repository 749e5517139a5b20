//! Tests of the folder, against the whole router in process.

use assay_model::AccountId;
use assay_model::document::TokenScope;
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::testing::{OWNER, TestApp};

#[tokio::test]
async fn a_token_is_shown_once_and_works_until_revoked() {
    let app = TestApp::start().await;
    let made = app
        .post(
            "/tokens",
            &json!({"name": "CI", "scopes": ["read", "read"]}),
        )
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let shown = made.json();
    let secret = shown["token"].as_str().unwrap().to_owned();
    assert!(
        secret.starts_with("assay_") && secret.len() > 50,
        "{secret}"
    );
    assert_eq!(shown["scopes"], json!(["read"]));
    assert!(secret.ends_with(shown["hint"].as_str().unwrap()));
    let path = format!("/tokens/{}", shown["id"]);
    let again = app.get(&path).await;
    assert_eq!(again.json()["token"], Value::Null);
    assert!(!again.text.contains(&secret));
    assert_eq!(app.call("GET", "/rules", &secret, "").await.status, 200);
    let renamed = app.patch(&path, &json!({"name": "CI 2"})).await;
    assert_eq!(renamed.json()["name"], "CI 2");
    assert_eq!(renamed.json()["hint"], shown["hint"]);
    assert_eq!(app.call("GET", "/rules", &secret, "").await.status, 200);
    assert_eq!(app.delete(&path).await.status, StatusCode::NO_CONTENT);
    assert_eq!(app.call("GET", "/rules", &secret, "").await.status, 401);
}

#[tokio::test]
async fn a_token_ends_when_it_expires() {
    let app = TestApp::start().await;
    let body = json!({"name": "t", "scopes": ["read"], "expires": "2026-01-01T01:00:00Z"});
    let made = app.post("/tokens", &body).await.json();
    let secret = made["token"].as_str().unwrap();
    assert_eq!(app.call("GET", "/rules", secret, "").await.status, 200);
    app.clock.advance_ms(3_600_000);
    assert_eq!(app.call("GET", "/rules", secret, "").await.status, 401);
    assert_eq!(app.post("/tokens", &body).await.fields(), ["expires"]);
}

#[tokio::test]
async fn nobody_hands_out_more_than_they_have() {
    let app = TestApp::start().await;
    let admin = "admin-only-token-000000000000000000";
    app.add_token(AccountId(1), admin, &[TokenScope::Admin])
        .await;
    let body = json!({"name": "t", "scopes": ["write"]}).to_string();
    let answer = app.call("POST", "/tokens", admin, &body).await;
    assert_eq!(answer.fields(), ["scopes"]);
    let renamed = app
        .call("PATCH", "/tokens/1", admin, r#"{"name":"renamed"}"#)
        .await;
    assert_eq!(renamed.status, StatusCode::OK, "what it had it keeps");
    assert_eq!(app.get("/rules").await.status, StatusCode::OK, "{OWNER}");
}

#[tokio::test]
async fn faulty_tokens_are_refused() {
    let app = TestApp::start().await;
    for (body, field) in [
        (json!({"name": "t", "scopes": []}), "scopes"),
        (json!({"name": "t", "scopes": ["all"]}), "scopes[0]"),
        (json!({"name": "", "scopes": ["read"]}), "name"),
        (
            json!({"name": "t", "scopes": ["read"], "token": "x"}),
            "token",
        ),
        (
            json!({"name": "t", "scopes": ["read"], "expires": "soon"}),
            "expires",
        ),
    ] {
        let answer = app.post("/tokens", &body).await;
        assert_eq!(answer.fields(), [field], "{body}");
    }
}
