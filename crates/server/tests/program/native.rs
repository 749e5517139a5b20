//! The native door: who may ask, what is wrong with an event, and batches that stream.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{ADMIN, CURL, Call, Client, IPHONE, Response, Server};

fn event(integration: u64) -> Value {
    json!({"integration_id": integration, "ip": "86.129.0.1", "user_agent": IPHONE, "referer": "https://news.example/", "external_transaction_id": "t1"})
}

/// `POST /v1/score` with a token.
fn score(server: &Server, token: &str, body: &str) -> Response {
    let bearer = format!("Bearer {token}");
    server.client().send(
        "POST",
        "/v1/score",
        &[("Authorization", &bearer)],
        body.as_bytes(),
    )
}

#[test]
fn an_event_is_answered_in_full() {
    let server = Server::start();
    let own = server.integration(&json!({}));
    let mut bot = event(own);
    bot["user_agent"] = CURL.into();
    bot["colour"] = "blue".into();
    let answer = score(&server, ADMIN, &bot.to_string()).json();
    let mut names: Vec<_> = answer
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "action",
            "class",
            "decision_us",
            "event_id",
            "evidence",
            "id",
            "points",
            "reason",
            "reasons",
            "risk",
            "rule",
            "score"
        ]
    );
    assert_eq!(
        (&answer["id"], &answer["risk"], &answer["score"]),
        (&json!("t1"), &json!("high"), &json!(1))
    );
    assert_eq!(
        (&answer["class"], &answer["action"]),
        (&json!("GIVT"), &json!("rejected"))
    );
    assert_eq!(answer["reasons"][0], answer["evidence"][0]["reason"]);
    assert!(answer["points"].as_u64().unwrap() >= 80);
    // The same verdict as by the S2S door, and an extra is kept.
    assert_eq!(
        server.score(&Call::web(own).with("s6", CURL)).json()["tqs"]["score"],
        1
    );
    let why = server.show(&format!("/events/{}", answer["event_id"].as_str().unwrap()));
    assert!(why["facts"].to_string().contains("blue"), "{why}");
    let clean = score(&server, ADMIN, &event(own).to_string()).json();
    assert_eq!(
        (&clean["risk"], &clean["score"], &clean["reasons"]),
        (&json!("clean"), &json!(0), &json!([]))
    );
}

#[test]
fn only_who_may_score_scores() {
    let server = Server::start();
    let own = server.integration(&json!({}));
    let keyed = server.integration(&json!({"access_key": "secret-key-0000001"}));
    let guarded = server.integration(&json!({"allowed_sources": ["203.0.113.0/24"]}));
    let body = event(own).to_string();
    let token = |scopes: Value| server.make("/tokens", &json!({"name": "t", "scopes": scopes}));
    let scorer = token(json!(["score"]));
    let reader = token(json!(["read"]))["token"].as_str().unwrap().to_owned();
    let secret = scorer["token"].as_str().unwrap();
    assert_eq!(score(&server, secret, &body).status, 200);
    assert_eq!(score(&server, &reader, &body).status, 403);
    for wrong in ["", "nonsense", &ADMIN[1..], &format!("{ADMIN}x")] {
        assert_eq!(score(&server, wrong, &body).status, 401, "{wrong:?}");
    }
    assert_eq!(
        server
            .client()
            .send("POST", "/v1/score", &[], body.as_bytes())
            .status,
        401
    );
    assert_eq!(
        server
            .client()
            .send("POST", "/v1/score/batch", &[], body.as_bytes())
            .status,
        401
    );
    assert_eq!(server.client().get("/v1/score").status, 405);
    // A scorer may do nothing else.
    let header = format!("Bearer {secret}");
    let listed = Client::connect(server.console).send(
        "GET",
        "/api/v1/rules",
        &[("Authorization", &header)],
        b"",
    );
    assert_eq!(listed.status, 403);

    // The access key opens its own integration only, and one without a key not at all.
    let by_key = |key: &str, id: u64| {
        let in_header = server.client().send(
            "POST",
            "/v1/score",
            &[("X-Assay-Key", key)],
            event(id).to_string().as_bytes(),
        );
        let in_query = server.client().send(
            "POST",
            &format!("/v1/score?key={key}"),
            &[],
            event(id).to_string().as_bytes(),
        );
        assert_eq!(in_header.status, in_query.status);
        let kind = in_header.header("content-type").map(str::to_owned);
        assert!(in_header.status == 200 || kind.as_deref() == Some("application/problem+json"));
        in_header.status
    };
    assert_eq!(by_key("secret-key-0000001", keyed), 200);
    assert_eq!(by_key("secret-key-0000002", keyed), 401);
    assert_eq!(by_key("secret-key-0000001", own), 401);
    assert_eq!(by_key("", own), 401);
    assert_eq!(
        by_key("secret-key-0000001", 999),
        401,
        "and no other answer"
    );
    let log = server.show(&format!("/integrations/{keyed}/errors"));
    assert_eq!(
        (&log["items"][0]["code"], &log["items"][0]["count"]),
        (&json!("bad_key"), &json!(2)),
        "{log}"
    );
    let refused = score(&server, ADMIN, &event(guarded).to_string());
    assert_eq!(
        (refused.status, refused.field().as_str()),
        (403, "integration_id")
    );
    // A revoked token is out at once.
    server.delete(&format!("/tokens/{}", scorer["id"]));
    assert_eq!(score(&server, secret, &body).status, 401);
}

#[test]
fn a_wrong_field_is_named() {
    let server = Server::start();
    let own = server.integration(&json!({}));
    for (name, value) in [
        ("ip", json!("8.8.8")),
        ("ip", json!({"v4": 1})),
        ("event", json!("clicks")),
        ("integration_id", json!("x")),
        ("integration_id", json!(4711)),
        ("integration_id", Value::Null),
        ("time", json!("soon")),
        ("time", json!("2020-01-01T00:00:00Z")),
        ("time", json!("2100-01-01T00:00:00Z")),
        ("payout", json!("1,50")),
        ("click_time", json!("x")),
        ("click_ip", json!("x")),
        ("user_agent", json!(["a"])),
        ("client_hints", json!(3)),
    ] {
        let mut wrong = event(own);
        wrong[name] = value.clone();
        let answer = score(&server, ADMIN, &wrong.to_string());
        assert_eq!(
            (answer.status, answer.field().as_str()),
            (422, name),
            "{value}: {}",
            answer.text()
        );
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json")
        );
    }
    for body in ["", "{", "[]", "null", "\"x\"", "{\"ip\":\"8.8.8.8\"}{}"] {
        assert_eq!(score(&server, ADMIN, body).status, 400, "{body}");
    }
    let huge = json!({"integration_id": own, "x": "a".repeat(1 << 20)}).to_string();
    assert_eq!(score(&server, ADMIN, &huge).status, 413);
    assert_eq!(server.totals()["clicks"], 0);
}

const BATCH: [(&str, &str); 1] = [(
    "Authorization",
    "Bearer test-token-0123456789-0123456789-0123456789",
)];

#[test]
fn a_batch_is_answered_line_by_line() {
    let server = Server::start();
    let own = server.integration(&json!({}));
    let mut body = Vec::new();
    for n in 0..10_000u32 {
        let line = match n % 100 {
            7 => "{broken".to_owned(),
            8 => json!({"integration_id": own, "ip": "nowhere"}).to_string(),
            9 => String::from_utf8_lossy(b"\xff\xfe").into_owned(),
            _ => json!({"integration_id": own, "ip": std::net::Ipv4Addr::from_bits(0x5681_0000 + n), "user_agent": if n % 2 == 0 { IPHONE } else { CURL }, "id": n.to_string()}).to_string(),
        };
        writeln!(body, "{line}").unwrap();
    }
    let answer = server
        .client()
        .send("POST", "/v1/score/batch", &BATCH, &body);
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("application/x-ndjson"))
    );
    let lines = answer.lines();
    assert_eq!(lines.len(), 10_000);
    for (n, line) in lines.iter().enumerate() {
        if (7..=9).contains(&(n % 100)) {
            assert_eq!(
                (&line["line"], &line["score"]),
                (&json!(n + 1), &json!(-1)),
                "{line}"
            );
            assert_eq!(
                line["field"].as_str(),
                (n % 100 == 8).then_some("ip"),
                "{line}"
            );
            assert_ne!(line["error"].as_str().unwrap(), "");
        } else {
            assert_eq!(
                (&line["id"], &line["score"]),
                (&json!(n.to_string()), &json!(n % 2)),
                "{line}"
            );
        }
    }
    assert_eq!(server.totals()["clicks"], 9_700);
    // The 10,001st line is refused, by name and in its place.
    body.extend_from_slice(event(own).to_string().as_bytes());
    let more = server
        .client()
        .send("POST", "/v1/score/batch", &BATCH, &body);
    let lines = more.lines();
    assert_eq!(lines.len(), 10_001);
    let last = &lines[10_000];
    assert_eq!(
        (&last["line"], &last["score"]),
        (&json!(10_001), &json!(-1))
    );
    assert!(
        last["error"]
            .as_str()
            .unwrap()
            .contains("at most 10000 lines"),
        "{last}"
    );
}

#[test]
fn a_batch_streams_and_a_slow_reader_holds_up_nobody() {
    let server = Server::start_with(&[("ASSAY__GATEWAY__LANES", "1")]);
    let own = server.integration(&json!({}));
    // Answers come while the request is still being sent.
    let mut client = server.client();
    client
        .write(b"POST /v1/score/batch HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nAuthorization: Bearer test-token-0123456789-0123456789-0123456789\r\n\r\n")
        .unwrap();
    let lines = format!("{}\n", event(own)).repeat(64);
    client
        .write(format!("{:x}\r\n{lines}\r\n", lines.len()).as_bytes())
        .unwrap();
    assert_eq!(client.read_head().unwrap().status, 200);
    let chunk = client.read_chunk().unwrap().unwrap();
    assert_eq!(chunk.split(|byte| *byte == b'\n').count(), 65);
    client.write(b"0\r\n\r\n").unwrap();
    assert_eq!(client.read_chunk().unwrap(), None);

    // Eight batches that nobody reads, all on the one lane.
    let body = format!("{}\n", event(own)).repeat(10_000);
    let slow: Vec<Client> = (0..8)
        .map(|_| {
            let mut client = server.client();
            let head = format!(
                "POST /v1/score/batch HTTP/1.1\r\nHost: x\r\n{}: {}\r\nContent-Length: {}\r\n\r\n",
                BATCH[0].0,
                BATCH[0].1,
                body.len()
            );
            client.write(head.as_bytes()).unwrap();
            client.stream().set_nonblocking(true).unwrap();
            // As much as the server takes: it stops reading once nobody takes its answers.
            let (mut sent, started) = (0, Instant::now());
            while sent < body.len() && started.elapsed() < Duration::from_millis(500) {
                match client.stream().write(&body.as_bytes()[sent..]) {
                    Ok(n) => sent += n,
                    Err(_) => std::thread::sleep(Duration::from_millis(5)),
                }
            }
            client
        })
        .collect();
    let mut client = server.client();
    for _ in 0..50 {
        let asked = Instant::now();
        assert_ne!(client.get(&Call::web(own).target()).tqs(), "-1 ERR");
        assert!(
            asked.elapsed() < Duration::from_secs(2),
            "{:?}",
            asked.elapsed()
        );
    }
    assert!(server.rss_mib() < 600, "{} MiB", server.rss_mib());
    drop(slow);
}

/// curl waits a second for it with every body over 1 MB.
#[test]
fn a_client_that_waits_to_be_asked_for_its_batch_is_asked() {
    let server = Server::start();
    let own = server.integration(&json!({}));
    let line = event(own).to_string();
    let head = format!(
        "POST /v1/score/batch HTTP/1.1\r\nHost: a.example\r\nAuthorization: Bearer {ADMIN}\r\n\
         Expect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        line.len()
    );
    let mut client = server.client();
    client.write(head.as_bytes()).unwrap();
    let mut asked = [0; 25];
    client.stream().read_exact(&mut asked).unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    client.write(line.as_bytes()).unwrap();
    let answer = client.read(false).unwrap();
    assert_eq!(
        (answer.status, &answer.json()["risk"]),
        (200, &json!("clean"))
    );
}
