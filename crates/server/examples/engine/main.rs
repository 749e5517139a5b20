//! The engine alone: mapped hit in, encoded record out, no HTTP, no disk, one core.
//!
//! `cargo run --release -p assay-server --example engine [EVENTS] [DECISIONS] [RULES]`
//! (default: 20,000 distinct events, 2,000,000 decisions a round, five rounds, no rule but
//! the default one). With RULES, so many stand above it, each for some publishers and offers
//! that the mix has not, and the last of them for all traffic with every filter on.
//!
//! Every stage of `decide` runs: address tables, user-agent cache, rule, counters, filters,
//! verdict, record. The record is encoded and dropped. Time in the events goes on by 180 ms
//! an event, so a visitor of the mix comes back after an hour, not every 20 ms.

mod mix;
mod rules;

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use assay_gateway::{
    AccountPolicy, Engine, EngineStats, IntegrationPolicy, Limits, Outbox, Policies, Scratch,
    decide,
};
use assay_intel::ip::IpTables;
use assay_intel::store::IntelHandle;
use assay_intel::ua::UaCache;
use assay_model::document::Integration;
use assay_model::hit::{EventKind, Field, Hit};
use assay_model::ports::{DoorError, ErrorLog, ErrorQuery, ErrorRow, StoreError};
use assay_model::{AccountId, Action, EventId, EventIds, IntegrationId, SystemClock, Timestamp};
use assay_store::embedded::CounterTable;
use assay_store::embedded::counters::CounterOptions;

const ACCOUNT: AccountId = AccountId(1);
const INTEGRATION: IntegrationId = IntegrationId(1);
const START: Timestamp = Timestamp(1_767_225_600_000);
const STEP_MS: i64 = 180;
const ROUNDS: usize = 5;

/// Encodes each record into the same buffer and forgets it.
struct DropOutbox {
    ids: RefCell<EventIds>,
    record: RefCell<Vec<u8>>,
    bytes: Cell<u64>,
}

impl Outbox for DropOutbox {
    fn next_id(&self, now: Timestamp) -> EventId {
        self.ids.borrow_mut().next(now)
    }

    fn put(&self, encode: impl FnOnce(&mut Vec<u8>)) {
        let mut record = self.record.borrow_mut();
        record.clear();
        encode(&mut record);
        self.bytes.set(self.bytes.get() + record.len() as u64);
    }
}

struct NoErrorLog;

#[async_trait::async_trait]
impl ErrorLog for NoErrorLog {
    fn note(&self, _: DoorError) {}

    async fn list(&self, _: AccountId, _: ErrorQuery) -> Result<Vec<ErrorRow>, StoreError> {
        Ok(Vec::new())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<usize>());
    let count = numbers.next().transpose()?.unwrap_or(20_000);
    let decisions = numbers.next().transpose()?.unwrap_or(2_000_000);
    let events = mix::events(count, 1);
    let events: Vec<Prepared> = events.iter().map(Prepared::new).collect();
    let engine = engine(numbers.next().transpose()?.unwrap_or(0))?;
    let policies = engine.policies.load();
    let (account, integration) = policies.integration(INTEGRATION).ok_or("no integration")?;
    let mut bench = Bench {
        engine: &engine,
        policy: (account, integration),
        outbox: DropOutbox {
            ids: RefCell::new(EventIds::after(0, 0, None)),
            record: RefCell::default(),
            bytes: Cell::new(0),
        },
        scratch: Scratch::default(),
        done: 0,
    };
    // Fills caches and counters; not measured.
    bench.run(&events, count);
    bench.outbox.bytes.set(0);
    let mut rounds: Vec<(f64, f64)> = Vec::new();
    for round in 1..=ROUNDS {
        let (seconds, cpu_seconds) = bench.run(&events, decisions);
        let each = (seconds / decisions as f64, cpu_seconds / decisions as f64);
        println!("round {round}: {}", rate(each));
        rounds.push(each);
    }
    rounds.sort_by(|a, b| a.0.total_cmp(&b.0));
    println!("median of {ROUNDS}: {}", rate(rounds[ROUNDS / 2]));
    bench.describe(count, ROUNDS * decisions);
    Ok(())
}

fn rate((seconds, cpu_seconds): (f64, f64)) -> String {
    format!(
        "{:.0} decisions/s, {:.0} ns each ({:.0} ns of CPU time: all that counts on a busy machine)",
        1.0 / seconds,
        seconds * 1e9,
        cpu_seconds * 1e9
    )
}

/// CPU time this thread has used; zero where the system does not say.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let used = text
        .split_whitespace()
        .next()
        .and_then(|ns| ns.parse().ok());
    used.unwrap_or(0.0) / 1e9
}

struct Bench<'b> {
    engine: &'b Engine<CounterTable>,
    policy: (&'b AccountPolicy, &'b IntegrationPolicy),
    outbox: DropOutbox,
    scratch: Scratch,
    done: usize,
}

impl Bench<'_> {
    /// Decides `decisions` events, the mix over and over; the time it took, and of it on the CPU.
    fn run(&mut self, events: &[Prepared], decisions: usize) -> (f64, f64) {
        let (started, used) = (Instant::now(), cpu_seconds());
        for event in events.iter().cycle().take(decisions) {
            let hit = event.hit(START.plus_ms(self.done as i64 * STEP_MS));
            self.done += 1;
            let decision = decide(
                self.engine,
                &self.outbox,
                &mut self.scratch,
                self.policy,
                hit,
                |decision| decision.event_id,
            );
            std::hint::black_box(now(decision));
        }
        (started.elapsed().as_secs_f64(), cpu_seconds() - used)
    }

    /// What was decided, so that nobody mistakes a mix of nothing for traffic.
    fn describe(&self, events: usize, decisions: usize) {
        let stats = &self.engine.stats;
        let read = |n: &std::sync::atomic::AtomicU64| n.load(std::sync::atomic::Ordering::Relaxed);
        let total: u64 = stats.decisions.iter().map(read).sum();
        let shares: Vec<String> = Action::ALL
            .iter()
            .zip(&stats.decisions)
            .map(|(action, n)| {
                format!(
                    "{} {:.1} %",
                    action.as_str(),
                    read(n) as f64 * 100.0 / total as f64
                )
            })
            .collect();
        println!(
            "{events} distinct events, {} live counter keys, record {} bytes on average; {}",
            self.engine
                .counters
                .live_keys(START.plus_ms(self.done as i64 * STEP_MS)),
            self.outbox.bytes.get() / decisions as u64,
            shares.join(", "),
        );
        let cache = self.engine.user_agents.stats();
        println!(
            "user agents: {} kept, {} misses; degraded {}",
            cache.entries,
            cache.misses,
            read(&stats.degraded)
        );
    }
}

/// An event as the S2S door leaves it: decoded texts in one buffer, and whose they are.
struct Prepared {
    ip: Option<IpAddr>,
    text: Box<str>,
    parts: Vec<(Field, Range<usize>)>,
}

impl Prepared {
    fn new(event: &mix::Event) -> Self {
        let texts = [
            (Field::ExternalTransactionId, &event.id),
            (Field::Publisher, &event.publisher),
            (Field::SubId, &event.sub_id),
            (Field::Referer, &event.referer),
            (Field::BundleId, &event.bundle_id),
            (Field::AppVersion, &event.app_version),
            (Field::UserAgent, &event.user_agent),
            (Field::Xff, &event.xff),
            (Field::Gaid, &event.gaid),
            (Field::Idfa, &event.idfa),
        ];
        let (mut text, mut parts) = (String::new(), Vec::new());
        for (field, value) in texts.into_iter().filter(|(_, value)| !value.is_empty()) {
            parts.push((field, text.len()..text.len() + value.len()));
            text.push_str(value);
        }
        Self {
            ip: event.ip,
            text: text.into(),
            parts,
        }
    }

    /// The mapped hit; what it costs to set its fields is measured too.
    fn hit(&self, received: Timestamp) -> Hit<'_> {
        let mut hit = Hit::new(ACCOUNT, INTEGRATION, EventKind::Click, received);
        hit.ip = self.ip;
        for (field, range) in &self.parts {
            hit.set(*field, self.text.get(range.clone()));
        }
        hit
    }
}

/// One account with its rules, the built-in tables, counters in memory.
fn engine(rule_count: usize) -> Result<Engine<CounterTable>, Box<dyn std::error::Error>> {
    let integration: Integration =
        serde_json::from_value(serde_json::json!({"name": "bench", "kind": "s2s"}))?;
    let policies = Policies::default();
    let integrations = vec![(INTEGRATION, integration)];
    policies.put(AccountPolicy::compile(
        ACCOUNT,
        integrations,
        &rules::rules(rule_count)?,
        Vec::new(),
        Vec::new(),
    )?);
    Ok(Engine {
        policies,
        intel: Arc::new(IntelHandle::of_tables(IpTables::builtin())),
        user_agents: UaCache::default(),
        counters: CounterTable::new(CounterOptions::default()),
        errors: Arc::new(NoErrorLog),
        clock: Arc::new(SystemClock::default()),
        limits: Limits::default(),
        sources: assay_gateway::SourceSnapshots::default(),
        stats: EngineStats::default(),
    })
}

/// The value of a future that never waits, as one over counters in memory does not.
fn now<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}
