//! Work beside the answers: sealing, maintenance, checkpoints, polling.
//!
//! Threads of their own at their own pace; nothing a lane waits for is held by them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use assay_model::ports::LogPosition;
use assay_store::embedded::counters::SLICE_COUNT;
use assay_store::spool::{Flusher, pack, unpack};

use super::Node;
use super::agents::AgentDirectories;
use super::postbacks::Postbacks;
use super::sources::Follower;
use super::told::ClickTeller;
use crate::config::Config;
use crate::config::agents::Directory;

/// The running tasks.
pub struct Tasks {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    _flusher: Flusher,
}

impl Tasks {
    /// Starts everything.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        node: &Arc<Node>,
        config: &Config,
        runtime: &tokio::runtime::Handle,
    ) -> anyhow::Result<Self> {
        let flusher = node
            .spool
            .start_flusher(Duration::from_millis(config.storage.fsync_ms))?;
        let stop = Arc::new(AtomicBool::new(false));
        let mut threads = Vec::new();
        let checkpointed = Arc::new(Checkpointed::new(node));
        let mut spawn =
            |name: &str, work: Box<dyn FnOnce(&AtomicBool) + Send>| -> std::io::Result<()> {
                let stop = Arc::clone(&stop);
                threads.push(
                    std::thread::Builder::new()
                        .name(format!("assay-{name}"))
                        .spawn(move || work(&stop))?,
                );
                Ok(())
            };
        let (own, mark) = (Arc::clone(node), Arc::clone(&checkpointed));
        let told = Arc::new(Checkpointed::new(node));
        let teller = ClickTeller::new(node, runtime.clone())?;
        told.raise(&teller.noted());
        let passed = Arc::clone(&told);
        spawn(
            "seal",
            Box::new(move |stop| seal(&own, &mark, &passed, stop)),
        )?;
        spawn("told", Box::new(move |stop| tell(teller, &told, stop)))?;
        let own = Arc::clone(node);
        spawn("clicks", Box::new(move |stop| index_clicks(&own, stop)))?;
        let own = Arc::clone(node);
        spawn(
            "counters",
            Box::new(move |stop| checkpoint(&own, &checkpointed, stop)),
        )?;
        let (own, follower) = (Arc::clone(node), Follower::new(&node.spool));
        let handle = runtime.clone();
        spawn(
            "sources",
            Box::new(move |stop| judge_sources(&own, follower, &handle, stop)),
        )?;
        let own = Arc::clone(node);
        spawn(
            "intel",
            Box::new(move |stop| watch_intelligence(&own, stop)),
        )?;
        if !config.agents.directories.is_empty() {
            let (own, directories) = (Arc::clone(node), config.agents.directories.clone());
            spawn(
                "agents",
                Box::new(move |stop| keep_agents(&own, &directories, stop)),
            )?;
        }
        let own = Arc::clone(node);
        runtime.spawn(async move { poll_policies(&own).await });
        Postbacks::start(node, runtime);
        Ok(Self {
            stop,
            threads,
            _flusher: flusher,
        })
    }

    /// Ends every task and waits for it.
    pub fn close(self, node: &Node, runtime: &tokio::runtime::Handle) {
        node.postbacks.stop(runtime);
        self.stop.store(true, Ordering::Release);
        for thread in self.threads {
            thread.thread().unpark();
            if thread.join().is_err() {
                tracing::error!("a task ended by a panic");
            }
        }
    }
}

/// Sleeps, or ends early when told to stop; false = stop.
fn pause(stop: &AtomicBool, length: Duration) -> bool {
    if !stop.load(Ordering::Acquire) {
        std::thread::park_timeout(length);
    }
    !stop.load(Ordering::Acquire)
}

/// How far the log is no longer needed, lane by lane: by the counters, whose slices are written
/// out, or by the receivers of click postbacks.
struct Checkpointed {
    lanes: Vec<(u8, AtomicU64)>,
}

impl Checkpointed {
    fn new(node: &Node) -> Self {
        Self {
            lanes: node
                .spool
                .lanes()
                .map(|lane| (lane, AtomicU64::new(0)))
                .collect(),
        }
    }

    fn raise(&self, positions: &[(u8, LogPosition)]) {
        for (lane, word) in &self.lanes {
            if let Some((_, position)) = positions.iter().find(|(own, _)| own == lane) {
                word.store(pack(*position), Ordering::Release);
            }
        }
    }

    fn of(&self, lane: u8) -> LogPosition {
        let word = self
            .lanes
            .iter()
            .find(|(own, _)| *own == lane)
            .map_or(0, |(_, word)| word.load(Ordering::Acquire));
        unpack(word)
    }
}

/// Keeps the click index up with the lanes, at their own priority: a conversion waits for it.
fn index_clicks(node: &Node, stop: &AtomicBool) {
    let failed = |error| tracing::error!(%error, "clicks are not indexed; tried again");
    node.events.click_indexer().run(stop, failed);
}

/// Puts the calling thread behind the lanes: sealing takes as long as an answer does, and
/// on a busy core would take it away from them. On Linux the call is the thread's own.
fn yield_to_lanes() {
    if let Err(error) = rustix::process::setpriority_process(None, 19) {
        tracing::warn!(%error, "sealing keeps the lanes' own priority");
    }
}

/// Moves events from spool to files; segments go once they are sealed *and* checkpointed, and
/// receivers of click postbacks are owed what is in them.
fn seal(node: &Node, checkpointed: &Checkpointed, told: &Checkpointed, stop: &AtomicBool) {
    yield_to_lanes();
    let mut sealer = node.events.sealer();
    let mut last_maintained = node.engine.clock.now();
    while pause(stop, Duration::from_secs(1)) {
        let now = node.engine.clock.now();
        match sealer.seal_due(now) {
            Ok(sealed) if sealed.events > 0 => {
                tracing::debug!(events = sealed.events, files = sealed.files, "sealed");
                if sealed.unreadable > 0 {
                    tracing::error!(records = sealed.unreadable, "records could not be decoded");
                }
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "events stay in the spool"),
        }
        // Decoded here, so that the next reader need not.
        if let Err(error) = node.events.refresh() {
            tracing::error!(%error, "events are not read ahead");
        }
        for lane in node.spool.lanes() {
            let up_to = node.events.sealed(lane).min(checkpointed.of(lane));
            let up_to = up_to.min(told.of(lane));
            if let Err(error) = node.spool.release(lane, up_to) {
                tracing::error!(lane, %error, "old segments stay");
            }
        }
        if now.ms_since(last_maintained) > 3_600_000 {
            last_maintained = now;
            super::maintain::run(node, now);
        }
    }
}

/// Puts what clicks owe into the queue.
fn tell(mut teller: ClickTeller, told: &Checkpointed, stop: &AtomicBool) {
    yield_to_lanes();
    while pause(stop, Duration::from_millis(100)) {
        if let Err(error) = teller.step() {
            tracing::error!(%error, "click postbacks wait");
        }
        told.raise(&teller.noted());
    }
}

/// Counts events for their sources, judges these, and learns outcomes.
fn judge_sources(
    node: &Node,
    mut follower: Follower,
    runtime: &tokio::runtime::Handle,
    stop: &AtomicBool,
) {
    yield_to_lanes();
    while pause(stop, Duration::from_secs(1)) {
        while follower.step(&node.sources) && !stop.load(Ordering::Acquire) {}
        node.sources.step(runtime);
    }
}

/// Writes one slice of the counters a second.
fn checkpoint(node: &Node, checkpointed: &Checkpointed, stop: &AtomicBool) {
    yield_to_lanes();
    let mut slice = 0;
    let mut cycle: Vec<(u8, LogPosition)> = Vec::new();
    let mut whole = true;
    while pause(stop, Duration::from_secs(1)) {
        if slice == 0 {
            // What the oldest slice of a cycle has is what all of them have.
            cycle = node
                .spool
                .lanes()
                .map(|lane| (lane, node.spool.synced(lane)))
                .collect();
            whole = true;
        }
        whole &= node.checkpoint(slice);
        slice += 1;
        if slice == SLICE_COUNT {
            slice = 0;
            if whole {
                checkpointed.raise(&cycle);
            }
        }
    }
}

/// Takes over what `assay intel` has changed in the folder.
fn watch_intelligence(node: &Node, stop: &AtomicBool) {
    while pause(stop, Duration::from_secs(1)) {
        if !node.engine.intel.changed_on_disk() {
            continue;
        }
        match node.engine.intel.reload(node.engine.clock.now().0) {
            Ok(reloaded) => {
                for problem in &reloaded.problems {
                    tracing::error!(%problem, "intelligence source left out");
                }
                tracing::info!(
                    generation = node.engine.intel.generation(),
                    "intelligence reloaded"
                );
            }
            Err(error) => tracing::error!(%error, "the intelligence in use stays"),
        }
    }
}

/// Fetches the keys of agents, now and every hour.
fn keep_agents(node: &Node, directories: &[Directory], stop: &AtomicBool) {
    let mut kept = AgentDirectories::default();
    loop {
        kept.refresh(node, directories);
        if !pause(stop, Duration::from_secs(3600)) {
            return;
        }
    }
}

/// Takes over what another process has saved.
async fn poll_policies(node: &Node) {
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    let mut hours = tokio::time::interval(Duration::from_secs(3600));
    loop {
        tokio::select! {
            _ = seconds.tick() => {}
            _ = hours.tick() => {
                if let Err(error) = node.keys.keep().await {
                    tracing::error!(%error, "the transaction keys in force stay");
                }
            }
        }
        if let Err(error) = node.policies.refresh().await {
            tracing::error!(%error, "the policies in force stay");
        }
    }
}
