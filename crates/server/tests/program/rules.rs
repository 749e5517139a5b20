//! Rules and lists: each changes the answers it is for, and no other, within a second.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{CURL, Call, Server, wait_until};

/// A rule that screens nothing of what it is for.
fn lenient(name: &str, scope: &Value) -> Value {
    json!({"name": name, "status": "active", "protection": "both", "sub_id_mapping": "sub_id",
           "preset": "disable_all", "scope": scope})
}

fn only(what: &str, ids: &[&str]) -> Value {
    json!({what: {"include": ids, "exclude": []}})
}

/// The traffic that the tests look at: name, call, answer by the default rule.
fn traffic(shop: u64, other: u64) -> Vec<(&'static str, Call, &'static str)> {
    let bot = |own| Call::web(own).with("s6", CURL);
    vec![
        ("shop p1", bot(shop).with("s1", "p1"), "1 BN"),
        ("shop p2", bot(shop).with("s1", "p2"), "1 BN"),
        ("shop nobody", bot(shop).without("s1"), "1 BN"),
        (
            "shop p1 of acme",
            bot(shop).with("s1", "p1").with("advertiser", "acme"),
            "1 BN",
        ),
        ("other p1", bot(other).with("s1", "p1"), "1 BN"),
        ("other p2", bot(other).with("s1", "p2"), "1 BN"),
        ("a person", Call::web(shop), "0 CL"),
    ]
}

/// Asserts that exactly the named traffic is answered `0 CL` and all else by default.
#[track_caller]
fn assert_lenient(server: &Server, traffic: &[(&str, Call, &str)], which: &[&str]) {
    for (name, call, usual) in traffic {
        let expected = if which.contains(name) { "0 CL" } else { usual };
        assert_eq!(
            server.score(call).tqs(),
            expected,
            "{name}, lenient: {which:?}"
        );
    }
}

/// Two integrations; the first is of advertiser `shop`.
fn market() -> (Server, u64, u64) {
    let server = Server::start();
    let shop = server.integration(&json!({"advertiser": "shop"}));
    let other = server.integration(&json!({}));
    (server, shop, other)
}

#[test]
fn a_rule_changes_the_answers_it_is_for_and_no_other() {
    let (server, shop, other) = market();
    // Nobody here comes twice: the person is somebody else each time.
    let traffic = || traffic(shop, other);
    let everybody = [
        "shop p1",
        "shop p2",
        "shop nobody",
        "shop p1 of acme",
        "other p1",
        "other p2",
    ];
    assert_lenient(&server, &traffic(), &[]);
    for (scope, which) in [
        (
            only("publishers", &["p1"]),
            &["shop p1", "shop p1 of acme", "other p1"][..],
        ),
        (only("publishers", &["P1"]), &[]),
        // The integration's own advertiser counts where the call names none.
        (
            only("advertisers", &["shop"]),
            &["shop p1", "shop p2", "shop nobody"],
        ),
        (only("advertisers", &["acme"]), &["shop p1 of acme"]),
        (
            json!({"publishers": {"include": ["p1"]}, "advertisers": {"include": ["shop"]}}),
            &["shop p1"],
        ),
        (
            json!({"publishers": {"include": [], "exclude": ["p1"]}}),
            &["shop p2", "shop nobody", "other p2"],
        ),
        (
            json!({"publishers": {"include": ["p1"], "exclude": ["p1"]}}),
            &[],
        ),
        (json!({}), &everybody),
    ] {
        let rule = server.make("/rules", &lenient("lenient", &scope));
        let path = format!("/rules/{}", rule["id"]);
        assert_lenient(&server, &traffic(), which);
        server.change(&path, &json!({"status": "paused"}));
        assert_lenient(&server, &traffic(), &[]);
        server.change(&path, &json!({"status": "active"}));
        assert_lenient(&server, &traffic(), which);
        server.delete(&path);
        assert_lenient(&server, &traffic(), &[]);
    }
    // One integration's rule is no other's.
    let mut bound = lenient("bound", &json!({}));
    bound["integration_id"] = other.into();
    server.make("/rules", &bound);
    assert_lenient(&server, &traffic(), &["other p1", "other p2"]);
}

#[test]
fn the_first_rule_that_fits_decides() {
    let (server, shop, other) = market();
    let strict = |name: &str| json!({"name": name, "status": "active", "protection": "both", "sub_id_mapping": "sub_id"});
    let bot = || Call::web(shop).with("s6", CURL);
    let rule_of = |call: Call| server.score(&call.verbose()).json()["detail"]["rule"]["id"].clone();
    // Made in the wrong order, placed in the right one: publisher, advertiser, all.
    let all = server.make("/rules", &strict("all"))["id"].clone();
    let mut of_shop = strict("shop");
    of_shop["scope"] = only("advertisers", &["shop"]);
    let of_shop = server.make("/rules", &of_shop)["id"].clone();
    let of_p1 = server.make("/rules", &lenient("p1", &only("publishers", &["p1"])))["id"].clone();
    assert_eq!(rule_of(bot().with("s1", "p1")), of_p1);
    assert_eq!(rule_of(bot().with("s1", "p2")), of_shop);
    assert_eq!(
        rule_of(Call::web(other)),
        of_p1,
        "p1 of another integration"
    );
    assert_eq!(rule_of(Call::web(other).with("s1", "p2")), all);
    // Dragged to the top, the rule for all decides all.
    server.change(&format!("/rules/{all}"), &json!({"priority": 1}));
    assert_eq!(rule_of(bot().with("s1", "p1")), all);
    assert_eq!(server.score(&bot().with("s1", "p1")).tqs(), "1 BN");
}

#[test]
fn a_change_is_in_force_within_a_second_on_every_lane() {
    let (server, shop, _) = market();
    let bot = || Call::web(shop).with("s6", CURL).target();
    let mut open: Vec<_> = (0..8).map(|_| server.client()).collect();
    for client in &mut open {
        assert_eq!(client.get(&bot()).tqs(), "1 BN");
    }
    let saved = Instant::now();
    server.make("/rules", &lenient("all", &json!({})));
    for client in &mut open {
        wait_until("the rule in force", Duration::from_secs(1), || {
            (client.get(&bot()).tqs() == "0 CL").then_some(())
        });
    }
    assert!(
        saved.elapsed() < Duration::from_secs(1),
        "{:?}",
        saved.elapsed()
    );
}

#[test]
fn monitor_mode_tells_the_caller_nothing_and_the_reports_everything() {
    let (server, shop, _) = market();
    let mut monitor = lenient("watch", &json!({}));
    monitor["preset"] = "none".into();
    monitor["mode"] = "monitor".into();
    let rule = server.make("/rules", &monitor);
    let answer = server.score(&Call::web(shop).with("s6", CURL).verbose());
    assert_eq!(answer.tqs(), "0 CL");
    let detail = &answer.json()["detail"];
    assert_eq!(
        (&detail["risk"], &detail["action"]),
        (&json!("high"), &json!("monitored"))
    );
    assert_eq!(detail["reasons"], json!(["NON_BROWSER_UA"]));
    assert_eq!(server.score(&Call::web(shop)).tqs(), "0 CL");
    let totals = wait_until("the report", Duration::from_secs(5), || {
        let totals = server.totals();
        (totals["clicks"] == 2).then_some(totals)
    });
    assert_eq!(
        totals,
        json!({"clicks": 2, "approved": 1, "rejected": 0, "monitored": 1, "givt": 1, "sivt": 0, "policy": 0})
    );
    server.change(
        &format!("/rules/{}", rule["id"]),
        &json!({"mode": "enforce"}),
    );
    assert_eq!(
        server.score(&Call::web(shop).with("s6", CURL)).tqs(),
        "1 BN"
    );
}

#[test]
fn strictness_decides_how_much_risk_is_rejected() {
    let (server, shop, _) = market();
    let low = || Call::web(shop).with("s8", "not an address").verbose();
    let medium = || {
        Call::web(shop)
            .with("s9", "11111111-1111-1111-1111-111111111111")
            .verbose()
    };
    let high = || Call::web(shop).with("s6", CURL).verbose();
    let seen = |call: Call| {
        let detail = server.score(&call).json()["detail"].clone();
        [
            detail["risk"].as_str().unwrap().to_owned(),
            detail["action"].as_str().unwrap().to_owned(),
        ]
    };
    for (strictness, of_low, of_medium) in [
        ("conservative", "approved", "approved"),
        ("moderate", "approved", "rejected"),
        ("strict", "rejected", "rejected"),
    ] {
        server.change("/rules/1", &json!({"strictness": strictness}));
        assert_eq!(seen(high()), ["high", "rejected"], "{strictness}");
        assert_eq!(seen(low()), ["low", of_low], "{strictness}");
        assert_eq!(seen(medium()), ["medium", of_medium], "{strictness}");
    }
}

#[test]
fn a_bad_or_stale_rule_changes_nothing() {
    let (server, shop, _) = market();
    let rule = server.make("/rules", &lenient("p1", &only("publishers", &["p1"])));
    let path = format!("/rules/{}", rule["id"]);
    let before = (server.show("/rules"), server.show(&path));
    let refuse = |method: &str, path: &str, body: Value, status: u16, field: &str| {
        let answer = server.api(method, path, Some(&body));
        assert_eq!(
            (answer.status, answer.field().as_str()),
            (status, field),
            "{body}: {}",
            answer.text()
        );
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json")
        );
    };
    refuse(
        "POST",
        "/rules",
        json!({"name": "x", "status": "active", "protection": "both"}),
        422,
        "sub_id_mapping",
    );
    let with = |name: &str, value: Value| {
        let mut rule = lenient("x", &json!({}));
        rule[name] = value;
        rule
    };
    refuse(
        "POST",
        "/rules",
        with("colour", json!("red")),
        422,
        "colour",
    );
    refuse("POST", "/rules", with("mode", json!("kill")), 422, "mode");
    refuse(
        "POST",
        "/rules",
        with("integration_id", json!(4711)),
        422,
        "integration_id",
    );
    refuse(
        "POST",
        "/rules",
        with("filters", json!({"nonsense": {}})),
        422,
        "filters.nonsense",
    );
    refuse(
        "POST",
        "/rules",
        with("filters", json!({"vpn": {"enabled": "yes"}})),
        422,
        "filters.vpn.enabled",
    );
    refuse(
        "POST",
        "/rules",
        with("filters", json!({"click_flooding": {"click_threshold": 0}})),
        422,
        "filters.click_flooding.click_threshold",
    );
    refuse("PATCH", &path, json!({"mode": "kill"}), 422, "mode");
    refuse(
        "PATCH",
        &path,
        json!({"mode": "monitor", "version": 99}),
        409,
        "",
    );
    refuse("DELETE", "/rules/1", json!({}), 409, "");
    assert_eq!(server.api("POST", "/rules", Some(&json!([]))).status, 422);
    assert_eq!((server.show("/rules"), server.show(&path)), before);
    assert_eq!(
        server.score(&Call::web(shop).with("s6", CURL)).tqs(),
        "0 CL"
    );
    // Two who edit at once: the second is told.
    let changed = server.change(&path, &json!({"name": "mine", "version": rule["version"]}));
    refuse(
        "PATCH",
        &path,
        json!({"name": "yours", "version": rule["version"]}),
        409,
        "",
    );
    assert_eq!(server.show(&path), changed);
}

#[test]
fn own_lists_deny_and_allow() {
    let (server, shop, _) = market();
    let bot = || Call::web(shop).with("s6", CURL);
    let entry = |value: &str| json!([{"value": value}]);
    for (field, value, call) in [
        (
            "ip",
            "86.130.0.0/24",
            Call::web(shop).with("ip", "86.130.0.77"),
        ),
        ("publisher", "p9", Call::web(shop).with("s1", "p9")),
        ("sub_id", "sub9", Call::web(shop).with("s2", "sub9")),
        (
            "referrer",
            "bad.example",
            Call::web(shop).with("s3", "https://bad.example/page"),
        ),
        (
            "bundle_id",
            "com.bad",
            Call::web(shop).with("s4", "com.bad").with("s5", "1"),
        ),
        (
            "user_agent",
            "EvilBrowser",
            Call::web(shop).with("s6", &format!("{} EvilBrowser/1", crate::harness::IPHONE)),
        ),
    ] {
        let deny = server.make(
            "/lists",
            &json!({"name": "d", "mode": "deny", "field": field, "entries": entry(value)}),
        );
        assert_eq!(server.score(&call).tqs(), "1 LD", "{field}");
        assert_eq!(
            server.score(&Call::web(shop)).tqs(),
            "0 CL",
            "{field}: everybody else"
        );
        server.delete(&format!("/lists/{}", deny["id"]));
        let after = server.score(&call).tqs();
        assert_ne!(after, "1 LD", "{field}: deleted");
    }
    // What the user vouches for comes through, whatever it looks like.
    let allow = server.make(
        "/lists",
        &json!({"name": "a", "mode": "allow", "field": "ip", "entries": entry("86.131.0.5")}),
    );
    let friend = || bot().with("ip", "86.131.0.5").verbose();
    let answer = server.score(&friend());
    assert_eq!(answer.tqs(), "0 CL");
    assert_eq!(answer.json()["detail"]["action"], "approved");
    assert_eq!(server.score(&bot()).tqs(), "1 BN");
    // An allow entry that has ended counts no more.
    let past = json!({"entries": [{"value": "86.131.0.5", "expires": "2020-01-01T00:00:00Z"}]});
    server.change(&format!("/lists/{}", allow["id"]), &past);
    assert_eq!(server.score(&friend()).tqs(), "1 BN");
    let refused = server.api(
        "POST",
        "/lists",
        Some(&json!({"name": "d", "mode": "deny", "field": "ip", "entries": entry("8.8.8")})),
    );
    assert_eq!(
        (refused.status, refused.field().as_str()),
        (422, "entries[0].value"),
        "{}",
        refused.text()
    );
}
