//! Tests of the folder, against the whole router in process.

use assay_model::AccountId;
use assay_model::document::TokenScope;
use assay_model::ports::Ledger as _;
use axum::http::StatusCode;
use serde_json::json;

use super::all;
use crate::testing::{OWNER, STRANGER, TestApp};

#[tokio::test]
async fn errors_are_problem_documents_with_status_code_and_request_id() {
    let app = TestApp::start().await;
    let long = format!("{{\"name\":\"{}\"}}", "x".repeat(5000));
    let rule = r#"{"name":"x"}"#;
    let cases = [
        ("GET", "/rules", "", "", 401, "unauthorized", ""),
        ("GET", "/rules", "nonsense", "", 401, "unauthorized", ""),
        ("GET", "/nothing", OWNER, "", 404, "not_found", ""),
        ("GET", "/rules/99", OWNER, "", 404, "not_found", ""),
        ("GET", "/rules/abc", OWNER, "", 404, "not_found", ""),
        ("GET", "/rules/-1", OWNER, "", 404, "not_found", ""),
        ("GET", "/rules/%ff", OWNER, "", 404, "not_found", ""),
        ("DELETE", "/rules", OWNER, "", 405, "method_not_allowed", ""),
        ("POST", "/rules", OWNER, &long, 413, "too_large", ""),
        ("POST", "/rules", OWNER, "", 400, "malformed", ""),
        ("POST", "/rules", OWNER, "{\"a\":", 400, "malformed", ""),
        ("POST", "/rules", OWNER, "[1]", 422, "invalid", "body"),
        ("POST", "/rules", OWNER, rule, 422, "invalid", "status"),
        ("GET", "/rules?limit=0", OWNER, "", 422, "invalid", "limit"),
        (
            "GET",
            "/rules?colour=1",
            OWNER,
            "",
            422,
            "invalid",
            "colour",
        ),
        ("GET", "/account?x=1", OWNER, "", 422, "invalid", "x"),
    ];
    for (method, path, token, body, status, code, field) in cases {
        let answer = app.call(method, path, token, body).await;
        let label = format!("{method} {path}: {}", answer.text);
        assert_eq!(answer.status.as_u16(), status, "{label}");
        assert_eq!(
            answer.header("content-type"),
            "application/problem+json",
            "{label}"
        );
        let problem = answer.json();
        assert_eq!(problem["code"], code, "{label}");
        assert_eq!(problem["status"], status, "{label}");
        assert_eq!(problem["request_id"], answer.header("x-request-id"));
        assert_eq!(problem["type"], format!("urn:assay:problem:{code}"));
        assert!(problem["title"].is_string() && problem["detail"].is_string());
        assert_eq!(problem["field"].as_str().unwrap_or(""), field, "{label}");
    }
}

#[tokio::test]
async fn malformed_json_says_where() {
    let app = TestApp::start().await;
    let answer = app.call("POST", "/lists", OWNER, "{\n  \"a\" 1}").await;
    assert!(answer.text.contains("line 2, column 7"), "{}", answer.text);
}

#[tokio::test]
async fn a_method_that_is_not_there_names_those_that_are() {
    let app = TestApp::start().await;
    let answer = app.call("DELETE", "/rules", OWNER, "").await;
    assert!(answer.header("allow").contains("POST"));
    let answer = app.call("GET", "/rules", "", "").await;
    assert_eq!(answer.header("www-authenticate"), "Bearer");
}

#[tokio::test]
async fn every_endpoint_asks_for_its_scope() {
    let app = TestApp::start().await;
    let tokens = [
        (TokenScope::Score, "score-only-token-000000000000000000"),
        (TokenScope::Read, "read-only-token-0000000000000000000"),
        (TokenScope::Write, "write-only-token-000000000000000000"),
        (TokenScope::Admin, "admin-only-token-000000000000000000"),
    ];
    for (scope, secret) in tokens {
        app.add_token(AccountId(1), secret, &[scope]).await;
    }
    for endpoint in all() {
        let verb = endpoint.verb.to_uppercase();
        let path = filled(endpoint.path, "999");
        for (scope, secret) in tokens {
            let answer = app.call(&verb, &path, secret, "{}").await;
            let refused = answer.status == StatusCode::FORBIDDEN;
            assert_eq!(refused, scope != endpoint.scope, "{scope:?} {verb} {path}");
        }
        let answer = app.call(&verb, &path, "", "{}").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{verb} {path}");
    }
}

/// Puts an id into every place of a path.
fn filled(path: &str, id: &str) -> String {
    let mut parts: Vec<&str> = path.split('/').collect();
    for part in &mut parts {
        if part.starts_with('{') {
            *part = id;
        }
    }
    if let [.., "versions", version] = parts.as_mut_slice() {
        *version = "1";
    }
    parts.join("/")
}

#[tokio::test]
async fn another_accounts_ids_are_not_found_at_any_endpoint() {
    let app = TestApp::start().await;
    let integration = app
        .post("/integrations", &json!({"name": "n", "kind": "s2s"}))
        .await;
    let rule = app
        .post(
            "/rules",
            &json!({"name": "r", "status": "active", "protection": "both", "sub_id_mapping": "sub_id"}),
        )
        .await;
    let list = app
        .post("/lists", &json!({"name": "l", "field": "ip"}))
        .await;
    let own_network = 1;
    let token = app
        .post("/tokens", &json!({"name": "t", "scopes": ["read"]}))
        .await;
    let postback = app
        .post(
            "/postbacks",
            &json!({"name": "p", "url": "https://a.example/"}),
        )
        .await;
    let delivery = app
        .deliveries
        .add(1, assay_model::ports::DeliveryState::Dead);
    for kind in ["advertisers", "offers", "publishers"] {
        let made = app.post(&format!("/{kind}"), &json!({"name": "n"})).await;
        assert_eq!(made.json()["id"], own_network);
    }
    let replay = app.post("/replays", &json!({"last": "1d"})).await;
    let event = crate::events::tests::rejected(7);
    app.add_event(&event);
    let conversion = crate::conversions::tests::approved(7);
    let conversion_id = conversion.conversion_id.to_string();
    let made = app.ledger.append(AccountId(1), conversion, Vec::new());
    made.await.unwrap();
    let own = [
        ("/integrations/", integration.json()["id"].to_string()),
        ("/rules/", rule.json()["id"].to_string()),
        ("/lists/", list.json()["id"].to_string()),
        ("/tokens/", token.json()["id"].to_string()),
        ("/events/", event.event_id.to_string()),
        ("/conversions/", conversion_id),
        ("/postbacks/", postback.json()["id"].to_string()),
        ("/deliveries/", delivery.to_string()),
        ("/replays/", replay.json()["id"].to_string()),
        ("/advertisers/", own_network.to_string()),
        ("/offers/", own_network.to_string()),
        ("/publishers/", own_network.to_string()),
    ];
    let mut tried = 0;
    for endpoint in all().iter().filter(|e| e.path.contains('{')) {
        let (_, id) = own
            .iter()
            .find(|(prefix, _)| endpoint.path.starts_with(prefix))
            .unwrap();
        let path = filled(endpoint.path, id);
        let verb = endpoint.verb.to_uppercase();
        let theirs = app.call(&verb, &path, STRANGER, "{}").await;
        assert_eq!(theirs.status, StatusCode::NOT_FOUND, "{verb} {path}");
        let none = app
            .call(
                &verb,
                &path.replace(id.as_str(), "77777777"),
                STRANGER,
                "{}",
            )
            .await;
        assert_eq!(none.status, StatusCode::NOT_FOUND, "{verb} {path}");
        tried += 1;
    }
    assert!(tried >= 19, "{tried}");
    for (list, expected) in [
        ("/integrations", 0),
        ("/rules", 1),
        ("/lists", 0),
        ("/tokens", 1),
        ("/events", 0),
        ("/conversions", 0),
        ("/postbacks", 0),
        ("/deliveries", 0),
    ] {
        let answer = app.call("GET", list, STRANGER, "").await;
        let count = answer.json()["items"].as_array().unwrap().len();
        assert_eq!(count, expected, "{list}");
    }
    for endpoint in all()
        .iter()
        .filter(|e| e.verb == "get" && e.path.contains('{'))
    {
        let (_, id) = own
            .iter()
            .find(|(prefix, _)| endpoint.path.starts_with(prefix))
            .unwrap();
        let path = filled(endpoint.path, id);
        assert_eq!(app.get(&path).await.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn a_failing_store_is_503_and_tells_no_secrets() {
    let app = TestApp::start().await;
    app.control
        .broken
        .store(true, std::sync::atomic::Ordering::Relaxed);
    let answer = app.get("/rules").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!answer.text.contains("secret"), "{}", answer.text);
}

#[tokio::test]
async fn a_change_that_cannot_be_put_in_force_says_so() {
    let app = TestApp::start().await;
    app.publisher
        .broken
        .store(true, std::sync::atomic::Ordering::Relaxed);
    let answer = app
        .post("/lists", &json!({"name": "l", "field": "ip"}))
        .await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.json()["code"], "not_in_force");
}

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    let app = TestApp::start().await;
    let answer = app.get("/rules").await;
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(
        answer
            .header("content-security-policy")
            .starts_with("default-src 'none'")
    );
}

#[tokio::test]
async fn health_metrics_and_document_need_no_token() {
    let app = TestApp::empty();
    for (path, text) in [
        ("/healthz", "ok"),
        ("/readyz", "ready"),
        ("/metrics", "assay_up 1"),
        ("/openapi.json", "\"openapi\""),
    ] {
        let answer = app.browse(path, "").await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert!(answer.text.contains(text), "{path}: {}", answer.text);
    }
}
