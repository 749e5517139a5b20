//! The parts of a node: spool, events, counters, control data, intelligence, engine.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use assay_gateway::{Conversions, Doors, Engine, EngineStats, Outcomes, Policies};
use assay_intel::store::IntelStore;
use assay_intel::ua::UaCache;
use assay_model::document::list_cidr;
use assay_model::ports::{ControlStore, EventLog, KeyStore, PolicyPublisher};
use assay_model::{Clock, EventId, EventIds, SystemClock};
use assay_store::embedded::counters::{CounterOptions, CounterTable};
use assay_store::embedded::errors::ErrorLogOptions;
use assay_store::embedded::events::{EventStore, EventsOptions};
use assay_store::embedded::ledger::LedgerOptions;
use assay_store::embedded::sources::SourcesOptions;
use assay_store::embedded::{
    SqliteControlStore, SqliteErrorLog, SqliteLedger, SqlitePostbacks, SqliteSources,
};
use assay_store::spool::{FolderLock, LaneLog, Spool, SpoolOptions, SteadyLog, SteadyStats};

use super::keys::KeyKeeper;
use super::policies::PolicyLoader;
use super::postbacks::Postbacks;
use super::sources::{SourceKeeper, SourcePorts};
use crate::config::Config;

/// Number of this node in its event ids; one node until backends are shared.
const NODE: u8 = 0;

/// Everything a server runs on.
pub struct Node {
    /// The data folder.
    pub dir: PathBuf,
    /// The write-ahead log of events.
    pub spool: Spool,
    /// How the lanes' logs keep up.
    pub steady: Arc<SteadyStats>,
    /// Events in files and in the spool.
    pub events: EventStore,
    /// Control data.
    pub control: Arc<dyn ControlStore>,
    /// Conversions; the queue of postbacks lies in the same file.
    pub ledger: SqliteLedger,
    /// Postbacks out.
    pub postbacks: Postbacks,
    /// What judges.
    pub engine: Arc<Engine<CounterTable>>,
    /// What answers.
    pub doors: Arc<Doors>,
    /// What puts saved changes in force.
    pub policies: Arc<PolicyLoader>,
    /// What keeps the keys of transaction ids.
    pub keys: Arc<KeyKeeper>,
    /// The folder of imported lists.
    pub intel: IntelStore,
    /// What judges sources and learns outcomes.
    pub sources: Arc<SourceKeeper>,
}

/// The writing end of each lane, with the ids that continue its log.
pub type LaneLogs = Vec<(EventIds, Box<dyn EventLog>)>;

impl Node {
    /// Opens the data folder, making it on a first start.
    ///
    /// # Errors
    /// When another process writes to the folder, or something in it cannot be opened.
    pub fn open(config: &Config) -> anyhow::Result<(Self, LaneLogs)> {
        let dir = config.storage.dir.clone();
        std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let lock = Arc::new(FolderLock::take(&dir)?);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let now = clock.now();
        let (spool, logs) = open_spool(config, &lock)?;
        let options = EventsOptions {
            seal_ms: i64::try_from(config.storage.seal_s * 1000).unwrap_or(60_000),
            ..EventsOptions::default()
        };
        let events = EventStore::open(&dir, &spool, options)?;
        let steady = Arc::new(SteadyStats::default());
        let options = config.storage.steady();
        let log_of = |log| SteadyLog::new(log, Arc::clone(&clock), options, Arc::clone(&steady));
        let control = Arc::new(SqliteControlStore::open(
            &dir.join("control.db"),
            config.secrets.control(),
        )?);
        config.secrets.warn(&dir);
        let ledger = SqliteLedger::open(&dir.join("ledger.db"), LedgerOptions::default())?;
        let newest = events.newest_id().max(ledger.newest_id());
        let logs = with_ids(logs, &spool, newest, log_of);
        let errors = SqliteErrorLog::open(&dir.join("errors.db"), ErrorLogOptions::default())?;
        let intel = IntelStore::open(&dir)?;
        let engine = Arc::new(Engine {
            policies: Policies::default(),
            intel: Arc::new(crate::offline::intelligence(&dir, now.0)?),
            user_agents: UaCache::new(config.gateway.user_agents),
            counters: CounterTable::new(CounterOptions {
                slots: config.gateway.counter_slots,
                ..CounterOptions::default()
            }),
            errors: Arc::new(errors),
            clock,
            limits: config.gateway.limits(),
            sources: assay_gateway::SourceSnapshots::default(),
            stats: EngineStats::default(),
        });
        let sources = Arc::new(SourceKeeper::new(
            Arc::clone(&engine),
            source_ports(&dir, &events, &ledger)?,
            config.sources.options(),
        ));
        let doors = Arc::new(Doors {
            ready: false.into(),
            trusted_proxies: config
                .listen
                .trusted_proxies
                .iter()
                .filter_map(|p| list_cidr(p))
                .collect(),
            public_hosts: config.public_hosts(),
            conversions: Some(Arc::new(Conversions::new(
                Arc::new(ledger.clone()),
                Arc::new(events.clicks()),
                Arc::new(events.reader()),
            ))),
            outcomes: Some(Outcomes(Arc::clone(&sources) as _)),
            agents: arc_swap::ArcSwap::default(),
        });
        let keys = Arc::new(KeyKeeper::new(
            Arc::clone(&control) as Arc<dyn KeyStore>,
            Arc::clone(&engine),
        ));
        let policies = Arc::new(PolicyLoader::new(
            Arc::clone(&control) as Arc<dyn ControlStore>,
            Arc::clone(&engine),
            Arc::clone(&keys),
        ));
        let postbacks = Postbacks::new(
            Arc::new(SqlitePostbacks::new(&ledger)),
            Arc::clone(&control) as Arc<dyn ControlStore>,
            Arc::clone(&policies) as Arc<dyn PolicyPublisher>,
            Arc::clone(&engine.clock),
            config,
        )?;
        Ok((
            Self {
                dir,
                spool,
                steady,
                events,
                control,
                ledger,
                postbacks,
                engine,
                doors,
                policies,
                keys,
                intel,
                sources,
            },
            logs,
        ))
    }
}

fn source_ports(
    dir: &Path,
    events: &EventStore,
    ledger: &SqliteLedger,
) -> anyhow::Result<SourcePorts> {
    let store = SqliteSources::open(&dir.join("sources.db"), SourcesOptions::default())?;
    Ok(SourcePorts {
        store: Arc::new(store),
        events: Arc::new(events.reader()),
        scan: Arc::new(events.scan()),
        clicks: Arc::new(events.clicks()),
        ledger: Arc::new(ledger.clone()),
        feed: Arc::new(ledger.clone()),
    })
}

fn open_spool(config: &Config, lock: &Arc<FolderLock>) -> anyhow::Result<(Spool, Vec<LaneLog>)> {
    let mut salt = [0; 8];
    getrandom::fill(&mut salt).map_err(|error| anyhow::anyhow!("no random bytes: {error}"))?;
    let lanes = config.gateway.lane_count();
    let options = SpoolOptions {
        quota_bytes: config.storage.spool_bytes,
        ..SpoolOptions::new(lanes, u64::from_le_bytes(salt))
    };
    Ok(Spool::open(lock, options)?)
}

/// Each lane's log with ids that never go below `newest` and the newest of any lane: a lane
/// number may have been reused, and a clock may have stepped back.
fn with_ids(
    logs: Vec<LaneLog>,
    spool: &Spool,
    newest: Option<EventId>,
    steady: impl Fn(LaneLog) -> SteadyLog<LaneLog>,
) -> LaneLogs {
    let in_spool = spool
        .recovered()
        .iter()
        .filter_map(|found| found.last_event_id)
        .max();
    let newest = in_spool.max(newest);
    logs.into_iter()
        .map(|log| {
            let ids = EventIds::after(NODE, log.lane(), newest);
            (ids, Box::new(steady(log)) as Box<dyn EventLog>)
        })
        .collect()
}
