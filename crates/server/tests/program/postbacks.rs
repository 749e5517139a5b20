//! Postbacks out of the real binary: over `kill -9` nothing owed is lost, and what is told
//! twice is told under the same id.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Client, IPHONE, Server, wait_until};

/// A receiver on this machine: fails one message in seven when it first comes, breaks off one
/// in eleven, and takes the rest, and all that come again.
struct Receiver {
    port: u16,
    /// Message id and target of every call, also of those it failed.
    told: Arc<Mutex<Vec<(String, String)>>>,
}

impl Receiver {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let told = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&told);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let log = Arc::clone(&log);
                std::thread::spawn(move || serve(stream, &log));
            }
        });
        Self { port, told }
    }

    fn told(&self) -> Vec<(String, String)> {
        self.told.lock().unwrap().clone()
    }

    /// The environment of a server that may call this receiver.
    fn allowed(&self) -> [(String, String); 2] {
        [
            (
                "ASSAY__POSTBACKS__ALLOW_PRIVATE",
                "[\"127.0.0.0/8\"]".to_owned(),
            ),
            ("ASSAY__POSTBACKS__PORTS", format!("[{}]", self.port)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
    }
}

fn serve(mut stream: TcpStream, log: &Mutex<Vec<(String, String)>>) {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        while !head.windows(4).any(|end| end == b"\r\n\r\n") {
            match stream.read(&mut buffer) {
                Ok(0) | Err(_) => return,
                Ok(read) => head.extend_from_slice(&buffer[..read]),
            }
        }
        let text = String::from_utf8_lossy(&head).into_owned();
        head.clear();
        let target = text.split(' ').nth(1).unwrap_or("").to_owned();
        let id = text
            .lines()
            .find_map(|line| line.strip_prefix("webhook-id: "));
        let told = (id.unwrap_or("").to_owned(), target);
        let (count, again) = {
            let mut log = log.lock().unwrap();
            let again = log.contains(&told);
            log.push(told);
            (log.len(), again)
        };
        if count.is_multiple_of(11) && !again {
            return;
        }
        let failing = count.is_multiple_of(7) && !again;
        let status = if failing { 500 } else { 200 };
        let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn start(home: &std::path::Path, receiver: &Receiver) -> Server {
    let allowed = receiver.allowed();
    let environment: Vec<_> = allowed.iter().map(|(a, b)| (&**a, &**b)).collect();
    Server::start_on(home, &environment)
}

/// All deliveries, newest first.
fn deliveries(server: &Server) -> Vec<Value> {
    let (mut all, mut before) = (Vec::new(), String::new());
    loop {
        let page = server.show(&format!("/deliveries?limit=500{before}"));
        all.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next"].as_u64() {
            Some(next) => before = format!("&before={next}"),
            None => return all,
        }
    }
}

fn waiting(server: &Server) -> usize {
    let state = |state: &str| {
        let page = server.show(&format!("/deliveries?limit=500&state={state}"));
        page["items"].as_array().unwrap().len()
    };
    state("pending") + state("failed")
}

/// Each message has one id, whatever it was told about, and each of them was told.
#[track_caller]
fn assert_told_once(server: &Server, receiver: &Receiver) -> BTreeMap<String, String> {
    let mut by_id: BTreeMap<String, String> = BTreeMap::new();
    for (id, target) in receiver.told() {
        let known = by_id.entry(id.clone()).or_insert_with(|| target.clone());
        assert_eq!(*known, target, "{id} told two things");
    }
    let things: BTreeSet<&String> = by_id.values().collect();
    assert_eq!(things.len(), by_id.len(), "a thing was told under two ids");
    let owed: BTreeSet<String> = deliveries(server)
        .iter()
        .map(|d| d["message_id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(owed, by_id.keys().cloned().collect(), "owed against told");
    by_id
}

#[test]
fn clicks_are_told_exactly_once_over_kill_9() {
    let receiver = Receiver::start();
    let home = tempfile::tempdir().unwrap();
    let mut server = start(home.path(), &receiver);
    let own = server.integration(&json!({"kind": "custom",
        "clicks": {"approved_url": "https://shop.example/", "fallback_url": "https://fall.example/"}}));
    let url = format!(
        "http://127.0.0.1:{}/pb?cid={{external_transaction_id}}&p={{publisher}}",
        receiver.port
    );
    server.make(
        "/postbacks",
        &json!({"name": "p", "fire_on": "any", "url": url}),
    );
    let mut answered = BTreeSet::new();
    for round in 0..4 {
        let mut client = server.client();
        for n in 0..40 {
            let id = format!("{round}-{n}");
            click(&mut client, own, &id).unwrap();
            answered.insert(id);
        }
        // At another moment of telling each time: none, some, or all are told and noted.
        let enough = receiver.told().len() + round * 12;
        wait_until("some are told", Duration::from_secs(20), || {
            (receiver.told().len() >= enough || waiting(&server) == 0).then_some(())
        });
        server.kill();
        server = start(home.path(), &receiver);
    }
    wait_until("all are sent", Duration::from_secs(60), || {
        (deliveries(&server).len() >= answered.len() && waiting(&server) == 0).then_some(())
    });
    let told = assert_told_once(&server, &receiver);
    let ids: BTreeSet<String> = told
        .values()
        .map(|target| target.split(['=', '&']).nth(1).unwrap().to_owned())
        .collect();
    assert_eq!(ids, answered);
    let metrics = Client::connect(server.console).get("/metrics").text();
    assert!(
        metrics.contains("assay_postback_attempts_total{result=\"sent\"}"),
        "{metrics}"
    );
}

fn click(client: &mut Client, own: u64, id: &str) -> std::io::Result<()> {
    let target = format!(
        "/click/{own}?no_redirect=true&click_ip=93.184.216.34&publisher=p1&external_transaction_id={id}"
    );
    let answer = client.try_send("GET", &target, &[("User-Agent", IPHONE)], b"")?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    Ok(())
}

/// Sends a conversion that needs no click; its id.
#[track_caller]
fn convert(client: &mut Client, own: u64, n: usize) -> String {
    // Addresses of their own, so that none is a duplicate of another's user.
    let target = format!(
        "/postback/{own}?external_transaction_id=x{n}&conversion_ip=93.184.{}.{}&publisher=p1&offer=o1",
        n / 200,
        n % 200 + 1
    );
    let answer = client.get(&target);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    assert_eq!(body["status"], "approved", "{body}");
    body["conversion_id"].as_str().unwrap().to_owned()
}

#[track_caller]
fn set_status(server: &Server, ids: &[String], status: &str) {
    let body = json!({"conversion_ids": ids, "status": status});
    let answer = server.api("POST", "/conversions/status", Some(&body));
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn conversions_and_their_corrections_are_told_once_over_kill_9() {
    let receiver = Receiver::start();
    let home = tempfile::tempdir().unwrap();
    let mut server = start(home.path(), &receiver);
    let own = server.integration(&json!({"kind": "custom", "conversions": {"clickless": true}}));
    for fire_on in ["any", "approved", "rejected"] {
        let url = format!(
            "http://127.0.0.1:{}/{fire_on}?c={{conversion_id}}&s={{status}}&r={{rejection_reason}}&m={{message_id}}",
            receiver.port
        );
        let body = json!({"name": fire_on, "type": "conversion", "fire_on": fire_on, "url": url});
        server.make("/postbacks", &body);
    }
    let mut ids = Vec::new();
    for round in 0..3 {
        let mut client = server.client();
        for n in 0..20 {
            ids.push(convert(&mut client, own, round * 20 + n));
        }
        server.kill();
        server = start(home.path(), &receiver);
    }
    set_status(&server, &ids[..30], "rejected");
    server.kill();
    server = start(home.path(), &receiver);
    set_status(&server, &ids[..15], "approved");
    set_status(&server, &ids[..15], "approved");
    server.kill();
    server = start(home.path(), &receiver);
    wait_until("all are sent", Duration::from_secs(90), || {
        (waiting(&server) == 0).then_some(())
    });
    let told = assert_told_once(&server, &receiver);
    let of = |name: &str| told.values().filter(|t| t.starts_with(name)).count();
    let counts = [of("/any?"), of("/approved?"), of("/rejected?")];
    assert_eq!(counts, [60 + 30 + 15, 60 + 15, 30]);
    // The last word each conversion's receiver heard is how it stands.
    let calls = receiver.told();
    for (n, id) in ids.iter().enumerate() {
        let own = format!("/any?c={id}&");
        let last = calls.iter().rfind(|(_, target)| target.starts_with(&own));
        let stands = if (15..30).contains(&n) {
            "rejected"
        } else {
            "approved"
        };
        assert!(
            last.unwrap().1.contains(&format!("&s={stands}&")),
            "{last:?}"
        );
    }
}

/// While the browser's signals of its click are out a conversion is `processing` and nobody
/// is told anything; when they come, its publisher is told once.
#[test]
fn a_conversion_whose_signals_are_out_is_told_when_they_have_come() {
    let receiver = Receiver::start();
    let home = tempfile::tempdir().unwrap();
    let mut environment = Vec::from(receiver.allowed());
    let proxies = "[\"127.0.0.1\"]".to_owned();
    environment.push(("ASSAY__LISTEN__TRUSTED_PROXIES".to_owned(), proxies));
    let environment: Vec<_> = environment.iter().map(|(a, b)| (&**a, &**b)).collect();
    let server = Server::start_on(home.path(), &environment);
    let own = server.integration(&json!({"kind": "custom", "clicks": {
        "approved_url": "https://shop.example/", "fallback_url": "https://fall.example/",
        "params": {"external_transaction_id": "cid"}}}));
    let url = format!(
        "http://127.0.0.1:{}/pb?cid={{external_transaction_id}}&s={{status}}",
        receiver.port
    );
    let body = json!({"name": "p", "type": "conversion", "fire_on": "any", "url": url});
    server.make("/postbacks", &body);
    let visitor = [("X-Forwarded-For", "86.129.4.7"), ("User-Agent", IPHONE)];
    let link = format!("{own}?cid=c1&publisher=p1&offer=o1");
    let mut client = server.client();
    let page = client.send("GET", &format!("/jsp/{link}"), &visitor, b"");
    assert!(page.text().contains("js_check_data"), "{}", page.text());
    let postback = format!("/postback/{own}?external_transaction_id=c1&payout=2");
    let answer = client.get(&postback).json();
    assert_eq!(
        answer,
        json!({"conversion_id": answer["conversion_id"], "transaction_id": null,
               "status": "processing", "reason": "PROCESSING"})
    );
    assert!(deliveries(&server).is_empty(), "nothing is owed yet");
    let form = [
        &visitor[..],
        &[("Content-Type", "application/x-www-form-urlencoded")],
    ]
    .concat();
    let signals = b"js_check_data=%7B%22webdriver%22%3Atrue%7D";
    let click = client.send("POST", &format!("/click/{link}"), &form, signals);
    assert_eq!(click.header("location"), Some("https://fall.example/"));
    wait_until("it is told", Duration::from_secs(20), || {
        (!receiver.told().is_empty()).then_some(())
    });
    let again = client.get(&postback).json();
    assert_eq!(
        (&again["status"], &again["reason"], &again["duplicate"]),
        (&json!("rejected"), &json!("CLICK_REJECTED"), &json!(true))
    );
    let told: Vec<String> = receiver.told().into_iter().map(|(_, what)| what).collect();
    assert_eq!(told, ["/pb?cid=c1&s=rejected"]);
    assert_eq!(deliveries(&server).len(), 1);
}
