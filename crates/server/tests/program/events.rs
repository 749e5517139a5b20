//! What became of an event: the feed, the report, the why, and the same verdict again.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{CURL, Call, Server, run, stderr, stdout, wait_until};

/// `assay explain ID --json` on a data folder.
#[track_caller]
fn explain(server: &Server, id: &str) -> Value {
    let output = run(&[
        "explain",
        id,
        "--json",
        "--data",
        server.dir.to_str().unwrap(),
    ]);
    assert!(
        output.status.success(),
        "{id}: {}{}",
        stdout(&output),
        stderr(&output)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn an_answered_event_is_in_the_feed_at_once_and_in_the_report_within_5_seconds() {
    let server = Server::start();
    let own = server.integration(&json!({}));
    let mut watched = json!({"name": "watch", "status": "active", "protection": "both", "sub_id_mapping": "sub_id", "mode": "monitor"});
    watched["scope"] = json!({"publishers": {"include": ["p3"], "exclude": []}});
    server.make("/rules", &watched);
    for n in 0..40 {
        let call = Call::web(own)
            .with("s1", &format!("p{}", n % 4))
            .with("cid", &format!("c{n}"))
            .verbose();
        let call = if n % 2 == 1 {
            call.with("s6", CURL)
        } else {
            call
        };
        let detail = server.score(&call).json()["detail"].clone();
        let id = detail["event_id"].as_str().unwrap();
        // The very next call sees it.
        let newest = server.show("/events?limit=1")["items"][0].clone();
        assert_eq!(
            (&newest["event_id"], &newest["action"]),
            (&json!(id), &detail["action"])
        );
        assert_eq!(newest["facts"]["external_transaction_id"], format!("c{n}"));
        assert_eq!(
            server.show(&format!("/events/{id}"))["evidence"],
            detail["evidence"]
        );
    }
    let path = "/reports/clicks?from=2020-01-01&to=2100-01-01&group_by=publisher";
    let report = wait_until("the report", Duration::from_secs(5), || {
        let report = server.show(path);
        (report["totals"]["clicks"] == 40).then_some(report)
    });
    assert_eq!(
        report["totals"],
        json!({"clicks": 40, "approved": 20, "rejected": 10, "monitored": 10, "givt": 20, "sivt": 0, "policy": 0})
    );
    let rows: HashMap<_, _> = report["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["publisher"].as_str().unwrap(), row))
        .collect();
    assert_eq!(rows.len(), 4);
    for (publisher, rejected, monitored) in
        [("p0", 0, 0), ("p1", 10, 0), ("p2", 0, 0), ("p3", 0, 10)]
    {
        let row = rows[publisher];
        assert_eq!(
            (&row["clicks"], &row["rejected"], &row["monitored"]),
            (&json!(10), &json!(rejected), &json!(monitored)),
            "{row}"
        );
    }
    let only = server.show("/events?limit=500&filter[publisher]=p1,p3&filter[action]=rejected");
    assert_eq!(only["items"].as_array().unwrap().len(), 10);
}

#[test]
fn the_why_has_every_documented_key_and_stays_the_same_after_the_end() {
    let mut server = Server::start();
    let own = server.integration(&json!({}));
    let id = server
        .score(
            &Call::web(own)
                .with("s6", CURL)
                .with("ip", "10.0.0.1")
                .verbose(),
        )
        .json()["detail"]["event_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let why = server.show(&format!("/events/{id}"));
    for key in [
        "event_id",
        "event",
        "time",
        "integration_id",
        "transaction_id",
        "risk",
        "score",
        "points",
        "class",
        "reason",
        "reasons",
        "evidence",
        "rule",
        "action",
        "destination",
        "facts",
    ] {
        assert!(why.get(key).is_some(), "{key} in {why}");
    }
    assert_eq!(why["reasons"], json!(["NON_BROWSER_UA", "UNROUTABLE_IP"]));
    for (reason, evidence) in why["reasons"]
        .as_array()
        .unwrap()
        .iter()
        .zip(why["evidence"].as_array().unwrap())
    {
        for key in ["reason", "class", "risk", "fp_risk", "observed"] {
            assert!(evidence.get(key).is_some(), "{key} in {evidence}");
        }
        assert_eq!(&evidence["reason"], reason);
    }
    assert_eq!(why["recomputed"]["same"], true);
    assert_eq!(
        server.api("GET", "/events/aaaaaaaaaaaaaaaa", None).status,
        404
    );

    let running = explain(&server, &id);
    server.stop();
    let stopped = explain(&server, &id);
    assert_eq!(running, stopped);
    for key in [
        "risk", "score", "points", "class", "reason", "reasons", "evidence", "rule", "action",
    ] {
        assert_eq!(stopped[key], why[key], "{key}");
    }
    assert_eq!(
        (&stopped["recomputed"]["agrees"], &stopped["replayed"]),
        (&json!(true), &json!({"agrees": true}))
    );
    let dir = server.dir.to_str().unwrap();
    let plain = run(&["explain", &id, "--data", dir]);
    assert!(
        stdout(&plain).contains("NON_BROWSER_UA"),
        "{}",
        stdout(&plain)
    );
    assert!(
        !run(&["explain", "aaaaaaaaaaaaaaaa", "--data", dir])
            .status
            .success()
    );
    assert!(!run(&["explain", "rubbish", "--data", dir]).status.success());
}

#[test]
fn every_rejection_of_simulated_traffic_comes_to_the_same_verdict_again() {
    let mut server = Server::start();
    let own = server.integration(&json!({}));
    let targets = run(&[
        "simulate",
        "--events",
        "2000",
        "--seed",
        "7",
        "--fraud-share",
        "0.6",
        "--format",
        "s2s",
        "--integration-id",
        &own.to_string(),
    ]);
    let mut client = server.client();
    let mut scores = HashMap::new();
    for target in stdout(&targets).lines() {
        let answer = client.get(target).json();
        // The door does not take a blank user agent: it is a mandatory parameter.
        let blank = target.contains("&s6=&") || target.contains("&s6=S6MACRO");
        assert_eq!(answer["tqs"]["score"] == -1, blank, "{target}");
        *scores
            .entry(answer["tqs"]["score"].as_i64().unwrap())
            .or_insert(0) += 1;
    }
    assert_eq!(scores.values().sum::<u32>(), 2000);
    let events = server.all_events();
    assert_eq!(
        events.len(),
        (2000 - scores.get(&-1).unwrap_or(&0)) as usize
    );
    let rejected: Vec<&Value> = events
        .iter()
        .filter(|event| event["action"] == "rejected")
        .collect();
    assert!(
        rejected.len() > 300,
        "{} rejected of {scores:?}",
        rejected.len()
    );
    for event in &rejected {
        let why = server.show(&format!("/events/{}", event["event_id"].as_str().unwrap()));
        assert_eq!(why["recomputed"]["same"], true, "{why}");
        assert_eq!(why["action"], "rejected");
    }
    // Replayed on its facts and counters by the rule's own version: one of every kind of reason,
    // each a process of its own.
    let mut kinds = HashMap::new();
    for event in events.iter().filter(|event| event["action"] == "rejected") {
        kinds
            .entry(event["reasons"].to_string())
            .or_insert_with(|| event["event_id"].as_str().unwrap().to_owned());
    }
    assert!(kinds.len() > 5, "{kinds:?}");
    server.change("/rules/1", &json!({"strictness": "conservative"}));
    server.stop();
    for (reasons, id) in kinds.iter().take(40) {
        let again = explain(&server, id);
        assert_eq!(
            (&again["recomputed"]["agrees"], &again["replayed"]["agrees"]),
            (&json!(true), &json!(true)),
            "{reasons}: {again}"
        );
    }
}
