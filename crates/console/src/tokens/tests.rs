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
async fn the_last_token_that_makes_tokens_stays() {
    let app = TestApp::start().await;
    let owner = format!(
        "/tokens/{}",
        app.get("/tokens").await.json()["items"][0]["id"]
    );
    let refused = app.delete(&owner).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
    let fewer = app.patch(&owner, &json!({"scopes": ["read"]})).await;
    assert_eq!(fewer.fields(), ["scopes"]);
    let ending = json!({"expires": "2027-01-01"});
    assert_eq!(app.patch(&owner, &ending).await.fields(), ["expires"]);
    // One that ends does not count.
    let body = json!({"name": "t", "scopes": ["admin"], "expires": "2027-01-01"});
    assert_eq!(app.post("/tokens", &body).await.status, StatusCode::CREATED);
    assert_eq!(app.delete(&owner).await.status, StatusCode::CONFLICT);
    let other = json!({"name": "other", "scopes": ["admin"]});
    assert_eq!(
        app.post("/tokens", &other).await.status,
        StatusCode::CREATED
    );
    assert_eq!(app.delete(&owner).await.status, StatusCode::NO_CONTENT);
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
