//! The postback door: SPEC §2.5.

use std::rc::Rc;

use assay_detect::verdict::agrees;
use assay_model::ledger::{Status, Waiting};
use assay_model::ports::Ledger;
use assay_model::{Action, ClickSearch, Clock as _, EventId, EventKind, MatchedBy, Reason};
use serde_json::{Value, json};

use super::world::{OWN, Settings, World, foreign};
use crate::doors::Method;

fn world() -> Rc<World> {
    World::new(&Settings::default())
}

fn with(integration: Value, rule: Value) -> Rc<World> {
    World::new(&Settings {
        integration,
        rule,
        ..Settings::default()
    })
}

/// A world with a click a minute ago: our id of it.
async fn clicked(world: &World) -> String {
    let id = world.click("c1").await;
    world.clock.advance_ms(60_000);
    id
}

async fn row(world: &World, answer: &Value) -> assay_model::ledger::Conversion {
    let id: EventId = answer["conversion_id"].as_str().unwrap().parse().unwrap();
    world.ledger.get(OWN, id).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_conversion_is_matched_by_either_id_and_answered_as_promised() {
    for by in ["own", "external"] {
        let world = world();
        let id = clicked(&world).await;
        let query = match by {
            "own" => format!("transaction_id={}&payout=1.50", id.to_ascii_uppercase()),
            _ => "external_transaction_id=c1&payout=1.50".to_owned(),
        };
        let answer = world.postback(&query).await;
        let kept = row(&world, &answer).await;
        let expected = json!({
            "conversion_id": kept.conversion_id.to_string(), "transaction_id": id,
            "status": "approved", "reason": null,
        });
        assert_eq!(answer, expected, "{by}");
        assert_eq!(kept.attributes.publisher, "p1", "who sent the click counts");
        assert_eq!(kept.external_transaction_id, "c1");
        assert_eq!(kept.payout.unwrap().text(), "1.50");
        assert_eq!(kept.currency, "USD");
        assert_eq!(kept.fields["session_time"], "60");
        assert_eq!(kept.fields["currency"], "USD");
        assert_eq!(kept.fields["click_time"], "2026-01-01 00:00:00");
        assert_eq!(kept.fields["offer"], "o1");
    }
}

#[tokio::test]
async fn the_record_holds_the_click_and_recomputes() {
    let world = world();
    let id = world.click("c1").await;
    world.clock.advance_ms(3_000);
    let answer = world.postback(&format!("transaction_id={id}")).await;
    assert_eq!(answer["status"], "rejected");
    assert_eq!(answer["reason"], "CTIT_TOO_SHORT");
    let records = world.log.of(EventKind::Conversion);
    assert_eq!(records.len(), 1);
    let record = records[0].decode().unwrap();
    assert_eq!(record.event_id.to_string(), answer["conversion_id"]);
    let click = record.recall.click.as_ref().unwrap();
    assert_eq!(click.by, MatchedBy::OwnId);
    assert_eq!(click.age_s(record.facts.hit.time), Some(3));
    assert!(agrees(&record.verdict, EventKind::Conversion));
}

#[tokio::test]
async fn sent_again_it_is_the_same_conversion_under_whatever_id() {
    let world = world();
    let id = clicked(&world).await;
    let ip = "conversion_ip=81.2.69.142";
    let first = world
        .postback(&format!("external_transaction_id=c1&{ip}"))
        .await;
    for query in [
        "external_transaction_id=c1".to_owned(),
        format!("transaction_id={id}"),
        format!("transaction_id={id}&external_transaction_id=c1&payout=9"),
        "event=conversion&external_transaction_id=c1".to_owned(),
    ] {
        let mut again = world.postback(&query).await;
        assert_eq!(again["duplicate"], true, "{query}");
        again.as_object_mut().unwrap().remove("duplicate");
        assert_eq!(again, first, "{query}");
    }
    for query in [
        "event=signup&external_transaction_id=c1",
        "order_id=2&external_transaction_id=c1",
    ] {
        let other = world.postback(&format!("{query}&{ip}")).await;
        assert_eq!(other.get("duplicate"), None, "{query}");
        assert_ne!(other["conversion_id"], first["conversion_id"]);
    }
    assert_eq!(
        world.log.of(EventKind::Conversion).len(),
        2,
        "one record each"
    );
    assert_eq!(world.log.of(EventKind::PostEvent).len(), 1);
    assert_eq!(world.counted(), 3, "a copy moves no counter");
}

#[tokio::test]
async fn copies_that_arrive_together_are_one() {
    let world = world();
    clicked(&world).await;
    let local = tokio::task::LocalSet::new();
    let copies: Vec<_> = (0..50)
        .map(|_| {
            let world = Rc::clone(&world);
            local.spawn_local(async move { world.postback("external_transaction_id=c1").await })
        })
        .collect();
    local
        .run_until(async {
            let mut new = 0;
            for copy in copies {
                new += u32::from(copy.await.unwrap().get("duplicate").is_none());
            }
            assert_eq!(new, 1);
        })
        .await;
    assert_eq!(world.log.of(EventKind::Conversion).len(), 1);
}

#[tokio::test]
async fn query_form_and_json_mean_the_same() {
    let mut seen = Vec::new();
    for (content_type, body) in [
        ("", ""),
        (
            "application/x-www-form-urlencoded",
            "external_transaction_id=c1&payout=2",
        ),
        (
            "application/json",
            r#"{"external_transaction_id":"c1","payout":2}"#,
        ),
    ] {
        let world = world();
        clicked(&world).await;
        let (method, query) = match body {
            "" => (Method::Get, "external_transaction_id=c1&payout=2"),
            _ => (Method::Post, ""),
        };
        let answer = world
            .answer(method, "/postback/7", query, content_type, body)
            .await;
        let answer: Value = serde_json::from_slice(&answer.body).unwrap();
        let kept = row(&world, &answer).await;
        seen.push((answer["status"].clone(), kept.payout.unwrap().micros()));
    }
    assert_eq!(seen[0], (json!("approved"), 2_000_000));
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:?}");
}

#[tokio::test]
async fn ids_that_are_none_of_ours_are_told_apart_without_a_look_up() {
    let world = world();
    let id = clicked(&world).await;
    let theirs = world.click_of(foreign(), "x", "8.8.8.8").await;
    let mut altered = id.clone();
    let last = altered.pop().unwrap();
    altered.push(if last == 'q' { 'a' } else { 'q' });
    // Nobody is asked: an index that does not answer changes nothing.
    world
        .log
        .behind
        .store(true, std::sync::atomic::Ordering::Relaxed);
    let cases = [
        ("no-id-of-ours", "TOKEN_FORGED"),
        (&id[1..], "TOKEN_FORGED"),
        (altered.as_str(), "TOKEN_ALTERED"),
        (theirs.as_str(), "TOKEN_FOREIGN"),
    ];
    for (sent, reason) in cases {
        let (status, body) = world
            .call("/postback/7", &format!("transaction_id={sent}"))
            .await;
        assert_eq!(status, 422, "{body}");
        assert_eq!(
            (&body["status"], &body["reason"]),
            (&json!("rejected"), &json!(reason))
        );
        assert_eq!(body["field"], "transaction_id");
    }
    assert_eq!(world.errors().len(), cases.len());
    assert!(world.log.of(EventKind::Conversion).is_empty());
}

#[tokio::test]
async fn an_expired_click_is_genuine_and_earns_nothing() {
    let world = with(
        json!({"conversions": {"lookback_d": 7}}),
        json!({"strictness": "conservative"}),
    );
    let id = world.click("c1").await;
    world.clock.advance_ms(7 * 86_400_000 + 1000);
    let answer = world.postback(&format!("transaction_id={id}")).await;
    assert_eq!(
        (&answer["status"], &answer["reason"]),
        (&json!("rejected"), &json!("CLICK_EXPIRED"))
    );
    let told = format!("transaction_id={id}&event=late&conversion_time=1767830400");
    assert_eq!(
        world.postback(&told).await["status"],
        "approved",
        "it happened in time"
    );
    let by_external = world.postback("external_transaction_id=c1").await;
    assert_eq!(
        by_external["reason"], "NO_CLICK",
        "an id of the caller's may be used again"
    );
}

#[tokio::test]
async fn what_comes_of_a_rejected_click_is_rejected() {
    let world = world();
    let id = world
        .click_of((OWN, super::world::INTEGRATION), "bot", "10.0.0.1")
        .await;
    world.clock.advance_ms(60_000);
    let answer = world.postback(&format!("transaction_id={id}")).await;
    assert_eq!(answer["reason"], "CLICK_REJECTED");
}

#[tokio::test]
async fn the_senders_own_address_is_never_the_buyers() {
    let world = World::new(&Settings {
        networks: true,
        ..Settings::default()
    });
    clicked(&world).await;
    let answer = world.postback("external_transaction_id=c1").await;
    assert_eq!(answer["status"], "approved", "it came from a data centre");
    let records = world.log.of(EventKind::Conversion);
    assert!(records[0].decode().unwrap().facts.ip.is_none());
    let told = world
        .postback("external_transaction_id=c1&event=b&conversion_ip=3.5.140.2")
        .await;
    assert_eq!(told["reason"], "DATACENTER_IP", "a buyer there is");
}

#[tokio::test]
async fn who_may_not_send_is_told_so() {
    let secret = json!({"conversions": {"secure_token": "s3cret"}});
    let key = json!({"access_key": "0123456789abcdef"});
    let source = json!({"allowed_sources": ["203.0.113.0/24"]});
    let cases = [
        (secret.clone(), "", 401, "secure"),
        (secret.clone(), "&secure=s3creT", 401, "secure"),
        (key.clone(), "", 401, "key"),
        (key.clone(), "&key=x", 401, "key"),
        (source, "", 403, ""),
    ];
    for (integration, more, status, field) in cases {
        let world = with(integration, json!({}));
        clicked(&world).await;
        for door in ["/postback/7", "/rejection/7"] {
            let query = format!("external_transaction_id=c1{more}");
            let (seen, body) = world.call(door, &query).await;
            assert_eq!(
                (seen, body["field"].as_str().unwrap_or("")),
                (status, field),
                "{body}"
            );
        }
        assert_eq!(world.errors().len(), 2);
        assert!(world.log.of(EventKind::Conversion).is_empty());
    }
    for (integration, more) in [(secret, "&secure=s3cret"), (key, "&key=0123456789abcdef")] {
        let world = with(integration, json!({}));
        clicked(&world).await;
        world
            .postback(&format!("external_transaction_id=c1{more}"))
            .await;
    }
}

#[tokio::test]
async fn a_signed_postback_is_taken_and_sent_again_it_is_the_same() {
    let secret = "a-secret-of-thirty-two-characters";
    let signing = json!({"mode": "enforce", "keys": [{"id": "k1", "secret": secret}]});
    let world = with(json!({ "signing": signing }), json!({}));
    clicked(&world).await;
    let (status, body) = world
        .call("/postback/7", "external_transaction_id=c1")
        .await;
    assert_eq!(
        (status, body["reason"].as_str().unwrap()),
        (401, "SIGNATURE_INVALID")
    );
    let at = world.clock.now().0 / 1000;
    let query = format!("external_transaction_id=c1&sig_key=k1&sig_time={at}");
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let signature = assay_model::signing::sign(secret, super::world::INTEGRATION, pairs);
    let signed = format!("{query}&signature={signature}");
    let first = world.postback(&signed).await;
    let again = world.postback(&signed).await;
    assert_eq!(
        (&first["status"], &again["duplicate"]),
        (&json!("approved"), &json!(true))
    );
    let (status, _) = world
        .call("/postback/7", &format!("{signed}&payout=9"))
        .await;
    assert_eq!(status, 401, "what is not signed is not taken");
}

#[tokio::test]
async fn a_malformed_value_is_refused_by_name() {
    let world = world();
    clicked(&world).await;
    for (more, field) in [
        ("payout=1,5", "payout"),
        ("revenue=1e3", "revenue"),
        ("conversion_time=yesterday", "conversion_time"),
        ("conversion_ip=1.2.3", "conversion_ip"),
        ("click_ip=x", "click_ip"),
        ("finish_install_time=?", "finish_install_time"),
        ("currency=12", "currency"),
    ] {
        let query = format!("external_transaction_id=c1&{more}");
        let (status, body) = world.call("/postback/7", &query).await;
        assert_eq!((status, body["field"].as_str().unwrap()), (422, field));
    }
    let (status, body) = world.call("/postback/7", "payout=1").await;
    assert_eq!(
        (status, body["field"].as_str().unwrap()),
        (422, "transaction_id")
    );
    assert_eq!(world.errors().len(), 8);
}

#[tokio::test]
async fn modes_make_the_status_they_promise() {
    let short = "external_transaction_id=c1&click_time=1767225600";
    let cases = [
        ("monitor", Status::Approved, None, Action::Monitored),
        (
            "hold",
            Status::Pending,
            Some(Waiting::Person),
            Action::OnHold,
        ),
        ("enforce", Status::Rejected, None, Action::Rejected),
    ];
    for (mode, status, waiting, action) in cases {
        let world = with(json!({}), json!({"mode": mode}));
        world.click("c1").await;
        world.clock.advance_ms(1000);
        let kept = row(&world, &world.postback(short).await).await;
        assert_eq!(
            (kept.state.status, kept.state.waiting),
            (status, waiting),
            "{mode}"
        );
        assert_eq!(kept.action, Some(action));
        assert_eq!(
            kept.state.reason,
            Reason::CtitTooShort,
            "the true reason stays"
        );
    }
}

#[tokio::test]
async fn a_paused_integration_keeps_and_judges_nothing() {
    let world = with(json!({"status": "paused"}), json!({}));
    world.click("c1").await;
    let answer = world.postback("external_transaction_id=c1").await;
    assert_eq!(answer["status"], "pending");
    let kept = row(&world, &answer).await;
    assert_eq!(
        (kept.state.waiting, kept.action),
        (Some(Waiting::Person), None)
    );
    assert_eq!(world.counted(), 0);
}

#[tokio::test]
async fn without_a_click_a_clickless_integration_judges() {
    let world = with(json!({"conversions": {"clickless": true}}), json!({}));
    let judged = world
        .postback("adv_sub_id=a1&user_email=x%40example.com&order_id=1&conversion_ip=81.2.69.142")
        .await;
    assert_eq!(judged["status"], "approved");
    let kept = row(&world, &judged).await;
    assert_eq!(kept.fields["adv_sub_id"], "a1");
    assert_eq!(kept.fields["user_email"], "x@example.com");
    let unknown = world.postback("external_transaction_id=nobody").await;
    assert_eq!(unknown["status"], "approved");
    let bad = world
        .postback("external_transaction_id=z&conversion_ip=10.0.0.1")
        .await;
    assert_eq!(bad["reason"], "UNROUTABLE_IP");
    let told = "external_transaction_id=y&click_time=1767225598";
    assert_eq!(world.postback(told).await["reason"], "CTIT_TOO_SHORT");
}

#[tokio::test]
async fn another_systems_rejection_is_kept_in_its_words() {
    let world = world();
    clicked(&world).await;
    let query = "external_transaction_id=c1&third_party_rejected_reason=fake+install";
    let answer = world.postback(query).await;
    assert_eq!(answer["reason"], "THIRD_PARTY_REJECTED");
    assert_eq!(row(&world, &answer).await.state.note, "fake install");
}

#[tokio::test]
async fn a_ledger_that_takes_nothing_is_a_503_and_no_success() {
    let world = world();
    clicked(&world).await;
    world.ledger.close("disk full");
    let answer = world
        .answer(
            Method::Get,
            "/postback/7",
            "external_transaction_id=c1",
            "",
            "",
        )
        .await;
    assert_eq!(answer.status, 503);
    assert!(
        answer
            .headers()
            .iter()
            .any(|(name, _)| *name == "retry-after")
    );
}

#[tokio::test]
async fn what_the_ledger_did_not_take_was_no_event_and_counts_once() {
    let world = World::new(&Settings {
        counting: true,
        ..Settings::default()
    });
    world.click("c1").await;
    world.clock.advance_ms(60_000);
    world.ledger.close("disk full");
    let query = "external_transaction_id=c1&conversion_ip=81.2.69.142";
    for _ in 0..5 {
        let refused = world
            .answer(Method::Get, "/postback/7", query, "", "")
            .await;
        assert_eq!(refused.status, 503);
    }
    assert!(world.log.of(EventKind::Conversion).is_empty());
    assert_eq!(world.counted(), 1, "sent five times, counted once");
    world.ledger.reopen();
    let answer = world.postback(query).await;
    assert_eq!(answer["status"], "approved", "{answer}");
    let records = world.log.of(EventKind::Conversion);
    let [record] = &records[..] else {
        panic!("{} records", records.len());
    };
    let record = record.decode().unwrap();
    assert_eq!(record.event_id.to_string(), answer["conversion_id"]);
    assert!(record.recall.readings.iter().flatten().count() > 0);
    assert_eq!(world.counted(), 1);
}

#[tokio::test]
async fn an_unknown_click_is_pending_and_listed() {
    let world = world();
    let answer = world.postback("external_transaction_id=later").await;
    let expected = json!({
        "conversion_id": answer["conversion_id"], "transaction_id": null,
        "status": "pending", "reason": "NO_CLICK",
    });
    assert_eq!(answer, expected);
    assert_eq!(world.errors(), [("unmatched", String::new())]);
    let records = world.log.of(EventKind::Conversion);
    let record = records[0].decode().unwrap();
    assert_eq!(record.recall.search, ClickSearch::NotFound);
    let strict = with(json!({}), json!({"strictness": "strict"}));
    let answer = strict.postback("external_transaction_id=later").await;
    assert_eq!(
        (&answer["status"], &answer["reason"]),
        (&json!("rejected"), &json!("NO_CLICK"))
    );
}
