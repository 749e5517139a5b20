//! What doors read, answer letter by letter, and list.

use assay_model::hit::{EventKind, Field};
use serde_json::json;

use super::world::{Settings, World};
use crate::doors::{Answer, Method};

async fn get(world: &World, path: &str, query: &str) -> Answer {
    world.answer(Method::Get, path, query, "", "").await
}

async fn text(world: &World, path: &str, query: &str) -> String {
    String::from_utf8(get(world, path, query).await.body).unwrap()
}

#[tokio::test]
async fn a_conversion_is_answered_letter_by_letter() {
    let world = World::new(&Settings::default());
    let first = text(&world, "/postback/7", "external_transaction_id=c1").await;
    let id = &first[18..34];
    assert_eq!(
        first,
        format!(
            r#"{{"conversion_id":"{id}","transaction_id":null,"status":"pending","reason":"NO_CLICK"}}"#
        )
    );
    let again = text(&world, "/postback/7", "external_transaction_id=c1").await;
    assert_eq!(again, first.replace('}', r#","duplicate":true}"#));
    let query = "external_transaction_id=c1&new_rejected_reason=fake";
    assert_eq!(
        text(&world, "/rejection/7", query).await,
        format!(
            r#"{{"conversion_id":"{id}","transaction_id":null,"status":"rejected","reason":"ADVERTISER_REJECTED","note":"fake"}}"#
        )
    );
    assert_eq!(
        text(&world, "/postback/7", "transaction_id=zz").await,
        r#"{"conversion_id":null,"transaction_id":"zz","status":"rejected","reason":"TOKEN_FORGED","field":"transaction_id","detail":"transaction_id is no transaction id of ours"}"#
    );
}

#[tokio::test]
async fn a_json_object_means_what_a_form_means() {
    let world = World::new(&Settings::default());
    let body = r#"{"offer":"first","offer":"second","external_transaction_id":12345678901234567890123,
        "browser_languages":["en","es"],"sub_id2":7,"no_redirect":true,"publisher":null}"#;
    let kind = "Application/JSON; charset=utf-8";
    let answer = world.answer(Method::Post, "/click/7", "", kind, body).await;
    assert!(answer.body.starts_with(br#"{"transaction_id":"#));
    let kept = world.log.of(EventKind::Click);
    let hit = &kept[0].decode().unwrap().facts.hit;
    for (field, expected) in [
        (Field::Offer, Some("first")),
        (
            Field::ExternalTransactionId,
            Some("12345678901234567890123"),
        ),
        (Field::Languages, Some("en,es")),
        (Field::SubId2, Some("7")),
        (Field::Publisher, None),
    ] {
        assert_eq!(hit.get(field), expected);
    }
}

#[tokio::test]
async fn a_refused_score_stands_in_the_log_of_the_integration_it_names() {
    let key = "k".repeat(16);
    let world = World::new(&Settings {
        integration: json!({ "access_key": key }),
        ..Settings::default()
    });
    let query = format!("key={key}");
    for (event, status, field) in [
        (r#"{"integration_id":7,"ip":"1.2"}"#, 422, "ip"),
        (r#"{"integration_id":7}"#, 422, "ip"),
        (
            r#"{"event":"x","integration_id":7,"ip":"8.8.8.8"}"#,
            422,
            "event",
        ),
        (
            r#"{"integration_id":7,"ip":"8.8.8.8","click_time":1}"#,
            422,
            "click_time",
        ),
    ] {
        let answer = world
            .answer(Method::Post, "/v1/score", &query, "application/json", event)
            .await;
        assert_eq!(answer.status, status, "{event}");
        let (door, owner, named) = world.listed().pop().unwrap();
        assert_eq!((door, owner, &*named), ("score", Some(7), field), "{event}");
    }
}

#[tokio::test]
async fn what_is_reported_or_has_no_such_method_is_listed_at_its_own_door() {
    let keys = json!([{"id": "k1", "secret": "a-secret-of-thirty-two-characters"}]);
    let world = World::new(&Settings {
        integration: json!({ "signing": {"mode": "report", "keys": keys} }),
        ..Settings::default()
    });
    for (path, door) in [("/postback/7", "postback"), ("/rejection/7", "rejection")] {
        get(&world, path, "external_transaction_id=c1").await;
        let listed = |own: &(&str, Option<u32>, String)| own.0 == door && own.2 == "signature";
        assert!(world.listed().iter().any(listed), "{path}");
    }
    for (path, door) in [
        ("/click/7", "click"),
        ("/imp/7", "impression"),
        ("/jsp/7", "click"),
        ("/postback/7", "postback"),
        ("/rejection/7", "rejection"),
    ] {
        let answer = world.answer(Method::Other, path, "", "", "").await;
        assert_eq!(answer.status, 405);
        assert_eq!(world.listed().pop(), Some((door, Some(7), String::new())));
    }
    let query = "m=AF&src=s2s&b=1&s=7";
    let answer = world.answer(Method::Other, "/ic3.php", query, "", "").await;
    assert_eq!(answer.status, 405);
    assert_eq!(world.listed().pop(), Some(("s2s", Some(7), String::new())));
}

#[tokio::test]
async fn a_call_refused_unread_is_listed_where_its_target_says() {
    let world = World::new(&Settings::default());
    for (target, listed) in [
        ("/click/7?a=b", Some(("click", Some(7)))),
        ("/ic3.php?b=1&s=7&z=", Some(("s2s", Some(7)))),
        ("/ic3.php?b=1&s=99", Some(("s2s", None))),
        ("/click/99", None),
        ("/nothing", None),
    ] {
        let before = world.listed().len();
        world.unread(target);
        let last = world.listed().get(before).map(|own| (own.0, own.1));
        assert_eq!(last, listed, "{target}");
    }
}

#[tokio::test]
async fn a_script_may_read_what_became_of_its_conversion() {
    let world = World::new(&Settings::default());
    let allowed = |answer: &Answer| {
        let mut headers = answer.headers().iter();
        headers.any(|(name, value)| *name == "access-control-allow-origin" && value == "*")
    };
    let query = "external_transaction_id=c1";
    assert!(allowed(&world.script(query).await));
    assert!(!allowed(&get(&world, "/postback/7", query).await));
}
