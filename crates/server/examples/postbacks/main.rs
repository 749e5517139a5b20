//! A long queue of postbacks over the real store: how fast it is filled and drained, what
//! memory that takes, and whether one slow receiver holds up the others.
//!
//! `cargo run --profile dist -p assay-server --example postbacks -- FOLDER [MESSAGES] [SECONDS]`
//!
//! A tenth of the messages is for a receiver that takes two seconds for each answer; the rest
//! is spread over twenty that answer at once. While they are sent, a message for yet another
//! one is queued ten times a second: how long each of those takes is what "held up" means.
//! Ends with an error where a goal is missed.

mod receiver;

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use assay_gateway::postbacks::{PostbackConfig, Sender, SenderPorts, SystemResolver};
use assay_model::ports::{
    ClickMessage, ControlStore, DocKind, NewDoc, PolicyPublisher, PostbackQueue, PublishError,
};
use assay_model::postback::{Outcome, Owed};
use assay_model::{AccountId, Clock, EventId, EventKind, SystemClock};
use assay_store::embedded::control::ControlOptions;
use assay_store::embedded::ledger::LedgerOptions;
use assay_store::embedded::{SqliteControlStore, SqliteLedger, SqlitePostbacks};
use async_trait::async_trait;
use receiver::Heard;
use tokio::sync::watch;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const ACCOUNT: AccountId = AccountId(1);
/// Receivers that answer at once.
const FAST: u64 = 20;
/// How long the slow one takes.
const SLOW: Duration = Duration::from_secs(2);
/// Messages of one commit.
const BATCH: u32 = 1000;
/// How often a probe is queued.
const PROBE: Duration = Duration::from_millis(100);
/// Goals: resident memory (research R9), and the time of a probe.
const MEMORY_MIB: u64 = 512;
const HELD_UP: Duration = Duration::from_secs(2);

/// Nobody else reads the definitions.
struct Nobody;

#[async_trait]
impl PolicyPublisher for Nobody {
    async fn publish(&self, _: AccountId) -> Result<u64, PublishError> {
        Ok(0)
    }
}

/// Store, receivers, and who is told.
struct World {
    control: Arc<SqliteControlStore>,
    queue: Arc<dyn PostbackQueue>,
    clock: Arc<dyn Clock>,
    fast: (u16, Arc<Heard>),
    slow: (u16, Arc<Heard>),
}

fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    let folder = PathBuf::from(args.next().ok_or("which folder?")?);
    let messages: u32 = args.next().map_or(Ok(10_000), |text| text.parse())?;
    let seconds: u64 = args.next().map_or(Ok(20), |text| text.parse())?;
    std::fs::create_dir_all(&folder)?;
    let ledger = SqliteLedger::open(&folder.join("ledger.db"), LedgerOptions::default())?;
    let control = folder.join("control.db");
    let world = World {
        control: Arc::new(SqliteControlStore::open(
            &control,
            ControlOptions::default(),
        )?),
        queue: Arc::new(SqlitePostbacks::new(&ledger)),
        clock: Arc::new(SystemClock::default()),
        fast: receiver::start(Duration::ZERO)?,
        slow: receiver::start(SLOW)?,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let probes = runtime.block_on(world.run(messages, Duration::from_secs(seconds)))?;
    let bytes = std::fs::metadata(folder.join("ledger.db"))?.len();
    println!(
        "{} bytes a message on the disk",
        bytes / u64::from(messages.max(1))
    );
    let peak = memory_mib("VmHWM")?;
    if peak >= MEMORY_MIB {
        return Err(format!("{peak} MiB resident, the goal is under {MEMORY_MIB}").into());
    }
    match probes.last() {
        Some(worst) if *worst < HELD_UP => Ok(()),
        _ => Err(format!("a probe took {HELD_UP:?} or more: receivers are held up").into()),
    }
}

impl World {
    /// Fills the queue and drains it for a while; how long each probe took, shortest first.
    async fn run(&self, messages: u32, length: Duration) -> Result<Vec<Duration>, Failure> {
        let made = serde_json::json!({"name": "bench"});
        self.control
            .create_account(made, "bench", self.clock.now())
            .await?;
        let mut fast = Vec::new();
        for _ in 0..FAST {
            fast.push(self.postback(self.fast.0, "pb?n={cid}").await?);
        }
        let slow = self.postback(self.slow.0, "pb?n={cid}").await?;
        let probe = self.postback(self.fast.0, "probe?n={cid}").await?;
        let before = memory_mib("VmRSS")?;
        let start = Instant::now();
        let to = |n: u32| match n % 10 {
            0 => slow,
            _ => fast[(n as usize / 10 * 9 + n as usize % 10) % fast.len()],
        };
        for first in (0..messages).step_by(BATCH as usize) {
            let batch = first..messages.min(first.saturating_add(BATCH));
            self.queue_all(batch.map(|n| (to(n), n)).collect()).await?;
        }
        let took = start.elapsed().as_secs_f64();
        let filled = memory_mib("VmRSS")?;
        println!(
            "queued {messages} messages in {took:.1} s: {:.0}/s, {BATCH} a commit",
            f64::from(messages) / took
        );
        let probes = self.drain(messages, length, probe).await?;
        let peak = memory_mib("VmHWM")?;
        println!("resident: {before} MiB empty, {filled} MiB queued, {peak} MiB at most");
        Ok(probes)
    }

    /// A definition that tells of every click; its id.
    async fn postback(&self, port: u16, path: &str) -> Result<u64, Failure> {
        let url = format!("http://127.0.0.1:{port}/{path}");
        let body = serde_json::json!({"name": "n", "fire_on": "any", "url": url});
        let doc = NewDoc {
            kind: DocKind::Postback,
            unique: None,
            body,
        };
        let made = self.control.insert(ACCOUNT, doc, "bench", self.clock.now());
        Ok(made.await?.id)
    }

    async fn queue_all(&self, messages: Vec<(u64, u32)>) -> Result<(), Failure> {
        let now = self.clock.now();
        let message = |(postback, n): (u64, u32)| ClickMessage {
            account: ACCOUNT,
            owed: Owed {
                postback,
                subject: EventId::new(now, 0, 0, n),
                event: EventKind::Click,
                seq: 1,
                due: now,
                outcome: Outcome::Approved,
                reason: String::new(),
            },
            values: [("cid".to_owned(), n.to_string())].into(),
        };
        let messages = messages.into_iter().map(message).collect();
        Ok(self.queue.enqueue_clicks(messages, Vec::new()).await?)
    }

    /// Sends until everything for the fast receivers is told, or the time is over.
    async fn drain(
        &self,
        messages: u32,
        length: Duration,
        probe: u64,
    ) -> Result<Vec<Duration>, Failure> {
        let ports = SenderPorts {
            queue: Arc::clone(&self.queue),
            control: Arc::clone(&self.control) as Arc<dyn ControlStore>,
            publisher: Arc::new(Nobody),
            resolver: Arc::new(SystemResolver::default()),
            clock: Arc::clone(&self.clock),
        };
        let config = PostbackConfig {
            ports: vec![self.fast.0, self.slow.0],
            allow_private: vec![([127, 0, 0, 0].into(), 8)],
            ..PostbackConfig::default()
        };
        let (stop, stopped) = watch::channel(false);
        let sending = tokio::spawn(Arc::new(Sender::new(ports, config)?).run(stopped));
        let for_slow = u64::from(messages.div_ceil(10));
        let for_fast = u64::from(messages) - for_slow;
        let (start, mut queued) = (Instant::now(), Vec::new());
        let mut took = None;
        while start.elapsed() < length {
            let number = u32::try_from(queued.len())?;
            queued.push(Instant::now());
            self.queue_all(vec![(probe, number)]).await?;
            tokio::time::sleep(PROBE).await;
            let told = self.fast.1.count.load(Ordering::Relaxed);
            if took.is_none() && told >= for_fast + queued.len() as u64 - 1 {
                took = Some(start.elapsed());
            }
        }
        // The last probes get the time that any may take.
        let came = |heard: &Heard| {
            let probes = heard.probes.lock().unwrap_or_else(PoisonError::into_inner);
            probes.clone()
        };
        let end = Instant::now() + HELD_UP;
        while came(&self.fast.1).len() < queued.len() && Instant::now() < end {
            tokio::time::sleep(PROBE).await;
        }
        stop.send_replace(true);
        sending.await?;
        let came = came(&self.fast.1);
        let told = self.fast.1.count.load(Ordering::Relaxed) - came.len() as u64;
        let seconds = took.unwrap_or(length).as_secs_f64();
        println!(
            "sent {told} of {for_fast} to {FAST} receivers in {seconds:.1} s: {:.0}/s, each in two commits",
            told as f64 / seconds
        );
        let slow = self.slow.1.count.load(Ordering::Relaxed);
        println!("the slow one was told {slow} of {for_slow}, {SLOW:?} each, eight at a time");
        Ok(say(&queued, &came))
    }
}

/// How long the probes took, shortest first; one that never came takes for ever.
fn say(queued: &[Instant], came: &std::collections::HashMap<u64, Instant>) -> Vec<Duration> {
    let times = (0..).zip(queued).map(|(number, from)| {
        let to = came.get(&number);
        to.map_or(Duration::MAX, |to| to.duration_since(*from))
    });
    let mut took: Vec<Duration> = times.collect();
    took.sort_unstable();
    let at = |share: f64| {
        let place = (took.len() as f64 * share) as usize;
        let took = took.get(place.min(took.len().saturating_sub(1)));
        took.map_or(0.0, |took| took.as_secs_f64() * 1000.0)
    };
    println!(
        "a new message for another receiver meanwhile, from queue to arrival: p50 {:.0} ms, p99 {:.0} ms, \
         worst {:.0} ms, of {}",
        at(0.5),
        at(0.99),
        at(1.0),
        took.len()
    );
    took
}

/// A line of the process's own status, in MiB; the receivers are within it.
fn memory_mib(name: &str) -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|rest| rest.split_whitespace().nth(1));
    Ok(kib
        .ok_or("no such line in /proc/self/status")?
        .parse::<u64>()?
        >> 10)
}
