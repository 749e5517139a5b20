//! Clicks and impressions: links that send visitors on, and servers that ask for a verdict.

use serde_json::{Value, json};

use crate::harness::{CURL, IPHONE, Response, Server};

/// A server behind a proxy of its own, so that visitors can come from anywhere.
fn server() -> Server {
    Server::start_with(&[
        ("ASSAY__LISTEN__TRUSTED_PROXIES", "[\"127.0.0.1\"]"),
        ("ASSAY__GATEWAY__PUBLIC_HOSTS", "[\"traffic.example\"]"),
        // Of two lanes' events of one millisecond nobody knows which is the newest.
        ("ASSAY__GATEWAY__LANES", "1"),
    ])
}

/// Makes a custom integration with these settings of clicks; its id.
#[track_caller]
fn custom(server: &Server, clicks: &Value) -> u64 {
    server.integration(&json!({"kind": "custom", "clicks": clicks}))
}

/// Destinations of most tests.
fn shop() -> Value {
    json!({"approved_url": "https://shop.example/?cid={transaction_id}&o={offer}",
           "fallback_url": "https://fall.example/?o={offer}"})
}

/// A visitor's browser.
struct Visitor {
    ip: &'static str,
    user_agent: &'static str,
    more: Vec<(&'static str, &'static str)>,
}

impl Visitor {
    fn at(ip: &'static str) -> Self {
        Self {
            ip,
            user_agent: IPHONE,
            more: vec![],
        }
    }

    fn bot(ip: &'static str) -> Self {
        Self {
            user_agent: CURL,
            ..Self::at(ip)
        }
    }

    fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.more.push((name, value));
        self
    }

    #[track_caller]
    fn asks(&self, server: &Server, method: &str, target: &str, body: &str) -> Response {
        let mut headers = vec![
            ("X-Forwarded-For", self.ip),
            ("User-Agent", self.user_agent),
            ("Accept", "text/html,*/*;q=0.8"),
        ];
        headers.extend(&self.more);
        server
            .client()
            .send(method, target, &headers, body.as_bytes())
    }

    #[track_caller]
    fn gets(&self, server: &Server, target: &str) -> Response {
        self.asks(server, "GET", target, "")
    }
}

#[track_caller]
fn location(answer: &Response) -> &str {
    assert_eq!(answer.status, 302, "{}", answer.text());
    answer.header("location").unwrap()
}

/// A tracker's call.
#[track_caller]
fn call(server: &Server, target: &str) -> Response {
    server.client().get(target)
}

fn newest(server: &Server) -> Value {
    let events = server.all_events();
    server.show(&format!(
        "/events/{}",
        events[0]["event_id"].as_str().unwrap()
    ))
}

fn causes(server: &Server, id: u64) -> Vec<String> {
    let read = || {
        let log = server.show(&format!("/integrations/{id}/errors"));
        let rows = log["items"].as_array().unwrap().clone();
        let text = |row: &Value| format!("{} {}", row["door"], row["cause"]).replace('"', "");
        rows.iter().map(text).collect::<Vec<_>>()
    };
    crate::harness::wait_until("an error row", std::time::Duration::from_secs(5), || {
        Some(read()).filter(|rows| !rows.is_empty())
    })
}

#[test]
fn people_are_sent_on_and_robots_away() {
    let server = server();
    let id = custom(&server, &shop());
    let answer = Visitor::at("86.129.0.1").gets(&server, &format!("/click/{id}?offer=o1"));
    let to = location(&answer).to_owned();
    let cid = to
        .strip_prefix("https://shop.example/?cid=")
        .and_then(|rest| rest.strip_suffix("&o=o1"))
        .unwrap_or_else(|| panic!("{to}"));
    assert!((20..=64).contains(&cid.len()), "{cid}");
    assert!(
        cid.bytes()
            .all(|c| c.is_ascii_lowercase() || (b'2'..=b'7').contains(&c))
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("x-robots-tag"), Some("noindex"));
    for absent in ["set-cookie", "referrer-policy", "content-type"] {
        assert_eq!(answer.header(absent), None, "{absent}");
    }
    assert!(answer.body.is_empty());
    let event = newest(&server);
    assert_eq!(event["destination"], to);
    assert_eq!(
        (&event["event"], &event["action"]),
        (&json!("click"), &json!("approved"))
    );
    let away = Visitor::bot("86.129.0.2").gets(&server, &format!("/click/{id}?offer=o1"));
    assert_eq!(location(&away), "https://fall.example/?o=o1");
    let event = newest(&server);
    assert_eq!(event["destination"], "https://fall.example/?o=o1");
    assert_eq!(event["action"], "rejected");
    assert_eq!(server.totals()["rejected"], 1);
}

#[test]
fn a_server_gets_the_verdict_letter_by_letter() {
    let server = server();
    let id = custom(&server, &shop());
    let target = format!(
        "/click/{id}?no_redirect=true&click_ip=86.129.0.1&offer=o1&user_agent=Mozilla%2F5.0+%28Windows+NT+10.0%3B+Win64%3B+x64%29+AppleWebKit%2F537.36+%28KHTML%2C+like+Gecko%29+Chrome%2F138.0.0.0+Safari%2F537.36"
    );
    let first = call(&server, &target);
    assert_eq!(first.status, 200);
    assert_eq!(first.header("content-type"), Some("application/json"));
    let id_text = first.json()["transaction_id"].as_str().unwrap().to_owned();
    assert_eq!(
        first.text(),
        format!("{{\"transaction_id\":\"{id_text}\",\"status\":\"approved\"}}")
    );
    call(&server, &target);
    let third = call(&server, &target).text();
    assert!(
        third.starts_with("{\"transaction_id\":\"")
            && third.ends_with("\",\"status\":\"rejected\",\"reason\":\"DUPLICATE_IP\"}"),
        "{third}"
    );
    assert_eq!(
        newest(&server)["destination"],
        Value::Null,
        "nobody was sent"
    );
    let plain = server.client().send(
        "GET",
        &format!("/click/{id}?offer=o1"),
        &[
            ("X-Forwarded-For", "86.129.9.7"),
            ("User-Agent", IPHONE),
            ("Accept", "application/json"),
        ],
        b"",
    );
    assert_eq!(plain.json()["status"], "approved");
}

#[test]
fn fields_are_added_as_asked() {
    let server = server();
    let id = custom(&server, &shop());
    let base = format!("/click/{id}?no_redirect=true&offer=o1&click_ip=");
    let some = call(
        &server,
        &format!("{base}86.129.1.1&user_agent=curl/8&fields=ip,rejections,nonsense,redirect_url,is_bot,uuid&uuid=u1"),
    )
    .json();
    assert_eq!(
        (&some["ip"], &some["is_bot"], &some["uuid"]),
        (&json!("86.129.1.1"), &json!(1), &json!("u1"))
    );
    assert_eq!(some["redirect_url"], "https://fall.example/?o=o1");
    assert_eq!(some["nonsense"], Value::Null);
    assert_eq!(some["rejections"][0], some["reason"]);
    assert!(some.as_object().unwrap().contains_key("nonsense"));
    assert!(!some.as_object().unwrap().contains_key("asn"));
    let all = call(&server, &format!("{base}52.95.0.1&json=true")).json();
    let mut names: Vec<_> = all.as_object().unwrap().keys().cloned().collect();
    names.sort();
    assert_eq!(
        names,
        [
            "asn",
            "city",
            "country",
            "filter_group_id",
            "fingerprint",
            "ip",
            "is_bot",
            "isp",
            "monitoring_mode",
            "proxy_type",
            "reason",
            "redirect_url",
            "rejections",
            "status",
            "transaction_id",
            "uuid"
        ]
    );
    assert_eq!(all["proxy_type"], "DataCenter");
    assert_eq!(all["monitoring_mode"], false);
    assert_eq!(all["is_bot"], Value::Null, "no user agent was given");
    let clean = call(&server, &format!("{base}86.129.1.2&fields=rejections")).json();
    assert_eq!(clean["rejections"], json!([]));
}

#[test]
fn query_form_and_json_mean_the_same_and_names_can_be_the_users_own() {
    let server = server();
    let id = custom(
        &server,
        &json!({"approved_url": "https://shop.example/{offer}/{campaign}/{publisher}/{sub_id2}",
                "params": {"offer": "campaign", "click_ip": "visitor"}}),
    );
    let expected = "https://shop.example/o%201/o%201/p1/s2";
    let form = "offer=never&campaign=o+1&fs_aff_source=p1&sub_id_2=s2";
    let query = Visitor::at("86.129.2.1").gets(&server, &format!("/click/{id}?{form}"));
    assert_eq!(location(&query), expected);
    let posted = Visitor::at("86.129.2.2")
        .with("Content-Type", "application/x-www-form-urlencoded")
        .asks(&server, "POST", &format!("/click/{id}"), form);
    assert_eq!(location(&posted), expected);
    let body = r#"{"campaign":"o 1","offer":"never","publisher":"p1","sub_id2":"s2"}"#;
    let posted = Visitor::at("86.129.2.3")
        .with("Content-Type", "application/json")
        .asks(&server, "POST", &format!("/click/{id}"), body);
    assert_eq!(location(&posted), expected);
    let ip = |name: &str| {
        let target = format!("/click/{id}?no_redirect=true&fields=ip&{name}=86.129.2.4");
        call(&server, &target).json()["ip"].clone()
    };
    for name in ["visitor", "click_ip", "ip", "http_remote_address"] {
        assert_eq!(ip(name), "86.129.2.4", "{name}");
    }
    let both =
        format!("/click/{id}?no_redirect=true&fields=ip&click_ip=1.1.1.1&visitor=86.129.2.5");
    assert_eq!(
        call(&server, &both).json()["ip"],
        "86.129.2.5",
        "the mapped one first"
    );
}

#[test]
fn a_visitor_chooses_neither_address_nor_rule_nor_time() {
    let server = server();
    let id = custom(&server, &shop());
    let lenient = server.make(
        "/rules",
        &json!({"name": "lenient", "status": "active", "protection": "click", "sub_id_mapping": "sub_id",
                "preset": "disable_all", "scope": {"publishers": {"include": ["nobody"]}}}),
    );
    let rule = lenient["id"].as_u64().unwrap();
    let forged = format!(
        "offer=o1&click_ip=86.129.3.3&ip=86.129.3.3&user_agent=Safari&xff=9.9.9.9&click_time=2020-01-01+00%3A00%3A00&filter_group={rule}"
    );
    let away = Visitor::bot("86.129.3.1").gets(&server, &format!("/click/{id}?{forged}"));
    assert_eq!(
        location(&away),
        "https://fall.example/?o=o1",
        "curl stays curl"
    );
    let event = newest(&server);
    let facts = event["facts"].to_string();
    assert!(
        facts.contains("86.129.3.1") && !facts.contains("86.129.3.3"),
        "{facts}"
    );
    assert!(
        facts.contains("curl") && !facts.contains("9.9.9.9"),
        "{facts}"
    );
    assert!(
        !event["time"].as_str().unwrap().starts_with("2020"),
        "{event}"
    );
    assert_ne!(event["rule"]["id"], rule);
    // A page's script is the visitor too, whatever it sends.
    let script = Visitor::bot("86.129.3.2")
        .with("Origin", "https://page.example")
        .gets(
            &server,
            &format!("/click/{id}?no_redirect=true&fields=ip&{forged}"),
        );
    assert_eq!(script.json()["ip"], "86.129.3.2");
    assert_eq!(script.json()["status"], "rejected");
    assert_eq!(script.header("access-control-allow-origin"), Some("*"));
    // A server says whose click it is, when it was, and by which rule it is judged.
    let told = format!(
        "/click/{id}?no_redirect=true&fields=ip,filter_group_id&click_ip=86.129.3.9&user_agent=curl%2F8&filter_group={rule}"
    );
    let answer = call(&server, &told).json();
    assert_eq!(
        (&answer["ip"], &answer["status"], &answer["filter_group_id"]),
        (&json!("86.129.3.9"), &json!("approved"), &json!(rule))
    );
    let nobody = call(&server, &format!("/click/{id}?no_redirect=true&fields=ip")).json();
    assert_eq!(
        nobody["ip"],
        Value::Null,
        "a sender's address is not a visitor's"
    );
}

#[test]
fn what_a_server_sends_wrong_is_refused_by_name_and_listed() {
    let server = server();
    let id = custom(&server, &shop());
    for (params, field) in [
        ("click_ip=86.129.4", "click_ip"),
        ("click_ip=86.129.4.1:80", "click_ip"),
        ("click_time=soon", "click_time"),
        ("click_time=2020-01-01+00%3A00%3A00", "click_time"),
        ("click_time=2100-01-01T00:00:00Z", "click_time"),
        ("filter_group=999", "filter_group"),
        ("filter_group=x", "filter_group"),
    ] {
        let answer = call(&server, &format!("/click/{id}?no_redirect=true&{params}"));
        assert_eq!(answer.status, 422, "{params}: {}", answer.text());
        assert_eq!(answer.field(), field, "{params}");
    }
    let bad = server.client().send(
        "POST",
        &format!("/click/{id}?no_redirect=true"),
        &[("Content-Type", "application/json")],
        b"[1,2]",
    );
    assert_eq!((bad.status, bad.field()), (422, "body".to_owned()));
    let put = server
        .client()
        .send("PUT", &format!("/click/{id}"), &[], b"");
    assert_eq!(put.status, 405);
    assert!(server.all_events().is_empty());
    let rows = causes(&server, id).join("\n");
    for part in [
        "click click_ip",
        "click click_time",
        "click filter_group",
        "click body",
    ] {
        assert!(rows.contains(part), "{part} in {rows}");
    }
    // Macros left in place are not given, and noted.
    let left = format!(
        "/click/{id}?no_redirect=true&click_ip={{ip}}&click_time=%24%7Btime%7D&offer={{offer}}"
    );
    assert_eq!(call(&server, &left).json()["status"], "approved");
    let event = newest(&server);
    let noted = event["evidence"].to_string();
    assert_eq!(noted.matches("MACRO_UNREPLACED").count(), 3, "{noted}");
}

#[test]
fn what_is_fetched_ahead_or_only_looked_at_is_not_counted() {
    let server = server();
    let id = custom(&server, &shop());
    let target = format!("/click/{id}?offer=o1");
    for (name, value) in [
        ("Sec-Purpose", "prefetch;prerender"),
        ("Purpose", "prefetch"),
        ("X-Moz", "prefetch"),
        ("X-Purpose", "preview"),
    ] {
        let answer = Visitor::at("86.129.5.1")
            .with(name, value)
            .gets(&server, &target);
        assert_eq!(
            (answer.status, answer.header("location")),
            (204, None),
            "{name}"
        );
        assert_eq!(answer.header("content-length"), None);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    let head = Visitor::at("86.129.5.1").asks(&server, "HEAD", &target, "");
    assert_eq!(location(&head), "https://shop.example/?cid=&o=o1");
    assert_eq!(head.header("x-robots-tag"), Some("noindex"));
    let head = Visitor::bot("86.129.5.1").asks(&server, "HEAD", &target, "");
    assert_eq!(location(&head), "https://fall.example/?o=o1");
    assert!(server.all_events().is_empty());
    // Two clicks are allowed: had any of those counted, the second would be caught.
    for _ in 0..2 {
        let answer = Visitor::at("86.129.5.1").gets(&server, &target);
        assert!(location(&answer).starts_with("https://shop.example/"));
    }
}

#[test]
fn monitored_paused_and_measured_clicks_go_on() {
    let server = server();
    let id = custom(&server, &shop());
    let target = format!("/click/{id}?offer=o1");
    let rule = server.show("/rules")["items"][0]["id"].clone();
    server.change(&format!("/rules/{rule}"), &json!({"mode": "monitor"}));
    let on = Visitor::bot("86.129.6.1").gets(&server, &target);
    assert!(location(&on).starts_with("https://shop.example/"));
    assert_eq!(newest(&server)["action"], "monitored");
    let told = call(
        &server,
        &format!("{target}&no_redirect=true&user_agent=curl/8&click_ip=86.129.6.2"),
    );
    let told = told.text();
    assert!(
        told.contains(
            "\"status\":\"rejected\",\"reason\":\"NON_BROWSER_UA\",\"monitoring_mode\":true}"
        ),
        "{told}"
    );
    server.change(&format!("/rules/{rule}"), &json!({"mode": "enforce"}));
    server.change(
        &format!("/integrations/{id}"),
        &json!({"clicks": {"measure_only": true, "referrer_policy": "no-referrer"}}),
    );
    let beacon = Visitor::bot("86.129.6.3").asks(&server, "POST", &target, "");
    assert_eq!((beacon.status, beacon.body.len()), (204, 0));
    assert_eq!(newest(&server)["action"], "rejected");
    server.change(
        &format!("/integrations/{id}"),
        &json!({"status": "paused", "clicks": {"measure_only": false}}),
    );
    let paused = Visitor::bot("86.129.6.4").gets(&server, &target);
    assert!(location(&paused).starts_with("https://shop.example/"));
    assert_eq!(paused.header("referrer-policy"), Some("no-referrer"));
    let event = newest(&server);
    assert_eq!(
        (&event["action"], &event["reasons"]),
        (&json!("approved"), &json!([]))
    );
    assert_eq!(event["rule"]["id"], 0, "nobody screened it: {event}");
}

#[test]
fn rejected_clicks_end_as_configured_and_lost_ones_are_listed() {
    let server = server();
    let id = custom(&server, &json!({}));
    let of = |clicks: Value| {
        server.change(&format!("/integrations/{id}"), &json!({ "clicks": clicks }));
        Visitor::bot("86.129.7.1").gets(&server, &format!("/click/{id}"))
    };
    assert_eq!(location(&of(json!({}))), "http://localhost/");
    assert_eq!(
        location(&of(
            json!({"on_reject": "localhost", "fallback_url": "https://f.example"})
        )),
        "http://localhost/"
    );
    assert_eq!(
        location(&of(json!({"on_reject": "waterfall"}))),
        "https://f.example/"
    );
    assert_eq!(
        location(&of(json!({"on_reject": "monetize"}))),
        "https://f.example/"
    );
    let blank = of(json!({"on_reject": "blank"}));
    assert_eq!((blank.status, blank.body.len()), (200, 0));
    assert_eq!(of(json!({"on_reject": "block"})).status, 403);
    let lost = Visitor::at("86.129.7.2").gets(&server, &format!("/click/{id}"));
    assert_eq!(lost.status, 404);
    assert_eq!(newest(&server)["destination"], Value::Null);
    let rows = causes(&server, id).join("\n");
    assert!(rows.contains("click clicks.approved_url"), "{rows}");
}

#[test]
fn destinations_of_links_are_obeyed_only_for_allowed_hosts() {
    let server = server();
    let id = custom(
        &server,
        &json!({"allowed_hosts": ["shop.example"], "urls": [{"id": "two", "url": "https://two.example/"}]}),
    );
    let of = |params: &str| {
        Visitor::at("86.129.8.1").gets(&server, &format!("/click/{id}?offer=o1&{params}"))
    };
    let rule = server.show("/rules")["items"][0]["id"].clone();
    let off = json!({"preset": "disable_all"});
    server.change(&format!("/rules/{rule}"), &off);
    let good = of("redirect_url=https%3A%2F%2Fshop.example%2Fa%3Fo%3D%7Boffer%7D%26t%3D1");
    assert_eq!(location(&good), "https://shop.example/a?o=o1&t=1");
    assert_eq!(location(&of("url_id=two")), "https://two.example/");
    for wrong in [
        "redirect_url=https%3A%2F%2Fevil.example%2F",
        "redirect_url=https%3A%2F%2Fshop.example%40evil.example",
        "redirect_url=https%3A%2F%2Fshop.example.evil.example",
        "redirect_url=javascript%3Aalert(1)",
        "redirect_url=%2F%2Fevil.example",
        "redirect_url=https%253A%252F%252Fshop.example%252F",
        "redirect_url=https%3A%2F%2Fevil.example%5C.shop.example",
        "redirect_url=https%3A%2F%2Fshop.example%0d%0aSet-Cookie%3Aa%3Db",
        "url_id=one",
    ] {
        let answer = of(wrong);
        assert_eq!(
            (answer.status, answer.header("location")),
            (404, None),
            "{wrong}"
        );
        assert_eq!(answer.header("set-cookie"), None);
    }
    let rows = causes(&server, id).join("\n");
    assert!(
        rows.contains("redirect_url") && rows.contains("url_id"),
        "{rows}"
    );
    server.change(
        &format!("/integrations/{id}"),
        &json!({"clicks": {"approved_url": "https://own.example/"}}),
    );
    let good = of("redirect_url=https%3A%2F%2Fshop.example%2F");
    assert_eq!(
        location(&good),
        "https://own.example/",
        "the console's counts"
    );
}

#[test]
fn nothing_in_a_parameter_changes_where_a_link_leads() {
    let server = server();
    let id = custom(
        &server,
        &json!({"approved_url": "https://shop.example/{publisher}?o={offer}&s={sub_id}",
                "append": ["sub_id"], "pass_extra": true,
                "fallback_url": "https://shop.example/?o={offer}"}),
    );
    for value in [
        "%252F",
        "%2e%2e%2f",
        "a%0d%0aLocation%3a+https%3a//evil.example",
        "javascript%3Aalert(1)",
        "https%3A%2F%2Fevil.example%2F%3Fa%3Db%26c%3Dd",
        "%40evil.example",
        "%5C%5Cevil.example",
        "b%C3%BCcher.example",
        "%00",
        "100%",
        "%ff%fe",
        "%c0%ae",
        "%23%3F%26%3D",
        "%7Bpublisher%7D",
    ] {
        let target =
            format!("/click/{id}?offer={value}&publisher={value}&sub_id={value}&x{value}={value}");
        let answer = Visitor::at("86.129.10.1").gets(&server, &target);
        let to = location(&answer).to_owned();
        assert!(to.starts_with("https://shop.example/"), "{value}: {to}");
        assert!(to.bytes().all(|c| c.is_ascii_graphic()), "{value}: {to}");
        let names: Vec<_> = answer
            .headers
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(names.iter().filter(|name| **name == "location").count(), 1);
        assert!(
            !to.contains("evil.example/") && !to[8..].contains("//"),
            "{value}: {to}"
        );
    }
    let double = Visitor::at("86.129.10.2").gets(&server, &format!("/click/{id}?offer=%252F"));
    assert!(location(&double).contains("?o=%252F"), "{double:?}");
}

#[test]
fn doors_are_found_by_path_on_any_host_and_by_public_hosts() {
    let server = server();
    let id = custom(&server, &shop());
    let of = |host: &str, target: &str| {
        let headers = [
            ("Host", host),
            ("X-Forwarded-For", "86.129.11.1"),
            ("User-Agent", IPHONE),
        ];
        server.client().send("GET", target, &headers, b"").status
    };
    let own = format!("{id}.clicks.traffic.example");
    assert_eq!(of(&own, "/?offer=o1"), 302);
    assert_eq!(
        of(&format!("{id}.clicks.localhost:8080"), "/?offer=o1"),
        302
    );
    assert_eq!(of(&format!("{id}.imp.traffic.example"), "/"), 200);
    assert_eq!(of("anything.example", &format!("/imp/{id}")), 200);
    assert_eq!(of("traffic.example", "/"), 404);
    assert_eq!(of("unknown.example", "/"), 404);
    assert_eq!(of(&format!("{id}.clicks.unknown.example"), "/"), 404);
    assert_eq!(of("999.clicks.traffic.example", "/"), 404);
    assert_eq!(of("any", "/click/999"), 404);
    assert_eq!(of("any", "/click/x"), 404);
    let shown = server.show(&format!("/integrations/{id}"));
    assert_eq!(shown["urls"]["click"], format!("http://{own}/"));
}

#[test]
fn keys_and_allow_lists_hold_at_the_click_door() {
    let server = server();
    let key = "0123456789abcdef";
    let id = custom(&server, &shop());
    let path = format!("/integrations/{id}");
    server.change(&path, &json!({"access_key": key}));
    let target = format!("/click/{id}?offer=o1");
    let without = Visitor::at("86.129.12.1").gets(&server, &target);
    assert_eq!((without.status, without.header("location")), (401, None));
    let with = Visitor::at("86.129.12.1").gets(&server, &format!("{target}&key={key}"));
    assert!(!location(&with).contains(key));
    let header = Visitor::at("86.129.12.2")
        .with("X-Assay-Key", key)
        .gets(&server, &target);
    assert_eq!(header.status, 302);
    server.change(
        &path,
        &json!({"access_key": null, "allowed_sources": ["203.0.113.0/24"]}),
    );
    assert_eq!(
        call(&server, &format!("{target}&no_redirect=true")).status,
        403
    );
    let visitor = Visitor::at("86.129.12.3").gets(&server, &target);
    assert_eq!(
        visitor.status, 302,
        "the list is of servers; visitors come from anywhere"
    );
    let rows = causes(&server, id).join("\n");
    assert!(
        rows.contains("key is missing") && rows.contains("allowed_sources"),
        "{rows}"
    );
}

#[test]
fn impressions_are_pixels_or_verdicts() {
    let server = server();
    let id = custom(&server, &shop());
    let seen = Visitor::bot("86.129.13.1").gets(
        &server,
        &format!("/imp/{id}?offer=o1&site_url=https%3A%2F%2Fnews.example"),
    );
    assert_eq!(
        (seen.status, seen.header("content-type")),
        (200, Some("image/gif"))
    );
    assert!(seen.body.starts_with(b"GIF89a") && seen.body.len() == 43);
    let event = newest(&server);
    assert_eq!(
        (&event["event"], &event["action"]),
        (&json!("impression"), &json!("rejected"))
    );
    assert!(
        event["facts"].to_string().contains("https://news.example"),
        "{event}"
    );
    let told = call(
        &server,
        &format!("/imp/{id}?no_redirect=true&impression_ip=86.129.13.2&fields=ip&offer=o1"),
    );
    assert_eq!(told.json()["status"], "approved");
    assert_eq!(told.json()["ip"], "86.129.13.2");
    let wrong = call(
        &server,
        &format!("/imp/{id}?no_redirect=true&impression_time=x"),
    );
    assert_eq!(
        (wrong.status, wrong.field()),
        (422, "impression_time".to_owned())
    );
}
