//! 410, 429, pauses, removals, and that nobody waits for somebody else's receiver.

use std::time::Duration;

use assay_model::ports::{DeliveryState, Take};
use assay_model::testing::NOW;
use tokio::sync::watch;

use super::World;
use super::receiver::{Behaviour, Receiver};

#[tokio::test]
async fn a_receiver_that_is_gone_is_paused_until_the_user_says_otherwise() {
    let receiver = Receiver::start(Behaviour::status(410)).await;
    let world = World::calling(vec![receiver.port]).await;
    let postback = world.postback(receiver.port).await;
    world.owe(postback, 1).await;
    world.sender.send_due().await.unwrap();
    assert_eq!(world.states(postback).await, [DeliveryState::Dead]);
    assert_eq!(world.stored(postback).await["status"], "paused");
    assert_eq!(
        world.published.0.load(std::sync::atomic::Ordering::SeqCst),
        1
    );
    assert_eq!(world.last_actor(postback).await, "postback:410");
    // What was owed all the same waits, for as long as it takes.
    world.clock.advance_ms(1000);
    world.owe(postback, 1).await;
    world.sender.send_due().await.unwrap();
    world.clock.advance_ms(3 * 86_400_000);
    world.sender.send_due().await.unwrap();
    assert_eq!(receiver.told().len(), 1);
    receiver.becomes(Behaviour::status(200));
    world.set_status(postback, "active").await;
    world.pass_time(&[postback]).await;
    assert_eq!(receiver.told().len(), 2);
    let states = world.states(postback).await;
    assert_eq!(states, [DeliveryState::Sent, DeliveryState::Dead]);
}

#[tokio::test]
async fn a_receiver_that_wants_less_gets_less_and_the_others_no_less() {
    let busy = Receiver::start(Behaviour::with(429, "retry-after: 60\r\n")).await;
    let other = Receiver::start(Behaviour::status(200)).await;
    let world = World::calling(vec![busy.port, other.port]).await;
    let (first, second) = (
        world.postback(busy.port).await,
        world.postback(other.port).await,
    );
    world.owe(first, 100).await;
    world.owe(second, 100).await;
    world.sender.send_due().await.unwrap();
    assert_eq!(other.told().len(), 100);
    // Those under way when it said so, and no more.
    let asked = busy.told().len();
    assert!((1..=16).contains(&asked), "{asked}");
    world.clock.set(NOW.plus_ms(59_000));
    world.sender.send_due().await.unwrap();
    assert_eq!(busy.told().len(), asked, "it asked for a minute");
    busy.becomes(Behaviour::status(200));
    world.pass_time(&[first, second]).await;
    assert_eq!(world.states(first).await, [DeliveryState::Sent; 100]);
    assert_eq!(busy.told().len(), asked + 100);
}

#[tokio::test]
async fn a_slow_receiver_holds_nobody_up() {
    let slow = Receiver::start(Behaviour::Hold).await;
    let quick = Receiver::start(Behaviour::status(200)).await;
    let world = World::calling(vec![slow.port, quick.port]).await;
    let (first, second) = (
        world.postback(slow.port).await,
        world.postback(quick.port).await,
    );
    world.owe(first, 100).await;
    world.owe(second, 200).await;
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(world.sender.clone().run(stopped));
    let enough = async {
        while quick.told().len() < 200 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), enough)
        .await
        .unwrap();
    let sent = world.states(first).await;
    assert!(!sent.contains(&DeliveryState::Sent));
    slow.release();
    stop.send_replace(true);
    running.await.unwrap();
}

#[tokio::test]
async fn a_removed_definition_sends_nothing_and_says_so() {
    let receiver = Receiver::start(Behaviour::status(200)).await;
    let world = World::calling(vec![receiver.port]).await;
    let postback = world.postback(receiver.port).await;
    world.owe(postback, 1).await;
    world.remove(postback).await;
    world.sender.send_due().await.unwrap();
    let gone = world.deliveries(postback).await.remove(0);
    assert_eq!(gone.state, DeliveryState::Dead);
    assert!(gone.last.unwrap().error.unwrap().contains("removed"));
    assert_eq!(receiver.told(), []);
}

#[tokio::test]
async fn what_waits_goes_where_the_definition_points_now() {
    let (old, new) = (
        Receiver::start(Behaviour::status(500)).await,
        Receiver::start(Behaviour::status(200)).await,
    );
    let world = World::calling(vec![old.port, new.port]).await;
    let postback = world.postback(old.port).await;
    world.owe(postback, 1).await;
    world.sender.send_due().await.unwrap();
    let mut body = world.stored(postback).await;
    body["url"] = format!("http://partner.example:{}/new", new.port).into();
    world.save(postback, body).await;
    world.pass_time(&[postback]).await;
    assert_eq!((old.told().len(), new.told().len()), (1, 1));
    assert_eq!(new.told()[0].message_id, old.told()[0].message_id);
}

/// What was taken and never noted, as by a process that died, is sent again under its id.
#[tokio::test]
async fn a_sender_that_died_is_replaced_when_its_lease_ends() {
    let receiver = Receiver::start(Behaviour::status(200)).await;
    let world = World::calling(vec![receiver.port]).await;
    let postback = world.postback(receiver.port).await;
    world.owe(postback, 1).await;
    let take = Take {
        limit: 10,
        per_postback: 10,
        lease_ms: 60_000,
    };
    assert_eq!(world.queue.take(NOW, take).await.unwrap().len(), 1);
    world.sender.send_due().await.unwrap();
    assert_eq!(receiver.told(), []);
    world.clock.advance_ms(60_000);
    world.sender.send_due().await.unwrap();
    assert_eq!(receiver.told().len(), 1);
    assert_eq!(world.states(postback).await, [DeliveryState::Sent]);
}
