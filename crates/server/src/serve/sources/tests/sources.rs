//! A source that goes bad, and comes back.

use assay_model::ports::{DecisionQuery, Lift, SourceDesk as _, SourceQuery};
use serde_json::json;

use super::world::{OTHER, OWN, START, World};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;

/// Three hundred clicks each of two publishers; of one, far too many convert.
fn traffic(world: &World) {
    for n in 0..300 {
        for (publisher, every) in [("good", 20), ("bad", 2)] {
            let cid = format!("{publisher}-{n}");
            world.click(publisher, &cid);
            if n % every == 0 {
                world.convert(&cid);
            }
        }
    }
}

fn is_held(world: &World, publisher: &str) -> bool {
    let seen = world.click(publisher, "later");
    let held = seen["reason"] == "CR_HIGH";
    assert_eq!(seen["action"] == "rejected", held, "{seen}");
    held
}

fn log(world: &World) -> Vec<&'static str> {
    let query = DecisionQuery {
        limit: 100,
        ..DecisionQuery::default()
    };
    let lines = world.runtime.block_on(world.desk().decisions(OWN, &query));
    let lines = lines.unwrap().into_iter();
    lines.map(|line| line.line.step.as_str()).collect()
}

#[test]
fn a_bad_source_is_held_by_one_judgement_and_lifts_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::open(dir.path(), START);
    world.step();
    traffic(&world);
    assert!(!is_held(&world, "bad"), "nothing is judged yet");
    world.clock.advance_ms(MINUTE_MS);
    world.step();
    assert!(is_held(&world, "bad"));
    assert!(!is_held(&world, "good"));
    assert!(!is_held(&world, "unknown"));
    assert_eq!(log(&world), ["held"]);
    world.clock.advance_ms(3 * DAY_MS);
    world.step();
    assert!(!is_held(&world, "bad"));
    assert_eq!(log(&world), ["lifted", "held"]);
}

#[test]
fn what_is_held_says_why_and_shows_what_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::open(dir.path(), START);
    traffic(&world);
    world.step();
    let seen = world.click("bad", "later");
    let evidence = &seen["evidence"][0];
    assert_eq!(evidence["reason"], "CR_HIGH", "{seen}");
    assert!(evidence["n"].as_u64().unwrap() >= 300, "{evidence}");
    let query = SourceQuery {
        limit: 10,
        ..SourceQuery::default()
    };
    let desk = world.desk();
    let page = world.runtime.block_on(desk.list(OWN, &query)).unwrap();
    let [first, second] = &page.rows[..] else {
        panic!("{:?}", page.rows);
    };
    assert_eq!(
        (&first["publisher"], &first["state"]),
        (&json!("bad"), &json!("held"))
    );
    assert_eq!(
        (&second["publisher"], &second["state"]),
        (&json!("good"), &json!("clean"))
    );
    assert_eq!(first["clicks"], 300);
    assert_eq!(first["conversions"], 150);
    assert!(first["held"][0]["recovery"]["text"].is_string());
    let test = &second["tests"][0];
    assert!(
        test["value"].as_f64().unwrap() < test["limit"].as_f64().unwrap(),
        "{test}"
    );
    let held_only = SourceQuery {
        held: Some(true),
        ..query.clone()
    };
    let page = world.runtime.block_on(desk.list(OWN, &held_only)).unwrap();
    assert_eq!(page.rows.len(), 1);
    let page = world.runtime.block_on(desk.list(OTHER, &query)).unwrap();
    assert!(
        page.rows.is_empty(),
        "nothing of another account: {:?}",
        page.rows
    );
}

#[test]
fn another_account_s_publisher_of_the_same_name_is_somebody_else() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::open(dir.path(), START);
    traffic(&world);
    world.step();
    assert!(is_held(&world, "bad"));
    let seen = world.score_of(OTHER, json!({"publisher": "bad", "offer": "o1"}));
    assert_eq!(seen["action"], "approved", "{seen}");
}

#[test]
fn a_restart_goes_on_with_what_was_held() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::open(dir.path(), START);
    traffic(&world);
    world.step();
    assert!(is_held(&world, "bad"));
    drop(world);
    let later = START.plus_ms(MINUTE_MS);
    let mut world = World::open(dir.path(), later);
    assert!(is_held(&world, "bad"), "at once, from the last snapshot");
    assert!(!is_held(&world, "good"));
    world.step();
    assert!(is_held(&world, "bad"), "and from the store's events");
    assert_eq!(log(&world), ["held"], "it is the same hold");
    drop(world);
    // Days later the numbers are old, and the first judgement says so.
    let mut world = World::open(dir.path(), START.plus_ms(3 * DAY_MS));
    world.step();
    assert!(!is_held(&world, "bad"));
}

#[test]
fn what_a_person_lifts_stays_lifted_until_it_ends() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::open(dir.path(), START);
    traffic(&world);
    world.step();
    assert!(is_held(&world, "bad"));
    let lift = Lift {
        publisher: "bad".to_owned(),
        sub_id: None,
        offer: None,
        rule: None,
        filter: None,
        until: START.plus_ms(10 * MINUTE_MS),
        note: "coupon campaign".to_owned(),
    };
    let desk = world.desk();
    let made = desk.lift(OWN, lift, "token:3", START);
    let made = world.runtime.block_on(made).unwrap();
    drop(desk);
    assert_eq!(made.line.detail["lifted"][0]["reason"], "CR_HIGH");
    assert!(!is_held(&world, "bad"), "at once");
    world.clock.advance_ms(2 * MINUTE_MS);
    world.step();
    assert!(!is_held(&world, "bad"), "not condemned again");
    drop(world);
    let mut world = World::open(dir.path(), START.plus_ms(3 * MINUTE_MS));
    world.step();
    assert!(!is_held(&world, "bad"), "nor after a restart");
    world.clock.advance_ms(8 * MINUTE_MS);
    world.step();
    assert!(is_held(&world, "bad"), "but once it ends");
    assert_eq!(log(&world), ["held", "lifted_by_hand", "held"]);
}

#[test]
fn events_count_once_whether_they_are_read_from_store_or_log() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::open(dir.path(), START);
    for n in 0..10 {
        world.click("p", &format!("a{n}"));
    }
    // Counted from the store; then these are in the log, and more come.
    world.keeper.step(world.runtime.handle());
    for n in 0..5 {
        world.click("p", &format!("b{n}"));
    }
    world.step();
    world.step();
    let query = SourceQuery {
        limit: 10,
        ..SourceQuery::default()
    };
    let page = world.desk();
    let page = world.runtime.block_on(page.list(OWN, &query)).unwrap();
    assert_eq!(page.rows[0]["clicks"], 15, "{:?}", page.rows);
    assert_eq!(page.rows[0]["state"], "too_little_volume");
}
