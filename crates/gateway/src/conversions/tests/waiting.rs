//! Conversions that wait, and what settles them.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use assay_model::ledger::{Conversion, Status, Waiting};
use assay_model::ports::Ledger;
use assay_model::{EventId, EventKind, Reason};
use serde_json::{Value, json};

use super::world::{OWN, Settings, World};
use crate::conversions::settle;
use crate::doors::Method;

/// Runs `work` beside the task that settles; time passes when everybody waits.
async fn settling<T>(world: &Rc<World>, work: impl Future<Output = T>) -> T {
    let local = tokio::task::LocalSet::new();
    let outbox = Rc::clone(&world.outbox);
    local.spawn_local(async move { outbox.run().await });
    let (conversions, engine) = (Arc::clone(&world.conversions), Arc::clone(&world.engine));
    local.spawn_local(settle(conversions, engine, Rc::clone(&world.outbox)));
    local.run_until(work).await
}

async fn row(world: &World, answer: &Value) -> Conversion {
    let id: EventId = answer["conversion_id"].as_str().unwrap().parse().unwrap();
    world.ledger.get(OWN, id).await.unwrap().unwrap()
}

/// The conversion once it is no longer what it was.
async fn changed(world: &World, answer: &Value) -> Conversion {
    let changed = async {
        loop {
            let row = row(world, answer).await;
            if row.state.version > 1 {
                return row;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), changed)
        .await
        .expect("nobody settled it")
}

#[tokio::test(start_paused = true)]
async fn a_click_that_comes_second_settles_its_conversion() {
    let world = World::new(&Settings::default());
    settling(&world, async {
        let answer = world
            .postback("external_transaction_id=late&payout=2&conversion_ip=81.2.69.142")
            .await;
        world.clock.advance_ms(10);
        assert_eq!(answer["reason"], "NO_CLICK");
        world.click("other").await;
        let own = world.click("late").await;
        let row = changed(&world, &answer).await;
        assert_eq!(
            (row.state.status, row.state.waiting),
            (Status::Approved, None)
        );
        assert_eq!(
            (row.state.version, row.transaction_id.as_str()),
            (2, own.as_str())
        );
        assert_eq!(
            (
                row.attributes.publisher.as_str(),
                row.fields["offer"].as_str()
            ),
            ("p1", "o1")
        );
        let again = world.postback(&format!("transaction_id={own}")).await;
        assert_eq!(
            again["conversion_id"], answer["conversion_id"],
            "the click decides now"
        );
        assert_eq!(
            (&again["duplicate"], &again["status"]),
            (&json!(true), &json!("approved"))
        );
        assert_eq!(world.counted(), 1, "judged twice, counted once");
        let records = world.log.of(EventKind::Conversion);
        let [first, second] = &records[..] else {
            panic!("{} records", records.len());
        };
        assert!(first.decode().unwrap().recall.uncounted);
        let second = second.decode().unwrap();
        assert_eq!(
            second.recall.again.unwrap().to_string(),
            answer["conversion_id"]
        );
        assert!(!second.recall.uncounted && second.recall.click.is_some());
        assert_eq!(row.fields["verdict_id"], second.event_id.to_string());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_late_click_may_reject() {
    let world = World::new(&Settings::default());
    settling(&world, async {
        let answer = world.postback("external_transaction_id=late").await;
        let whose = (OWN, super::world::INTEGRATION);
        world.click_of(whose, "late", "10.0.0.1").await;
        let row = changed(&world, &answer).await;
        assert_eq!(
            (row.state.status, row.state.reason),
            (Status::Rejected, Reason::ClickRejected)
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_everything_that_waits_is_looked_for() {
    let world = World::new(&Settings::default());
    let answer = world.postback("external_transaction_id=late").await;
    // The click came while nobody watched.
    world.log.unwatch_all();
    world.clock.advance_ms(10);
    world.click("late").await;
    settling(&world, async {
        assert_eq!(
            changed(&world, &answer).await.state.status,
            Status::Approved
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn could_not_look_is_processing_and_settles_when_we_can() {
    let world = World::new(&Settings::default());
    world.click("c1").await;
    world.clock.advance_ms(60_000);
    settling(&world, async {
        world.log.behind.store(true, Ordering::Relaxed);
        let answer = world
            .postback("external_transaction_id=c1&conversion_ip=81.2.69.142")
            .await;
        assert_eq!(answer["status"], "processing");
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(row(&world, &answer).await.state.status, Status::Processing);
        world.log.behind.store(false, Ordering::Relaxed);
        assert_eq!(
            changed(&world, &answer).await.state.status,
            Status::Approved
        );
        assert_eq!(world.counted(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn processing_ends_within_a_minute() {
    let world = World::new(&Settings::default());
    settling(&world, async {
        world.log.behind.store(true, Ordering::Relaxed);
        let answer = world.postback("external_transaction_id=c1").await;
        assert_eq!(answer["status"], "processing");
        world.clock.advance_ms(50_000);
        let row = changed(&world, &answer).await;
        assert_eq!(row.state.status, Status::Pending);
        assert_eq!(
            (row.state.reason, row.state.waiting),
            (Reason::NoClick, Some(Waiting::Click))
        );
        // And when the index is back, its click settles it all the same.
        world.log.behind.store(false, Ordering::Relaxed);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_person_is_never_overruled() {
    let world = World::new(&Settings::default());
    settling(&world, async {
        let answer = world.postback("external_transaction_id=late").await;
        let query = "external_transaction_id=late&new_rejected_reason=no";
        assert_eq!(world.call("/rejection/7", query).await.0, 200);
        world.click("late").await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        let row = row(&world, &answer).await;
        assert_eq!(
            (row.state.status, row.state.reason),
            (Status::Rejected, Reason::AdvertiserRejected)
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn two_that_turn_out_to_be_one_are_counted_once() {
    let world = World::new(&Settings::default());
    settling(&world, async {
        // By the caller's id before its click is known, and by ours afterwards.
        world.log.behind.store(true, Ordering::Relaxed);
        let early = world.postback("external_transaction_id=c1").await;
        assert_eq!(early["status"], "processing");
        let own = world.click("c1").await;
        world.clock.advance_ms(20_000);
        let late = world.postback(&format!("transaction_id={own}")).await;
        assert_eq!(late["status"], "approved");
        world.log.behind.store(false, Ordering::Relaxed);
        let row = changed(&world, &early).await;
        assert_eq!(
            (row.state.status, row.state.reason),
            (Status::Rejected, Reason::DuplicateConversion)
        );
    })
    .await;
}

/// A visitor opens the `/jsp` page of the click `late`.
async fn opens_page(world: &World) {
    let link = "external_transaction_id=late&publisher=p1";
    let page = world.answer(Method::Get, "/jsp/7", link, "", "").await;
    assert_eq!(
        (page.status, page.content_type),
        (200, "text/html; charset=utf-8")
    );
}

/// The page goes on to the click `late` with what the browser says.
async fn sends_signals(world: &World, signals: &str) {
    let link = "external_transaction_id=late&publisher=p1";
    let form = format!("js_check_data={signals}");
    let form_type = "application/x-www-form-urlencoded";
    let posted = world
        .answer(Method::Post, "/click/7", link, form_type, &form)
        .await;
    assert_ne!(posted.status, 422, "{:?}", posted.error);
}

#[tokio::test(start_paused = true)]
async fn signals_that_are_out_are_waited_for() {
    let world = World::new(&Settings::default());
    settling(&world, async {
        opens_page(&world).await;
        let answer = world.postback("external_transaction_id=late").await;
        assert_eq!(
            (&answer["status"], &answer["reason"]),
            (&json!("processing"), &json!("PROCESSING"))
        );
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(row(&world, &answer).await.state.status, Status::Processing);
        world.clock.advance_ms(5_000);
        sends_signals(&world, "%7B%22webdriver%22:true%7D").await;
        let row = changed(&world, &answer).await;
        assert_eq!(
            (row.state.status, row.state.reason, row.state.version),
            (Status::Rejected, Reason::ClickRejected, 2)
        );
        assert_eq!(row.attributes.publisher, "p1");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn signals_that_never_come_are_waited_for_once_and_not_long() {
    let world = World::new(&Settings::default());
    settling(&world, async {
        opens_page(&world).await;
        world.clock.advance_ms(9_000);
        let answer = world.postback("external_transaction_id=late").await;
        assert_eq!(answer["status"], "processing");
        world.clock.advance_ms(9_999);
        opens_page(&world).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(row(&world, &answer).await.state.status, Status::Processing);
        // Ten seconds after the conversion came, however often the page is opened.
        world.clock.advance_ms(1);
        let row = changed(&world, &answer).await;
        assert_eq!(
            (row.state.status, row.state.reason, row.state.waiting),
            (Status::Pending, Reason::NoClick, Some(Waiting::Click))
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_strict_rule_rejects_for_no_click_once_the_signals_are_given_up() {
    let strict = Settings {
        rule: json!({"strictness": "strict"}),
        ..Settings::default()
    };
    let world = World::new(&strict);
    settling(&world, async {
        let answer = world.postback("external_transaction_id=unseen").await;
        assert_eq!(answer["reason"], "NO_CLICK", "nothing is out for it");
        opens_page(&world).await;
        let answer = world.postback("external_transaction_id=late").await;
        assert_eq!(answer["status"], "processing");
        world.clock.advance_ms(10_000);
        let row = changed(&world, &answer).await;
        assert_eq!(
            (row.state.status, row.state.reason),
            (Status::Rejected, Reason::NoClick)
        );
    })
    .await;
}

#[tokio::test]
async fn only_a_page_that_was_served_for_the_click_is_waited_for() {
    let world = World::new(&Settings::default());
    let opened = [
        (Method::Head, "external_transaction_id=late"),
        (
            Method::Get,
            "external_transaction_id=%7Bclickid%7D&publisher=late",
        ),
        (Method::Get, "external_transaction_id=other"),
    ];
    for (method, link) in opened {
        world.answer(method, "/jsp/7", link, "", "").await;
    }
    let answer = world.postback("external_transaction_id=late").await;
    assert_eq!(answer["status"], "pending");
}
