//! What a user lists and limits, and what browsers say of a click, through the real doors.

use serde_json::{Value, json};

use crate::harness::{CURL, Call, IPHONE, Server};

/// A rule for one publisher that runs these filters and no other.
fn only(publisher: &str, filters: &Value) -> Value {
    json!({"name": publisher, "status": "active", "protection": "both", "sub_id_mapping": "sub_id",
           "preset": "disable_all", "scope": {"publishers": {"include": [publisher]}},
           "filters": filters})
}

fn day_of_three(per: &str) -> Value {
    json!({"non_browser_ua": {}, "caps": {"caps": [{"of": "clicks", "per": per, "max": 3}]}})
}

#[test]
fn a_cap_lets_so_many_good_clicks_through_and_stands_over_a_restart() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::start_on(home.path(), &[]);
    let own = server.integration(&json!({}));
    server.make("/rules", &only("p1", &day_of_three("month")));
    let click = |offer: &str| Call::web(own).with("s1", "p1").with("offer", offer);
    // What another filter rejects uses up nothing.
    for _ in 0..5 {
        let bot = click("o1").with("s6", CURL);
        assert_eq!(server.score(&bot).tqs(), "1 BN");
    }
    let answers = |server: &Server, offer: &str| -> Vec<String> {
        (0..5).map(|_| server.score(&click(offer)).tqs()).collect()
    };
    assert_eq!(
        answers(&server, "o1"),
        ["0 CL", "0 CL", "0 CL", "2 CK", "2 CK"]
    );
    assert_eq!(answers(&server, "o2")[..3], ["0 CL", "0 CL", "0 CL"]);
    let detail = server.score(&click("o1").verbose()).json()["detail"].clone();
    let evidence = &detail["evidence"][0];
    assert_eq!(evidence["observed"]["count"], 4, "{detail}");
    assert_eq!(
        (&evidence["threshold"], &evidence["class"]),
        (&json!(3), &json!("POLICY"))
    );
    server.kill();
    let server = Server::start_on(home.path(), &[]);
    assert_eq!(server.score(&click("o1")).tqs(), "2 CK");
    assert_eq!(server.score(&click("o3")).tqs(), "0 CL");
}

#[test]
fn what_a_browser_says_of_a_click_is_judged_at_every_door() {
    let server = Server::start();
    let own = server.integration(&json!({"kind": "custom"}));
    let call = |name: &str, value: &str| server.score(&Call::web(own).with(name, value)).tqs();
    assert_eq!(call("sec_purpose", "prefetch;prerender"), "2 PF");
    assert_eq!(call("sec_fetch_dest", "image"), "1 IC");
    assert_eq!(call("sec_fetch_dest", "document"), "0 CL");
    let redirect = |dest: &str, user: &str, link: &str| {
        let target = format!("/click/{own}?offer=o1&json=true&{link}");
        let headers = [
            ("User-Agent", IPHONE),
            ("Accept", "application/json"),
            ("Sec-Fetch-Dest", dest),
            ("Sec-Fetch-Mode", "navigate"),
            ("Sec-Fetch-User", user),
        ];
        let answer = server.client().send("GET", &target, &headers, b"").json();
        answer["rejections"].to_string()
    };
    for (dest, user, link, caught) in [
        ("document", "?1", "", false),
        ("image", "", "", true),
        ("iframe", "", "", true),
        ("iframe", "?1", "", false),
        // A link cannot say what only the browser knows.
        (
            "image",
            "",
            "sec_fetch_dest=document&sec_fetch_user=%3F1",
            true,
        ),
        ("document", "?1", "sec_fetch_dest=image", false),
    ] {
        let rejections = redirect(dest, user, link);
        let seen = rejections.contains("IMAGE_CLICK");
        assert_eq!(seen, caught, "{dest} {user} {link}: {rejections}");
    }
}

#[test]
fn a_cell_of_the_matrix_changes_the_answers_of_its_publisher_only() {
    let server = Server::start();
    let own = server.integration(&json!({}));
    let bot = |publisher: &str| {
        let call = Call::web(own).with("s6", CURL).with("s1", publisher);
        server.score(&call).tqs()
    };
    assert_eq!((bot("p1"), bot("p2")), ("1 BN".into(), "1 BN".into()));
    let cell = json!({"by": "publisher", "id": "p1", "filter": "non_browser_ua", "enabled": false});
    server.change("/rules/matrix", &cell);
    assert_eq!((bot("p1"), bot("p2")), ("0 CL".into(), "1 BN".into()));
    let cell = json!({"by": "publisher", "id": "p1", "filter": "non_browser_ua", "enabled": true});
    let row = server.change("/rules/matrix", &cell);
    assert_eq!((bot("p1"), bot("p2")), ("1 BN".into(), "1 BN".into()));
    let path = format!("/rules/{}", row["rule"]["id"]);
    let restored = format!("{path}/versions/1/restore");
    assert_eq!(server.api("POST", &restored, None).status, 200);
    assert_eq!(bot("p1"), "0 CL");
}

#[test]
fn lists_and_limits_of_a_rule_answer_with_their_own_reasons() {
    let server = Server::start();
    let own = server.integration(&json!({}));
    let filters = json!({
        "targeting": {"countries": {"include": ["DE"]}},
        "blocked_sub_ids": {"entries": [{"sub_id": "s9", "publisher": "p1"}]},
        "sub_id_validity": {"max_length": 4},
        "keyword": {"blocked_keywords": ["casino"]},
        "compliance": {"keywords": ["warez"]},
        "data_validation": {"offer": {"block": ["o9"]}},
    });
    server.make("/rules", &only("p1", &filters));
    let base = || Call::web(own).with("s1", "p1").with("ip", "79.192.0.9");
    let cases = [
        ("as bought", base(), "0 CL"),
        ("abroad", base().with("ip", "86.128.0.9"), "2 GT"),
        ("blocked sub id", base().with("s2", "s9"), "2 SB"),
        ("long sub id", base().with("s2", "s1234"), "2 SI"),
        ("keyword", base().with("keyword", "Casino royale"), "2 KB"),
        (
            "referrer",
            base().with("s3", "https://warez.example/"),
            "2 RK",
        ),
        ("offer", base().with("offer", "o9"), "2 VN"),
    ];
    for (what, call, answer) in cases {
        assert_eq!(server.score(&call).tqs(), answer, "{what}");
    }
}
