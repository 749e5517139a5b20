//! Tests of the folder, against the whole router in process.

use std::collections::BTreeMap;

use assay_model::ledger::{
    Amount, Attributes, IdempotencyKey, Keys, NewConversion, Status, Waiting,
};
use assay_model::ports::{ControlStore as _, DocKind, Ledger as _, NewDoc};
use assay_model::testing::NOW;
use assay_model::{AccountId, Action, EventId, EventKind, IntegrationId, Reason};
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::testing::{OWNER, STRANGER, TestApp};

/// Id of a sample.
pub fn id(number: u32) -> EventId {
    EventId::new(NOW.plus_ms(number.into()), 0, 0, number)
}

/// An approved conversion of publisher `p1`, worth 1.10.
pub fn approved(number: u32) -> NewConversion {
    NewConversion {
        conversion_id: id(number),
        integration: IntegrationId(7),
        kind: EventKind::Conversion,
        event: String::new(),
        order_id: String::new(),
        time: NOW.plus_ms(i64::from(number) * 1000),
        received: NOW.plus_ms(i64::from(number) * 1000),
        keys: Keys {
            decides: IdempotencyKey::of([number.to_be_bytes().as_slice()]),
            also: Vec::new(),
        },
        transaction_id: format!("t{number}"),
        external_transaction_id: format!("e{number}"),
        click: Some(id(number + 1000)),
        attributes: Attributes {
            offer: "shoes".to_owned(),
            publisher: "p<1>".to_owned(),
            sub_ids: ["s1", "", "", "", "", ""].map(str::to_owned),
            country: "DE".to_owned(),
            ..Attributes::default()
        },
        payout: Amount::parse("1.10").ok(),
        revenue: Amount::parse("2.0").ok(),
        currency: "EUR".to_owned(),
        fields: BTreeMap::new(),
        action: Some(Action::Approved),
        actor: "engine".to_owned(),
        status: Status::Approved,
        reason: Reason::Clean,
        reasons: vec![Reason::Clean],
        note: String::new(),
        waiting: None,
    }
}

/// One that waits for its click, of another event.
pub fn pending(number: u32) -> NewConversion {
    NewConversion {
        kind: EventKind::PostEvent,
        event: "lead".to_owned(),
        click: None,
        transaction_id: String::new(),
        attributes: Attributes::default(),
        payout: None,
        revenue: None,
        action: None,
        status: Status::Pending,
        reason: Reason::NoClick,
        reasons: vec![Reason::NoClick],
        waiting: Some(Waiting::Click),
        ..approved(number)
    }
}

async fn add(app: &TestApp, new: NewConversion) {
    let made = app.ledger.append(AccountId(1), new, Vec::new());
    made.await.unwrap();
}

async fn say(app: &TestApp, ids: &[String], status: &str, reason: &str) -> Value {
    let body = json!({"conversion_ids": ids, "status": status, "reason": reason});
    let answer = app.post("/conversions/status", &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()
}

#[tokio::test]
async fn a_conversion_has_the_documented_shape() {
    let app = TestApp::start().await;
    add(&app, approved(1)).await;
    let answer = app.get(&format!("/conversions/{}", id(1))).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let mut shown = answer.json();
    let history = shown["history"].take();
    for (name, value) in [
        ("conversion_id", json!(id(1))),
        ("event", json!("conversion")),
        ("order_id", Value::Null),
        ("integration_id", json!(7)),
        ("transaction_id", json!("t1")),
        ("external_transaction_id", json!("e1")),
        ("publisher", json!("p<1>")),
        ("sub_id", json!("s1")),
        ("payout", json!("1.10")),
        ("revenue", json!("2.0")),
        ("currency", json!("EUR")),
        ("status", json!("approved")),
        ("reason", json!("CLEAN")),
        ("reasons", json!([])),
    ] {
        assert_eq!(shown[name], value, "{name}");
    }
    assert_eq!(
        history,
        json!([{"time": NOW.plus_ms(1000), "actor": "engine", "from": null, "to": "approved",
                "reason": "CLEAN", "reasons": [], "note": null}])
    );
    for path in [
        format!("/conversions/{}", id(2)),
        "/conversions/x".to_owned(),
    ] {
        assert_eq!(app.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn a_status_is_changed_taken_back_and_told_once() {
    let app = TestApp::start().await;
    let postback = json!({"name": "p", "type": "conversion", "fire_on": "any",
                          "url": "https://tracker.example/?c={conversion_id}"});
    let doc = NewDoc {
        kind: DocKind::Postback,
        unique: None,
        body: postback,
    };
    app.control
        .insert(AccountId(1), doc, "t", NOW)
        .await
        .unwrap();
    for number in 1..=3 {
        add(&app, approved(number)).await;
    }
    let ids: Vec<String> = (1..=3).map(|number| id(number).to_string()).collect();
    let done = say(&app, &ids, "rejected", "low quality").await;
    assert_eq!(
        (&done["changed"], &done["unchanged"]),
        (&json!(3), &json!(0))
    );
    assert_eq!(
        done["items"][0],
        json!({"conversion_id": ids[0], "result": "changed", "status": "rejected",
               "reason": "MANUAL_REJECTED"})
    );
    assert_eq!(app.ledger.owed().len(), 3, "each rejection is owed");
    // Said again: nothing changes, and the answer says so. Another reason is no other status.
    let again = say(&app, &ids, "rejected", "other words").await;
    assert_eq!(
        (&again["changed"], &again["unchanged"]),
        (&json!(0), &json!(3))
    );
    assert_eq!(again["items"][2]["result"], "unchanged");
    assert_eq!(app.ledger.owed().len(), 3);
    say(&app, &ids[..1], "approved", "").await;
    assert_eq!(app.ledger.owed().len(), 4, "one correcting postback");
    let shown = app.get(&format!("/conversions/{}", ids[0])).await.json();
    assert_eq!(
        (&shown["status"], &shown["reason"]),
        (&json!("approved"), &json!("MANUAL_APPROVED"))
    );
    let told: Vec<_> = shown["history"].as_array().unwrap().iter().collect();
    assert_eq!(told.len(), 3);
    assert_eq!(
        (&told[1]["from"], &told[1]["to"]),
        (&json!("approved"), &json!("rejected"))
    );
    assert_eq!(told[1]["note"], "low quality");
    assert!(told[1]["actor"].as_str().unwrap().starts_with("token:"));
    assert_eq!(told[1]["time"], json!(NOW));
}

#[tokio::test]
async fn unknown_ids_are_named_and_the_rest_is_done() {
    let app = TestApp::start().await;
    add(&app, approved(1)).await;
    let known = id(1).to_string();
    let ids = [known.clone(), id(9).to_string(), "no id".to_owned(), known];
    let done = say(&app, &ids, "rejected", "").await;
    let results: Vec<_> = done["items"].as_array().unwrap().iter().collect();
    let results: Vec<_> = results
        .iter()
        .map(|item| item["result"].as_str().unwrap())
        .collect();
    assert_eq!(results, ["changed", "not_found", "not_found", "changed"]);
    assert_eq!(done["items"][2]["conversion_id"], "no id");
    assert_eq!(done["not_found"], 2);
    // One of another account is as unknown, and when none is known nothing was done.
    let body = json!({"conversion_ids": [id(1)], "status": "approved"}).to_string();
    let foreign = app
        .call("POST", "/conversions/status", STRANGER, &body)
        .await;
    assert_eq!(foreign.status, StatusCode::NOT_FOUND, "{}", foreign.text);
    assert_eq!(foreign.fields(), ["conversion_ids[0]"]);
    let path = format!("/conversions/{}", id(1));
    assert_eq!(app.get(&path).await.json()["status"], "rejected");
    let hidden = app.call("GET", &path, STRANGER, "").await;
    assert_eq!(hidden.status, StatusCode::NOT_FOUND);
    let none = app.call("GET", "/conversions", STRANGER, "").await;
    assert_eq!(none.json()["items"], json!([]));
}

#[tokio::test]
async fn a_wrong_change_names_every_fault() {
    let app = TestApp::start().await;
    let many: Vec<_> = (0..1001).map(|number| id(number).to_string()).collect();
    for (body, fields) in [
        (json!({}), vec!["status", "conversion_ids"]),
        (
            json!({"conversion_ids": [], "status": "approved"}),
            vec!["conversion_ids"],
        ),
        (
            json!({"conversion_ids": many, "status": "approved"}),
            vec!["conversion_ids"],
        ),
        (
            json!({"conversion_ids": [7], "status": "approved"}),
            vec!["conversion_ids"],
        ),
        (
            json!({"conversion_ids": ["a"], "status": "pending"}),
            vec!["status"],
        ),
        (
            json!({"conversion_ids": ["a"], "status": 3, "x": 1}),
            vec!["status", "x"],
        ),
        (
            json!({"conversion_ids": ["a"], "status": "rejected", "reason": "r".repeat(501)}),
            vec!["reason"],
        ),
    ] {
        let big = body.to_string();
        let limit = app.state.settings.body_bytes_max;
        if big.len() > limit {
            continue;
        }
        let answer = app.post("/conversions/status", &body).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{}",
            answer.text
        );
        assert_eq!(answer.fields(), fields, "{body}");
    }
    app.add_token(
        AccountId(1),
        "reader-token-0123456789-0123456789",
        &[assay_model::document::TokenScope::Read],
    )
    .await;
    let body = json!({"conversion_ids": [id(1)], "status": "approved"}).to_string();
    let answer = app
        .call(
            "POST",
            "/conversions/status",
            "reader-token-0123456789-0123456789",
            &body,
        )
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[test]
fn a_reason_from_outside_is_a_code_and_any_other_text_a_note() {
    use super::change::Word;
    let read = |status, reason| format!("{:?}", Word::read(status, reason).unwrap());
    for (status, reason, code, note) in [
        ("rejected", "", "ManualRejected", ""),
        ("rejected", "CHARGEBACK", "Chargeback", ""),
        ("rejected", "low quality", "ManualRejected", "low quality"),
        // What the engine finds cannot be said by somebody else.
        ("rejected", "VPN", "ManualRejected", "VPN"),
        (
            "rejected",
            "APPEAL_REVERSED",
            "ManualRejected",
            "APPEAL_REVERSED",
        ),
        ("approved", "APPEAL_REVERSED", "AppealReversed", ""),
        ("approved", "CHARGEBACK", "ManualApproved", "CHARGEBACK"),
    ] {
        let said = read(status, reason);
        assert!(
            said.contains(&format!("reason: {code}, note: {note:?}")),
            "{said}"
        );
    }
}

#[tokio::test]
async fn lists_filter_and_come_in_pages() {
    let app = TestApp::start().await;
    for number in 1..=3 {
        add(&app, approved(number)).await;
    }
    add(&app, pending(4)).await;
    let ids = async |query: &str| -> Vec<String> {
        let answer = app.get(&format!("/conversions{query}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{query}: {}", answer.text);
        let items = answer.json()["items"].clone();
        let items = items.as_array().unwrap().iter();
        items
            .map(|item| item["conversion_id"].as_str().unwrap().to_owned())
            .collect()
    };
    let of =
        |numbers: &[u32]| -> Vec<String> { numbers.iter().map(|n| id(*n).to_string()).collect() };
    for (query, expected) in [
        ("", of(&[4, 3, 2, 1])),
        ("?status=pending", of(&[4])),
        ("?status=pending,approved", of(&[4, 3, 2, 1])),
        ("?event=conversion", of(&[3, 2, 1])),
        ("?filter[event]=lead", of(&[4])),
        (
            "?offer=shoes&publisher=p%3C1%3E&integration=7",
            of(&[3, 2, 1]),
        ),
        ("?integration_id=8", of(&[])),
        ("?external_transaction_id=e2", of(&[2])),
        ("?transaction_id=t3,t1", of(&[3, 1])),
        ("?reason=NO_CLICK", of(&[4])),
        (
            "?from=2026-01-01T00:00:02Z&to=2026-01-01T00:00:04Z",
            of(&[3, 2]),
        ),
        ("?filter[publisher]=", of(&[4])),
    ] {
        assert_eq!(ids(query).await, expected, "{query}");
    }
    let first = app.get("/conversions?limit=3").await.json();
    assert_eq!(first["items"][0]["history"][0]["to"], "pending");
    let next = first["next"].as_str().unwrap();
    assert_eq!(ids(&format!("?limit=3&before={next}")).await, of(&[1]));
    assert_eq!(
        app.get("/conversions?limit=4").await.json()["next"],
        Value::Null
    );
    let wrong = "/conversions?status=fine&before=x&day=2026-01-01&filter[day]=1&limit=0";
    let answer = app.get(wrong).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        answer.fields(),
        ["filter[day]", "status", "before", "limit", "day"]
    );
}

#[tokio::test]
async fn the_report_has_the_documented_shape() {
    let app = TestApp::start().await;
    for number in 1..=3 {
        add(&app, approved(number)).await;
    }
    add(&app, pending(4)).await;
    say(&app, &[id(3).to_string()], "rejected", "late").await;
    let path = "/reports/conversions?from=2026-01-01&to=2026-01-02";
    let report = app.get(&format!("{path}&group_by=publisher,status")).await;
    assert_eq!(report.status, StatusCode::OK, "{}", report.text);
    let report = report.json();
    assert_eq!(report["group_by"], json!(["publisher", "status"]));
    assert_eq!(report["from"], "2026-01-01T00:00:00.000Z");
    assert_eq!(
        report["rows"][1],
        json!({"publisher": "p<1>", "status": "approved", "conversions": 2, "approved": 2,
               "rejected": 0, "pending": 0, "invalid": 0, "payout": "2.2", "revenue": "4",
               "rejected_payout": "0", "rejected_revenue": "0",
               "amounts": [{"currency": "EUR", "payout": "2.2", "revenue": "4",
                            "rejected_payout": "0", "rejected_revenue": "0"}]})
    );
    let totals = &report["totals"];
    assert_eq!(
        (&totals["conversions"], &totals["pending"]),
        (&json!(4), &json!(1))
    );
    assert_eq!(totals["rejected_payout"], "1.1");
    let reasons = app
        .get(&format!(
            "{path}&group_by=reason,third_party_rejected_reason"
        ))
        .await;
    assert!(
        reasons
            .text
            .contains("\"third_party_rejected_reason\":\"late\""),
        "{}",
        reasons.text
    );
    let filtered = app.get(&format!("{path}&filter[status]=rejected")).await;
    assert_eq!(filtered.json()["totals"]["conversions"], 1);
    let csv = app.get(&format!("{path}&group_by=status&format=csv")).await;
    assert_eq!(
        csv.text,
        "status,conversions,approved,rejected,pending,invalid,payout,revenue,rejected_payout,\
         rejected_revenue,amounts_currency\r\n\
         approved,2,2,0,0,0,2.2,4,0,0,EUR\r\n\
         pending,1,0,0,1,0,0,0,0,0,\r\n\
         rejected,1,0,1,0,0,0,0,1.1,2,EUR\r\n"
    );
    assert!(
        csv.header("content-disposition")
            .contains("conversions.csv")
    );
    let wrong = app.get(&format!("{path}&group_by=os&format=xml")).await;
    assert_eq!(wrong.fields(), ["format", "group_by"]);
}

#[tokio::test]
async fn what_is_in_two_currencies_is_never_added_up() {
    let app = TestApp::start().await;
    add(&app, approved(1)).await;
    let dollars = NewConversion {
        currency: "USD".to_owned(),
        ..approved(2)
    };
    add(&app, dollars).await;
    let path = "/reports/conversions?from=2026-01-01&to=2026-01-02";
    let totals = app.get(path).await.json()["totals"].clone();
    assert_eq!(
        (&totals["payout"], &totals["approved"]),
        (&Value::Null, &json!(2))
    );
    assert_eq!(totals["amounts"][1]["currency"], "USD");
    assert_eq!(totals["amounts"][1]["payout"], "1.1");
    let csv = app.get(&format!("{path}&format=csv")).await;
    assert!(
        csv.text.ends_with("\r\n2,2,0,0,0,,,,,EUR USD\r\n"),
        "{}",
        csv.text
    );
}

#[tokio::test]
async fn a_closed_ledger_says_so() {
    let app = TestApp::start().await;
    add(&app, approved(1)).await;
    app.ledger.close("fsync failed on /secret");
    let body = json!({"conversion_ids": [id(1)], "status": "rejected"}).to_string();
    let answer = app.call("POST", "/conversions/status", OWNER, &body).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.json()["code"], "ledger_closed");
    assert!(!answer.text.contains("/secret"));
}
