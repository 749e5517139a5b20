//! `assay replay` and `/replays` on the real binary and its store.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{CURL, Call, Server, run, stderr, stdout, wait_until};

/// Forty clicks of four publishers, each from an address of its own; those of `p0` are bots.
fn server_with_clicks() -> Server {
    let server = Server::start();
    let own = server.integration(&json!({}));
    for n in 0..40_u32 {
        let call = Call::web(own)
            .with("cid", &format!("c{n}"))
            .with("ip", &format!("86.130.{n}.7"))
            .with("s1", &format!("p{}", n % 4));
        let bot = n % 4 == 0;
        let call = if bot { call.with("s6", CURL) } else { call };
        server.score(&call);
    }
    server
}

#[track_caller]
fn replay(server: &Server, args: &[&str]) -> Value {
    let data = server.dir.to_str().unwrap();
    let mut all = vec!["replay", "--last", "1h", "--json", "--data", data];
    all.extend(args);
    let output = run(&all);
    assert!(output.status.success(), "{}", stderr(&output));
    serde_json::from_str(&stdout(&output)).unwrap()
}

fn rules_file(server: &Server, text: &str) -> String {
    let path = server.dir.join("candidate.toml");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn every_recorded_verdict_comes_out_again_beside_the_running_server() {
    let server = server_with_clicks();
    let report = replay(&server, &[]);
    let agreement = &report["agreement"];
    assert_eq!(agreement["same"], 40, "{report:#}");
    assert_eq!(agreement["different"], 0);
    let totals = &report["totals"];
    assert_eq!(totals["rejected"], 10);
    assert_eq!(totals["approved_to_rejected"]["events"], 0);
    assert_eq!(report["sources"].as_array().unwrap().len(), 4);
}

#[test]
fn a_file_of_rules_says_what_it_would_change() {
    let server = server_with_clicks();
    let lenient = "name = \"lenient\"\nstatus = \"active\"\nprotection = \"both\"\n\
                   sub_id_mapping = \"sub_id\"\npreset = \"disable_all\"\n\
                   [scope.publishers]\ninclude = [\"p0\"]\n";
    let file = rules_file(&server, lenient);
    let report = replay(&server, &["--rules", &file]);
    let change = &report["totals"]["rejected_to_approved"];
    assert_eq!(change["events"], 10, "{report:#}");
    assert_eq!(report["sources"][0]["publisher"], "p0");
    assert_eq!(report["rebuilt"], Value::Null);
    // A rule that counts otherwise: counters are made anew, and the sixth click of a
    // publisher in any two hours is one too many.
    let strict = "name = \"strict\"\nstatus = \"active\"\nprotection = \"both\"\n\
                  sub_id_mapping = \"sub_id\"\npreset = \"disable_all\"\n\
                  [filters.click_flooding]\nclick_threshold = 5\ntime_window = \"2h\"\n\
                  scope = \"publisher\"\n";
    let file = rules_file(&server, strict);
    let report = replay(&server, &["--rules", &file]);
    let rejected = &report["totals"]["rejected_now"];
    assert_eq!(rejected, 20, "{report:#}");
    assert!(report["rebuilt"]["verdicts"].as_u64().unwrap() > 0);
    assert_eq!(
        report["agreement"]["same"], 40,
        "the records hold all the same"
    );
}

#[test]
fn a_stored_version_is_replayed_by_its_name_and_over_the_api() {
    let server = server_with_clicks();
    let rule = json!({"name": "r", "status": "paused", "protection": "both",
        "sub_id_mapping": "sub_id", "preset": "disable_all"});
    let made = server.make("/rules", &rule);
    let version = format!("{}@{}", made["id"], made["version"]);
    let report = replay(&server, &["--rules", &version]);
    assert_eq!(report["totals"]["rejected_to_approved"]["events"], 10);
    let job = server.make("/replays", &json!({"rule": version, "last": "1h"}));
    let path = format!("/replays/{}", job["id"]);
    let done = wait_until("the replay", Duration::from_secs(20), || {
        Some(server.show(&path)).filter(|job| job["status"] != "running")
    });
    assert_eq!(done["status"], "done", "{done:#}");
    let totals = &done["report"]["totals"];
    assert_eq!(totals["rejected_to_approved"]["events"], 10);
    server.delete(&path);
}

#[test]
fn the_report_for_people_and_what_is_wrong() {
    let server = server_with_clicks();
    let data = server.dir.to_str().unwrap();
    let output = run(&["replay", "--last", "1h", "--data", data]);
    let text = stdout(&output);
    assert!(text.contains("40 came out the same bit for bit"), "{text}");
    for (args, cause) in [
        (vec!["--rules", "77@1"], "no version 1 of rule 77"),
        (vec!["--account", "9"], "there is no account 9"),
        (vec!["--rules", "/nowhere.toml"], "cannot read"),
    ] {
        let mut all = vec!["replay", "--last", "1h", "--data", data];
        all.extend(args);
        let output = run(&all);
        assert!(!output.status.success());
        assert!(stderr(&output).contains(cause), "{}", stderr(&output));
    }
}
