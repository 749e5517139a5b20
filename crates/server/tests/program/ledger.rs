//! What waits for a person is decided by the API, seen in both reports, and kept.

use serde_json::{Value, json};

use super::conversions::{click_link, custom};
use crate::harness::Server;

const ALL_TIME: &str = "from=2020-01-01&to=2100-01-01";

#[track_caller]
fn say(server: &Server, ids: &[Value], status: &str, reason: &str) -> Value {
    let body = json!({"conversion_ids": ids, "status": status, "reason": reason});
    let answer = server.api("POST", "/conversions/status", Some(&body));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

#[test]
fn held_conversions_are_decided_by_a_person_and_stay_so_over_a_kill() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::start_on(home.path(), &[]);
    let own = custom(&server, &json!({}));
    let rule = json!({"name": "hold", "mode": "hold", "protection": "both", "status": "active",
                      "sub_id_mapping": "sub_id", "integration_id": own});
    server.make("/rules", &rule);
    for number in 0..3 {
        // Two seconds from click to conversion is too fast for a person.
        server
            .client()
            .get(&click_link(own, &format!("c{number}"), 2));
        let target =
            format!("/postback/{own}?external_transaction_id=c{number}&payout=0.1&currency=EUR");
        let answer = server.client().get(&target).json();
        assert_eq!(answer["status"], "pending", "{answer}");
    }
    let waiting = server.show("/conversions?status=pending&limit=2");
    assert_eq!(waiting["items"].as_array().unwrap().len(), 2);
    let next = waiting["next"].as_str().unwrap();
    let rest = server.show(&format!("/conversions?status=pending&before={next}"));
    let items = waiting["items"].as_array().unwrap().iter();
    let items = items.chain(rest["items"].as_array().unwrap());
    let ids: Vec<Value> = items.map(|item| item["conversion_id"].clone()).collect();
    assert_eq!(ids.len(), 3);

    say(&server, &ids, "approved", "");
    let done = say(&server, &ids[..1], "rejected", "CHARGEBACK");
    assert_eq!(done["items"][0]["reason"], "CHARGEBACK");
    server.kill();
    let server = Server::start_on(home.path(), &[]);
    let again = say(&server, &ids[..2], "approved", "");
    assert_eq!(
        (&again["changed"], &again["unchanged"]),
        (&json!(1), &json!(1))
    );
    say(&server, &ids[..1], "rejected", "never paid");
    let shown = server.show(&format!("/conversions/{}", ids[0].as_str().unwrap()));
    let history = shown["history"].as_array().unwrap();
    let steps: Vec<_> = history.iter().map(|e| e["to"].as_str().unwrap()).collect();
    assert_eq!(
        steps,
        ["pending", "approved", "rejected", "approved", "rejected"]
    );
    assert_eq!(shown["third_party_rejected_reason"], "never paid");
    assert_eq!(
        shown["reasons"],
        json!(["MANUAL_REJECTED", "CTIT_TOO_SHORT"])
    );

    let path = format!("/reports/conversions?{ALL_TIME}&group_by=status,reason");
    let report = server.show(&path);
    let rejected = &report["rows"][1];
    assert_eq!(
        (
            &rejected["status"],
            &rejected["reason"],
            &rejected["rejected_payout"]
        ),
        (&json!("rejected"), &json!("MANUAL_REJECTED"), &json!("0.1"))
    );
    assert_eq!(
        (&report["totals"]["approved"], &report["totals"]["payout"]),
        (&json!(2), &json!("0.2"))
    );
    let clicks = server.show(&format!("/reports/clicks?{ALL_TIME}&group_by=status"));
    assert_eq!(
        (&clicks["rows"][0]["status"], &clicks["rows"][0]["clicks"]),
        (&json!("approved"), &json!(3))
    );
    let only = server.show(&format!(
        "/reports/clicks?{ALL_TIME}&filter[status]=rejected"
    ));
    assert_eq!(only["totals"]["clicks"], 0);
}
