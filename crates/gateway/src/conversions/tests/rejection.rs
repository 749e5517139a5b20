//! The rejection door: SPEC §2.6, facts.md 1.A.7.

use std::rc::Rc;

use assay_model::ledger::{Conversion, Status};
use assay_model::ports::Ledger;
use assay_model::{Clock, EventId};
use serde_json::{Value, json};

use super::world::{INTEGRATION, OWN, Settings, World};

async fn converted() -> (Rc<World>, String, Value) {
    let world = World::new(&Settings::default());
    let own = world.click("c1").await;
    world.clock.advance_ms(60_000);
    let answer = world.postback("external_transaction_id=c1").await;
    assert_eq!(answer["status"], "approved");
    (world, own, answer)
}

async fn row(world: &World, answer: &Value) -> Conversion {
    let id: EventId = answer["conversion_id"].as_str().unwrap().parse().unwrap();
    world.ledger.get(OWN, id).await.unwrap().unwrap()
}

async fn reject(world: &World, query: &str) -> (u16, Value) {
    world.call("/rejection/7", query).await
}

#[tokio::test]
async fn a_signed_rejection_sent_again_undoes_nothing() {
    let secret = "a-secret-of-thirty-two-characters";
    let signing = json!({"mode": "enforce", "keys": [{"id": "k1", "secret": secret}]});
    let world = World::new(&Settings {
        integration: json!({ "signing": signing }),
        counting: true,
        ..Settings::default()
    });
    let signed = |query: &str| {
        let at = world.clock.now().0 / 1000;
        let query = format!("{query}&sig_key=k1&sig_time={at}");
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let signature = assay_model::signing::sign(secret, INTEGRATION, pairs);
        format!("{query}&signature={signature}")
    };
    world.click("c1").await;
    world.clock.advance_ms(60_000);
    let answer = world.postback(&signed("external_transaction_id=c1")).await;
    let rejection = signed("external_transaction_id=c1&new_rejected_reason=fake");
    assert_eq!(reject(&world, &rejection).await.0, 200);
    let back = signed("external_transaction_id=c1&status=approved");
    assert_eq!(reject(&world, &back).await.0, 200);
    let (status, body) = reject(&world, &rejection).await;
    assert_eq!(
        (status, body["reason"].as_str().unwrap()),
        (401, "REPLAY"),
        "{body}"
    );
    assert_eq!(row(&world, &answer).await.state.status, Status::Approved);
}

#[tokio::test]
async fn a_conversion_is_rejected_its_reason_replaced_and_given_back() {
    let (world, own, answer) = converted().await;
    let (status, body) = reject(
        &world,
        "external_transaction_id=c1&new_rejected_reason=fake",
    )
    .await;
    let expected = json!({
        "conversion_id": answer["conversion_id"], "transaction_id": own,
        "status": "rejected", "reason": "ADVERTISER_REJECTED", "note": "fake",
    });
    assert_eq!((status, body), (200, expected));
    let again = format!("transaction_id={own}&third_party_rejected_reason=stolen+card");
    assert_eq!(reject(&world, &again).await.1["note"], "stolen card");
    // Sent again it changes nothing more.
    reject(&world, &again).await;
    let back = "external_transaction_id=c1&status=approved";
    assert_eq!(reject(&world, back).await.1["status"], "approved");
    let kept = row(&world, &answer).await;
    assert_eq!(
        (kept.state.status, kept.state.version),
        (Status::Approved, 4)
    );
    let history = world.ledger.history(OWN, kept.conversion_id).await.unwrap();
    let actors: Vec<&str> = history.iter().map(|entry| entry.actor.as_str()).collect();
    assert_eq!(
        actors,
        ["engine", "rejection:7", "rejection:7", "rejection:7"]
    );
}

#[tokio::test]
async fn an_id_that_names_no_conversion_is_404_with_its_cause() {
    let (world, ..) = converted().await;
    for (query, field) in [
        (
            "external_transaction_id=nobody&new_rejected_reason=x",
            "external_transaction_id",
        ),
        (
            "external_transaction_id=c1&event=signup",
            "external_transaction_id",
        ),
    ] {
        let (status, body) = reject(&world, query).await;
        assert_eq!((status, body["field"].as_str().unwrap()), (404, field));
    }
    let codes: Vec<&str> = world.errors().iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, ["unmatched", "unmatched"]);
    for (query, field) in [
        ("new_rejected_reason=x", "external_transaction_id"),
        ("external_transaction_id=c1&status=maybe", "status"),
    ] {
        let (status, body) = reject(&world, query).await;
        assert_eq!((status, body["field"].as_str().unwrap()), (422, field));
    }
    let (status, body) = reject(&world, "transaction_id=forged").await;
    assert_eq!(
        (status, body["reason"].as_str().unwrap()),
        (422, "TOKEN_FORGED")
    );
}

#[tokio::test]
async fn the_event_picks_and_without_it_the_base_conversion() {
    let (world, _, base) = converted().await;
    let signup = world
        .postback("external_transaction_id=c1&event=signup")
        .await;
    let deposit = world
        .postback("external_transaction_id=c1&goal=deposit")
        .await;
    reject(
        &world,
        "external_transaction_id=c1&event=signup&new_rejected_reason=a",
    )
    .await;
    assert_eq!(row(&world, &signup).await.state.status, Status::Rejected);
    assert_eq!(row(&world, &deposit).await.state.status, Status::Approved);
    assert_eq!(row(&world, &base).await.state.status, Status::Approved);
    reject(&world, "external_transaction_id=c1&new_rejected_reason=b").await;
    assert_eq!(row(&world, &base).await.state.status, Status::Rejected);
    assert_eq!(row(&world, &deposit).await.state.status, Status::Approved);
    // Where there is no base conversion, every event is meant.
    world.click("c2").await;
    world.clock.advance_ms(60_000);
    let one = world.postback("external_transaction_id=c2&event=one").await;
    let two = world.postback("external_transaction_id=c2&event=two").await;
    let (_, body) = reject(&world, "external_transaction_id=c2&new_rejected_reason=c").await;
    assert_eq!(body["conversions"].as_array().unwrap().len(), 2);
    for answer in [one, two] {
        assert_eq!(row(&world, &answer).await.state.status, Status::Rejected);
    }
}
