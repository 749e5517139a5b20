//! People who are often taken for robots: all of them stay clean, with every filter on.
//!
//! In-app views, shared networks, mail systems, wallets, regional browsers and devices with
//! unlucky names. Typed from general knowledge; the complaints that they come from are
//! issues of detectors in use (isbot, fpscanner, BotD, dub, craft-campaign).

use serde_json::{Map, Value, json};

use crate::harness::{ADMIN, CURL, Server};

const PEOPLE: &str = include_str!("people.ndjson");

/// The default rule with every filter there is, at moderate strictness. Those that need a
/// list of the user's have an empty one.
fn everything_on(server: &Server) {
    let matrix = server.show("/rules/matrix?ids=p1");
    let filters = matrix["filters"].as_array().unwrap().iter();
    let on: Map<String, Value> = filters
        .map(|key| (key.as_str().unwrap().to_owned(), json!({"enabled": true})))
        .collect();
    let rule = server.change("/rules/1", &json!({"filters": on}));
    assert_eq!(rule["strictness"], "moderate");
    let cells = server.show("/rules/matrix?ids=p1")["rows"][0]["cells"].clone();
    for (key, cell) in cells.as_object().unwrap() {
        let on = json!({"enabled": true, "block_mode": "block", "named": true});
        assert_eq!(*cell, on, "{key}");
    }
}

fn judged(server: &Server, events: &[Value]) -> Vec<Value> {
    let body: String = events.iter().map(|event| format!("{event}\n")).collect();
    let bearer = format!("Bearer {ADMIN}");
    let headers = [("Authorization", bearer.as_str())];
    let answer = server
        .client()
        .send("POST", "/v1/score/batch", &headers, body.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.lines()
}

#[test]
fn people_who_look_odd_stay_clean_with_every_filter_on() {
    let server = Server::start();
    let own = server.integration(&json!({"kind": "custom"}));
    everything_on(&server);
    let mut events: Vec<Value> = PEOPLE
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(events.len() > 100);
    for event in &mut events {
        event["integration_id"] = own.into();
    }
    // One who is none of them shows that the rule does catch.
    let mut robot = events[0].clone();
    robot["user_agent"] = CURL.into();
    robot["ip"] = "86.129.7.7".into();
    events.push(robot);
    let verdicts = judged(&server, &events);
    let (robot, people) = verdicts.split_last().unwrap();
    assert_eq!(robot["action"], "rejected", "{robot}");
    let mut wrong = Vec::new();
    for (event, verdict) in events.iter().zip(people) {
        if verdict["action"] != "approved" || verdict["risk"] != "clean" {
            wrong.push(format!(
                "{}: {} {} {}",
                event["about"], verdict["action"], verdict["evidence"], event["user_agent"]
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
