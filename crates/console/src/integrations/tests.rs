//! Tests of the folder, against the whole router in process.

use assay_model::AccountId;
use assay_model::document::TokenScope;
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::testing::TestApp;

async fn made(app: &TestApp, body: Value) -> Value {
    let answer = app.post("/integrations", &body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    answer.json()
}

#[tokio::test]
async fn what_a_post_leaves_out_takes_its_default() {
    let app = TestApp::start().await;
    let shown = made(&app, json!({"name": "Search S2S", "kind": "s2s"})).await;
    let s2s = "https://eu.example/ic3.php?m=AF&src=s2s&b=1&s=1&cid=CIDMACRO&ip=IPMACRO\
               &s1=S1MACRO&s2=S2MACRO&s3=S3MACRO&s4=S4MACRO&s5=S5MACRO&s6=S6MACRO&s7=S7MACRO\
               &s8=S8MACRO&s9=S9MACRO&s10=S10MACRO&s11=S11MACRO";
    assert_eq!(
        shown,
        json!({
            "id": 1, "version": 1, "account_id": 1, "name": "Search S2S", "kind": "s2s",
            "status": "active", "access_key": null, "advertiser": null, "domain_id": null,
            "allowed_sources": [], "on_degraded": "allow",
            "clicks": {"approved_url": null, "append": [], "pass_extra": false,
                       "urls": [], "fallback_url": null, "on_reject": "fallback",
                       "allowed_hosts": [], "params": {}, "measure_only": false,
                       "referrer_policy": null},
            "conversions": {"params": {}, "secure_token": null, "clickless": false,
                            "lookback_d": 30},
            "signing": {"mode": "off", "keys": [], "window_s": 300},
            "urls": {"click": "https://eu.example/click/1", "jsp": "https://eu.example/jsp/1",
                     "impression": "https://eu.example/imp/1",
                     "postback": "https://eu.example/postback/1",
                     "rejection": "https://eu.example/rejection/1", "s2s": s2s},
        })
    );
    assert_eq!(app.get("/integrations/1").await.json(), shown);
}

#[tokio::test]
async fn patch_merges_put_replaces_and_delete_removes() {
    let app = TestApp::start().await;
    made(
        &app,
        json!({"name": "a", "kind": "custom", "advertiser": "adv",
               "clicks": {"params": {"offer": "campaign"}, "pass_extra": true}}),
    )
    .await;
    let change = json!({"clicks": {"params": {"publisher": "affid"}}, "advertiser": null});
    let patched = app.patch("/integrations/1", &change).await.json();
    assert_eq!(patched["version"], 2);
    assert_eq!(
        patched["clicks"]["params"],
        json!({"offer": "campaign", "publisher": "affid"})
    );
    assert_eq!(patched["clicks"]["pass_extra"], true);
    assert_eq!(patched["advertiser"], Value::Null);
    let change = json!({"clicks": {"params": {"offer": null}}});
    let patched = app.patch("/integrations/1", &change).await.json();
    assert_eq!(patched["clicks"]["params"], json!({"publisher": "affid"}));
    let put = app
        .put("/integrations/1", &json!({"name": "b", "kind": "custom"}))
        .await
        .json();
    assert_eq!((&put["version"], &put["name"]), (&json!(4), &json!("b")));
    assert_eq!(put["clicks"]["params"], json!({}));
    assert_eq!(
        app.delete("/integrations/1").await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        app.delete("/integrations/1").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn what_was_read_can_be_put_back_and_a_stale_version_cannot() {
    let app = TestApp::start().await;
    let mut shown = made(&app, json!({"name": "a", "kind": "s2s"})).await;
    shown["name"] = "b".into();
    let put = app.put("/integrations/1", &shown).await;
    assert_eq!(put.status, StatusCode::OK, "{}", put.text);
    let stale = app.put("/integrations/1", &shown).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    assert!(stale.text.contains("version 1 is stale"), "{}", stale.text);
    let stale = app
        .patch("/integrations/1", &json!({"version": 1, "name": "c"}))
        .await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    let fresh = app
        .patch("/integrations/1", &json!({"version": 2, "name": "c"}))
        .await;
    assert_eq!(fresh.json()["version"], 3);
}

#[tokio::test]
async fn faulty_fields_are_all_named_and_nothing_is_saved() {
    let app = TestApp::start().await;
    let cases = [
        (json!({}), vec!["name", "kind"]),
        (json!({"name": "a"}), vec!["kind"]),
        (json!({"name": "a", "kind": "s3s"}), vec!["kind"]),
        (
            json!({"name": "a", "kind": "s2s", "colour": 1, "clicks": {"shade": 2}}),
            vec!["clicks.shade", "colour"],
        ),
        (
            json!({"name": " ", "kind": "s2s", "allowed_sources": ["10.0.0.0/44"]}),
            vec!["name", "allowed_sources[0]"],
        ),
        (
            json!({"name": "a", "kind": "s2s", "id": 9, "urls": {}, "version": 1}),
            vec!["urls", "id", "version"],
        ),
        (
            json!({"name": 5, "kind": "s2s", "conversions": {"lookback_d": 500}}),
            vec!["name", "conversions.lookback_d"],
        ),
    ];
    for (body, mut fields) in cases {
        let answer = app.post("/integrations", &body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        let mut found = answer.fields();
        found.sort();
        fields.sort_unstable();
        assert_eq!(found, fields, "{body}");
    }
    assert_eq!(app.get("/integrations").await.json()["items"], json!([]));
}

#[tokio::test]
async fn the_kind_is_fixed() {
    let app = TestApp::start().await;
    made(&app, json!({"name": "a", "kind": "s2s"})).await;
    let answer = app
        .patch("/integrations/1", &json!({"kind": "custom"}))
        .await;
    assert_eq!(answer.fields(), ["kind"]);
}

#[tokio::test]
async fn lists_come_in_pages() {
    let app = TestApp::start().await;
    for name in ["a", "b", "c"] {
        made(&app, json!({"name": name, "kind": "s2s"})).await;
    }
    let first = app.get("/integrations?limit=2").await.json();
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    assert_eq!(first["next"], 2);
    let second = app.get("/integrations?limit=2&after=2").await.json();
    assert_eq!(second["items"][0]["name"], "c");
    assert_eq!(second["next"], Value::Null);
}

#[tokio::test]
async fn a_key_stands_in_the_url_encoded() {
    let app = TestApp::start().await;
    let shown = made(
        &app,
        json!({"name": "a", "kind": "s2s", "access_key": "0123456789abcdef&x"}),
    )
    .await;
    let url = shown["urls"]["s2s"].as_str().unwrap();
    assert!(url.ends_with("&key=0123456789abcdef%26x"), "{url}");
}

#[tokio::test]
async fn links_name_their_integration_in_a_public_host_and_carry_their_secrets() {
    let app = TestApp::with(crate::Settings {
        data_urls: vec!["https://eu.example".into()],
        host_urls: vec![
            ("https", "traffic.example".into()),
            ("https", "us.example:8443".into()),
        ],
        ..TestApp::settings()
    });
    app.found_two_accounts().await;
    let shown = made(
        &app,
        json!({"name": "a", "kind": "custom", "access_key": "0123456789abcdef&x",
               "conversions": {"secure_token": "s t"}}),
    )
    .await;
    let key = "key=0123456789abcdef%26x";
    assert_eq!(
        shown["urls"]["click"],
        format!("https://1.clicks.traffic.example/?{key}")
    );
    assert_eq!(
        shown["urls"]["jsp"],
        format!("https://1.clicks.traffic.example/jsp?{key}")
    );
    assert_eq!(
        shown["urls"]["postback"],
        format!("https://1.postbacks.traffic.example/?{key}&secure=s+t")
    );
}

#[tokio::test]
async fn who_may_only_look_sees_no_secrets() {
    let app = TestApp::start().await;
    let key = "0123456789abcdef";
    let secret = "a-secret-of-thirty-two-characters";
    let own = json!({"name": "a", "kind": "custom", "access_key": key,
                     "conversions": {"secure_token": "s3cret-token"},
                     "signing": {"mode": "enforce", "keys": [{"id": "k1", "secret": secret}]}});
    made(&app, own).await;
    let own = app.get("/integrations/1").await.text;
    let looking = "a-token-that-may-only-look-at-things";
    app.add_token(AccountId(1), looking, &[TokenScope::Read])
        .await;
    for path in ["/integrations/1", "/integrations"] {
        let seen = app.call("GET", path, looking, "").await.text;
        assert!(seen.contains("********"), "{seen}");
        for secret in [key, secret, "s3cret-token"] {
            assert!(own.contains(secret), "{own}");
            assert!(!seen.contains(secret), "{seen}");
        }
    }
}
