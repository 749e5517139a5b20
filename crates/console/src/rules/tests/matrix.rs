//! Rules seen as a matrix, against the whole router in process.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{made, order, rule};
use crate::testing::TestApp;

async fn row(app: &TestApp, by: &str, id: &str) -> Value {
    let answer = app.get(&format!("/rules/matrix?by={by}&ids={id}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()["rows"][0].clone()
}

async fn set(app: &TestApp, cell: &Value) -> Value {
    let answer = app.patch("/rules/matrix", cell).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()
}

#[tokio::test]
async fn a_cell_makes_the_publisher_s_own_rule_once_and_changes_nothing_else() {
    let app = TestApp::start().await;
    let change = json!({"strictness": "strict", "filters": {"xff": {"max_hops": 3}}});
    app.patch("/rules/1", &change).await;
    let before = row(&app, "publisher", "p1").await;
    assert_eq!(
        (&before["rule"]["id"], &before["own"]),
        (&json!(1), &json!(false))
    );
    let cell = json!({"by": "publisher", "id": "p1", "filter": "vpn", "enabled": false});
    let after = set(&app, &cell).await;
    assert_eq!(after["own"], true);
    assert_eq!(after["cells"]["vpn"]["enabled"], false);
    for (key, cell) in before["cells"].as_object().unwrap() {
        if key != "vpn" {
            assert_eq!(after["cells"][key], *cell, "{key}");
        }
    }
    let id = after["rule"]["id"].clone();
    let own = app.get(&format!("/rules/{id}")).await.json();
    assert_eq!(own["strictness"], "strict");
    assert_eq!(own["scope"]["publishers"]["include"], json!(["p1"]));
    assert_eq!(own["filters"]["xff"], json!({"max_hops": 3}));
    assert_eq!(order(&app).await, ["publisher p1", "Default"]);
    let cell = json!({"by": "publisher", "id": "p1", "filter": "tor", "block_mode": "flag"});
    let again = set(&app, &cell).await;
    assert_eq!(
        (&again["rule"]["id"], &again["rule"]["version"]),
        (&id, &json!(2))
    );
    let tor = json!({"enabled": true, "block_mode": "flag", "named": true});
    assert_eq!(again["cells"]["tor"], tor);
    assert_eq!(again["cells"]["vpn"]["enabled"], false);
    let other = row(&app, "publisher", "p2").await;
    assert_eq!(other["cells"]["vpn"]["enabled"], true, "nobody else's cell");
    let all = app.get("/rules/matrix").await.json();
    let ids: Vec<&Value> = all["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["id"])
        .collect();
    assert_eq!(ids, ["p1"], "whom a rule names");
}

#[tokio::test]
async fn the_own_rule_stands_right_above_the_one_that_judged() {
    let app = TestApp::start().await;
    let two = json!({"publishers": {"include": ["p1", "p2"]}});
    made(
        &app,
        &rule("first", json!({"publishers": {"include": ["p9"]}})),
    )
    .await;
    made(&app, &rule("two", two)).await;
    let cell = json!({"by": "publisher", "id": "p2", "filter": "vpn", "enabled": false});
    let made = set(&app, &cell).await;
    assert_eq!(
        made["cells"]["vpn"]["enabled"], false,
        "the new rule is the one that judges"
    );
    assert_eq!(
        order(&app).await,
        ["first", "publisher p2", "two", "Default"]
    );
    let neighbour = row(&app, "publisher", "p1").await;
    assert_eq!(neighbour["cells"]["vpn"]["enabled"], true);
    let cell = json!({"by": "advertiser", "id": "a1", "filter": "caps", "enabled": true});
    assert_eq!(set(&app, &cell).await["cells"]["caps"]["enabled"], true);
    assert_eq!(
        order(&app).await,
        ["first", "publisher p2", "two", "advertiser a1", "Default"]
    );
}

#[tokio::test]
async fn a_wrong_cell_changes_nothing() {
    let app = TestApp::start().await;
    let cell = json!({"by": "publisher", "id": "p1", "filter": "vpn", "enabled": false});
    for (name, value) in [
        ("by", json!("offer")),
        ("filter", json!("vpnn")),
        ("id", json!(" ")),
        ("enabled", Value::Null),
        ("colour", json!(1)),
    ] {
        let mut wrong = cell.clone();
        wrong[name] = value;
        let answer = app.patch("/rules/matrix", &wrong).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{name}: {}",
            answer.text
        );
        assert_eq!(answer.fields(), [name], "{}", answer.text);
    }
    let mut wrong = cell.clone();
    wrong["block_mode"] = "maybe".into();
    let answer = app.patch("/rules/matrix", &wrong).await;
    assert_eq!(
        answer.fields(),
        ["filters.vpn.block_mode"],
        "{}",
        answer.text
    );
    let mut stale = cell.clone();
    stale["version"] = 7.into();
    let answer = app.patch("/rules/matrix", &stale).await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.text);
    assert_eq!(order(&app).await, ["Default"]);
    let answer = app.get("/rules/matrix?by=offer").await;
    assert_eq!(answer.fields(), ["by"]);
}
