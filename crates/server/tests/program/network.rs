//! The network side end to end: offers and publishers, tracking links, conversions, the
//! waterfall, and what reports call a click or conversion that does not count.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{CURL, IPHONE, Response, Server, encode, wait_until};

/// A server behind a proxy of its own, with a network: two publishers and an advertiser.
fn network(clicks: &Value) -> (Server, u64) {
    let server = Server::start_with(&[
        ("ASSAY__LISTEN__TRUSTED_PROXIES", "[\"127.0.0.1\"]"),
        ("ASSAY__GATEWAY__PUBLIC_HOSTS", "[\"traffic.example\"]"),
        // Of two lanes' events of one millisecond nobody knows which is the newest.
        ("ASSAY__GATEWAY__LANES", "1"),
    ]);
    let id = server.integration(&json!({"kind": "network", "clicks": clicks}));
    // Here a conversion follows its click faster than a person acts.
    let default = server.show("/rules")["items"][0]["id"].clone();
    let fast = json!({"filters": {"session_time": {"enabled": false}}});
    server.change(&format!("/rules/{default}"), &fast);
    server.make(
        "/advertisers",
        &json!({"external_id": "a1", "name": "Shop"}),
    );
    for name in ["p1", "p2"] {
        server.make("/publishers", &json!({"external_id": name, "name": name}));
    }
    (server, id)
}

/// An offer that leads to a host of its own name.
#[track_caller]
fn offer(server: &Server, name: &str, more: &Value) -> u64 {
    let url = format!(
        "https://{name}.example/?t={{transaction_id}}&o={{offer}}&p={{publisher}}&s={{sub1}}&s2={{sub_id_2}}"
    );
    let mut body = json!({"external_id": name, "name": name, "advertiser": "a1", "url": url,
                          "payout": "1.50", "revenue": "2.25"});
    let fields = body.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    server.make("/offers", &body)["id"].as_u64().unwrap()
}

fn visit_at(server: &Server, host: &str, ip: &str, user_agent: &str, target: &str) -> Response {
    let headers = [
        ("Host", host),
        ("X-Forwarded-For", ip),
        ("User-Agent", user_agent),
        ("Accept", "text/html,*/*;q=0.8"),
    ];
    server.client().send("GET", target, &headers, b"")
}

fn visit(server: &Server, ip: &str, target: &str) -> Response {
    visit_at(server, "assay.test", ip, IPHONE, target)
}

#[track_caller]
fn location(answer: &Response) -> String {
    assert_eq!(answer.status, 302, "{}", answer.text());
    answer.header("location").unwrap().to_owned()
}

/// Host of where a visitor is sent.
#[track_caller]
fn host(answer: &Response) -> String {
    let url = location(answer);
    let rest = url.split_once("://").unwrap().1;
    rest.split('/').next().unwrap().to_owned()
}

fn parameter(url: &str, name: &str) -> String {
    let query = url.split_once('?').unwrap().1;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(own, _)| *own == name).unwrap().1.to_owned()
}

#[track_caller]
fn newest(server: &Server) -> Value {
    let events = server.all_events();
    let id = events[0]["event_id"].as_str().unwrap().to_owned();
    server.show(&format!("/events/{id}"))
}

#[track_caller]
fn convert(server: &Server, query: &str) -> Value {
    let answer = server.client().get(&format!("/conv?{query}"));
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    let id = answer.json()["conversion_id"].as_str().unwrap().to_owned();
    server.show(&format!("/conversions/{id}"))
}

fn report(server: &Server, kind: &str, rest: &str) -> Value {
    server.show(&format!(
        "/reports/{kind}?from=2020-01-01&to=2100-01-01&{rest}"
    ))
}

#[test]
fn a_tracking_link_leads_to_its_offer_and_a_conversion_brings_its_price() {
    let (server, id) = network(&json!({}));
    let o1 = offer(&server, "o1", &json!({}));
    let answer = visit(
        &server,
        "86.129.40.1",
        "/o/o1/p1?sub1=x&sub2=y&payout=999&offer=o9&publisher=p9",
    );
    let url = location(&answer);
    assert_eq!(host(&answer), "o1.example");
    let transaction = parameter(&url, "t");
    for (name, value) in [("o", "o1"), ("p", "p1"), ("s", "x"), ("s2", "y")] {
        assert_eq!(parameter(&url, name), value);
    }
    let event = newest(&server);
    assert_eq!(event["integration_id"], id);
    for (name, value) in [
        ("offer", "o1"),
        ("publisher", "p1"),
        ("advertiser", "a1"),
        ("sub_id", "x"),
        ("sub_id_2", "y"),
    ] {
        assert_eq!(event["facts"][name], value);
    }
    assert_eq!(
        event["facts"]["payout"],
        Value::Null,
        "no visitor names a price"
    );

    let base = convert(&server, &format!("transaction_id={transaction}&nid=1"));
    assert_eq!(base["status"], "approved", "{base}");
    assert_eq!(
        (&base["payout"], &base["revenue"]),
        (&json!("1.50"), &json!("2.25"))
    );
    assert_eq!(
        (&base["offer"], &base["sub_id"]),
        (&json!("o1"), &json!("x"))
    );
    let event = format!("transaction_id={transaction}&nid=1&event=deposit&amount=9.99");
    let event = convert(&server, &event);
    assert_eq!(
        (&event["event"], &event["kind"]),
        (&json!("deposit"), &json!("post_event"))
    );
    assert_eq!(
        (&event["payout"], &event["revenue"]),
        (&Value::Null, &json!("9.99"))
    );
    let again = format!("/conv?transaction_id={transaction}&nid=1");
    assert_eq!(server.client().get(&again).json()["duplicate"], true);

    // Our own ids, the integration's host, and the names that links had before.
    let by_id = visit(&server, "86.129.40.2", &format!("/o/{o1}/1"));
    assert_eq!(host(&by_id), "o1.example");
    let by_host = visit_at(
        &server,
        &format!("{id}.clicks.traffic.example"),
        "86.129.40.3",
        IPHONE,
        "/o/o1/p2",
    );
    assert_eq!(parameter(&location(&by_host), "p"), "p2");
    let params = json!({"clicks": {"params": {"sub_id": "aff_sub"}}});
    server.change(&format!("/integrations/{id}"), &params);
    let renamed = visit(&server, "86.129.40.4", "/o/o1/p1?aff_sub=mine&sub2=too");
    let url = location(&renamed);
    assert_eq!(
        (parameter(&url, "s"), parameter(&url, "s2")),
        ("mine".into(), "too".into())
    );
}

#[test]
fn what_a_link_names_and_there_is_not_is_refused_with_its_cause() {
    let (server, id) = network(&json!({}));
    offer(&server, "o1", &json!({}));
    let url = location(&visit(&server, "86.129.41.1", "/o/o1/p1"));
    let transaction = parameter(&url, "t");
    let cases = [
        ("/o/nope/p1".to_owned(), 404, "offer"),
        ("/o/o1/nope".to_owned(), 404, "publisher"),
        ("/o/o1".to_owned(), 404, ""),
        ("/o/o1/p1?nid=77".to_owned(), 404, "nid"),
        (format!("/conv?transaction_id={transaction}"), 422, "nid"),
        (
            format!("/conv?transaction_id={transaction}&nid=77"),
            404,
            "nid",
        ),
        ("/conv?nid=1".to_owned(), 422, "transaction_id"),
        (
            "/conv?nid=1&transaction_id=aaaaaaaaaaaaaaaaaaaaaaaaaaaaa".to_owned(),
            422,
            "transaction_id",
        ),
        (
            format!("/conv?nid=1&transaction_id={transaction}&amount=1,5"),
            422,
            "amount",
        ),
    ];
    for (target, status, field) in &cases {
        let answer = visit(&server, "86.129.41.2", target);
        assert_eq!(answer.status, *status, "{target}: {}", answer.text());
        assert_eq!(answer.field(), *field, "{target}");
        assert_ne!(answer.cause(), "", "{target}");
    }
    let logged = || {
        let log = server.show(&format!("/integrations/{id}/errors?limit=100"));
        let rows = log["items"].as_array().unwrap().clone();
        let row = |row: &Value| format!("{} {}", row["door"], row["field"]).replace('"', "");
        rows.iter().map(row).collect::<Vec<_>>()
    };
    let rows = wait_until("the causes", Duration::from_secs(5), || {
        Some(logged()).filter(|rows| rows.len() >= 8)
    });
    for row in [
        "link offer",
        "link publisher",
        "link nid",
        "conv nid",
        "postback amount",
    ] {
        assert!(rows.iter().any(|own| own == row), "{row}: {rows:?}");
    }
    assert_eq!(
        server.totals()["clicks"],
        1,
        "nothing but the click was counted"
    );
}

#[test]
fn who_is_paused_takes_no_clicks_and_reports_say_why() {
    let (server, _) = network(&json!({"fallback_url": "https://fall.example/"}));
    let o1 = offer(&server, "o1", &json!({}));
    let mut last = 0;
    let mut went = || {
        last += 1;
        let answer = visit(&server, &format!("86.129.42.{last}"), "/o/o1/p1");
        let event = newest(&server);
        (
            host(&answer),
            event["reason"].clone(),
            event["error_message"].clone(),
        )
    };
    let open = ("o1.example".to_owned(), json!("CLEAN"), Value::Null);
    assert_eq!(went(), open);
    for (path, reason, message) in [
        (
            format!("/offers/{o1}"),
            "OFFER_EXPIRED",
            "1 : INVALID_OVER_TTL",
        ),
        (
            "/advertisers/1".to_owned(),
            "OFFER_EXPIRED",
            "1 : INVALID_OVER_TTL",
        ),
        (
            "/publishers/1".to_owned(),
            "SOURCE_BLOCKED",
            "14 : BLOCKED_TRAFFIC",
        ),
    ] {
        server.change(&path, &json!({"status": "paused"}));
        let refused = ("fall.example".to_owned(), json!(reason), json!(message));
        assert_eq!(went(), refused, "{path}");
        server.change(&path, &json!({"status": "active"}));
        assert_eq!(went(), open, "{path}");
    }
}

#[test]
fn an_offers_own_limits_hold_under_a_rule_that_ignores_results() {
    let (server, _) = network(&json!({"fallback_url": "https://fall.example/"}));
    offer(
        &server,
        "o1",
        &json!({"caps": {"caps": [{"of": "clicks", "per": "total", "max": 2}]}}),
    );
    offer(
        &server,
        "o2",
        &json!({"targeting": {"os": {"include": ["Windows"]}}}),
    );
    server.make(
        "/rules",
        &json!({"name": "look only", "status": "active", "protection": "both",
                "sub_id_mapping": "sub_id", "mode": "monitor"}),
    );
    let hosts = (1..=3).map(|n| host(&visit(&server, &format!("86.129.43.{n}"), "/o/o1/p1")));
    assert_eq!(
        hosts.collect::<Vec<_>>(),
        ["o1.example", "o1.example", "fall.example"]
    );
    let capped = newest(&server);
    assert_eq!(
        (&capped["reason"], &capped["error_code"]),
        (&json!("CAP_CLICK"), &json!("2"))
    );
    assert_eq!(capped["class"], "POLICY");
    assert_eq!(capped["evidence"][0]["list"], "offer o1@1");
    let phone = visit(&server, "86.129.43.9", "/o/o2/p1");
    assert_eq!(host(&phone), "fall.example");
    assert_eq!(newest(&server)["error_message"], "5 : INVALID_DEVICE_TYPE");
    // What is caught by the rule alone is let through.
    let bot = visit_at(&server, "assay.test", "86.129.43.8", CURL, "/o/o2/p1");
    assert_eq!(host(&bot), "o2.example");
    assert_eq!(newest(&server)["action"], "monitored");
}

#[test]
fn a_rejected_click_goes_to_the_next_offer_that_takes_it_and_is_counted_once() {
    let (server, _) =
        network(&json!({"on_reject": "waterfall", "fallback_url": "https://fall.example/"}));
    let windows = json!({"os": {"include": ["Windows"]}});
    offer(&server, "o1", &json!({"priority": 1, "targeting": windows}));
    let one = json!({"caps": [{"of": "clicks", "per": "total", "max": 1}]});
    let o2 = offer(&server, "o2", &json!({"priority": 2, "caps": one}));
    offer(&server, "o3", &json!({"priority": 3}));
    offer(&server, "o4", &json!({"priority": 2, "status": "paused"}));
    let path = |event: &Value| {
        let passed = event["passed"].as_array().cloned().unwrap_or_default();
        let step = |step: &Value| format!("{} {}", step["offer"], step["reason"]).replace('"', "");
        passed.iter().map(step).collect::<Vec<_>>()
    };
    let first = visit(&server, "86.129.44.1", "/o/o1/p1");
    assert_eq!(host(&first), "o2.example");
    assert_eq!(parameter(&location(&first), "o"), "o2");
    let event = newest(&server);
    assert_eq!(
        (&event["facts"]["offer"], &event["action"]),
        (&json!("o2"), &json!("approved"))
    );
    assert_eq!(path(&event), ["o1 DEVICE_TARGET"]);
    // The offer that took it is the conversion's.
    let transaction = parameter(&location(&first), "t");
    let conversion = convert(&server, &format!("transaction_id={transaction}&nid=1"));
    assert_eq!(
        (&conversion["offer"], &conversion["status"]),
        (&json!("o2"), &json!("approved"))
    );

    let second = visit(&server, "86.129.44.2", "/o/o1/p1");
    assert_eq!(host(&second), "o3.example");
    assert_eq!(path(&newest(&server)), ["o1 DEVICE_TARGET", "o2 CAP_CLICK"]);
    // A robot finds no taker, and uses up nobody's cap.
    let bot = visit_at(&server, "assay.test", "86.129.44.3", CURL, "/o/o1/p1");
    assert_eq!(location(&bot), "https://fall.example/");
    let event = newest(&server);
    assert_eq!(
        (&event["facts"]["offer"], &event["action"]),
        (&json!("o1"), &json!("rejected"))
    );
    assert_eq!(path(&event).len(), 3, "{event}");
    let two = json!({"caps": {"caps": [{"of": "clicks", "per": "total", "max": 2}]}});
    server.change(&format!("/offers/{o2}"), &two);
    assert_eq!(
        host(&visit(&server, "86.129.44.4", "/o/o1/p1")),
        "o2.example"
    );
    // HEAD is told the same, and counts nothing.
    let headers = [("X-Forwarded-For", "86.129.44.5"), ("User-Agent", IPHONE)];
    let head = server.client().send("HEAD", "/o/o1/p1", &headers, b"");
    assert_eq!(host(&head), "o2.example");
    let rows = report(&server, "clicks", "group_by=offer");
    let counts: Vec<_> = rows["rows"].as_array().unwrap().iter().collect();
    let of = |name: &str| counts.iter().find(|row| row["offer"] == name).unwrap()["clicks"].clone();
    assert_eq!(
        (of("o1"), of("o2"), of("o3")),
        (json!(1), json!(2), json!(1))
    );
    assert_eq!(rows["totals"]["clicks"], 4);
}

#[test]
fn a_click_that_two_rules_judge_moves_a_counter_once() {
    let (server, _) =
        network(&json!({"on_reject": "waterfall", "fallback_url": "https://fall.example/"}));
    offer(
        &server,
        "o1",
        &json!({"priority": 1, "targeting": {"os": {"include": ["Windows"]}}}),
    );
    offer(&server, "o2", &json!({"priority": 2}));
    server.make(
        "/rules",
        &json!({"name": "twice", "status": "active", "protection": "both",
                "sub_id_mapping": "sub_id", "preset": "disable_all",
                "filters": {"duplicate_user": {"enabled": true, "allowed_duplicates": 1,
                                               "detection_level": "publisher"}}}),
    );
    let hosts = (0..3).map(|_| host(&visit(&server, "86.129.45.1", "/o/o1/p1")));
    assert_eq!(
        hosts.collect::<Vec<_>>(),
        ["o2.example", "o2.example", "fall.example"]
    );
}

#[test]
fn the_waterfall_ends_and_judges_no_offer_twice() {
    let (server, _) =
        network(&json!({"on_reject": "waterfall", "fallback_url": "https://fall.example/"}));
    for n in 0..30 {
        let closed = json!({"caps": {"caps": [{"of": "clicks", "per": "total", "max": 0}]}});
        offer(&server, &format!("closed{n}"), &closed);
    }
    assert_eq!(
        location(&visit(&server, "86.129.46.1", "/o/closed7/p1")),
        "https://fall.example/"
    );
    let event = newest(&server);
    let passed = event["passed"].as_array().unwrap();
    let mut names: Vec<_> = passed
        .iter()
        .map(|step| step["offer"].to_string())
        .collect();
    assert_eq!(names[0], "\"closed7\"");
    assert!(names.len() <= 17, "{}", names.len());
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), passed.len());
    assert_eq!(report(&server, "clicks", "")["totals"]["clicks"], 1);
}

/// A server's click of a robot, with the id that its rejected answer carries.
#[track_caller]
fn robot(server: &Server, last: u32, offer: &str) -> String {
    let answer = server.client().get(&format!(
        "/o/{offer}/p1?no_redirect=true&click_ip=86.129.47.{last}&user_agent={}",
        encode(CURL)
    ));
    assert_eq!(answer.json()["status"], "rejected", "{}", answer.text());
    answer.json()["transaction_id"].as_str().unwrap().to_owned()
}

#[test]
fn invalid_clicks_and_conversions_have_the_two_literal_messages_everywhere() {
    const CLICK: &str = "1021 : 24metrics fraud check";
    const CONVERSION: &str = "24metrics flagged the conversion as fraudulent";
    let (server, _) = network(&json!({}));
    offer(&server, "o1", &json!({}));
    let good = location(&visit(&server, "86.129.47.1", "/o/o1/p1"));
    let bad = robot(&server, 2, "o1");
    let event = newest(&server);
    assert_eq!(
        (&event["error_code"], &event["error_message"]),
        (&json!("1021"), &json!(CLICK))
    );
    assert_eq!(event["reason"], "NON_BROWSER_UA");
    let filtered = convert(&server, &format!("transaction_id={bad}&nid=1"));
    assert_eq!(
        (&filtered["status"], &filtered["reason"]),
        (&json!("invalid"), &json!("CLICK_REJECTED"))
    );
    assert_eq!(filtered["error_message"], CONVERSION);
    assert_eq!(filtered["history"][0]["to"], "invalid");
    let paid = format!("transaction_id={}&nid=1", parameter(&good, "t"));
    assert_eq!(convert(&server, &paid)["error_message"], Value::Null);

    let rows = report(&server, "clicks", "group_by=error_code,error_message");
    let row = |message: &str| {
        let rows = rows["rows"].as_array().unwrap();
        rows.iter()
            .find(|row| row["error_message"] == message)
            .unwrap()
            .clone()
    };
    assert_eq!(
        (&row(CLICK)["error_code"], &row(CLICK)["rejected"]),
        (&json!("1021"), &json!(1))
    );
    assert_eq!(
        (&row("")["error_code"], &row("")["approved"]),
        (&json!(""), &json!(1))
    );
    for (filter, clicks) in [
        ("filter[error_code]=1021", 1),
        ("filter[error_code]=9", 0),
        ("filter[error_message]=", 1),
    ] {
        assert_eq!(
            report(&server, "clicks", filter)["totals"]["clicks"],
            clicks,
            "{filter}"
        );
    }
    let listed = server.show("/events?filter[error_code]=1021");
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    let csv = |kind: &str| {
        let path = format!(
            "/reports/{kind}?from=2020-01-01&to=2100-01-01&group_by=error_message&format=csv"
        );
        server.api("GET", &path, None).text()
    };
    assert!(
        csv("clicks").contains(&format!("{CLICK},1,")),
        "{}",
        csv("clicks")
    );
    assert!(
        csv("conversions").contains(&format!("{CONVERSION},1,")),
        "{}",
        csv("conversions")
    );
    let invalid =
        "group_by=error_code&filter[error_message]=24metrics flagged the conversion as fraudulent";
    let rows = report(&server, "conversions", &invalid.replace(' ', "%20"));
    assert_eq!(
        (&rows["rows"][0]["error_code"], &rows["totals"]["invalid"]),
        (&json!("1021"), &json!(1))
    );
    assert_eq!(rows["totals"]["payout"], "0");

    // A person says otherwise, and may take it back.
    let id = filtered["conversion_id"].clone();
    for (status, reason) in [("approved", "known partner"), ("rejected", "after all")] {
        let body = json!({"conversion_ids": [id], "status": status, "reason": reason});
        let answer = server.api("POST", "/conversions/status", Some(&body));
        assert_eq!(answer.json()["changed"], 1, "{}", answer.text());
    }
    let shown = server.show(&format!("/conversions/{}", id.as_str().unwrap()));
    let steps = shown["history"].as_array().unwrap().iter();
    let steps: Vec<_> = steps
        .map(|step| step["to"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(steps, ["invalid", "approved", "rejected"]);
    assert_eq!(
        shown["error_message"],
        Value::Null,
        "a person's word is no filter's"
    );
}

#[test]
fn held_conversions_of_a_network_are_decided_many_at_once() {
    let (server, _) = network(&json!({}));
    offer(&server, "o1", &json!({}));
    let bad: Vec<_> = (1..=3).map(|n| robot(&server, n, "o1")).collect();
    server.make(
        "/rules",
        &json!({"name": "ask me", "status": "active", "protection": "both",
                "sub_id_mapping": "sub_id", "mode": "hold"}),
    );
    let held = bad
        .iter()
        .map(|id| convert(&server, &format!("transaction_id={id}&nid=1")));
    let held: Vec<_> = held.collect();
    for conversion in &held {
        assert_eq!(
            (&conversion["status"], &conversion["waiting"]),
            (&json!("pending"), &json!("person"))
        );
        assert_eq!(conversion["error_message"], Value::Null);
    }
    let ids: Vec<_> = held
        .iter()
        .map(|own| own["conversion_id"].clone())
        .collect();
    let body = json!({"conversion_ids": ids, "status": "approved", "reason": ""});
    let answer = server.api("POST", "/conversions/status", Some(&body));
    assert_eq!(answer.json()["changed"], 3, "{}", answer.text());
    let totals = report(&server, "conversions", "")["totals"].clone();
    assert_eq!(
        (&totals["approved"], &totals["payout"]),
        (&json!(3), &json!("4.5"))
    );
}

#[test]
fn a_custom_integration_without_a_url_sends_clicks_to_the_offer() {
    let (server, _) = network(&json!({}));
    offer(&server, "o1", &json!({}));
    let custom = server.integration(&json!({"kind": "custom"}));
    let target = format!("/click/{custom}?offer=o1&publisher=p1");
    assert_eq!(host(&visit(&server, "86.129.48.1", &target)), "o1.example");
    let unknown = format!("/click/{custom}?offer=ox");
    assert_eq!(visit(&server, "86.129.48.2", &unknown).status, 404);
    let own = json!({"clicks": {"approved_url": "https://own.example/"}});
    server.change(&format!("/integrations/{custom}"), &own);
    assert_eq!(host(&visit(&server, "86.129.48.3", &target)), "own.example");
}

#[test]
fn ten_thousand_offers_are_taken_in_at_once() {
    let (server, _) = network(&json!({}));
    let mut table = String::from("external_id,name,url,payout,priority\n");
    for n in 0..10_000 {
        table.push_str(&format!(
            "x{n},Offer {n},https://x{n}.example/,1.{n},{}\n",
            n + 1
        ));
    }
    let started = std::time::Instant::now();
    let bearer = format!("Bearer {}", crate::harness::ADMIN);
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Content-Type", "text/csv"),
    ];
    let mut console = crate::harness::Client::connect(server.console);
    let import = |console: &mut crate::harness::Client| {
        console
            .send("POST", "/api/v1/offers/import", &headers, table.as_bytes())
            .json()
    };
    assert_eq!(import(&mut console)["created"], 10_000);
    let took = started.elapsed();
    println!("10,000 offers in {took:?}");
    assert!(took < Duration::from_secs(30), "{took:?}");
    assert_eq!(import(&mut console)["unchanged"], 10_000);
    assert_eq!(
        host(&visit(&server, "86.129.49.1", "/o/x9999/p1")),
        "x9999.example"
    );
}
