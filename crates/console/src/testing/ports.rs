//! The other ports, in memory.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use assay_model::ports::{
    ClickMeasures, DoorError, ErrorLog, ErrorQuery, ErrorRow, EventPage, EventQuery, EventReader,
    IntelError, IntelView, PolicyPublisher, PublishError, ReportError, ReportQuery, ReportReader,
    ReportResult, ReportRow, StoreError, StoredEvent,
};
use assay_model::{AccountId, Action, Class, EventId, EventRecord};
use async_trait::async_trait;
use serde_json::{Value, json};

use crate::state::{ClickIds, Health, Readiness};

/// Ids that tell whose they are.
pub struct FakeClickIds;

impl ClickIds for FakeClickIds {
    fn of(&self, record: &EventRecord<'_>) -> Option<String> {
        Some(format!("tid-{}", record.event_id))
    }
}

/// Events in memory.
#[derive(Default)]
pub struct MemoryEvents {
    all: Mutex<Vec<(AccountId, EventId, Vec<u8>)>>,
}

impl MemoryEvents {
    pub fn add(&self, record: &EventRecord<'_>) {
        let mut bytes = Vec::new();
        record.encode(&mut bytes);
        let account = record.facts.hit.account;
        let mut all = self.all.lock().unwrap();
        all.push((account, record.event_id, bytes));
        all.sort_by_key(|(_, id, _)| std::cmp::Reverse(*id));
    }

    /// Every record.
    pub fn records(&self) -> Vec<Vec<u8>> {
        let all = self.all.lock().unwrap();
        all.iter().map(|(_, _, bytes)| bytes.clone()).collect()
    }
}

#[async_trait]
impl EventReader for MemoryEvents {
    async fn get(
        &self,
        account: AccountId,
        id: EventId,
    ) -> Result<Option<StoredEvent>, StoreError> {
        let all = self.all.lock().unwrap();
        let found = all.iter().find(|(a, i, _)| (*a, *i) == (account, id));
        Ok(found.map(|(_, _, bytes)| StoredEvent(bytes.clone())))
    }

    async fn list(&self, account: AccountId, query: &EventQuery) -> Result<EventPage, StoreError> {
        let all = self.all.lock().unwrap();
        let matching = all.iter().filter(|(of, id, bytes)| {
            let record = EventRecord::decode(bytes).unwrap();
            let at = record.facts.hit.received;
            *of == account
                && query.before.is_none_or(|before| *id < before)
                && query.from.is_none_or(|from| at >= from)
                && query.to.is_none_or(|to| at < to)
                && query
                    .filters
                    .iter()
                    .all(|f| f.values.contains(&f.dimension.value(&record).to_string()))
        });
        let found: Vec<_> = matching.take(query.limit as usize + 1).collect();
        let next = (found.len() > query.limit as usize).then(|| found[query.limit as usize - 1].1);
        let events = found.iter().take(query.limit as usize);
        Ok(EventPage {
            events: events.map(|(_, _, b)| StoredEvent(b.clone())).collect(),
            next,
        })
    }
}

/// Reports by counting the events in memory; remembers what it was asked.
pub struct FakeReports {
    events: Arc<MemoryEvents>,
    pub asked: Mutex<Vec<ReportQuery>>,
    pub broken: AtomicBool,
    /// Reports wait while a test writes here.
    pub held: tokio::sync::RwLock<()>,
}

impl FakeReports {
    pub fn new(events: Arc<MemoryEvents>) -> Self {
        Self {
            events,
            asked: Mutex::default(),
            broken: AtomicBool::new(false),
            held: tokio::sync::RwLock::default(),
        }
    }
}

#[async_trait]
impl ReportReader for FakeReports {
    async fn clicks(
        &self,
        account: AccountId,
        query: &ReportQuery,
    ) -> Result<ReportResult, ReportError> {
        let _go = self.held.read().await;
        self.asked.lock().unwrap().push(query.clone());
        if self.broken.load(Ordering::Relaxed) {
            return Err(ReportError::Backend("disk on fire at /secret".into()));
        }
        let mut groups: BTreeMap<Vec<String>, ClickMeasures> = BTreeMap::new();
        let mut totals = ClickMeasures::default();
        for (of, _, bytes) in self.events.all.lock().unwrap().iter() {
            let record = EventRecord::decode(bytes).unwrap();
            let at = record.facts.hit.time;
            let wanted = query
                .filters
                .iter()
                .all(|f| f.values.contains(&f.dimension.value(&record).to_string()));
            if *of != account || at < query.from || at >= query.to || !wanted {
                continue;
            }
            let key = query.group_by.iter().map(|d| match d.is_time() {
                true => assay_model::Timestamp(at.0 - at.0.rem_euclid(60_000)).to_string(),
                false => d.value(&record).to_string(),
            });
            let counts = measure(&record);
            *groups.entry(key.collect()).or_default() += counts;
            totals += counts;
        }
        let offset = usize::try_from(query.offset).unwrap();
        let rows: Vec<ReportRow> = groups
            .into_iter()
            .map(|(key, measures)| ReportRow { key, measures })
            .collect();
        let end = offset + query.limit as usize;
        let next = (rows.len() > end).then_some(end as u64);
        let rows = rows.into_iter().skip(offset).take(query.limit as usize);
        Ok(ReportResult {
            rows: rows.collect(),
            totals,
            next,
        })
    }
}

fn measure(record: &EventRecord<'_>) -> ClickMeasures {
    let verdict = &record.verdict;
    let caught = verdict.is_caught();
    let is = |class| u64::from(caught && verdict.class == class);
    ClickMeasures {
        clicks: 1,
        approved: u64::from(verdict.action == Action::Approved),
        rejected: u64::from(verdict.action == Action::Rejected),
        monitored: u64::from(verdict.action == Action::Monitored),
        givt: is(Class::Givt),
        sivt: is(Class::Sivt),
        policy: is(Class::Policy),
    }
}

/// An error log in memory; a row belongs to account and integration.
#[derive(Default)]
pub struct FakeErrors {
    rows: Mutex<Vec<(DoorError, u64)>>,
}

#[async_trait]
impl ErrorLog for FakeErrors {
    fn note(&self, error: DoorError) {
        let mut rows = self.rows.lock().unwrap();
        let id = rows.len() as u64 + 1;
        rows.push((error, id));
    }

    async fn list(
        &self,
        account: AccountId,
        query: ErrorQuery,
    ) -> Result<Vec<ErrorRow>, StoreError> {
        let rows = self.rows.lock().unwrap();
        let own = rows.iter().rev().filter(|(error, id)| {
            error.account == Some(account)
                && query
                    .integration
                    .is_none_or(|id| error.integration == Some(id))
                && query.before.is_none_or(|before| *id < before)
        });
        Ok(own
            .take(query.limit as usize)
            .map(|(error, id)| ErrorRow {
                id: *id,
                integration_id: error.integration,
                time: error.at,
                door: error.door.into(),
                code: error.code.into(),
                field: error.field.clone(),
                cause: error.cause.clone(),
                sample: error.sample.clone(),
                count: 1,
            })
            .collect())
    }
}

/// Counts what was put in force.
#[derive(Default)]
pub struct FakePublisher {
    pub published: AtomicU64,
    pub broken: AtomicBool,
}

#[async_trait]
impl PolicyPublisher for FakePublisher {
    async fn publish(&self, _account: AccountId) -> Result<u64, PublishError> {
        if self.broken.load(Ordering::Relaxed) {
            return Err(PublishError("lane 3 does not answer".into()));
        }
        Ok(self.published.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// Intelligence that knows one list.
pub struct FakeIntel;

#[async_trait]
impl IntelView for FakeIntel {
    async fn status(&self) -> Result<Value, IntelError> {
        Ok(json!({"version": 3, "lists": [
            {"kind": "tor", "name": "exits", "rows": 1200, "version": "2026-01-01", "age_s": 90_000, "stale": true},
            {"kind": "hosting", "name": "builtin", "rows": 400, "version": "1", "stale": false},
        ]}))
    }

    fn lookup(&self, ip: IpAddr) -> Value {
        json!({"ip": ip.to_string(), "class": "isp"})
    }

    fn user_agent(&self, text: &str) -> Value {
        json!({"text": text})
    }
}

/// A process that is ready.
pub struct FakeHealth;

impl Health for FakeHealth {
    fn ready(&self) -> Readiness {
        Readiness {
            ready: true,
            detail: json!({"ready": true}),
        }
    }

    fn metrics(&self) -> String {
        "assay_up 1\n".into()
    }
}
