//! The S2S door: the guide's call, every way to get it wrong, and what no tracker should send.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{CURL, Call, Client, IPHONE, Server, encode, wait_until};

/// The error log of an integration once it holds a row that fits.
#[track_caller]
fn logged(server: &Server, integration: u64, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
    let path = format!("/integrations/{integration}/errors?limit=500");
    wait_until(what, Duration::from_secs(5), || {
        let rows = server.show(&path);
        let rows = rows["items"].as_array().unwrap();
        rows.iter().find(|row| fits(row)).cloned()
    })
}

#[track_caller]
fn assert_refused(server: &Server, call: &Call, cause: &str) {
    let answer = server.score(call);
    assert_eq!(
        answer.text(),
        r#"{"tqs":{"score":-1,"reason":"ERR"}}"#,
        "{}",
        call.query()
    );
    assert!(
        answer.cause().contains(cause),
        "{:?} has no {cause:?}: {}",
        answer.cause(),
        call.query()
    );
}

#[test]
fn the_guides_example_answers_a_score() {
    let server = Server::start();
    let own = server.integration(&json!({}));
    let answer = server.score(&Call::guide(own));
    assert_eq!(answer.text(), r#"{"tqs":{"score":0,"reason":"CL"}}"#);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("x-assay-error"), None);
    let detail = server.score(&Call::guide(own).verbose()).json()["detail"].clone();
    let mut names: Vec<_> = detail
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
            "decision_us",
            "event_id",
            "evidence",
            "reasons",
            "request_id",
            "risk",
            "rule"
        ]
    );
    assert_eq!(
        (&detail["risk"], &detail["action"]),
        (&json!("clean"), &json!("approved"))
    );
    assert_eq!(detail["event_id"].as_str().unwrap().len(), 16);
    assert_eq!(detail["rule"], json!({"id": 1, "version": 1}));
    // The URL that the console gives out is the guide's, with its macros still in place.
    let url = server.show(&format!("/integrations/{own}"))["urls"]["s2s"]
        .as_str()
        .unwrap()
        .to_owned();
    let target = url
        .strip_prefix(&format!("http://{}", server.data))
        .unwrap()
        .replace("IPMACRO", "8.8.8.8");
    assert_eq!(server.client().get(&target).tqs(), "-1 ERR");
    assert_eq!(
        server
            .client()
            .get(
                &target
                    .replace("CIDMACRO", "1")
                    .replace("S6MACRO", "x")
                    .replace("S3MACRO", "y")
            )
            .json()["tqs"]["score"],
        1
    );
}

#[test]
fn each_mandatory_parameter_must_be_given() {
    let server = Server::start();
    let own = server.integration(&json!({}));
    let web = || Call::web(own);
    let app = || {
        Call::web(own)
            .without("s3")
            .with("s4", "com.example")
            .with("s5", "1.0")
    };
    assert_eq!(server.score(&web()).tqs(), "0 CL");
    assert_eq!(server.score(&app()).tqs(), "0 CL");
    for name in ["m", "src", "b", "s", "cid", "ip", "s3", "s6"] {
        let literal = format!("{}MACRO", name.to_uppercase());
        let broken = [
            web().without(name),
            web().with(name, ""),
            web().with(name, &literal),
            web().with(name, "{x}"),
            web().with(name, "${x}"),
            web().with(name, "%%x%%"),
            web().with(name, "[x]"),
        ];
        for call in &broken {
            assert_refused(&server, call, name);
        }
        // Without an integration there is none whose log could hold it.
        if name != "s" {
            let row = logged(&server, own, name, |row| row["field"] == name);
            assert_eq!(row["door"], "s2s", "{row}");
            assert!(row["cause"].as_str().unwrap().contains(name), "{row}");
        }
    }
    for name in ["s4", "s5"] {
        for call in [
            app().without(name),
            app().with(name, ""),
            app().with(name, &format!("{}MACRO", name.to_uppercase())),
        ] {
            assert_refused(&server, &call, name);
        }
        logged(&server, own, name, |row| row["field"] == name);
    }
    // Nothing refused was counted.
    assert_eq!(server.totals()["clicks"], 2);
}

#[test]
fn what_does_not_fit_the_integration_is_refused_with_its_cause() {
    let server = Server::start();
    let own = server.integration(&json!({}));
    let keyed = server.integration(&json!({"access_key": "secret-key-0000001"}));
    let guarded = server.integration(&json!({"allowed_sources": ["203.0.113.0/24"]}));
    let local = server.integration(&json!({"allowed_sources": ["127.0.0.0/8"]}));
    assert_refused(
        &server,
        &Call::web(own).with("b", "77"),
        "s is no integration of account b",
    );
    assert_refused(
        &server,
        &Call::web(4711),
        "s is no integration of account b",
    );
    assert_refused(
        &server,
        &Call::web(own).with("s", "-1"),
        "s is no integration",
    );
    assert_refused(
        &server,
        &Call::web(own).with("s", "99999999999999999999"),
        "s is no integration",
    );
    assert_refused(&server, &Call::web(own).with("m", "af"), "m must be AF");
    assert_refused(
        &server,
        &Call::web(own).with("src", "S2S"),
        "src must be s2s",
    );
    assert_refused(
        &server,
        &Call::web(own).without("s6").with("S6", IPHONE),
        "s6 is missing",
    );
    for ip in [
        "8.8.8",
        "8.8.8.8:80",
        "[2001:db8::1]:80",
        "localhost",
        "8.8.8.8, 9.9.9.9",
        "0x08080808",
        "8.8.8.256",
        "fe80::1%eth0",
    ] {
        assert_refused(&server, &Call::web(own).with("ip", ip), "ip ");
    }
    logged(&server, own, "a malformed ip", |row| {
        row["code"] == "malformed" && row["field"] == "ip"
    });
    assert_refused(
        &server,
        &Call::web(own).with("et", "conversion"),
        "et must be",
    );
    logged(&server, own, "a wrong et", |row| row["field"] == "et");

    for call in [
        Call::web(keyed),
        Call::web(keyed).with("key", "secret-key-0000002"),
        Call::web(keyed).with("key", ""),
    ] {
        assert_refused(&server, &call, "key is missing or not this integration's");
    }
    logged(&server, keyed, "a bad key", |row| row["code"] == "bad_key");
    assert_eq!(
        server
            .score(&Call::web(keyed).with("key", "secret-key-0000001"))
            .tqs(),
        "0 CL"
    );
    let header = server.client().send(
        "GET",
        &Call::web(keyed).target(),
        &[("X-Assay-Key", "secret-key-0000001")],
        b"",
    );
    assert_eq!(header.tqs(), "0 CL");

    assert_refused(&server, &Call::web(guarded), "allowed_sources");
    logged(&server, guarded, "a foreign source", |row| {
        row["code"] == "source"
    });
    assert_eq!(server.score(&Call::web(local)).tqs(), "0 CL");
    // A header that anybody can send changes nothing without a trusted proxy.
    let forged = server.client().send(
        "GET",
        &Call::web(guarded).target(),
        &[("X-Forwarded-For", "203.0.113.9")],
        b"",
    );
    assert_eq!(forged.tqs(), "-1 ERR");

    server.change(
        &format!("/integrations/{own}"),
        &json!({"status": "paused"}),
    );
    assert_refused(&server, &Call::web(own), "s the integration is paused");
    logged(&server, own, "a paused integration", |row| {
        row["code"] == "paused"
    });
    server.change(
        &format!("/integrations/{own}"),
        &json!({"status": "active"}),
    );
    assert_eq!(server.score(&Call::web(own)).tqs(), "0 CL");
}

#[test]
fn a_wrong_business_id_is_no_silence() {
    let server = Server::start();
    let own = server.integration(&json!({}));
    assert_refused(&server, &Call::web(own).with("b", "77"), "account b");
    logged(&server, own, "a wrong b", |row| {
        row["code"] == "unknown_integration"
    });
}

#[test]
fn unroutable_addresses_are_well_formed_and_score_high() {
    let server = Server::start();
    let own = server.integration(&json!({}));
    for ip in [
        "10.0.0.1",
        "127.0.0.1",
        "192.168.1.1",
        "0.0.0.0",
        "169.254.1.1",
        "::1",
        "fe80::1",
        "fd00::1",
        "::ffff:10.0.0.1",
    ] {
        assert_eq!(
            server.score(&Call::web(own).with("ip", ip)).tqs(),
            "1 UR",
            "{ip}"
        );
    }
    assert_eq!(
        server
            .score(
                &Call::web(own)
                    .with("ip", "2a00:1450:4001:80b::200e")
                    .with("s6", CURL)
            )
            .tqs(),
        "1 BN"
    );
}

#[test]
fn every_way_to_ask_means_the_same() {
    let server = Server::start();
    let own = server.integration(&json!({}));
    let mut client = server.client();
    for (call, expected) in [
        (Call::guide(own), "0 CL"),
        (Call::web(own).with("s6", CURL), "1 BN"),
        (Call::web(own).with("ip", "10.0.0.1"), "1 UR"),
        (Call::web(own).with("ip", "nowhere"), "-1 ERR"),
    ] {
        let form = [("Content-Type", "application/x-www-form-urlencoded")];
        let json = [("Content-Type", "application/json")];
        assert_eq!(client.get(&call.target()).tqs(), expected);
        assert_eq!(
            client
                .send("POST", "/ic3.php", &form, call.query().as_bytes())
                .tqs(),
            expected
        );
        assert_eq!(
            client
                .send("POST", "/ic3.php", &json, call.json().as_bytes())
                .tqs(),
            expected
        );
    }
    let in_query = Call::web(own).target();
    assert_eq!(client.send("POST", &in_query, &[], b"").tqs(), "0 CL");
    // Numbers in JSON are the texts that they are in a query.
    let numbers = json!({"m": "AF", "src": "s2s", "b": 1, "s": own, "cid": 5, "ip": "10.0.0.1", "s3": "x", "s6": IPHONE, "verbose": 1, "s1": null});
    let answer = client.send(
        "POST",
        "/ic3.php",
        &[("Content-Type", "application/json; charset=utf-8")],
        numbers.to_string().as_bytes(),
    );
    assert_eq!(answer.json()["detail"]["risk"], "high");
    for body in ["[1]", "{", "\"x\"", ""] {
        let answer = client.send(
            "POST",
            "/ic3.php",
            &[("Content-Type", "application/json")],
            body.as_bytes(),
        );
        assert_eq!(
            (answer.status, answer.tqs().as_str()),
            (200, "-1 ERR"),
            "{body:?}"
        );
        assert_ne!(answer.cause(), "");
    }
    // The first of a repeated parameter counts, wherever it stands.
    let twice = format!(
        "{}&s6={}&ip=10.0.0.1",
        Call::web(own).target(),
        encode(CURL)
    );
    assert_eq!(client.get(&twice).tqs(), "0 CL");
    let first = format!("/ic3.php?s6={}&{}", encode(CURL), Call::web(own).query());
    assert_eq!(client.get(&first).tqs(), "1 BN");
    assert_eq!(
        client
            .send("POST", &first, &[], Call::web(own).query().as_bytes())
            .tqs(),
        "1 BN"
    );
}

#[test]
fn the_kind_of_event_is_asked_for_and_head_counts_nothing() {
    let server = Server::start();
    let own = server.integration(&json!({}));
    for kind in ["click", "page_view", "app_view", "impression"] {
        assert_eq!(
            server.score(&Call::web(own).with("et", kind)).tqs(),
            "0 CL",
            "{kind}"
        );
        assert_eq!(server.show("/events?limit=1")["items"][0]["event"], kind);
    }
    server.score(&Call::web(own));
    assert_eq!(server.show("/events?limit=1")["items"][0]["event"], "click");
    let events = server.all_events().len();
    let head = server
        .client()
        .send("HEAD", &Call::web(own).target(), &[], b"");
    assert_eq!(
        (head.status, head.header("content-type")),
        (200, Some("application/json"))
    );
    assert_eq!(server.all_events().len(), events, "HEAD is not counted");
    for method in ["PUT", "DELETE", "OPTIONS", "BREW"] {
        assert_eq!(
            server
                .client()
                .send(method, &Call::web(own).target(), &[], b"")
                .status,
            405,
            "{method}"
        );
    }
    assert_eq!(server.client().get("/nothing").status, 404);
    assert_eq!(server.client().get("/IC3.php").status, 404);
}

/// A request whose target is these bytes.
fn request(target: &[u8]) -> Vec<u8> {
    [b"GET ", target, b" HTTP/1.1\r\nHost: assay.test\r\n\r\n"].concat()
}

#[test]
fn hostile_requests_are_answered_and_nothing_dies() {
    let mut server = Server::start();
    let own = server.integration(&json!({}));
    let good = Call::web(own).with("s6", CURL).target();
    let before_mib = server.rss_mib();
    let ask = |bytes: &[u8]| {
        let mut client = server.client();
        // The server may have refused and closed before it took everything.
        let _ = client.write(bytes);
        client.read(false).unwrap_or_else(|error| {
            panic!(
                "{error}: {:?}",
                String::from_utf8_lossy(&bytes[..bytes.len().min(200)])
            )
        })
    };
    let many = (0..10_000).map(|n| format!("&x{n}=1")).collect::<String>();
    let huge = "a".repeat(70 << 10);
    for (what, bytes, status) in [
        ("70 KB query", request(format!("{good}&x={huge}").as_bytes()), &[414][..]),
        ("70 KB path", request(format!("/{huge}").as_bytes()), &[414]),
        ("10,000 parameters", request(format!("{good}{many}").as_bytes()), &[414]),
        ("huge header", format!("GET {good} HTTP/1.1\r\nHost: x\r\nCookie: {huge}\r\n\r\n").into_bytes(), &[431]),
        ("1,000 headers", format!("GET {good} HTTP/1.1\r\nHost: x\r\n{}\r\n", "a: b\r\n".repeat(1000)).into_bytes(), &[200, 431]),
        ("a NUL where there is no path", request(b"\0"), &[400]),
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(), &[400]),
        ("no HTTP at all", b"hello there\r\n\r\n".to_vec(), &[400]),
        ("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), &[400, 505]),
        ("two lengths", format!("POST {good} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab").into_bytes(), &[400]),
        ("length and chunks", format!("POST {good} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").into_bytes(), &[200, 400]),
        ("a negative length", format!("POST {good} HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n").into_bytes(), &[400]),
        ("a body over the limit", [format!("POST {good} HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n").into_bytes(), vec![b'a'; 200 << 10]].concat(), &[413]),
    ] {
        let answer = ask(&bytes);
        assert!(status.contains(&answer.status), "{what}: {} {}", answer.status, answer.text());
    }
    for (what, target) in [
        (
            "broken escapes",
            format!("{good}&x=%zz%4&y=%&%=%%").into_bytes(),
        ),
        (
            "an escaped NUL",
            format!("{good}&x=%00&%00=1&s2=%00%0d%0a").into_bytes(),
        ),
        (
            "escaped bytes that are no UTF-8",
            format!("{good}&x=%ff%fe%c3%28&s2=%ed%a0%80").into_bytes(),
        ),
        (
            "bytes that are UTF-8",
            format!("{good}&s7=Zürich&s2=東京").into_bytes(),
        ),
        (
            "bytes that are no UTF-8",
            [good.as_bytes(), b"&s2=\xff\xfe\xc3\x28&s7=M\xfcnchen"].concat(),
        ),
        (
            "control bytes and spaces",
            [good.as_bytes(), b"&s2=\0\x01\r\x7f&s7=New York"].concat(),
        ),
        (
            "nothing but separators",
            format!("{good}&&&=&=&&==&").into_bytes(),
        ),
        (
            "15 KB of one value",
            format!("{good}&s2={}", "a".repeat(15_000)).into_bytes(),
        ),
        (
            "200 parameters",
            format!(
                "{good}{}",
                (0..200).map(|n| format!("&x{n}=1")).collect::<String>()
            )
            .into_bytes(),
        ),
    ] {
        let answer = ask(&request(&target));
        assert_eq!(answer.status, 200, "{what}: {}", answer.text());
        assert!(
            ["1 BN", "-1 ERR"].contains(&answer.tqs().as_str()),
            "{what}: {}",
            answer.text()
        );
    }
    // A header line of ours never carries what came in.
    let answer = ask(&request(
        format!("{good}&x=1")
            .replace("ip=", "ip=%0d%0aSet-Cookie:%20a")
            .as_bytes(),
    ));
    assert_eq!(
        (answer.tqs().as_str(), answer.header("set-cookie")),
        ("-1 ERR", None)
    );
    server.assert_alive();
    assert_eq!(server.score(&Call::web(own)).tqs(), "0 CL");
    let grown = server.rss_mib().saturating_sub(before_mib);
    assert!(grown < 100, "{grown} MiB more");
}

#[test]
fn raw_bytes_in_a_target_are_read_like_encoded_ones() {
    let server = Server::start();
    let own = server.integration(&json!({}));
    let city = |raw: &[u8]| {
        let target = Call::web(own).verbose().target().into_bytes();
        let mut client = server.client();
        let target = [target.as_slice(), b"&s7=", raw].concat();
        client.write(&request(&target)).unwrap();
        let answer = client.read(false).unwrap();
        assert_eq!(answer.tqs(), "0 CL", "{}", answer.text());
        let id = answer.json()["detail"]["event_id"].clone();
        let why = server.show(&format!("/events/{}", id.as_str().unwrap()));
        (why["facts"]["geo_city"].clone(), client)
    };
    assert_eq!(city("Zürich".as_bytes()).0, "Zürich");
    let (latin, mut client) = city(b"Z\xfcrich");
    assert_eq!(latin, "Z\u{fffd}rich");
    assert_eq!(
        client.get(&Call::web(own).target()).tqs(),
        "0 CL",
        "the connection goes on"
    );
    let (spaced, mut client) = city(b"New York");
    assert_eq!(spaced, "New York");
    assert!(client.is_closed(), "a proxy may see another end of it");
    // What is wrong with such a call stands in the log like that of any other.
    let wrong = Call::web(own).without("cid").target().into_bytes();
    let mut client = server.client();
    client
        .write(&request(&[wrong.as_slice(), b"&s7=\xff\0"].concat()))
        .unwrap();
    assert_eq!(client.read(false).unwrap().tqs(), "-1 ERR");
    logged(&server, own, "the missing cid", |row| row["field"] == "cid");
}

#[test]
fn a_call_that_names_no_integration_stands_in_its_accounts_log() {
    let server = Server::start();
    let own = server.integration(&json!({}));
    assert_refused(&server, &Call::web(own).without("s"), "s is missing");
    let found = wait_until("the row of the account", Duration::from_secs(5), || {
        let rows = server.show("/errors");
        let rows = rows["items"].as_array().unwrap();
        rows.iter().find(|row| row["field"] == "s").cloned()
    });
    assert_eq!(found["integration_id"], Value::Null);
    let of_integration = server.show(&format!("/integrations/{own}/errors"));
    assert_eq!(of_integration["items"], json!([]));
}

#[test]
fn requests_of_any_shape_are_answered_in_order() {
    let mut server = Server::start();
    let own = server.integration(&json!({}));
    let target = |n: usize| match n % 3 {
        0 => Call::web(own).target(),
        1 => Call::web(own).with("s6", CURL).target(),
        _ => Call::web(own).with("ip", "10.0.0.1").target(),
    };
    let expected = ["0 CL", "1 BN", "1 UR"];
    // 300 requests in one write; a POST in the middle goes the other way through the server.
    let mut client = server.client();
    let mut bytes = Vec::new();
    for n in 0..300 {
        if n == 150 {
            bytes.extend_from_slice(
                format!(
                    "POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
                    target(n)
                )
                .as_bytes(),
            );
        } else {
            bytes.extend_from_slice(&request(target(n).as_bytes()));
        }
    }
    client.write(&bytes).unwrap();
    for n in 0..300 {
        assert_eq!(client.read(false).unwrap().tqs(), expected[n % 3], "{n}");
    }
    // One byte at a time.
    let mut client = server.client();
    for byte in request(target(1).as_bytes()) {
        client.write(&[byte]).unwrap();
    }
    assert_eq!(client.read(false).unwrap().tqs(), "1 BN");
    // HTTP/1.0 is answered and closed; so is `Connection: close`.
    for head in [
        format!("GET {} HTTP/1.0\r\n\r\n", target(2)),
        format!(
            "GET {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            target(2)
        ),
    ] {
        let mut client = server.client();
        client.write(head.as_bytes()).unwrap();
        assert_eq!(client.read(false).unwrap().tqs(), "1 UR");
        assert!(client.is_closed(), "{head}");
    }
    // A chunked form.
    let body = Call::web(own).with("s6", CURL).query();
    let (first, second) = body.split_at(body.len() / 2);
    let mut client = server.client();
    client
        .write(
            format!(
                "POST /ic3.php HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n{:x}\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n",
                first.len(),
                second.len()
            )
            .as_bytes(),
        )
        .unwrap();
    assert_eq!(client.read(false).unwrap().tqs(), "1 BN");
    assert_eq!(
        client.get(&target(0)).tqs(),
        "0 CL",
        "the connection goes on"
    );
    // Clients that go in the middle, or never end their request, hold up nobody.
    let halves: Vec<Client> = (0..200)
        .map(|n| {
            let mut client = server.client();
            let whole = request(target(n).as_bytes());
            client.write(&whole[..whole.len() / 2]).unwrap();
            client
        })
        .collect();
    assert_eq!(server.score(&Call::web(own)).tqs(), "0 CL");
    drop(halves);
    server.assert_alive();
}

#[test]
fn a_request_that_never_ends_is_closed() {
    let server = Server::start_with(&[
        ("ASSAY__GATEWAY__HEAD_S", "1"),
        ("ASSAY__GATEWAY__IDLE_S", "2"),
    ]);
    let mut half = server.client();
    half.write(b"GET /ic3.php?m=AF").unwrap();
    assert!(half.is_closed(), "half a request is not waited for");
    let mut idle = server.client();
    assert_eq!(idle.get("/readyz").status, 200);
    assert!(idle.is_closed(), "an idle connection is closed");
}
