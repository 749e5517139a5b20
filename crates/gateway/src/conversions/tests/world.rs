//! Doors over a ledger in memory and one lane's outbox, with a clock that stands still.

use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use assay_intel::ip::{IpTables, TablesBuilder};
use assay_intel::store::IntelHandle;
use assay_intel::ua::UaCache;
use assay_model::document::{Integration, Rule};
use assay_model::hit::{EventKind, Field, Hit};
use assay_model::ports::{
    CounterStore, DoorError, ErrorLog, ErrorQuery, ErrorRow, RecallError, StoreError,
};
use assay_model::recall::{Bump, Reading};
use assay_model::testing::{MemoryLedger, NOW};
use assay_model::transaction::{Content, Key, KeyRing};
use assay_model::verdict::RuleRef;
use assay_model::{AccountId, EventIds, FakeClock, IntegrationId, Timestamp};
use async_trait::async_trait;
use serde_json::{Value, json};

use super::log::{Log, LogEnd};
use crate::conversions::Conversions;
use crate::decide::decide;
use crate::doors::{Answer, DoorRequest, Doors, Method};
use crate::engine::{Engine, EngineStats, Limits};
use crate::headers::Headers;
use crate::ingress::ParamBuffer;
use crate::outbox::{LaneOutbox, Scratch};
use crate::policy::{AccountPolicy, Policies};

pub const OWN: AccountId = AccountId(1);
pub const FOREIGN: AccountId = AccountId(2);
pub const INTEGRATION: IntegrationId = IntegrationId(7);
const FOREIGN_INTEGRATION: IntegrationId = IntegrationId(9);

#[derive(Default)]
struct Errors(Mutex<Vec<DoorError>>);

#[async_trait]
impl ErrorLog for Errors {
    fn note(&self, error: DoorError) {
        self.0.lock().unwrap().push(error);
    }

    async fn list(&self, _: AccountId, _: ErrorQuery) -> Result<Vec<ErrorRow>, StoreError> {
        Ok(Vec::new())
    }
}

/// Counts events, and says of every key that it is new, unless it is to remember.
#[derive(Default)]
pub struct Counters {
    events: Mutex<u32>,
    seen: Option<Mutex<HashMap<u64, u32>>>,
}

impl CounterStore for Counters {
    async fn recall(
        &self,
        _: AccountId,
        _: Timestamp,
        bumps: &[Bump],
        out: &mut Vec<Reading>,
    ) -> Result<(), RecallError> {
        *self.events.lock().unwrap() += 1;
        out.clear();
        out.extend(bumps.iter().map(|bump| {
            let count = self.seen.as_ref().map_or(1, |seen| {
                let mut seen = seen.lock().unwrap();
                let count = seen.entry(bump.key).or_default();
                *count += 1;
                *count
            });
            Reading {
                count,
                span_s: 0,
                gap_ms: (count > 1).then_some(0),
            }
        }));
        Ok(())
    }
}

/// How a world differs from the default.
#[derive(Default)]
pub struct Settings {
    /// Merged into the integration.
    pub integration: Value,
    /// Merged into the default rule.
    pub rule: Value,
    /// Whether networks are known; the tables take seconds to make.
    pub networks: bool,
    /// Whether counters remember their keys.
    pub counting: bool,
}

pub struct World {
    pub clock: Arc<FakeClock>,
    pub log: Arc<Log>,
    pub ledger: Arc<MemoryLedger>,
    pub engine: Arc<Engine<Counters>>,
    pub conversions: Arc<Conversions>,
    pub outbox: Rc<LaneOutbox>,
    errors: Arc<Errors>,
    doors: Doors,
    keys: KeyRing,
    clicks: Cell<u32>,
}

impl World {
    pub fn new(settings: &Settings) -> Rc<Self> {
        let clock = Arc::new(FakeClock::at(NOW));
        let (log, errors) = (Arc::new(Log::default()), Arc::new(Errors::default()));
        let ledger = Arc::new(MemoryLedger::default());
        let secret = [7; 32];
        let keys = KeyRing::new(vec![Key {
            id: 1,
            made: Timestamp(0),
            secret,
        }])
        .unwrap();
        let engine = Arc::new(Engine {
            policies: policies(settings, &keys),
            intel: Arc::new(IntelHandle::of_tables(if settings.networks {
                IpTables::builtin()
            } else {
                TablesBuilder::new().build()
            })),
            user_agents: UaCache::default(),
            counters: Counters {
                seen: settings.counting.then(Mutex::default),
                ..Counters::default()
            },
            errors: Arc::clone(&errors) as Arc<dyn ErrorLog>,
            clock: Arc::clone(&clock) as _,
            limits: Limits::default(),
            sources: crate::sources::SourceSnapshots::default(),
            stats: EngineStats::default(),
        });
        let conversions = Arc::new(Conversions::new(
            Arc::clone(&ledger) as _,
            Arc::clone(&log) as _,
            Arc::clone(&log) as _,
        ));
        let outbox = LaneOutbox::new(
            EventIds::after(0, 0, None),
            Box::new(LogEnd(Arc::clone(&log))),
            Arc::new(|_| {}),
        );
        let doors = Doors {
            conversions: Some(Arc::clone(&conversions)),
            ..Doors::default()
        };
        Rc::new(Self {
            clock,
            log,
            ledger,
            engine,
            conversions,
            outbox,
            errors,
            doors,
            keys,
            clicks: Cell::new(0),
        })
    }

    /// A click of a person, `cid` being the caller's id; gives our id of it.
    pub async fn click(&self, cid: &str) -> String {
        self.click_of((OWN, INTEGRATION), cid, "81.2.69.142").await
    }

    pub async fn click_of(
        &self,
        (account, integration): (AccountId, IntegrationId),
        cid: &str,
        ip: &str,
    ) -> String {
        let snapshot = self.engine.policies.load();
        let (own, at) = snapshot.integration(integration).unwrap();
        let mut hit = Hit::new(
            account,
            integration,
            EventKind::Click,
            self.engine.clock.now(),
        );
        hit.ip = ip.parse().ok();
        hit.set(Field::ExternalTransactionId, Some(cid));
        hit.set(Field::Publisher, Some("p1"));
        hit.set(Field::Offer, Some("o1"));
        self.clicks.set(self.clicks.get() + 1);
        let mut scratch = Scratch::default();
        let content = decide(
            &self.engine,
            &*self.outbox,
            &mut scratch,
            (own, at),
            hit,
            |decision| Content::of(decision.event_id, decision.facts, decision.verdict),
        )
        .await;
        self.outbox.flush();
        self.keys.seal(&content, self.engine.clock.now()).unwrap()
    }

    pub async fn call(&self, path: &str, query: &str) -> (u16, Value) {
        let answer = self.answer(Method::Get, path, query, "", "").await;
        (answer.status, serde_json::from_slice(&answer.body).unwrap())
    }

    /// A postback; its answer must be 200.
    pub async fn postback(&self, query: &str) -> Value {
        let (status, body) = self.call("/postback/7", query).await;
        assert_eq!(status, 200, "{query}: {body}");
        body
    }

    pub async fn answer(
        &self,
        method: Method,
        path: &str,
        query: &str,
        content_type: &str,
        body: &str,
    ) -> Answer {
        self.ask(&DoorRequest {
            method,
            path,
            query: query.as_bytes(),
            body: body.as_bytes(),
            content_type,
            authorization: None,
            key: None,
            host: "assay.test",
            headers: Headers::Head(b""),
            // A data centre, as postbacks come from.
            peer: "3.5.140.2".parse().unwrap(),
        })
        .await
    }

    /// A postback that a page's script sends.
    pub async fn script(&self, query: &str) -> Answer {
        self.ask(&DoorRequest {
            method: Method::Get,
            path: "/postback/7",
            query: query.as_bytes(),
            body: &[],
            content_type: "",
            authorization: None,
            key: None,
            host: "assay.test",
            headers: Headers::Head(b"GET / HTTP/1.1\r\nOrigin: https://shop.example\r\n\r\n"),
            peer: "81.2.69.142".parse().unwrap(),
        })
        .await
    }

    async fn ask(&self, request: &DoorRequest<'_>) -> Answer {
        let (mut scratch, mut params) = (Scratch::default(), ParamBuffer::default());
        let (engine, outbox) = (&*self.engine, &*self.outbox);
        let answer = self
            .doors
            .answer(engine, outbox, &mut scratch, &mut params, request)
            .await;
        self.outbox.flush();
        answer
    }

    /// Codes of what stands in the error log.
    pub fn errors(&self) -> Vec<(&'static str, String)> {
        let errors = self.errors.0.lock().unwrap();
        errors.iter().map(|e| (e.code, e.field.clone())).collect()
    }

    /// Door, integration and field of what stands in the error log.
    pub fn listed(&self) -> Vec<(&'static str, Option<u32>, String)> {
        let errors = self.errors.0.lock().unwrap();
        let own = errors.iter();
        own.map(|e| (e.door, e.integration.map(|id| id.0), e.field.clone()))
            .collect()
    }

    /// A call of which only the target was read.
    pub fn unread(&self, target: &str) {
        let call = (target, "assay.test");
        let detail = "the request head is too large";
        self.doors
            .note_unread(&*self.engine, call, "too_large", detail);
    }

    /// How many conversions moved counters.
    pub fn counted(&self) -> u32 {
        *self.engine.counters.events.lock().unwrap() - self.clicks.get()
    }
}

fn policies(settings: &Settings, keys: &KeyRing) -> Policies {
    let mut integration = json!({"name": "Tracker", "kind": "custom"});
    merge(&mut integration, &settings.integration);
    let integration: Integration = serde_json::from_value(integration).unwrap();
    let mut rule = serde_json::to_value(Rule::default_rule()).unwrap();
    merge(&mut rule, &settings.rule);
    let rule: Rule = serde_json::from_value(rule).unwrap();
    let policies = Policies::default();
    for (account, id) in [(OWN, INTEGRATION), (FOREIGN, FOREIGN_INTEGRATION)] {
        let rules = [(RuleRef { id: 1, version: 1 }, rule.clone())];
        let policy = AccountPolicy::compile(
            account,
            vec![(id, integration.clone())],
            &rules,
            Vec::new(),
            Vec::new(),
        );
        policies.put(policy.unwrap());
    }
    policies.put_keys(keys.clone());
    policies
}

pub fn foreign() -> (AccountId, IntegrationId) {
    (FOREIGN, FOREIGN_INTEGRATION)
}

fn merge(into: &mut Value, change: &Value) {
    match (into, change) {
        (Value::Object(into), Value::Object(change)) => {
            for (name, value) in change {
                merge(into.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (_, Value::Null) => {}
        (into, change) => *into = change.clone(),
    }
}
