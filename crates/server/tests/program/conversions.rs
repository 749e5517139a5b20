//! Conversions, events and rejections: sent as trackers send them, kept whatever happens.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use assay_model::{Clock as _, IntegrationId, SystemClock};
use serde_json::{Value, json};

use crate::harness::{IPHONE, Server, encode, run, stdout, wait_until};

/// A custom integration; `more` goes over it.
#[track_caller]
pub fn custom(server: &Server, more: &Value) -> u64 {
    let mut body = json!({"kind": "custom"});
    let fields = body.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    server.integration(&body)
}

/// A person's click through a tracker, `before_s` seconds ago; our id of it.
#[track_caller]
fn click(server: &Server, integration: u64, cid: &str, before_s: i64) -> String {
    let answer = server.client().get(&click_link(integration, cid, before_s));
    assert_eq!(answer.json()["status"], "approved", "{}", answer.text());
    answer.json()["transaction_id"].as_str().unwrap().to_owned()
}

/// Each click is of another person.
pub fn click_link(integration: u64, cid: &str, before_s: i64) -> String {
    static PEOPLE: AtomicUsize = AtomicUsize::new(0);
    let person = PEOPLE.fetch_add(1, Ordering::Relaxed);
    let (third, last) = (person / 250 % 250, person % 250 + 1);
    let at = now_s() - before_s;
    format!(
        "/click/{integration}?no_redirect=true&external_transaction_id={cid}&offer=o1&publisher=p1\
         &click_ip=86.129.{third}.{last}&click_time={at}&user_agent={}",
        encode(IPHONE)
    )
}

fn now_s() -> i64 {
    SystemClock::default().now().0 / 1000
}

#[track_caller]
fn postback(server: &Server, integration: u64, query: &str) -> Value {
    let answer = server
        .client()
        .get(&format!("/postback/{integration}?{query}"));
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    answer.json()
}

#[track_caller]
fn shown(server: &Server, answer: &Value) -> Value {
    let id = answer["conversion_id"].as_str().unwrap();
    server.show(&format!("/conversions/{id}"))
}

/// The conversion once it has this status.
#[track_caller]
fn settled(server: &Server, answer: &Value, status: &str) -> Value {
    wait_until(status, Duration::from_secs(60), || {
        Some(shown(server, answer)).filter(|conversion| conversion["status"] == status)
    })
}

/// Door, code and field of every row in an integration's error log, once there are so many.
#[track_caller]
fn errors(server: &Server, integration: u64, rows: usize) -> Vec<String> {
    let read = || {
        let log = server.show(&format!("/integrations/{integration}/errors?limit=100"));
        let rows = log["items"].as_array().unwrap().clone();
        let text = |row: &Value, name: &str| row[name].as_str().unwrap_or("").to_owned();
        rows.iter()
            .map(|row| {
                format!(
                    "{} {} {}",
                    text(row, "door"),
                    text(row, "code"),
                    text(row, "field")
                )
            })
            .collect::<Vec<_>>()
    };
    wait_until("the error rows", Duration::from_secs(10), || {
        Some(read()).filter(|seen| seen.len() >= rows)
    })
}

#[test]
fn a_click_converts_and_everything_about_it_can_be_seen() {
    let server = Server::start();
    let id = custom(&server, &json!({}));
    let own = click(&server, id, "c1", 60);
    // At once: the index is waited for.
    let first = postback(
        &server,
        id,
        "external_transaction_id=c1&payout=1.50&revenue=2",
    );
    assert_eq!(first["status"], "approved", "{first}");
    assert_eq!(
        (&first["transaction_id"], &first["reason"]),
        (&json!(own), &Value::Null)
    );
    let mut again = postback(&server, id, &format!("transaction_id={own}&payout=7"));
    assert_eq!(again["duplicate"], true);
    again.as_object_mut().unwrap().remove("duplicate");
    assert_eq!(again, first);

    let signup = postback(&server, id, &format!("transaction_id={own}&event=signup"));
    let order = postback(
        &server,
        id,
        "external_transaction_id=c1&order_id=77&goal=sale",
    );
    let conversion = shown(&server, &first);
    assert_eq!(
        (
            &conversion["publisher"],
            &conversion["offer"],
            &conversion["payout"]
        ),
        (&json!("p1"), &json!("o1"), &json!("1.50"))
    );
    assert_eq!(shown(&server, &signup)["event"], "signup");
    assert_eq!(shown(&server, &order)["order_id"], "77");

    let event = server.show(&format!(
        "/events/{}",
        first["conversion_id"].as_str().unwrap()
    ));
    assert_eq!(event["event"], "conversion");
    assert_eq!(event["click"]["matched_by"], "external_transaction_id");
    assert_eq!(event["click"]["action"], "approved");
    let id = first["conversion_id"].as_str().unwrap();
    let explained = run(&[
        "explain",
        id,
        "--json",
        "--data",
        server.dir.to_str().unwrap(),
    ]);
    let explained: Value = serde_json::from_str(&stdout(&explained)).unwrap();
    assert_eq!(explained["recomputed"]["agrees"], true);
    assert_eq!(explained["replayed"]["agrees"], true, "{explained}");

    let report =
        server.show("/reports/conversions?from=2020-01-01&to=2100-01-01&group_by=publisher");
    assert_eq!(report["rows"][0]["publisher"], "p1");
    assert_eq!(report["totals"]["approved"], 3);
}

#[test]
fn a_conversion_too_soon_after_its_click_is_rejected_and_says_why() {
    let server = Server::start();
    let id = custom(&server, &json!({}));
    let own = click(&server, id, "c1", 3);
    let answer = postback(&server, id, &format!("transaction_id={own}"));
    assert_eq!(
        (&answer["status"], &answer["reason"]),
        (&json!("rejected"), &json!("CTIT_TOO_SHORT"))
    );
    let event = server.show(&format!(
        "/events/{}",
        answer["conversion_id"].as_str().unwrap()
    ));
    assert_eq!(event["evidence"][0]["threshold"], 10);
    assert_eq!(event["click"]["matched_by"], "transaction_id");
}

#[test]
fn a_click_that_comes_second_settles_its_conversion_also_after_a_kill() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::start_on(home.path(), &[]);
    let id = custom(&server, &json!({}));
    let live = postback(&server, id, "external_transaction_id=live");
    let later = postback(&server, id, "external_transaction_id=later&payout=3");
    assert_eq!(
        (&live["status"], &live["reason"]),
        (&json!("pending"), &json!("NO_CLICK"))
    );
    let own = click(&server, id, "live", 60);
    let conversion = settled(&server, &live, "approved");
    assert_eq!(conversion["transaction_id"], own);
    assert_eq!(conversion["history"].as_array().unwrap().len(), 2);
    server.kill();
    let server = Server::start_on(home.path(), &[]);
    click(&server, id, "later", 60);
    let conversion = settled(&server, &later, "approved");
    assert_eq!(
        (&conversion["publisher"], &conversion["payout"]),
        (&json!("p1"), &json!("3"))
    );
    let again = postback(&server, id, "external_transaction_id=later");
    assert_eq!(
        (&again["duplicate"], &again["status"]),
        (&json!(true), &json!("approved"))
    );
}

#[test]
fn every_refusal_has_its_status_and_its_row() {
    let server = Server::start();
    let guarded = custom(
        &server,
        &json!({"conversions": {"secure_token": "s3cret-token"}}),
    );
    let walled = custom(&server, &json!({"allowed_sources": ["203.0.113.0/24"]}));
    let id = custom(&server, &json!({}));
    let own = click(&server, id, "c1", 60);
    let mut altered = own.clone();
    let last = altered.pop().unwrap();
    altered.push(if last == 'q' { 'a' } else { 'q' });
    let get = |target: String| server.client().get(&target);
    let cases = [
        (
            guarded,
            "external_transaction_id=c1".to_owned(),
            401,
            "secure",
        ),
        (walled, "external_transaction_id=c1".to_owned(), 403, ""),
        (
            id,
            "external_transaction_id=c1&payout=1%2C5".to_owned(),
            422,
            "payout",
        ),
        (
            id,
            "external_transaction_id=c1&conversion_time=then".to_owned(),
            422,
            "conversion_time",
        ),
        (id, "payout=1".to_owned(), 422, "transaction_id"),
        (
            id,
            "transaction_id=nothing-of-ours".to_owned(),
            422,
            "transaction_id",
        ),
        (
            id,
            format!("transaction_id={altered}"),
            422,
            "transaction_id",
        ),
    ];
    for (integration, query, status, field) in &cases {
        let answer = get(format!("/postback/{integration}?{query}"));
        assert_eq!(
            (answer.status, answer.field().as_str()),
            (*status, *field),
            "{query}"
        );
        assert!(!answer.cause().is_empty());
    }
    let reason = |sent: &str| {
        let answer = get(format!("/postback/{id}?transaction_id={sent}")).json();
        assert_eq!(answer["status"], "rejected");
        answer["reason"].as_str().unwrap().to_owned()
    };
    assert_eq!(reason("nothing-of-ours"), "TOKEN_FORGED");
    assert_eq!(reason(&altered), "TOKEN_ALTERED");
    let missing = get(format!(
        "/rejection/{id}?external_transaction_id=nobody&new_rejected_reason=x"
    ));
    assert_eq!(
        (missing.status, missing.field().as_str()),
        (404, "external_transaction_id")
    );
    assert_eq!(
        get("/postback/999999?transaction_id=x".to_owned()).status,
        404
    );
    assert!(errors(&server, guarded, 1).contains(&"postback bad_token secure".to_owned()));
    assert!(errors(&server, walled, 1).contains(&"postback source ".to_owned()));
    let rows = errors(&server, id, 6);
    for row in [
        "postback malformed payout",
        "postback malformed conversion_time",
        "postback missing transaction_id",
        "postback bad_transaction_id transaction_id",
        "rejection unmatched external_transaction_id",
    ] {
        assert!(rows.contains(&row.to_owned()), "{row}: {rows:?}");
    }
    let kept = server.show("/conversions")["items"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!(kept, 0, "nothing that was refused is kept");
    let right = postback(
        &server,
        guarded,
        "external_transaction_id=c1&secure=s3cret-token",
    );
    assert_eq!(
        right["status"], "pending",
        "its click is another integration's"
    );
}

#[test]
fn a_rejection_is_told_seen_and_taken_back() {
    let server = Server::start();
    let params = json!({"conversions": {"params": {"external_transaction_id": "tid"}}});
    let id = custom(&server, &params);
    click(&server, id, "c1", 60);
    let answer = postback(&server, id, "tid=c1");
    let send = |query: &str| {
        server
            .client()
            .get(&format!("/rejection/{id}?{query}"))
            .json()
    };
    let rejected = send("tid=c1&new_rejected_reason=stolen+card");
    assert_eq!(
        (&rejected["status"], &rejected["reason"]),
        (&json!("rejected"), &json!("ADVERTISER_REJECTED"))
    );
    send("external_transaction_id=c1&third_party_rejected_reason=charge+back");
    let report = server.show("/reports/conversions?from=2020-01-01&to=2100-01-01");
    assert_eq!(
        (&report["totals"]["approved"], &report["totals"]["rejected"]),
        (&json!(0), &json!(1))
    );
    assert_eq!(send("tid=c1&status=approved")["status"], "approved");
    let history = shown(&server, &answer)["history"].clone();
    let to: Vec<&str> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["to"].as_str().unwrap())
        .collect();
    assert_eq!(to, ["approved", "rejected", "rejected", "approved"]);
}

#[test]
fn rules_hold_monitor_and_pause() {
    let server = Server::start();
    let held = custom(&server, &json!({"name": "held"}));
    let seen = custom(&server, &json!({"name": "seen"}));
    let paused = custom(&server, &json!({"name": "paused", "status": "paused"}));
    for (integration, mode) in [(held, "hold"), (seen, "monitor")] {
        let rule = json!({"name": mode, "mode": mode, "protection": "both", "status": "active",
                          "sub_id_mapping": "sub_id", "integration_id": integration});
        server.make("/rules", &rule);
    }
    let short = |integration| {
        click(&server, integration, "c1", 2);
        let answer = postback(&server, integration, "external_transaction_id=c1");
        (
            answer["status"].as_str().unwrap().to_owned(),
            shown(&server, &answer),
        )
    };
    let (status, conversion) = short(held);
    assert_eq!(
        (status.as_str(), &conversion["reason"]),
        ("pending", &json!("CTIT_TOO_SHORT"))
    );
    let (status, conversion) = short(seen);
    assert_eq!(
        (status.as_str(), &conversion["reasons"][0]),
        ("approved", &json!("CTIT_TOO_SHORT"))
    );
    let answer = postback(&server, paused, "external_transaction_id=c1");
    assert_eq!(answer["status"], "pending");
}

#[test]
fn a_signed_postback_that_comes_again_is_answered_as_before() {
    let server = Server::start();
    let secret = "a-secret-of-thirty-two-characters";
    let signing = json!({"mode": "enforce", "keys": [{"id": "k1", "secret": secret}]});
    let id = custom(&server, &json!({ "signing": signing }));
    let at = SystemClock::default().now().0 / 1000;
    let query = format!("external_transaction_id=c1&sig_key=k1&sig_time={at}");
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let integration = IntegrationId(u32::try_from(id).unwrap());
    let signature = assay_model::signing::sign(secret, integration, pairs);
    let signed = format!("{query}&signature={signature}");
    let first = postback(&server, id, &signed);
    assert_eq!(first["status"], "pending");
    let again = postback(&server, id, &signed);
    assert_eq!(
        again["duplicate"], true,
        "senders repeat until they are heard"
    );
    let other = server
        .client()
        .get(&format!("/postback/{id}?{query}&payout=9"));
    assert_eq!(other.status, 401);
    assert!(
        errors(&server, id, 1)
            .iter()
            .any(|row| row.starts_with("postback signature"))
    );
}
