//! Doors, stores and the keeper in a folder of their own.

use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use assay_gateway::{
    AccountPolicy, Conversions, DoorRequest, Doors, Engine, EngineStats, Headers, LaneOutbox,
    Limits, Method, Outcomes, Policies, Scratch, SourceSnapshots, TokenPolicy,
};
use assay_intel::ip::TablesBuilder;
use assay_intel::store::IntelHandle;
use assay_intel::ua::UaCache;
use assay_model::document::{
    Integration, ReputationMode, Reputations, Rule, TokenScope, token_hash_input,
};
use assay_model::ports::{EventLog, SourceDesk};
use assay_model::testing::NOW;
use assay_model::transaction::{Key, KeyRing};
use assay_model::verdict::RuleRef;
use assay_model::{AccountId, EventIds, FakeClock, IntegrationId, Timestamp};
use assay_store::embedded::counters::{CounterOptions, CounterTable};
use assay_store::embedded::errors::ErrorLogOptions;
use assay_store::embedded::events::{EventStore, EventsOptions};
use assay_store::embedded::ledger::LedgerOptions;
use assay_store::embedded::sources::SourcesOptions;
use assay_store::embedded::{SqliteErrorLog, SqliteLedger, SqliteSources};
use assay_store::spool::{FolderLock, Spool, SpoolOptions};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::serve::sources::{Desk, Follower, SourceKeeper, SourceOptions, SourcePorts};

pub const OWN: AccountId = AccountId(1);
pub const OTHER: AccountId = AccountId(2);
pub const INTEGRATION: u32 = 7;
const OTHER_INTEGRATION: u32 = 9;
const TOKEN: &str = "token-of-the-first-account-0123456789";
const OTHER_TOKEN: &str = "token-of-another-account-0123456789";

pub struct World {
    pub clock: Arc<FakeClock>,
    pub keeper: Arc<SourceKeeper>,
    pub runtime: tokio::runtime::Runtime,
    engine: Arc<Engine<CounterTable>>,
    doors: Doors,
    outbox: Rc<LaneOutbox>,
    follower: Follower,
    sent: Cell<u32>,
    indexer: Option<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
}

impl World {
    /// Opens the folder at `now`; the rules run one filter, so that nothing else decides.
    pub fn open(dir: &Path, now: Timestamp) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let clock = Arc::new(FakeClock::at(now));
        let lock = Arc::new(FolderLock::take(dir).unwrap());
        let (spool, mut logs) = Spool::open(&lock, SpoolOptions::new(1, 7)).unwrap();
        let events = EventStore::open(dir, &spool, EventsOptions::default()).unwrap();
        let newest = spool
            .recovered()
            .iter()
            .filter_map(|r| r.last_event_id)
            .max();
        let ledger = SqliteLedger::open(&dir.join("ledger.db"), LedgerOptions::default()).unwrap();
        let store = SqliteSources::open(&dir.join("sources.db"), SourcesOptions::default());
        let errors = SqliteErrorLog::open(&dir.join("errors.db"), ErrorLogOptions::default());
        let engine = Arc::new(Engine {
            policies: policies(Reputations::default()),
            sources: SourceSnapshots::default(),
            intel: Arc::new(IntelHandle::of_tables(TablesBuilder::new().build())),
            user_agents: UaCache::default(),
            counters: CounterTable::new(CounterOptions {
                slots: 10_000,
                ..CounterOptions::default()
            }),
            errors: Arc::new(errors.unwrap()),
            clock: Arc::clone(&clock) as _,
            limits: Limits::default(),
            stats: EngineStats::default(),
        });
        let ports = SourcePorts {
            store: Arc::new(store.unwrap()),
            events: Arc::new(events.reader()),
            scan: Arc::new(events.scan()),
            clicks: Arc::new(events.clicks()),
            ledger: Arc::new(ledger.clone()),
            feed: Arc::new(ledger.clone()),
        };
        let keeper = SourceKeeper::new(Arc::clone(&engine), ports, SourceOptions::default());
        let keeper = Arc::new(keeper);
        runtime.block_on(keeper.restore()).unwrap();
        let doors = Doors {
            conversions: Some(Arc::new(Conversions::new(
                Arc::new(ledger),
                Arc::new(events.clicks()),
                Arc::new(events.reader()),
            ))),
            outcomes: Some(Outcomes(Arc::clone(&keeper) as _)),
            ..Doors::default()
        };
        let log: Box<dyn EventLog> = Box::new(logs.remove(0));
        let outbox = LaneOutbox::new(EventIds::after(0, 0, newest), log, Arc::new(|_| {}));
        let stop = Arc::new(AtomicBool::new(false));
        let indexer = {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || {
                events.click_indexer().run(&stop, |error| panic!("{error}"));
            })
        };
        Self {
            clock,
            keeper,
            follower: Follower::new(&spool),
            runtime,
            engine,
            doors,
            outbox,
            sent: Cell::new(0),
            indexer: Some(indexer),
            stop,
        }
    }

    /// What the task does once.
    pub fn step(&mut self) {
        while self.follower.step(&self.keeper) {}
        self.keeper.step(self.runtime.handle());
    }

    /// Both accounts use these settings from now on.
    pub fn reputation(&self, block_mode: ReputationMode) {
        let settings = Reputations {
            block_mode,
            ..Reputations::default()
        };
        for policy in accounts(settings) {
            self.engine.policies.put(policy);
        }
    }

    pub fn desk(&self) -> impl SourceDesk + use<> {
        Desk(Arc::clone(&self.keeper))
    }

    fn ask(&self, path: &str, query: &str, token: Option<&str>, body: &str) -> (u16, String) {
        let authorization = token.map(|token| format!("Bearer {token}"));
        let request = DoorRequest {
            method: if body.is_empty() {
                Method::Get
            } else {
                Method::Post
            },
            path,
            query: query.as_bytes(),
            body: body.as_bytes(),
            content_type: "",
            authorization: authorization.as_deref(),
            key: None,
            host: "assay.test",
            headers: Headers::Head(b""),
            peer: [192, 0, 2, 1].into(),
        };
        let (mut scratch, mut params) = (Scratch::default(), Default::default());
        let (engine, outbox) = (&*self.engine, &*self.outbox);
        let answer = self.runtime.block_on(async {
            let doors = &self.doors;
            let answer = doors.answer(engine, outbox, &mut scratch, &mut params, &request);
            let answer = answer.await;
            self.outbox.flush();
            answer
        });
        (answer.status, String::from_utf8(answer.body).unwrap())
    }

    /// Scores a click of the first account; the verdict in full.
    pub fn score(&self, event: Value) -> Value {
        self.score_of(OWN, event)
    }

    pub fn score_of(&self, account: AccountId, mut event: Value) -> Value {
        let (integration, token) = match account {
            OWN => (INTEGRATION, TOKEN),
            _ => (OTHER_INTEGRATION, OTHER_TOKEN),
        };
        event["integration_id"] = integration.into();
        self.sent.set(self.sent.get() + 1);
        let [_, b, c, d] = self.sent.get().to_be_bytes();
        if event.get("ip").is_none() {
            event["ip"] = format!("81.{b}.{c}.{d}").into();
        }
        let (status, body) = self.ask("/v1/score", "", Some(token), &event.to_string());
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    /// A click of a publisher; `cid` is the caller's id of it.
    pub fn click(&self, publisher: &str, cid: &str) -> Value {
        self.score(json!({"publisher": publisher, "offer": "o1", "external_transaction_id": cid}))
    }

    /// A conversion of a click of the first account.
    pub fn convert(&self, cid: &str) -> Value {
        let query = format!("external_transaction_id={cid}");
        let (status, body) = self.ask(&format!("/postback/{INTEGRATION}"), &query, None, "");
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    /// The advertiser rejects a conversion.
    pub fn reject(&self, cid: &str) {
        let query = format!("external_transaction_id={cid}&new_rejected_reason=fraud");
        let (status, body) = self.ask(&format!("/rejection/{INTEGRATION}"), &query, None, "");
        assert_eq!(status, 200, "{body}");
    }

    /// Tells outcomes of the first account; one answer a line.
    pub fn tell(&self, lines: &str) -> Vec<Value> {
        self.tell_as(TOKEN, lines)
    }

    pub fn tell_as_another(&self, lines: &str) -> Vec<Value> {
        self.tell_as(OTHER_TOKEN, lines)
    }

    fn tell_as(&self, token: &str, lines: &str) -> Vec<Value> {
        let (status, body) = self.ask("/v1/outcomes", "", Some(token), lines);
        assert_eq!(status, 200, "{body}");
        let lines = body.lines().map(serde_json::from_str);
        lines.collect::<Result<_, _>>().unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(indexer) = self.indexer.take() {
            indexer.thread().unpark();
            indexer.join().unwrap();
        }
    }
}

fn policies(settings: Reputations) -> Policies {
    let policies = Policies::default();
    for policy in accounts(settings) {
        policies.put(policy);
    }
    let key = Key {
        id: 1,
        made: Timestamp(0),
        secret: [7; 32],
    };
    policies.put_keys(KeyRing::new(vec![key]).unwrap());
    policies
}

fn accounts(settings: Reputations) -> [AccountPolicy; 2] {
    [
        (OWN, INTEGRATION, TOKEN),
        (OTHER, OTHER_INTEGRATION, OTHER_TOKEN),
    ]
    .map(|(account, integration, token)| {
        let mut rule = serde_json::to_value(Rule::default_rule()).unwrap();
        rule["preset"] = "disable_all".into();
        rule["filters"] = json!({"conversion_rate": {"high_cr": 20.0, "min_clicks": 100,
            "block_clicks": true, "time_interval": "daily"}});
        let rule: Rule = serde_json::from_value(rule).unwrap();
        let own: Integration =
            serde_json::from_value(json!({"name": "Tracker", "kind": "custom"})).unwrap();
        let hash: [u8; 32] = Sha256::digest(token_hash_input(token)).into();
        let token = TokenPolicy {
            account,
            scopes: vec![TokenScope::Score],
            expires: None,
        };
        AccountPolicy::compile(
            account,
            vec![(IntegrationId(integration), own)],
            &[(RuleRef { id: 1, version: 1 }, rule)],
            Vec::new(),
            vec![(hash, token)],
        )
        .unwrap()
        .with_reputation(settings)
    })
}

/// Where tests begin.
pub const START: Timestamp = NOW;
