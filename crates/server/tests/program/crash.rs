//! `kill -9` and SIGTERM under load: what was answered is kept, once.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{CURL, Call, Client, Server, wait_until};

/// Pseudo-random numbers that a failure can be repeated with.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// Asks from four connections until told to stop or cut off; the events that were answered.
///
/// Shape: a request counts as answered once its whole body has come.
fn load<'s, 'e>(
    scope: &'s std::thread::Scope<'s, 'e>,
    server: &Server,
    own: u64,
    answered: &'e Mutex<Vec<String>>,
    stop: &'e AtomicBool,
) {
    for lane in 0..4 {
        let to = server.data;
        scope.spawn(move || {
            let Ok(mut client) = Client::try_connect(to) else {
                return;
            };
            for n in 0.. {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let call = Call::web(own).with("cid", &format!("{lane}-{n}")).verbose();
                let call = if n % 3 == 0 {
                    call.with("s6", CURL)
                } else {
                    call
                };
                let Ok(answer) = client.try_send("GET", &call.target(), &[], b"") else {
                    return;
                };
                assert_eq!(answer.status, 200);
                answered.lock().unwrap().push(
                    answer.json()["detail"]["event_id"]
                        .as_str()
                        .unwrap()
                        .to_owned(),
                );
            }
        });
    }
}

/// The ids of all events, oldest pages left out once `known` begins; none twice.
#[track_caller]
fn new_events(server: &Server, known: &HashSet<String>, round: u64) -> Vec<String> {
    let (mut found, mut before) = (Vec::new(), String::new());
    loop {
        let page = server.show(&format!("/events?limit=500{before}"));
        let ids = page["items"].as_array().unwrap().iter();
        let ids = ids.map(|event| event["event_id"].as_str().unwrap().to_owned());
        let fresh: Vec<String> = ids.filter(|id| !known.contains(id)).collect();
        let next = page["next"].as_str().filter(|_| !fresh.is_empty());
        before = next
            .map(|next| format!("&before={next}"))
            .unwrap_or_default();
        found.extend(fresh);
        if before.is_empty() {
            break;
        }
    }
    let unique: HashSet<&String> = found.iter().collect();
    assert_eq!(
        unique.len(),
        found.len(),
        "round {round}: twice in the feed"
    );
    found
}

/// Asserts that everything answered in a round is there, and nothing twice.
#[track_caller]
fn assert_kept(server: &Server, answered: &[String], known: &mut HashSet<String>, round: u64) {
    let found = new_events(server, known, round);
    let seen: HashSet<&str> = found.iter().map(String::as_str).collect();
    let unique: HashSet<&str> = answered.iter().map(String::as_str).collect();
    assert_eq!(
        unique.len(),
        answered.len(),
        "round {round}: an id was given twice"
    );
    let lost: Vec<_> = unique.difference(&seen).collect();
    assert!(
        lost.is_empty(),
        "round {round}: {} of {} lost: {lost:?}",
        lost.len(),
        answered.len()
    );
    // At most the calls that were under way when the process was killed are there beside them.
    assert!(
        found.len() - answered.len() <= 4,
        "round {round}: {} unanswered",
        found.len() - answered.len()
    );
    known.extend(found);
    wait_until("the report has every event", Duration::from_secs(5), || {
        let clicks = server.totals()["clicks"].as_u64().unwrap() as usize;
        assert!(
            clicks <= known.len(),
            "round {round}: {clicks} in the report of {}",
            known.len()
        );
        (clicks == known.len()).then_some(())
    });
}

#[test]
fn kill_9_under_load_loses_no_answered_event_and_doubles_none() {
    let home = tempfile::tempdir().unwrap();
    // Sealed every second, so that kills hit the move from spool to files too.
    let environment = [("ASSAY__STORAGE__SEAL_S", "1")];
    let mut random = Random(0x5eed_0001);
    let answered = Mutex::new(Vec::new());
    let mut server = Server::start_on(home.path(), &environment);
    let own = server.integration(&json!({}));
    let (mut saved, mut total, mut known) = (0, 0, HashSet::new());
    for round in 1..=20 {
        let made = server.make("/rules", &json!({"name": format!("r{round}"), "status": "paused", "protection": "both", "sub_id_mapping": "sub_id"}));
        let token = server.make(
            "/tokens",
            &json!({"name": format!("t{round}"), "scopes": ["score"]}),
        );
        let another = server.integration(&json!({"name": format!("i{round}")}));
        saved += 1;
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            load(scope, &server, own, &answered, &stop);
            std::thread::sleep(Duration::from_millis(50 + random.below(751)));
            server.kill();
        });
        server = Server::start_on(home.path(), &environment);
        assert!(
            server.started_in < Duration::from_secs(5),
            "{:?}",
            server.started_in
        );
        total += answered.lock().unwrap().len();
        assert_kept(&server, &answered.lock().unwrap(), &mut known, round);
        answered.lock().unwrap().clear();
        let rules = server.show("/rules?limit=100");
        assert_eq!(
            rules["items"].as_array().unwrap().len(),
            saved + 1,
            "round {round}"
        );
        assert_eq!(
            server.show(&format!("/rules/{}", made["id"]))["name"],
            format!("r{round}")
        );
        assert_eq!(
            server.show(&format!("/integrations/{another}"))["name"],
            format!("i{round}")
        );
        let bearer = format!("Bearer {}", token["token"].as_str().unwrap());
        let body = json!({"integration_id": another, "ip": "nowhere"}).to_string();
        let scored = server.client().send(
            "POST",
            "/v1/score",
            &[("Authorization", &bearer)],
            body.as_bytes(),
        );
        assert_eq!(
            scored.status,
            422,
            "the saved token is known: {}",
            scored.text()
        );
    }
    assert_eq!(new_events(&server, &HashSet::new(), 21).len(), known.len());
    assert!(total > 1000, "only {total} answered: no load");
}

#[test]
fn counts_go_on_after_kill_9() {
    let home = tempfile::tempdir().unwrap();
    let mut random = Random(0x5eed_0002);
    let mut server = Server::start_on(home.path(), &[]);
    let own = server.integration(&json!({}));
    let filters = json!({"click_flooding": {"enabled": true, "click_threshold": 1}, "fast_clicker": {"enabled": false}});
    server.change("/rules/1", &json!({"filters": filters}));
    let flood = Call::web(own).verbose();
    let mut sent = 0;
    for round in 0..6 {
        let mut client = server.client();
        let until = Instant::now() + Duration::from_millis(50 + random.below(2500));
        while Instant::now() < until {
            client.get(&flood.target());
            sent += 1;
        }
        server.kill();
        server = Server::start_on(home.path(), &[]);
        let detail = server.score(&flood).json()["detail"].clone();
        sent += 1;
        let finding = detail["evidence"]
            .as_array()
            .unwrap()
            .iter()
            .find(|e| e["reason"] == "CLICK_FLOODING")
            .unwrap_or_else(|| panic!("{detail}"));
        let count = finding["observed"]["count"].as_u64().unwrap();
        assert_eq!(count, sent, "round {round}");
    }
}

#[test]
fn sigterm_under_load_answers_what_it_has_taken_and_loses_nothing() {
    let home = tempfile::tempdir().unwrap();
    let mut random = Random(0x5eed_0003);
    let answered = Mutex::new(Vec::new());
    let cut = Mutex::new(Vec::new());
    let mut server = Server::start_on(home.path(), &[]);
    let own = server.integration(&json!({}));
    for _ in 0..3 {
        std::thread::scope(|scope| {
            for n in 0..4 {
                let (to, answered, cut) = (server.data, &answered, &cut);
                scope.spawn(move || {
                    let mut client = Client::connect(to);
                    loop {
                        // A request that got its connection is answered whole, or not begun.
                        let call = Call::web(own).with("s1", &format!("p{n}")).verbose();
                        match client.try_send("GET", &call.target(), &[], b"") {
                            Ok(answer) => {
                                answered.lock().unwrap().push(
                                    answer.json()["detail"]["event_id"]
                                        .as_str()
                                        .unwrap()
                                        .to_owned(),
                                );
                                if answer.header("connection") == Some("close") {
                                    return;
                                }
                            }
                            Err(error) => {
                                cut.lock().unwrap().push(error.to_string());
                                return;
                            }
                        }
                    }
                });
            }
            std::thread::sleep(Duration::from_millis(300 + random.below(500)));
            server.stop();
        });
        server = Server::start_on(home.path(), &[]);
        let events = server.all_events();
        let answered = answered.lock().unwrap();
        let seen: HashSet<&str> = events
            .iter()
            .map(|event| event["event_id"].as_str().unwrap())
            .collect();
        assert_eq!(seen.len(), events.len(), "twice");
        let lost = answered
            .iter()
            .filter(|id| !seen.contains(id.as_str()))
            .count();
        assert_eq!(
            (lost, events.len()),
            (0, answered.len()),
            "cut: {:?}",
            cut.lock().unwrap()
        );
        assert_eq!(server.totals()["clicks"], events.len());
    }
    assert!(cut.lock().unwrap().is_empty(), "{:?}", cut.lock().unwrap());
}

#[test]
fn idle_connections_do_not_hold_up_the_end() {
    let mut server = Server::start();
    let own = server.integration(&json!({}));
    let mut plain = server.client();
    assert_eq!(plain.get(&Call::web(own).target()).tqs(), "0 CL");
    let mut posted = server.client();
    let form = Call::web(own).query();
    assert_eq!(
        posted.send("POST", "/ic3.php", &[], form.as_bytes()).tqs(),
        "0 CL"
    );
    let asked = Instant::now();
    server.stop();
    assert!(
        asked.elapsed() < Duration::from_secs(5),
        "{:?}",
        asked.elapsed()
    );
    assert!(plain.is_closed() && posted.is_closed());
}
