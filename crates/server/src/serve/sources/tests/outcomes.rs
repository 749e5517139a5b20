//! What events come to, and what that does to the next ones.

use assay_model::document::ReputationMode;
use serde_json::{Value, json};

use super::world::{INTEGRATION, OTHER, START, World};

/// Clicks of four publishers; those of one are told to be bad.
fn taught(world: &mut World) {
    let mut lines = String::new();
    for n in 0..40 {
        for publisher in ["a", "b", "c", "bad"] {
            let cid = format!("{publisher}-{n}");
            let click = world.click(publisher, &cid);
            let outcome = match (publisher, n % 10) {
                ("bad", _) | (_, 0) => "chargeback",
                _ => "paid",
            };
            let id = click["event_id"].as_str().unwrap();
            lines.push_str(&json!({"event_id": id, "outcome": outcome}).to_string());
            lines.push('\n');
        }
    }
    for answer in world.tell(&lines) {
        assert_eq!(answer["result"], "learned", "{answer}");
    }
    world.clock.advance_ms(5_000);
    world.step();
}

fn reputation(verdict: &Value) -> &Value {
    let evidence = verdict["evidence"].as_array().unwrap();
    let found = evidence.iter().find(|e| e["reason"] == "SOURCE_REPUTATION");
    found.unwrap_or(&Value::Null)
}

#[test]
fn outcomes_move_points_and_risk_and_reject_only_where_that_is_wanted() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::open(dir.path(), START);
    let before = world.click("bad", "first");
    assert_eq!(
        (&before["points"], &before["risk"]),
        (&json!(0), &json!("clean"))
    );
    taught(&mut world);
    let (good, bad) = (world.click("a", "x"), world.click("bad", "y"));
    assert_eq!(good["risk"], "clean", "{good}");
    assert_eq!(good["reason"], "CLEAN", "{good}");
    assert_eq!(bad["risk"], "medium", "{bad}");
    assert!(bad["points"].as_u64() > good["points"].as_u64());
    let evidence = reputation(&bad);
    assert_eq!(evidence["observed"]["key"], "publisher");
    assert_eq!(
        (&evidence["n"], &evidence["effect"]),
        (&json!(40), &json!("flag"))
    );
    assert_eq!(bad["action"], "approved", "it only reports, by default");
    world.reputation(ReputationMode::Block);
    world.step();
    let bad = world.click("bad", "z");
    assert_eq!(
        (&bad["action"], &bad["reason"]),
        (&json!("rejected"), &json!("SOURCE_REPUTATION"))
    );
    let stranger = world.score_of(OTHER, json!({"publisher": "bad"}));
    assert_eq!(stranger["points"], 0, "{stranger}");
}

#[test]
fn a_restart_forgets_no_lesson() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::open(dir.path(), START);
    taught(&mut world);
    let before = world.click("bad", "x");
    drop(world);
    let world = World::open(dir.path(), START.plus_ms(5_000));
    let after = world.click("bad", "x");
    assert_eq!(reputation(&after), reputation(&before));
}

#[test]
fn each_line_has_its_answer_and_a_bad_one_stops_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::open(dir.path(), START);
    let click = world.click("p", "mine-1");
    let id = click["event_id"].as_str().unwrap();
    let lines = [
        json!({"event_id": id, "outcome": "paid"}).to_string(),
        "{".to_owned(),
        json!({"external_transaction_id": "mine-1", "outcome": "paid"}).to_string(),
        String::new(),
        json!({"id": "mine-1", "integration_id": INTEGRATION, "outcome": "rejected"}).to_string(),
        json!({"event_id": id, "outcome": "sold"}).to_string(),
        json!({"outcome": "paid"}).to_string(),
        json!({"event_id": id, "id": "x", "outcome": "paid"}).to_string(),
        json!({"id": "nobody", "outcome": "paid"}).to_string(),
        json!({"event_id": id, "outcome": "paid", "colour": 1}).to_string(),
        json!({"id": "x", "integration_id": 9, "outcome": "paid"}).to_string(),
    ];
    let answers = world.tell(&lines.join("\n"));
    let told: Vec<String> = answers
        .iter()
        .map(|a| {
            let what = a["result"].as_str().or(a["field"].as_str());
            format!("{} {}", a["line"], what.unwrap_or("error"))
        })
        .collect();
    assert_eq!(
        told,
        [
            "1 learned",
            "2 error",
            "3 duplicate",
            "5 changed",
            "6 outcome",
            "7 event_id",
            "8 id",
            "9 error",
            "10 error",
            "11 integration_id",
        ],
        "{answers:#?}"
    );
    let foreign = json!({"event_id": id, "outcome": "chargeback"}).to_string();
    let answers = world.tell_as_another(&foreign);
    assert!(answers[0]["error"].is_string(), "{answers:?}");
}

#[test]
fn the_advertiser_s_rejections_teach_and_the_engine_s_own_do_not() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::open(dir.path(), START);
    let mut paid = String::new();
    for n in 0..40 {
        world.click("bad", &format!("bad-{n}"));
        world.convert(&format!("bad-{n}"));
        world.reject(&format!("bad-{n}"));
        let good = world.click("good", &format!("good-{n}"));
        let line = json!({"event_id": good["event_id"], "outcome": "paid"});
        paid.push_str(&format!("{line}\n"));
    }
    world.tell(&paid);
    world.clock.advance_ms(5_000);
    world.step();
    world.clock.advance_ms(5_000);
    world.step();
    let bad = world.score(json!({"publisher": "bad"}));
    let evidence = reputation(&bad);
    assert_eq!(evidence["n"], 40, "{bad}");
    assert_eq!(evidence["observed"]["base_rate"], 0.5, "{bad}");
}
