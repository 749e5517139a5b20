//! Twenty-four hours of failure: nothing is lost, nothing is told twice under two ids.

use std::collections::BTreeSet;

use assay_model::ports::DeliveryState;
use assay_model::testing::NOW;

use super::World;
use super::receiver::{Behaviour, Receiver};

const DAY_MS: i64 = 24 * 3_600_000;

/// The plan of OPERATIONS.md: 5 s, each wait three times as long, three hours at most.
fn plan() -> Vec<i64> {
    let waits = [5, 15, 45, 135, 405, 1215, 3645];
    waits.into_iter().map(|s| s * 1000).collect()
}

async fn a_day_of(behaviour: Behaviour) -> Vec<String> {
    let receiver = Receiver::start(behaviour).await;
    let world = World::calling(vec![receiver.port]).await;
    let postback = world.postback(receiver.port).await;
    world.owe(postback, 1).await;
    world.pass_time(&[postback]).await;
    let delivery = world.deliveries(postback).await.remove(0);
    assert_eq!(delivery.state, DeliveryState::Dead);
    let found = world.queue.delivery(super::ACCOUNT, delivery.id).await;
    let (_, tries) = found.unwrap().unwrap();
    let after: Vec<i64> = tries.iter().map(|t| t.at.ms_since(NOW)).collect();
    assert_eq!(after.last(), Some(&DAY_MS), "the last try is at its end");
    for (pair, plan) in after.windows(2).zip(plan()) {
        let wait = pair[1] - pair[0];
        assert!((wait - plan).abs() * 5 <= plan, "{wait} ms against {plan}");
    }
    assert!((12..=18).contains(&tries.len()), "{}", tries.len());
    let ids: BTreeSet<_> = receiver.told().into_iter().map(|t| t.message_id).collect();
    assert!(ids.len() <= 1, "{ids:?}");
    // It is repaired, and the user presses the button.
    let heard = receiver.told().len();
    receiver.becomes(Behaviour::status(200));
    receiver.release();
    let again = world.queue.resend(super::ACCOUNT, delivery.id, world.now());
    again.await.unwrap();
    world.pass_time(&[postback]).await;
    assert_eq!(world.states(postback).await, [DeliveryState::Sent]);
    let told = receiver.told();
    assert_eq!(told.len(), heard + 1);
    assert_eq!(told[heard].message_id, delivery.message_id);
    tries.into_iter().map(|t| t.error.unwrap()).collect()
}

fn all_say(errors: &[String], word: &str) {
    assert!(
        errors.iter().all(|error| error.contains(word)),
        "{errors:?}"
    );
}

#[tokio::test]
async fn failing_answers() {
    all_say(&a_day_of(Behaviour::status(500)).await, "answered 500");
    all_say(&a_day_of(Behaviour::status(404)).await, "answered 404");
    let gateway = a_day_of(Behaviour::status(502)).await;
    all_say(&gateway, "answered 502");
}

#[tokio::test]
async fn redirects() {
    let canary = Receiver::start(Behaviour::status(200)).await;
    let location = format!("location: http://127.0.0.1:{}/\r\n", canary.port);
    let errors = a_day_of(Behaviour::with(302, &location)).await;
    all_say(&errors, "redirects are not followed");
    assert_eq!(canary.told(), []);
}

#[tokio::test]
async fn resets() {
    let errors = a_day_of(Behaviour::Reset).await;
    all_say(&errors, "the connection broke");
}

#[tokio::test]
async fn silence() {
    let errors = a_day_of(Behaviour::Hold).await;
    all_say(&errors, "no answer in 300ms");
}

#[tokio::test]
async fn nobody_there() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let world = World::calling(vec![port]).await;
    let postback = world.postback(port).await;
    world.owe(postback, 3).await;
    world.pass_time(&[postback]).await;
    assert_eq!(world.states(postback).await, [DeliveryState::Dead; 3]);
    let last = world.deliveries(postback).await.remove(0).last.unwrap();
    assert!(last.error.unwrap().contains("was not reached"));
}

#[tokio::test]
async fn a_receiver_that_comes_back_is_told_everything_once() {
    let receiver = Receiver::start(Behaviour::status(500)).await;
    let world = World::calling(vec![receiver.port]).await;
    let postback = world.postback(receiver.port).await;
    world.owe(postback, 100).await;
    world.sender.send_due().await.unwrap();
    assert_eq!(receiver.told().len(), 100);
    receiver.becomes(Behaviour::status(204));
    world.pass_time(&[postback]).await;
    assert_eq!(world.states(postback).await, [DeliveryState::Sent; 100]);
    let told = receiver.told();
    assert_eq!(told.len(), 200);
    let ids = |all: &[super::receiver::Told]| -> BTreeSet<String> {
        all.iter().map(|t| t.message_id.clone()).collect()
    };
    assert_eq!(ids(&told[..100]).len(), 100);
    assert_eq!(ids(&told[..100]), ids(&told[100..]));
    assert!(told.iter().all(|t| t.signature.starts_with("v1,")));
    assert!(told.iter().all(|t| t.target.ends_with("&s=approved")));
    assert!(told[100].timestamp > told[0].timestamp);
}
