//! Tests of the folder, against the whole router in process.

mod matrix;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::testing::TestApp;

fn rule(name: &str, scope: Value) -> Value {
    json!({"name": name, "status": "active", "protection": "both", "sub_id_mapping": "sub_id",
           "scope": scope})
}

async fn made(app: &TestApp, body: &Value) -> Value {
    let answer = app.post("/rules", body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    answer.json()
}

/// Names in order, with the places that the API gives them.
async fn order(app: &TestApp) -> Vec<String> {
    let page = app.get("/rules?limit=500").await.json();
    let mut rules: Vec<(u64, String)> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| {
            (
                r["priority"].as_u64().unwrap(),
                r["name"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    rules.sort();
    let places: Vec<u64> = rules.iter().map(|(place, _)| *place).collect();
    let dense: Vec<u64> = (1..=rules.len() as u64).collect();
    assert_eq!(places, dense, "places are 1 to n");
    rules.into_iter().map(|(_, name)| name).collect()
}

#[tokio::test]
async fn a_rule_has_the_documented_shape() {
    let app = TestApp::start().await;
    let none = json!({"include": [], "exclude": []});
    let shown = made(&app, &rule("r", json!({}))).await;
    assert_eq!(
        shown,
        json!({"id": 3, "version": 1, "name": "r", "status": "active", "priority": 1,
               "integration_id": null, "protection": "both", "sub_id_mapping": "sub_id",
               "scope": {"offers": none, "advertisers": none, "publishers": none, "countries": none},
               "mode": "enforce", "preset": "none", "strictness": "moderate", "filters": {}})
    );
    assert_eq!(app.get("/rules/3").await.json(), shown);
}

#[tokio::test]
async fn new_rules_stand_above_less_specific_ones() {
    let app = TestApp::start().await;
    for (name, scope) in [
        ("global", json!({})),
        ("publisher", json!({"publishers": {"include": ["p1"]}})),
        ("advertiser", json!({"advertisers": {"include": ["a1"]}})),
        ("offer", json!({"offers": {"include": ["o1"]}})),
        ("publisher 2", json!({"publishers": {"exclude": ["p2"]}})),
    ] {
        made(&app, &rule(name, scope)).await;
    }
    assert_eq!(
        order(&app).await,
        [
            "publisher",
            "publisher 2",
            "offer",
            "advertiser",
            "global",
            "Default"
        ]
    );
}

#[tokio::test]
async fn a_rule_moves_where_it_is_put_and_no_other_gets_a_new_version() {
    let app = TestApp::start().await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        let shown = made(&app, &rule(name, json!({}))).await;
        ids.push(shown["id"].as_u64().unwrap());
    }
    assert_eq!(order(&app).await, ["a", "b", "c", "Default"]);
    let path = format!("/rules/{}", ids[2]);
    let moved = app.patch(&path, &json!({"priority": 1})).await.json();
    assert_eq!(moved["priority"], 1);
    assert_eq!(order(&app).await, ["c", "a", "b", "Default"]);
    app.patch(&path, &json!({"priority": 2})).await;
    assert_eq!(order(&app).await, ["a", "c", "b", "Default"]);
    app.patch(&path, &json!({"priority": 99})).await;
    assert_eq!(order(&app).await, ["a", "b", "c", "Default"]);
    let first = app.get(&format!("/rules/{}", ids[0])).await.json();
    assert_eq!(first["version"], 1);
    let mut placed = rule("d", json!({}));
    placed["priority"] = 2.into();
    made(&app, &placed).await;
    assert_eq!(order(&app).await, ["a", "d", "b", "c", "Default"]);
    let same = app.put(&path, &rule("c2", json!({}))).await.json();
    assert_eq!(same["priority"], 4, "left out, a rule stays where it is");
}

#[tokio::test]
async fn places_stay_dense_when_there_is_no_room_left() {
    let app = TestApp::start().await;
    made(&app, &rule("low", json!({}))).await;
    made(&app, &rule("lower", json!({}))).await;
    let mut expected = vec!["low".to_owned()];
    for number in 0..40 {
        let mut body = rule(&format!("n{number:02}"), json!({}));
        body["priority"] = 2.into();
        made(&app, &body).await;
        expected.insert(1, format!("n{number:02}"));
    }
    expected.extend(["lower".to_owned(), "Default".to_owned()]);
    assert_eq!(order(&app).await, expected);
}

#[tokio::test]
async fn a_rule_can_be_moved_when_there_is_no_room_left() {
    let app = TestApp::start().await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        ids.push(made(&app, &rule(name, json!({}))).await["id"].clone());
    }
    for turn in 0..40 {
        let path = format!("/rules/{}", ids[1 + turn % 2]);
        let moved = app.patch(&path, &json!({"priority": 2})).await;
        assert_eq!(moved.status, StatusCode::OK, "{turn}: {}", moved.text);
        let expected = match turn % 2 {
            0 => ["a", "b", "c", "Default"],
            _ => ["a", "c", "b", "Default"],
        };
        assert_eq!(order(&app).await, expected);
    }
}

#[tokio::test]
async fn the_default_rule_stays_last_whole_and_alive() {
    let app = TestApp::start().await;
    let shown = app.get("/rules/1").await.json();
    assert_eq!(shown["is_default"], true);
    let gone = app.delete("/rules/1").await;
    assert_eq!(gone.status, StatusCode::CONFLICT);
    assert!(gone.text.contains("default rule"), "{}", gone.text);
    for (change, field) in [
        (json!({"status": "paused"}), "status"),
        (
            json!({"scope": {"publishers": {"include": ["p"]}}}),
            "scope",
        ),
        (json!({"priority": 7}), "priority"),
        (json!({"is_default": false}), "is_default"),
    ] {
        let answer = app.patch("/rules/1", &change).await;
        assert_eq!(answer.fields(), [field], "{change}");
    }
    let mut back = shown.clone();
    back["mode"] = "monitor".into();
    let put = app.put("/rules/1", &back).await;
    assert_eq!(put.status, StatusCode::OK, "{}", put.text);
    assert_eq!(put.json()["is_default"], true);
    made(&app, &rule("other", json!({}))).await;
    assert_eq!(order(&app).await, ["other", "Default"]);
    let copy = app.post("/rules", &shown).await;
    assert_eq!(copy.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_rule_that_does_not_compile_is_refused_with_field_and_cause() {
    let app = TestApp::start().await;
    let mut body = rule("r", json!({"countries": {"include": ["de"]}}));
    body["filters"] = json!({"vpnn": {}});
    body["integration_id"] = 9.into();
    let answer = app.post("/rules", &body).await;
    let mut fields = answer.fields();
    fields.sort();
    assert_eq!(
        fields,
        [
            "filters.vpnn",
            "integration_id",
            "scope.countries.include[0]"
        ]
    );
    assert_eq!(order(&app).await, ["Default"]);
}

#[tokio::test]
async fn faulty_filter_settings_are_named_by_their_path_and_merge_deep() {
    let app = TestApp::start().await;
    for (settings, field) in [
        (
            json!({"click_threshold": 0}),
            "filters.click_flooding.click_threshold",
        ),
        (
            json!({"block_mode": "maybe"}),
            "filters.click_flooding.block_mode",
        ),
        (json!({"treshold": 5}), "filters.click_flooding.treshold"),
    ] {
        let change = json!({"filters": {"click_flooding": settings}});
        let answer = app.patch("/rules/1", &change).await;
        assert_eq!(answer.fields(), [field], "{change}: {}", answer.text);
    }
    for settings in [json!({"click_threshold": 9}), json!({"block_mode": "flag"})] {
        let change = json!({"filters": {"click_flooding": settings}});
        let answer = app.patch("/rules/1", &change).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    }
    let rule = app.get("/rules/1").await.json();
    assert_eq!(
        rule["filters"],
        json!({"click_flooding": {"click_threshold": 9, "block_mode": "flag"}})
    );
    let change = json!({"filters": {"click_flooding": null}});
    let rule = app.patch("/rules/1", &change).await.json();
    assert_eq!(rule["filters"], json!({}));
}

#[tokio::test]
async fn every_version_stays_readable_also_of_a_deleted_rule() {
    let app = TestApp::start().await;
    let id = made(&app, &rule("first", json!({}))).await["id"].clone();
    let path = format!("/rules/{id}");
    app.patch(&path, &json!({"name": "second"})).await;
    app.delete(&path).await;
    let all = app.get(&format!("{path}/versions")).await.json();
    let names: Vec<&str> = all["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v["rule"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["second", "first"]);
    let page = app.get(&format!("{path}/versions?limit=1")).await.json();
    assert_eq!(page["next"], 2);
    let rest = app.get(&format!("{path}/versions?limit=1&after=2")).await;
    assert_eq!(rest.json()["items"][0]["version"], 1);
    let first = app.get(&format!("{path}/versions/1")).await.json();
    assert_eq!(first["actor"], "token:1");
    assert_eq!(first["rule"]["name"], "first");
    let none = app.get(&format!("{path}/versions/9")).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_account_has_a_bounded_number_of_rules() {
    let mut settings = TestApp::empty().state.settings;
    settings.rules_max = 2;
    let app = TestApp::with(settings);
    app.found_two_accounts().await;
    made(&app, &rule("a", json!({}))).await;
    let answer = app.post("/rules", &rule("b", json!({}))).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn the_answer_is_given_after_the_change_is_in_force() {
    let app = TestApp::start().await;
    let count = || {
        app.publisher
            .published
            .load(std::sync::atomic::Ordering::Relaxed)
    };
    made(&app, &rule("a", json!({}))).await;
    assert_eq!(count(), 1);
    app.patch("/rules/3", &json!({"name": "b"})).await;
    app.patch("/rules/3", &json!({"colour": "b"})).await;
    assert_eq!(count(), 2, "a refused change is not published");
    app.delete("/rules/3").await;
    assert_eq!(count(), 3);
}

#[tokio::test]
async fn a_stale_version_is_a_conflict_and_nothing_is_lost() {
    let app = TestApp::start().await;
    let read = made(&app, &rule("r", json!({}))).await;
    let path = format!("/rules/{}", read["id"]);
    let first = json!({"version": read["version"], "name": "of the first user"});
    assert_eq!(app.patch(&path, &first).await.status, StatusCode::OK);
    let second = json!({"version": read["version"], "strictness": "strict"});
    let answer = app.patch(&path, &second).await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.text);
    let mut whole = read.clone();
    whole["name"] = "of the third user".into();
    let answer = app.put(&path, &whole).await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.text);
    let now = app.get(&path).await.json();
    assert_eq!(now["name"], "of the first user");
    assert_eq!(
        (&now["strictness"], &now["version"]),
        (&json!("moderate"), &json!(2))
    );
    whole["version"] = now["version"].clone();
    assert_eq!(app.put(&path, &whole).await.status, StatusCode::OK);
}

#[tokio::test]
async fn presets_are_taken_and_changed_filter_by_filter() {
    let app = TestApp::start().await;
    for preset in [
        "cpc",
        "mobile_cpi",
        "leadgen",
        "popunder",
        "search",
        "email",
    ] {
        let mut body = rule(preset, json!({"publishers": {"include": [preset]}}));
        body["preset"] = preset.into();
        body["mode"] = "hold".into();
        body["sub_id_mapping"] = "sub_id_4".into();
        body["filters"] = json!({"vpn": {"enabled": false}, "caps": {"caps":
            [{"of": "clicks", "per": "day", "max": 5}]}});
        let shown = made(&app, &body).await;
        assert_eq!(
            (&shown["preset"], &shown["mode"]),
            (&json!(preset), &json!("hold"))
        );
        let matrix = app.get(&format!("/rules/matrix?ids={preset}")).await.json();
        let cells = &matrix["rows"][0]["cells"];
        assert_eq!(cells["vpn"]["enabled"], false, "{preset}");
        assert_eq!(cells["caps"]["enabled"], true, "{preset}");
        assert_eq!(cells["known_crawler"]["enabled"], true, "{preset}");
        assert_eq!(cells["targeting"]["enabled"], false, "{preset}");
    }
}

#[tokio::test]
async fn settings_that_depend_on_data_are_refused_with_field_and_cause() {
    let mut settings = TestApp::empty().state.settings;
    settings.body_bytes_max = 8 << 20;
    let app = TestApp::with(settings);
    app.found_two_accounts().await;
    for (filter, settings, field, cause) in [
        ("day_parting", json!({"zone": "Mars/Base"}), "zone", "IANA"),
        (
            "day_parting",
            json!({"parts": [{"days": ["monday"], "hours": [{"from": 22, "to": 6}]}]}),
            "parts[0].hours[0]",
            "midnight",
        ),
        (
            "targeting",
            json!({"countries": {"include": ["Germany"]}}),
            "countries.include[0]",
            "two-letter",
        ),
        (
            "targeting",
            json!({"ip_ranges": {"exclude": ["10.0.0.0/99"]}}),
            "ip_ranges.exclude[0]",
            "range",
        ),
        (
            "caps",
            json!({"caps": [{"of": "clicks", "per": "day", "max": 1.5}]}),
            "caps[0].max",
            "whole",
        ),
        ("isp", json!({"asns": ["ASX"]}), "asns[0]", "AS number"),
        (
            "keyword",
            json!({"blocked_keywords": ["ok", " "]}),
            "blocked_keywords[1]",
            "empty",
        ),
        (
            "compliance",
            json!({"keywords": vec!["x"; 101]}),
            "keywords",
            "at most 100",
        ),
        (
            "compliance",
            json!({"keyword_groups": [{"name": "g", "entries": vec!["x"; 10_001]}]}),
            "keyword_groups[0].entries",
            "at most 10000",
        ),
        (
            "data_validation",
            json!({"offer": {"allow": ["a"], "block": ["a"]}}),
            "offer.block",
            "allowed and blocked",
        ),
        (
            "sub_id_validity",
            json!({"min_length": 5, "max_length": 2}),
            "min_length",
            "max_length",
        ),
        (
            "blocked_sub_ids",
            json!({"entries": [{"sub_id": ""}]}),
            "entries[0].sub_id",
            "empty",
        ),
    ] {
        let change = json!({"filters": {filter: settings}});
        let answer = app.patch("/rules/1", &change).await;
        assert_eq!(
            answer.fields(),
            [format!("filters.{filter}.{field}")],
            "{}",
            answer.text
        );
        assert!(answer.text.contains(cause), "{cause}: {}", answer.text);
    }
    let groups: Vec<Value> = (0..10)
        .map(|group| {
            let entries: Vec<String> = (0..10_000)
                .map(|n| format!("site{group}-{n}.example"))
                .collect();
            json!({"name": format!("g{group}"), "entries": entries})
        })
        .collect();
    let change = json!({"filters": {"compliance": {"keyword_groups": groups}}});
    let answer = app.patch("/rules/1", &change).await;
    assert_eq!(
        answer.status,
        StatusCode::OK,
        "{}",
        &answer.text[..200.min(answer.text.len())]
    );
}

#[tokio::test]
async fn a_rule_becomes_what_it_was_and_keeps_its_place() {
    let app = TestApp::start().await;
    made(
        &app,
        &rule("above", json!({"publishers": {"include": ["p"]}})),
    )
    .await;
    let first = made(&app, &rule("first", json!({}))).await;
    let path = format!("/rules/{}", first["id"]);
    app.patch(
        &path,
        &json!({"name": "second", "filters": {"vpn": {"enabled": false}}, "priority": 1}),
    )
    .await;
    let back = app
        .post(&format!("{path}/versions/1/restore"), &Value::Null)
        .await;
    assert_eq!(back.status, StatusCode::OK, "{}", back.text);
    let back = back.json();
    assert_eq!(
        (&back["name"], &back["version"], &back["filters"]),
        (&json!("first"), &json!(3), &json!({}))
    );
    assert_eq!(order(&app).await, ["first", "above", "Default"]);
    let all = app.get(&format!("{path}/versions")).await.json();
    assert_eq!(all["items"].as_array().map(Vec::len), Some(3));
    let none = app
        .post(&format!("{path}/versions/9/restore"), &Value::Null)
        .await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
    app.patch("/rules/1", &json!({"mode": "monitor"})).await;
    let default = app.post("/rules/1/versions/1/restore", &Value::Null).await;
    assert_eq!(default.json()["is_default"], true, "{}", default.text);
    app.delete(&path).await;
    let gone = app
        .post(&format!("{path}/versions/1/restore"), &Value::Null)
        .await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    assert!(gone.text.contains("deleted"), "{}", gone.text);
}
