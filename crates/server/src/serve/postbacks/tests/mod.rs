//! The sender over the real queue, against receivers that behave as badly as they do.
//!
//! A day passes on a fake clock; only a receiver's silence takes real time.

mod day;
mod receiver;
mod turns;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use assay_gateway::postbacks::{PostbackConfig, Resolver, Sender, SenderPorts};
use assay_model::ports::{
    ClickMessage, ControlStore as _, Delivery, DeliveryQuery, DeliveryState, DocKind, NewDoc,
    PolicyPublisher, PostbackQueue, PublishError,
};
use assay_model::postback::{Outcome, Owed, Postback};
use assay_model::testing::NOW;
use assay_model::{AccountId, EventId, EventKind, FakeClock, Timestamp};
use assay_store::embedded::control::ControlOptions;
use assay_store::embedded::ledger::LedgerOptions;
use assay_store::embedded::{SqliteControlStore, SqliteLedger, SqlitePostbacks};
use async_trait::async_trait;
use serde_json::Value;

const ACCOUNT: AccountId = AccountId(1);

/// Every name is this machine.
struct Here;

#[async_trait]
impl Resolver for Here {
    async fn lookup(&self, _host: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(vec![IpAddr::from([127, 0, 0, 1])])
    }
}

/// Counts what was put in force.
#[derive(Default)]
struct Counting(AtomicU64);

#[async_trait]
impl PolicyPublisher for Counting {
    async fn publish(&self, _account: AccountId) -> Result<u64, PublishError> {
        Ok(self.0.fetch_add(1, Ordering::SeqCst) + 1)
    }
}

/// Queue, definitions and sender in a folder of their own.
struct World {
    _dir: tempfile::TempDir,
    control: Arc<SqliteControlStore>,
    queue: Arc<dyn PostbackQueue>,
    clock: Arc<FakeClock>,
    published: Arc<Counting>,
    sender: Arc<Sender>,
}

impl World {
    /// A sender that may call these ports of this machine.
    async fn calling(ports: Vec<u16>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = ControlOptions::default();
        let control = SqliteControlStore::open(&dir.path().join("control.db"), options).unwrap();
        let ledger =
            SqliteLedger::open(&dir.path().join("ledger.db"), LedgerOptions::default()).unwrap();
        let made = control.create_account(serde_json::json!({"name": "a"}), "test", NOW);
        assert_eq!(made.await.unwrap().account, ACCOUNT);
        let control = Arc::new(control);
        let queue: Arc<dyn PostbackQueue> = Arc::new(SqlitePostbacks::new(&ledger));
        let clock = Arc::new(FakeClock::at(NOW));
        let published = Arc::new(Counting::default());
        let config = PostbackConfig {
            ports,
            allow_private: vec![(IpAddr::from([127, 0, 0, 0]), 8)],
            total: Duration::from_millis(300),
            ..PostbackConfig::default()
        };
        let ports = SenderPorts {
            queue: queue.clone(),
            control: control.clone(),
            publisher: published.clone(),
            resolver: Arc::new(Here),
            clock: clock.clone(),
        };
        Self {
            sender: Arc::new(Sender::new(ports, config).unwrap()),
            _dir: dir,
            control,
            queue,
            clock,
            published,
        }
    }

    /// Saves a definition; returns its id.
    async fn postback(&self, port: u16) -> u64 {
        let document = serde_json::json!({"name": "n", "fire_on": "any",
            "url": format!("http://partner.example:{port}/pb?cid={{cid}}&s={{status}}"),
            "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"});
        let checked: Postback = serde_json::from_value(document.clone()).unwrap();
        assert_eq!(checked.check(), []);
        let doc = self.doc(document);
        let saved = self.control.insert(ACCOUNT, doc, "user:1", NOW);
        saved.await.unwrap().id
    }

    fn doc(&self, body: Value) -> NewDoc {
        NewDoc {
            kind: DocKind::Postback,
            unique: None,
            body,
        }
    }

    /// The stored definition.
    async fn stored(&self, id: u64) -> Value {
        let found = self.control.get(ACCOUNT, DocKind::Postback, id).await;
        found.unwrap().unwrap().body
    }

    async fn set_status(&self, id: u64, status: &str) {
        let mut body = self.stored(id).await;
        body["status"] = status.into();
        self.save(id, body).await;
    }

    async fn save(&self, id: u64, body: Value) {
        let doc = self.doc(body);
        let saved = self.control.update(ACCOUNT, id, None, doc, "user:1", NOW);
        saved.await.unwrap();
    }

    async fn remove(&self, id: u64) {
        let gone = self
            .control
            .delete(ACCOUNT, DocKind::Postback, id, "user:1", NOW);
        assert!(gone.await.unwrap());
    }

    /// Who wrote the definition's newest version.
    async fn last_actor(&self, id: u64) -> String {
        let found = self.control.get(ACCOUNT, DocKind::Postback, id).await;
        found.unwrap().unwrap().actor
    }

    /// Owes `count` messages to a definition, due now.
    async fn owe(&self, postback: u64, count: u32) {
        let now = self.now();
        let messages = (0..count).map(|n| ClickMessage {
            account: ACCOUNT,
            owed: Owed {
                postback,
                subject: EventId::new(now, 0, postback as u8, n),
                event: EventKind::Click,
                seq: 1,
                due: now,
                outcome: Outcome::Approved,
                reason: String::new(),
            },
            values: [("cid".to_owned(), n.to_string())].into(),
        });
        let queued = self.queue.enqueue_clicks(messages.collect(), vec![]);
        queued.await.unwrap();
    }

    fn now(&self) -> Timestamp {
        use assay_model::Clock as _;
        self.clock.now()
    }

    async fn deliveries(&self, postback: u64) -> Vec<Delivery> {
        let query = DeliveryQuery {
            postback: Some(postback),
            limit: 1000,
            ..DeliveryQuery::default()
        };
        self.queue.deliveries(ACCOUNT, query).await.unwrap()
    }

    async fn states(&self, postback: u64) -> Vec<DeliveryState> {
        let all = self.deliveries(postback).await;
        all.iter().map(|delivery| delivery.state).collect()
    }

    /// Sends what is due, then moves the clock to what is due next, until nothing waits.
    async fn pass_time(&self, postbacks: &[u64]) {
        loop {
            self.sender.send_due().await.unwrap();
            let mut next = None;
            for postback in postbacks {
                let waiting = self.deliveries(*postback).await;
                let soonest = waiting.iter().filter_map(|d| d.next).min();
                next = [next, soonest].into_iter().flatten().min();
            }
            let Some(next) = next else { return };
            // What is slowed is due and yet not taken: a second later it may be.
            self.clock.set(next.max(self.now().plus_ms(1000)));
        }
    }
}
