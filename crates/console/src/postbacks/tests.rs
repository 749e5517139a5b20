//! Tests of the folder, against the whole router in process.

use assay_model::ports::DeliveryState;
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::testing::{STRANGER, TestApp};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[tokio::test]
async fn a_postback_has_the_documented_shape_and_defaults() {
    let app = TestApp::start().await;
    let url = "https://partner.example/pb?cid={external_transaction_id}";
    let made = app
        .post("/postbacks", &json!({"name": "To p1", "url": url}))
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let empty = json!({"include": [], "exclude": []});
    assert_eq!(
        made.json(),
        json!({"id": 1, "version": 1, "name": "To p1", "status": "active", "integration_id": null,
               "type": "click", "fire_on": "approved", "reasons": [],
               "scope": {"offers": empty, "advertisers": empty, "publishers": empty, "countries": empty},
               "delay_s": 0, "method": "GET", "url": url, "headers": {}, "body": null, "secret": null})
    );
    let changed = app
        .patch(
            "/postbacks/1",
            &json!({"type": "conversion", "delay_s": 120}),
        )
        .await;
    assert_eq!(changed.json()["delay_s"], 120);
    assert_eq!(changed.json()["url"], url);
    let stale = app
        .patch("/postbacks/1", &json!({"version": 1, "delay_s": 5}))
        .await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    let gone = app.delete("/postbacks/1").await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(app.get("/postbacks/1").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn every_problem_is_named_at_once() {
    let app = TestApp::start().await;
    let wrong = json!({"name": "", "url": "https://{host}/", "integration_id": 77, "type": "sale",
        "reasons": ["NO_SUCH"], "headers": {"Host": "x"}, "delay_s": 9_999_999, "colour": 1});
    let answer = app.post("/postbacks", &wrong).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let mut fields = answer.fields();
    fields.sort();
    let expected = [
        "colour",
        "delay_s",
        "headers.Host",
        "integration_id",
        "name",
        "reasons",
        "reasons[0]",
        "type",
        "url",
    ];
    assert_eq!(fields, expected);
}

#[tokio::test]
async fn a_secret_is_never_shown_again_and_survives_being_sent_back() {
    let app = TestApp::start().await;
    let document = json!({"name": "n", "url": "https://a.example/", "secret": SECRET});
    let made = app.post("/postbacks", &document).await;
    let hint = "whsec_…LaSw";
    assert_eq!(made.json()["secret"], hint);
    let stored = || async {
        use assay_model::ports::{ControlStore as _, DocKind};
        let account = assay_model::AccountId(1);
        let found = app.control.get(account, DocKind::Postback, 1).await;
        found.unwrap().unwrap().body["secret"].clone()
    };
    let mut shown = made.json();
    shown["name"] = "renamed".into();
    let put = app.put("/postbacks/1", &shown).await;
    assert_eq!(put.status, StatusCode::OK, "{}", put.text);
    assert_eq!(stored().await, SECRET);
    app.patch("/postbacks/1", &json!({"name": "again"})).await;
    assert_eq!(stored().await, SECRET);
    for read in ["/postbacks", "/postbacks/1"] {
        assert!(!app.get(read).await.text.contains(SECRET), "{read}");
    }
    let wrong = app
        .patch("/postbacks/1", &json!({"secret": "whsec_…XXXX"}))
        .await;
    assert_eq!(wrong.fields(), ["secret"]);
    app.patch("/postbacks/1", &json!({"secret": null})).await;
    assert_eq!(stored().await, Value::Null);
}

#[tokio::test]
async fn the_log_is_read_by_state_in_pages_and_sent_again() {
    let app = TestApp::start().await;
    app.post(
        "/postbacks",
        &json!({"name": "n", "url": "https://a.example/"}),
    )
    .await;
    for state in DeliveryState::ALL {
        app.deliveries.add(1, state);
    }
    app.deliveries.add(2, DeliveryState::Dead);
    let ids = |answer: Value| -> Vec<u64> {
        let items = answer["items"].as_array().unwrap().clone();
        items.iter().map(|i| i["id"].as_u64().unwrap()).collect()
    };
    for log in ["/deliveries", "/postbacks/1/deliveries"] {
        assert_eq!(ids(app.get(log).await.json()), [4, 3, 2, 1]);
        let dead = app.get(&format!("{log}?state=dead")).await.json();
        assert_eq!(ids(dead), [4]);
        let first = app.get(&format!("{log}?limit=3")).await.json();
        assert_eq!(
            (ids(first.clone()), &first["next"]),
            (vec![4, 3, 2], &json!(2))
        );
        let second = app.get(&format!("{log}?limit=3&before=2")).await.json();
        assert_eq!(
            (ids(second.clone()), &second["next"]),
            (vec![1], &Value::Null)
        );
        let wrong = app.get(&format!("{log}?state=lost&x=1")).await;
        assert_eq!(wrong.fields(), ["state", "x"]);
    }
    let none = app.get("/postbacks/9/deliveries").await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
    let one = app.get("/deliveries/4").await.json();
    assert_eq!(one["tries"][0]["error"], "answered 500");
    assert_eq!(one["last"], one["tries"][0]);
    let again = app.post("/deliveries/4/resend", &json!({})).await;
    assert_eq!(
        (again.status, &again.json()["state"]),
        (StatusCode::OK, &json!("pending"))
    );
    let waiting = app.post("/deliveries/4/resend", &json!({})).await;
    assert_eq!(waiting.status, StatusCode::CONFLICT);
    let theirs = app.call("POST", "/deliveries/2/resend", STRANGER, "").await;
    assert_eq!(theirs.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_page_shows_the_log_and_its_button_works() {
    let app = TestApp::start().await;
    let cookie = app.sign_in().await;
    let empty = app.browse("/postbacks", &cookie).await;
    assert!(empty.text.contains("Nothing was owed"), "{}", empty.text);
    app.post(
        "/postbacks",
        &json!({"name": "To <p1>", "url": "https://a.example/"}),
    )
    .await;
    let dead = app.deliveries.add(1, DeliveryState::Dead);
    app.deliveries.add(1, DeliveryState::Sent);
    app.deliveries.add(2, DeliveryState::Dead);
    let page = app.browse("/postbacks?state=dead", &cookie).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert!(page.text.contains("To &#60;p1&#62;"));
    assert!(!page.text.contains("<script>") && !page.text.contains("?x=<u>"));
    assert_eq!(page.text.matches("/resend").count(), 1);
    let (_, rest) = page.text.split_once("name=\"csrf\" value=\"").unwrap();
    let csrf = rest.split('"').next().unwrap();
    let path = format!("/postbacks/deliveries/{dead}/resend");
    let forged = app.submit(&path, &cookie, &[("csrf", "no")]).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    let sent = app.submit(&path, &cookie, &[("csrf", csrf)]).await;
    assert_eq!(
        (sent.status, sent.header("location")),
        (StatusCode::SEE_OTHER, "/postbacks")
    );
    let shown = app.get(&format!("/deliveries/{dead}")).await.json();
    assert_eq!(shown["state"], "pending");
    let wrong = app.browse("/postbacks?state=x", &cookie).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
}
