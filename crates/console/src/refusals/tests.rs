//! Tests of the folder, against the whole router in process.

use assay_model::ports::{DoorError, ErrorLog as _};
use assay_model::testing::NOW;
use assay_model::{AccountId, IntegrationId};
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::testing::{STRANGER, TestApp};

fn note(app: &TestApp, account: u32, integration: Option<u32>, field: &str) {
    app.errors.note(DoorError {
        account: Some(AccountId(account)),
        integration: integration.map(IntegrationId),
        at: NOW,
        door: "s2s",
        code: "missing",
        field: field.into(),
        cause: format!("{field} is missing <x>"),
        sample: "/ic3.php?m&src".into(),
    });
}

#[tokio::test]
async fn the_error_log_is_read_in_pages_newest_first() {
    let app = TestApp::start().await;
    app.post("/integrations", &json!({"name": "a", "kind": "s2s"}))
        .await;
    for field in ["s6", "ip", "cid"] {
        note(&app, 1, Some(1), field);
    }
    for log in ["/integrations/1/errors", "/errors"] {
        let first = app.get(&format!("{log}?limit=2")).await.json();
        assert_eq!(first["items"][0]["field"], "cid");
        assert_eq!(first["items"][1]["field"], "ip");
        assert_eq!(first["next"], 2);
        for cursor in ["before", "after"] {
            let path = format!("{log}?limit=2&{cursor}=2");
            let second = app.get(&path).await.json();
            assert_eq!(second["items"][0]["field"], "s6");
            assert_eq!(second["next"], Value::Null);
        }
        let wrong = app.get(&format!("{log}?colour=1")).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let unknown = app.get("/integrations/9/errors").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_account_sees_every_refusal_of_its_own_and_no_other() {
    let app = TestApp::start().await;
    note(&app, 1, Some(1), "ip");
    note(&app, 1, None, "s");
    note(&app, 2, None, "b");
    let own = app.get("/errors").await.json();
    let seen: Vec<_> = own["items"].as_array().unwrap().iter().collect();
    assert_eq!(seen.len(), 2);
    assert_eq!(
        (&seen[0]["field"], &seen[0]["integration_id"]),
        (&json!("s"), &Value::Null)
    );
    assert_eq!(seen[1]["integration_id"], 1);
    let theirs = app.call("GET", "/errors", STRANGER, "").await.json();
    assert_eq!(theirs["items"].as_array().unwrap().len(), 1);
    assert_eq!(theirs["items"][0]["field"], "b");
    let nobody = app.call("GET", "/errors", "", "").await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_page_shows_what_named_no_integration_and_pages_back() {
    let app = TestApp::start().await;
    let cookie = app.sign_in().await;
    let empty = app.browse("/errors", &cookie).await;
    assert!(empty.text.contains("No refused calls"), "{}", empty.text);
    note(&app, 2, None, "theirs");
    note(&app, 1, None, "oldest");
    for number in 0..50 {
        note(&app, 1, Some(1), &format!("f{number}"));
    }
    let page = app.browse("/errors", &cookie).await;
    assert!(page.text.contains("f49 is missing &#60;x&#62;"));
    assert!(page.text.contains("href=\"/integrations/1\""));
    assert!(!page.text.contains("oldest") && !page.text.contains("theirs"));
    let (_, rest) = page.text.split_once("/errors?before=").unwrap();
    let before = rest.split('"').next().unwrap();
    let older = app
        .browse(&format!("/errors?before={before}"), &cookie)
        .await;
    assert!(older.text.contains("oldest"), "{}", older.text);
    assert!(older.text.contains("names no integration"));
    assert!(!older.text.contains("theirs") && !older.text.contains("/errors?before="));
    let wrong = app.browse("/errors?before=x", &cookie).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
}
