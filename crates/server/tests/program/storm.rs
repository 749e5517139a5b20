//! Conversions sent again and again over many connections, with kills in between.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::conversions::{click_link, custom};
use crate::harness::{Client, Server};

/// Messages of a storm, in an order that differs per copy.
struct Storm {
    integration: u64,
    ids: usize,
    copies: usize,
    next: AtomicUsize,
    /// Where the server listens now; it moves with every restart.
    to: Mutex<SocketAddr>,
    /// Per id: the conversion that every copy was answered with.
    answers: Mutex<HashMap<usize, String>>,
    new: AtomicUsize,
}

impl Storm {
    /// The `nth` message: each copy goes through all ids in an order of its own.
    fn id_of(&self, nth: usize) -> usize {
        let (copy, place) = (nth / self.ids, nth % self.ids);
        // Steps that have no divisor in common with the number of ids reach each once.
        let step = [1, 7, 11, 13, 17, 19, 23, 29][copy % 8];
        (place * step + copy * 131) % self.ids
    }

    /// Sends messages, each until it is answered with success, as senders do.
    fn send(&self) {
        let mut client = None;
        loop {
            let nth = self.next.fetch_add(1, Ordering::Relaxed);
            if nth >= self.ids * self.copies {
                return;
            }
            let id = self.id_of(nth);
            let answer = loop {
                match self.try_send(&mut client, nth, id) {
                    Some(answer) => break answer,
                    None => {
                        client = None;
                        std::thread::sleep(Duration::from_millis(20));
                    }
                }
            };
            self.note(id, &answer);
        }
    }

    fn try_send(&self, client: &mut Option<Client>, nth: usize, id: usize) -> Option<Value> {
        if client.is_none() {
            *client = Client::try_connect(*self.to.lock().unwrap()).ok();
        }
        let client = client.as_mut()?;
        let path = format!("/postback/{}", self.integration);
        let query = format!("external_transaction_id=storm-{id}&payout=1");
        let answer = if nth.is_multiple_of(2) {
            client.try_send("GET", &format!("{path}?{query}"), &[], b"")
        } else {
            let form = [("Content-Type", "application/x-www-form-urlencoded")];
            client.try_send("POST", &path, &form, query.as_bytes())
        };
        let answer = answer.ok()?;
        (answer.status == 200).then(|| answer.json())
    }

    fn note(&self, id: usize, answer: &Value) {
        if answer.get("duplicate").is_none() {
            self.new.fetch_add(1, Ordering::Relaxed);
        }
        let conversion = answer["conversion_id"].as_str().unwrap().to_owned();
        let mut answers = self.answers.lock().unwrap();
        let known = answers.entry(id).or_insert_with(|| conversion.clone());
        assert_eq!(*known, conversion, "storm-{id} became two conversions");
    }
}

/// How long a start may take beside 64 senders and a debug build.
const PATIENCE: Duration = Duration::from_secs(60);

/// A number from the environment, so that the same test runs longer elsewhere.
fn number(name: &str, default: usize) -> usize {
    let given = std::env::var(name).ok();
    given.map_or(default, |text| text.parse().unwrap())
}

#[test]
fn a_storm_of_copies_with_kills_in_between_is_each_conversion_once() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::start_within(home.path(), &[], PATIENCE);
    let integration = custom(&server, &json!({}));
    let storm = Storm {
        integration,
        ids: number("STORM_IDS", 10_000),
        copies: number("STORM_COPIES", 20),
        next: AtomicUsize::new(0),
        to: Mutex::new(server.data),
        answers: Mutex::default(),
        new: AtomicUsize::new(0),
    };
    for n in (0..storm.ids).step_by(5) {
        // A fifth have a click, so both kinds of key are in the storm.
        let link = click_link(integration, &format!("storm-{n}"), 60);
        assert_eq!(server.client().get(&link).status, 200);
    }
    let mut kills = 0;
    std::thread::scope(|scope| {
        let senders: Vec<_> = (0..64).map(|_| scope.spawn(|| storm.send())).collect();
        let total = storm.ids * storm.copies;
        while senders.iter().any(|sender| !sender.is_finished()) {
            std::thread::sleep(Duration::from_millis(100));
            // Five times, spread over the messages.
            if kills < 5 && storm.next.load(Ordering::Relaxed) > total * (kills + 1) / 7 {
                kills += 1;
                server.kill();
                server = Server::start_within(home.path(), &[], PATIENCE);
                *storm.to.lock().unwrap() = server.data;
            }
        }
    });
    assert_eq!(kills, 5);
    assert_eq!(storm.answers.lock().unwrap().len(), storm.ids);
    assert!(
        storm.new.load(Ordering::Relaxed) <= storm.ids,
        "answered as new more than once"
    );
    let report = server.show("/reports/conversions?from=2020-01-01&to=2100-01-01");
    assert_eq!(
        report["totals"]["conversions"],
        json!(storm.ids),
        "{report}"
    );
}
