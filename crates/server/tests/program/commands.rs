//! The commands beside the server.

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{
    CURL, Call, IPHONE, Server, assay, run, run_with_input, stderr, stdout, wait_until,
};

fn event(n: u32, agent: &str) -> Value {
    json!({"id": n.to_string(), "ip": Ipv4Addr::from_bits(0x5682_0000 + n), "user_agent": agent, "referer": "https://news.example/", "publisher": "p1"})
}

/// One event a line: a person, a bot, a person…
fn ndjson(events: u32) -> String {
    (0..events)
        .map(|n| format!("{}\n", event(n, if n % 2 == 0 { IPHONE } else { CURL })))
        .collect()
}

#[track_caller]
fn lines(output: &std::process::Output) -> Vec<Value> {
    stdout(output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Score and caller's id of each line.
#[track_caller]
fn scores(output: &std::process::Output) -> Vec<i64> {
    lines(output)
        .iter()
        .map(|line| line["score"].as_i64().unwrap())
        .collect()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn score_reads_every_form_of_input() {
    let dir = tempfile::tempdir().unwrap();
    let empty = dir.path().join("no-data");
    let score = |args: &[&str]| {
        let mut all = vec!["score", "--counter-slots", "100000", "--data", path(&empty)];
        all.extend(args);
        run(&all)
    };
    let file = |name: &str, bytes: &[u8]| {
        let file = dir.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let expected = [0, 1, 0, 1, 0];
    let text = ndjson(5);
    let plain = score(&[&file("a.ndjson", text.as_bytes())]);
    assert_eq!(scores(&plain), expected, "{}", stderr(&plain));
    assert_eq!(plain.status.code(), Some(0));
    assert_eq!(lines(&plain)[3]["id"], "3");
    assert!(
        stderr(&plain).contains("NON_BROWSER_UA"),
        "the summary: {}",
        stderr(&plain)
    );

    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    assert_eq!(
        scores(&score(&[&file("a.ndjson.gz", &gzip.finish().unwrap())])),
        expected
    );
    let piped = run_with_input(
        &[
            "score",
            "--counter-slots",
            "100000",
            "--data",
            path(&empty),
            "-",
        ],
        text.as_bytes(),
    );
    assert_eq!(scores(&piped), expected);

    let csv: String = (0..5)
        .map(|n| {
            format!(
                "{n},86.130.1.{n},\"{}\"\n",
                if n % 2 == 0 { IPHONE } else { CURL }
            )
        })
        .collect();
    assert_eq!(
        scores(&score(&[&file(
            "a.csv",
            format!("id,ip,user_agent\n{csv}").as_bytes()
        )])),
        expected
    );

    let clf: String = (0..5)
        .map(|n| format!("86.130.2.{n} - - [10/Oct/2025:13:55:3{n} +0000] \"GET /a HTTP/1.1\" 200 12 \"https://news.example/\" \"{}\"\n", if n % 2 == 0 { IPHONE } else { CURL }))
        .collect();
    assert_eq!(
        scores(&score(&[
            "--format",
            "clf",
            &file("access.log", clf.as_bytes())
        ])),
        expected
    );
    assert_eq!(
        scores(&score(&[&file("guessed.log", clf.as_bytes())])),
        expected
    );

    // A bad line answers in its place, the rest goes on, and the end says so.
    let mut rows: Vec<&str> = text.lines().collect();
    rows.insert(1, "{broken");
    rows.insert(3, r#"{"ip":"nowhere"}"#);
    let bad = score(&[&file("bad.ndjson", rows.join("\n").as_bytes())]);
    assert_eq!(
        (scores(&bad), bad.status.code()),
        (vec![0, -1, 1, -1, 0, 1, 0], Some(2))
    );
    assert_eq!(
        (&lines(&bad)[1]["line"], &lines(&bad)[3]["line"]),
        (&json!(2), &json!(4))
    );
    assert_eq!(lines(&bad)[3]["field"], "ip");
    assert_ne!(score(&["/nowhere/at/all"]).status.code(), Some(0));
    assert!(!empty.exists(), "scoring a file makes no data folder");
}

/// Clicks, then their conversions: caller's id, reasons, and whether it was there before.
#[test]
fn score_matches_conversions_to_the_clicks_of_its_input() {
    const DAY_S: i64 = 86_400;
    let dir = tempfile::tempdir().unwrap();
    let score = |rows: &[Value], more: &[&str]| {
        let data = dir.path().join("no-data");
        let mut all = vec!["score", "--counter-slots", "100000", "--data", path(&data)];
        all.extend(more);
        all.push("-");
        let text: String = rows.iter().map(|row| format!("{row}\n")).collect();
        run_with_input(&all, text.as_bytes())
    };
    // Long ago, so that nothing is judged by the clock on the wall.
    let start = 1_700_000_000;
    let at = |row: Value, after_s: i64, more: Value| {
        let mut row = row;
        row["time"] = (start + after_s).into();
        row.as_object_mut()
            .unwrap()
            .append(&mut more.as_object().unwrap().clone());
        row
    };
    let click = |n: u32, agent, after_s, more| at(event(n, agent), after_s, more);
    let conversion =
        |id: &str, after_s, more| at(json!({"id": id, "event": "conversion"}), after_s, more);
    let tid = |id: &str| json!({"external_transaction_id": id});
    let rows = [
        // Before any click nothing says that one is missing.
        conversion("early", 0, tid("c1")),
        click(1, IPHONE, 0, tid("c1")),
        click(2, CURL, 1, tid("bot")),
        click(
            3,
            IPHONE,
            2,
            json!({"transaction_id": "OWN1", "integration_id": 7}),
        ),
        conversion("good", 3600, tid("c1")),
        conversion("soon", 5, json!({"transaction_id": "own1"})),
        conversion("of a bot", 3600, tid("bot")),
        conversion("unknown", 3600, tid("nobody")),
        conversion(
            "told",
            3600,
            json!({"external_transaction_id": "else", "click_time": start}),
        ),
        conversion("sent again", 7200, tid("c1")),
        conversion(
            "other order",
            7200,
            json!({"external_transaction_id": "c1", "order_id": "2"}),
        ),
        conversion(
            "too late",
            31 * DAY_S,
            json!({"external_transaction_id": "c1", "order_id": "3"}),
        ),
    ];
    let output = score(&rows, &[]);
    let seen: Vec<_> = lines(&output)
        .into_iter()
        .map(|line| {
            let text = |name: &str| line[name].as_str().unwrap_or("").to_owned();
            (text("id"), text("reason"), line["duplicate"] == true)
        })
        .filter(|(id, ..)| id.parse::<u32>().is_err())
        .collect();
    let seen: Vec<_> = seen
        .iter()
        .map(|(id, reason, again)| (&**id, &**reason, *again))
        .collect();
    assert_eq!(
        seen,
        [
            ("early", "CLEAN", false),
            ("good", "CLEAN", true),
            ("soon", "CTIT_TOO_SHORT", false),
            ("of a bot", "CLICK_REJECTED", false),
            ("unknown", "NO_CLICK", false),
            ("told", "CLEAN", false),
            ("sent again", "CLEAN", true),
            ("other order", "CLEAN", false),
            ("too late", "NO_CLICK", false),
        ],
        "{}",
        stderr(&output)
    );
    assert!(
        stderr(&output).contains("2 conversions came again"),
        "{}",
        stderr(&output)
    );
    // The first of four clicks is forgotten, and that is said.
    let output = score(&rows, &["--clicks", "2"]);
    assert!(
        stderr(&output).contains("warning: 1 clicks were forgotten"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn score_judges_by_the_rules_of_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let events = dir.path().join("a.ndjson");
    std::fs::write(&events, ndjson(2)).unwrap();
    let with = |name: &str, text: &str| {
        let rules = dir.path().join(name);
        std::fs::write(&rules, text).unwrap();
        run(&[
            "score",
            "--counter-slots",
            "100000",
            "--data",
            path(&dir.path().join("none")),
            "--rules",
            path(&rules),
            path(&events),
        ])
    };
    let toml = "[[rules]]\nname = \"watch\"\nstatus = \"active\"\nprotection = \"both\"\nsub_id_mapping = \"sub_id\"\npreset = \"disable_all\"\n";
    assert_eq!(scores(&with("a.toml", toml)), [0, 0]);
    let json = json!({"name": "p2 only", "status": "active", "protection": "both", "sub_id_mapping": "sub_id", "preset": "disable_all", "scope": {"publishers": {"include": ["p2"]}}});
    assert_eq!(scores(&with("a.json", &json.to_string())), [0, 1]);
    let wrong = with("b.toml", &toml.replace("both", "bath"));
    assert_eq!(
        (wrong.status.code(), stdout(&wrong).as_str()),
        (Some(1), "")
    );
    assert!(stderr(&wrong).contains("bath"), "{}", stderr(&wrong));
}

#[test]
fn intelligence_is_imported_seen_while_serving_and_taken_back() {
    let server = Server::start();
    let own = server.integration(&json!({}));
    let data = path(&server.dir).to_owned();
    let file = |name: &str, text: &str| {
        let file = server.dir.with_file_name(name);
        std::fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let import = |name: &str, file: &str| {
        run(&[
            "intel", "import", "--kind", "vpn", "--name", name, "--data", &data, file,
        ])
    };
    let lookup =
        |ip: &str| lines(&run(&["intel", "lookup", "--json", "--data", &data, ip]))[0].clone();
    // By its evidence: whoever asks as often as a test does is caught for that too.
    let answer = || {
        let call = Call::web(own).with("ip", "86.133.7.7").verbose();
        let reasons = server.score(&call).json()["detail"]["reasons"].to_string();
        if reasons.contains("VPN") { 2 } else { 0 }
    };
    // Two seconds in a release build; a debug build takes that long to read the tables.
    let soon = |what: &str, score: i32| {
        wait_until(what, Duration::from_secs(10), || {
            (answer() == score).then_some(())
        })
    };
    assert_eq!(answer(), 0);
    assert_eq!(lookup("86.133.7.7")["vpn"], false);

    let first = import(
        "mine",
        &file("vpn.txt", "86.133.7.0/24\n86.133.8.0/24\n86.133.9.0/24\n"),
    );
    assert!(
        first.status.success() && stdout(&first).contains("3 entries"),
        "{}{}",
        stdout(&first),
        stderr(&first)
    );
    soon("the imported list", 2);
    let seen = lookup("86.133.7.7");
    assert_eq!(
        (&seen["vpn"], &seen["risk"], &seen["reasons"]),
        (&json!(true), &json!("medium"), &json!(["VPN"])),
        "{seen}"
    );
    // A broken file is refused with its line, and the old list stays.
    let broken = import(
        "mine",
        &file("broken.txt", "86.133.1.0/24\n86.133.2.0/24\n300.1.1.1\n"),
    );
    assert_eq!(broken.status.code(), Some(1));
    assert!(
        stderr(&broken).contains("broken.txt:3"),
        "{}",
        stderr(&broken)
    );
    assert_eq!(
        (answer(), lookup("86.133.7.7")["vpn"].clone()),
        (2, json!(true))
    );
    // The same name replaces, another name adds, rollback takes back.
    assert!(
        import(
            "mine",
            &file("vpn2.txt", "86.134.7.0/24\n86.134.8.0/24\n86.134.9.0/24\n")
        )
        .status
        .success()
    );
    soon("the replaced list", 0);
    assert!(
        run(&[
            "intel", "rollback", "--kind", "vpn", "--name", "mine", "--data", &data
        ])
        .status
        .success()
    );
    soon("the list before", 2);
    assert!(
        import("more", &file("vpn3.txt", "86.135.7.0/24\n"))
            .status
            .success()
    );
    assert_eq!(
        (&lookup("86.133.7.7")["vpn"], &lookup("86.135.7.7")["vpn"]),
        (&json!(true), &json!(true))
    );

    let status = run(&["intel", "status", "--json", "--data", &data]);
    let sources = lines(&status)[0].clone();
    let mine = sources
        .as_array()
        .unwrap()
        .iter()
        .find(|s| s["kind"] == "vpn" && s["name"] == "mine")
        .unwrap()
        .clone();
    assert_eq!(
        (&mine["rows"], &mine["stale"]),
        (&json!(3), &json!(false)),
        "{mine}"
    );
    assert!(stdout(&run(&["intel", "status", "--data", &data])).contains("mine"));
    let agents = run_with_input(
        &["intel", "ua", "--json", "-"],
        format!("{IPHONE}\n{CURL}\n\n").as_bytes(),
    );
    let risks: Vec<_> = lines(&agents)
        .iter()
        .map(|line| line["risk"].clone())
        .collect();
    assert_eq!(risks, [json!("clean"), json!("high"), json!("medium")]);
    let many = run_with_input(
        &["intel", "lookup", "--json", "--data", &data, "-"],
        b"8.8.8.8\nnonsense\n2001:4860:4860::8888\n",
    );
    assert_eq!(many.status.code(), Some(1), "one was no address");
    assert_eq!(
        (
            lines(&many).len(),
            &lines(&many)[0]["asn"],
            &lines(&many)[2]["asn"]
        ),
        (3, &json!(15169), &json!(15169))
    );
    assert_ne!(lines(&many)[1]["error"], Value::Null);
    assert!(
        !run(&[
            "intel", "import", "--kind", "nonsense", "--data", &data, "x"
        ])
        .status
        .success()
    );
}

#[test]
fn a_configuration_is_refused_with_every_problem_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("assay.toml");
    std::fs::write(
        &file,
        "[listen]\ndata = 3\n[gateway]\nlanes = 999\nhead_bytes = 1\ncolour = 1\n[storrage]\n",
    )
    .unwrap();
    for command in [&["config", "check"][..], &["serve"]] {
        let refused = assay()
            .args(command)
            .arg("--config")
            .arg(&file)
            .env_remove("ASSAY__GATEWAY__LANES")
            .env("ASSAY__STORAGE__FSYNC_MS", "0")
            .output()
            .unwrap();
        assert_eq!(refused.status.code(), Some(1));
        for problem in [
            "listen.data",
            "gateway.lanes",
            "gateway.head_bytes",
            "gateway.colour",
            "storrage",
            "storage.fsync_ms",
        ] {
            assert!(
                stderr(&refused).contains(problem),
                "{problem} in {}",
                stderr(&refused)
            );
        }
    }
    std::fs::write(&file, "[gateway]\nlanes = 3\n").unwrap();
    let sound = assay()
        .args(["config", "check", "--config"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(sound.status.success(), "{}", stderr(&sound));
    let printed = assay()
        .args(["config", "print", "--config"])
        .arg(&file)
        .env_remove("ASSAY__GATEWAY__LANES")
        .output()
        .unwrap();
    assert!(
        stdout(&printed).contains("lanes = 3"),
        "{}",
        stdout(&printed)
    );
    std::fs::write(&file, stdout(&printed)).unwrap();
    assert!(
        assay()
            .args(["config", "check", "--config"])
            .arg(&file)
            .status()
            .unwrap()
            .success(),
        "what is printed can be read"
    );
    let default = run(&["config", "default"]);
    assert!(stdout(&default).contains("# Most bytes of a request head.\nhead_bytes = 16384\n"));
    std::fs::write(&file, stdout(&default)).unwrap();
    let sound = assay()
        .args(["config", "check", "--config"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(sound.status.success(), "{}", stderr(&sound));
}

#[test]
fn the_openapi_document_is_the_same_from_command_and_server() {
    let server = Server::start();
    let printed: Value = serde_json::from_slice(&run(&["openapi"]).stdout).unwrap();
    let served = crate::harness::Client::connect(server.console)
        .get("/openapi.json")
        .json();
    assert_eq!(printed, served);
    assert!(printed["openapi"].as_str().unwrap().starts_with("3.1"));
    for path in [
        "/integrations",
        "/rules",
        "/lists",
        "/tokens",
        "/events/{event_id}",
        "/reports/clicks",
    ] {
        assert!(
            printed["paths"]
                .as_object()
                .unwrap()
                .keys()
                .any(|own| own.ends_with(path)),
            "{path}"
        );
    }
}

#[test]
fn simulated_traffic_is_the_same_for_a_seed_and_the_server_can_judge_it() {
    let simulate = |seed: &str, format: &str| {
        stdout(&run(&[
            "simulate",
            "--events",
            "500",
            "--seed",
            seed,
            "--start",
            "2026-01-01T00:00:00Z",
            "--format",
            format,
        ]))
    };
    for format in ["ndjson", "s2s"] {
        let first = simulate("1", format);
        assert_eq!(first.lines().count(), 500);
        assert_eq!(first, simulate("1", format));
        assert_ne!(first, simulate("2", format));
    }
    let scored = run_with_input(
        &[
            "score",
            "--counter-slots",
            "100000",
            "--data",
            "/nonexistent",
            "--format",
            "ndjson",
            "-",
        ],
        simulate("1", "ndjson").as_bytes(),
    );
    assert_eq!(
        (lines(&scored).len(), scored.status.code()),
        (500, Some(0)),
        "{}",
        stderr(&scored)
    );
}

#[test]
fn a_reader_that_goes_is_no_failure() {
    let dir = tempfile::tempdir().unwrap();
    let events = dir.path().join("a.ndjson");
    std::fs::write(&events, ndjson(5000)).unwrap();
    let (events, none) = (path(&events), path(&dir.path().join("none")).to_owned());
    for args in [
        &["openapi"][..],
        &["simulate", "--events", "20000"],
        &[
            "score",
            "--counter-slots",
            "100000",
            "--data",
            &none,
            events,
        ],
        &["config", "print"],
        &["config", "default"],
        &["intel", "status", "--data", &none],
        &["intel", "ua", CURL],
    ] {
        let mut child = assay()
            .args(args)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert!(
            !stderr(&output).contains("panicked") && output.status.success(),
            "{args:?}: {}",
            stderr(&output)
        );
    }
}
