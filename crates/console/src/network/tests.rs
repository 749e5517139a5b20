//! Tests of the folder, against the whole router in process.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::testing::{Answer, OWNER, STRANGER, TestApp};

async fn import(app: &TestApp, query: &str, text: &str) -> Answer {
    let path = format!("/offers/import{query}");
    app.call("POST", &path, OWNER, text).await
}

/// `row column` of every fault.
fn faults(answer: &Answer) -> Vec<String> {
    let errors = answer.json()["errors"].clone();
    let place = |fault: &Value| {
        let column = fault["column"].as_str().unwrap();
        format!("{} {column}", fault["row"])
    };
    errors.as_array().unwrap().iter().map(place).collect()
}

#[tokio::test]
async fn an_offer_has_the_shape_that_is_fixed_and_refuses_what_does_not_fit() {
    let app = TestApp::start().await;
    let made = app
        .post(
            "/offers",
            &json!({"external_id": "o1", "name": "Shoes", "advertiser": "a1", "payout": 1.5,
                    "url": "https://shop.example/?t={transaction_id}",
                    "caps": {"caps": [{"of": "clicks", "per": "day", "max": 10}]}}),
        )
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    assert_eq!(
        made.json(),
        json!({"id": 1, "version": 1, "external_id": "o1", "name": "Shoes", "advertiser": "a1",
               "url": "https://shop.example/?t={transaction_id}", "status": "active",
               "priority": 100, "payout": "1.5", "revenue": null, "tracker_id": null,
               "caps": {"caps": [{"of": "clicks", "per": "day", "max": 10}]},
               "targeting": null, "day_parting": null,
               "tracking_url": "https://eu.example/o/o1/{publisher}?nid=1"})
    );
    let back = app.put("/offers/1", &made.json()).await;
    assert_eq!(back.status, StatusCode::OK, "{}", back.text);
    for (change, field) in [
        (json!({"url": "javascript:alert(1)"}), "url"),
        (json!({"payout": "1,5"}), "payout"),
        (json!({"priority": 0}), "priority"),
        (json!({"status": "gone"}), "status"),
        (json!({"colour": 1}), "colour"),
        (json!({"external_id": null}), "external_id"),
        (
            json!({"caps": {"caps": [{"of": "clicks", "per": "week", "max": 1}]}}),
            "caps.caps[0].per",
        ),
        (json!({"targeting": {"planets": {}}}), "targeting.planets"),
        (
            json!({"day_parting": {"zone": "Mars/Base"}}),
            "day_parting.zone",
        ),
    ] {
        let answer = app.patch("/offers/1", &change).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{change}");
        assert_eq!(answer.fields(), [field], "{change}");
    }
}

#[tokio::test]
async fn an_external_id_is_one_documents_of_the_account() {
    let app = TestApp::start().await;
    for kind in ["advertisers", "offers", "publishers"] {
        let path = format!("/{kind}");
        let body = json!({"external_id": "x", "name": "First"});
        assert_eq!(app.post(&path, &body).await.status, StatusCode::CREATED);
        let again = app.post(&path, &body).await;
        assert_eq!(again.fields(), ["external_id"], "{}", again.text);
        let second = app.post(&path, &json!({"name": "Second"})).await;
        assert_eq!(second.status, StatusCode::CREATED, "{}", second.text);
        let own = format!("{path}/{}", second.json()["id"]);
        let taken = app.patch(&own, &json!({"external_id": "x"})).await;
        assert_eq!(taken.fields(), ["external_id"]);
        let named = app.patch(&own, &json!({"external_id": "y"})).await;
        assert_eq!(named.status, StatusCode::OK, "{}", named.text);
        assert_eq!(
            app.delete(&format!("{path}/1")).await.status,
            StatusCode::NO_CONTENT
        );
        let free = app.post(&path, &body).await;
        assert_eq!(free.status, StatusCode::CREATED, "{}", free.text);
    }
    let shown = app.get("/publishers/2").await.json();
    assert_eq!(shown["disclosure"], "class");
}

#[tokio::test]
async fn a_table_is_taken_in_again_and_again_with_the_same_outcome() {
    let app = TestApp::start().await;
    let table = "external_id,name,url,payout,priority,caps\n\
        o1,Shoes,https://a.example/,1.50,1,\"{\"\"caps\"\":[{\"\"of\"\":\"\"clicks\"\",\"\"per\"\":\"\"day\"\",\"\"max\"\":5}]}\"\n\
        o2,\"Hats, caps\",,,,\n";
    let first = import(&app, "", table).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.text);
    let counts = |answer: &Answer| {
        let json = answer.json();
        ["rows", "created", "updated", "unchanged", "failed"]
            .map(|name| json[name].as_u64().unwrap())
    };
    assert_eq!(counts(&first), [2, 2, 0, 0, 0]);
    assert_eq!(counts(&import(&app, "", table).await), [2, 0, 0, 2, 0]);
    // A column that is not there leaves its field; an empty cell takes it away.
    let changed = import(&app, "", "external_id,payout,url\no1,2,\no2,,\n").await;
    assert_eq!(counts(&changed), [2, 0, 1, 1, 0]);
    let offer = app.get("/offers/1").await.json();
    assert_eq!(
        (&offer["payout"], &offer["url"]),
        (&json!("2"), &Value::Null)
    );
    assert_eq!(
        (&offer["name"], &offer["priority"]),
        (&json!("Shoes"), &json!(1))
    );
    assert_eq!(offer["caps"]["caps"][0]["max"], 5);
    // What goes out comes back in as it was.
    let out = app.get("/offers?format=csv").await;
    assert_eq!(out.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(counts(&import(&app, "", &out.text).await), [2, 0, 0, 2, 0]);
    assert_eq!(
        app.get("/offers").await.json()["items"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn a_row_at_fault_is_named_and_keeps_all_from_being_saved_unless_asked() {
    let app = TestApp::start().await;
    let table = "external_id,name,url,status,payout,priority,tracker_id,targeting\n\
        o1,Good,https://a.example/,active,1,1,,\n\
        o2,,ftp://x,gone,1;5,first,0,[\n\
        ,Nameless,,,,,,\n\
        o1,Twice,,,,,,\n\
        o5,Deep,,,,,,\"{\"\"planets\"\":1}\"\n";
    let named = [
        "3 payout",
        "3 priority",
        "3 targeting",
        "3 name",
        "3 status",
        "3 tracker_id",
        "3 url",
        "4 external_id",
        "5 external_id",
        "6 targeting",
    ];
    let sorted = |answer: &Answer| {
        let mut found = faults(answer);
        found.sort_unstable();
        found
    };
    let mut expected = named.map(str::to_owned);
    expected.sort_unstable();
    let refused = import(&app, "", table).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.header("content-type"), "application/problem+json");
    assert_eq!(sorted(&refused), expected, "{}", refused.text);
    assert_eq!(refused.json()["created"], 0);
    let items = |list: Answer| list.json()["items"].as_array().unwrap().len();
    assert_eq!(items(app.get("/offers").await), 0);
    let partial = import(&app, "?partial=true", table).await;
    assert_eq!(partial.status, StatusCode::OK, "{}", partial.text);
    assert_eq!(
        (&partial.json()["created"], &partial.json()["failed"]),
        (&json!(1), &json!(4))
    );
    assert_eq!(sorted(&partial), expected);
    assert_eq!(items(app.get("/offers").await), 1);
    for (table, place) in [
        ("", "1 "),
        ("name\nx\n", "1 external_id"),
        ("external_id,name,colour\no9,n,red\n", "1 colour"),
        ("external_id,name,name\no9,n,n\n", "1 name"),
        ("id,external_id,name\n77,o9,n\n", "2 id"),
    ] {
        let answer = import(&app, "?partial=true", table).await;
        assert_eq!(faults(&answer), [place], "{table}");
    }
    assert_eq!(
        import(&app, "?partial=perhaps", table).await.fields(),
        ["partial"]
    );
}

#[tokio::test]
async fn no_cell_is_a_formula_and_none_is_lost() {
    let app = TestApp::start().await;
    for name in ["=1+1", "+49", "-2", "@SUM(A1)"] {
        let body = json!({"external_id": name, "name": name});
        assert_eq!(
            app.post("/publishers", &body).await.status,
            StatusCode::CREATED
        );
    }
    let out = app.get("/publishers?format=csv").await.text;
    assert!(
        out.starts_with("id,external_id,name,status,disclosure\r\n"),
        "{out}"
    );
    for line in out.lines().skip(1) {
        for cell in line.split(',') {
            let first = cell.trim_start_matches('"').chars().next();
            assert!(!matches!(first, Some('=' | '+' | '-' | '@')), "{line}");
        }
    }
    let back = app.call("POST", "/publishers/import", OWNER, &out).await;
    assert_eq!(back.json()["unchanged"], 4, "{}", back.text);
}

#[tokio::test]
async fn another_account_has_its_own() {
    let app = TestApp::start().await;
    let body = json!({"external_id": "o1", "name": "Ours"});
    let ours = app.post("/offers", &body).await;
    assert_eq!(ours.status, StatusCode::CREATED, "{}", ours.text);
    let foreign = STRANGER;
    let path = format!("/offers/{}", ours.json()["id"]);
    for (verb, path, sent) in [
        ("GET", path.as_str(), ""),
        ("PATCH", path.as_str(), "{\"name\":\"Theirs\"}"),
        ("DELETE", path.as_str(), ""),
    ] {
        let answer = app.call(verb, path, foreign, sent).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{verb}");
    }
    let table = "external_id,name\no1,Theirs\n";
    let theirs = app.call("POST", "/offers/import", foreign, table).await;
    assert_eq!(theirs.json()["created"], 1, "{}", theirs.text);
    assert_eq!(app.get(&path).await.json()["name"], "Ours");
}
