//! Postbacks out: messages taken from the queue, filled, sent, and what came of it noted.
//!
//! At least once, under a stable id: what was sent but not noted is sent again. A receiver
//! that is slow or dead holds up its own messages and nobody else's: each has only so many
//! under way, and they are taken from every receiver in turn.

mod address;
mod click;
mod client;
mod connect;
mod deliver;
mod directory;
mod receiver;
mod resolve;
mod schedule;
mod sign;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use assay_model::ports::{ControlStore, PolicyPublisher, PostbackQueue, StoreError, Take};
use assay_model::{AccountId, Clock};
use rustls::pki_types::CertificateDer;
use tokio::sync::watch;
use tokio::task::JoinSet;

use address::AddressPolicy;
pub use address::Range;
pub use click::click_messages;
use client::{CallLimits, Caller};
use connect::{ConnectLimits, Connector};
use directory::Directory;
pub use resolve::{Resolver, SystemResolver};

/// How often an idle sender looks for messages that are due.
const IDLE: Duration = Duration::from_millis(200);
/// Least time between two looks, so that a look takes several messages.
const BREATH: Duration = Duration::from_millis(2);
/// Time that messages under way get when the server stops.
const GRACE: Duration = Duration::from_secs(3);
/// Beyond the longest call: after it a message is somebody else's.
const LEASE_EXTRA_MS: i64 = 45_000;

/// Limits and permissions of sending.
#[derive(Clone, Debug)]
pub struct PostbackConfig {
    /// Messages under way at a time.
    pub workers: u32,
    /// Of them, of one postback.
    pub per_postback: u32,
    /// Ports that receivers may have.
    pub ports: Vec<u16>,
    /// Longest wait for the resolver.
    pub resolve: Duration,
    /// Longest wait for a connection.
    pub connect: Duration,
    /// Longest call.
    pub total: Duration,
    /// Most bytes read of an answer.
    pub body_bytes: usize,
    /// Our own public addresses, never to be called.
    pub own_addresses: Vec<Range>,
    /// Inside addresses that may be called.
    pub allow_private: Vec<Range>,
    /// Certificates trusted beside the built-in list.
    pub roots: Vec<CertificateDer<'static>>,
}

impl Default for PostbackConfig {
    fn default() -> Self {
        Self {
            workers: 256,
            per_postback: 8,
            ports: vec![80, 443],
            resolve: Duration::from_secs(2),
            connect: Duration::from_secs(3),
            total: Duration::from_secs(15),
            body_bytes: 64 * 1024,
            own_addresses: Vec::new(),
            allow_private: Vec::new(),
            roots: Vec::new(),
        }
    }
}

/// Counts of tries, for metrics.
#[derive(Debug, Default)]
pub struct SenderStats {
    /// Taken by the receiver.
    pub sent: AtomicU64,
    /// Failed, to be tried again.
    pub failed: AtomicU64,
    /// Given up.
    pub dead: AtomicU64,
}

/// What a sender works with.
pub struct SenderPorts {
    /// Where messages wait.
    pub queue: Arc<dyn PostbackQueue>,
    /// Where definitions stand.
    pub control: Arc<dyn ControlStore>,
    /// Puts a pause in force.
    pub publisher: Arc<dyn PolicyPublisher>,
    /// Where receivers' addresses come from.
    pub resolver: Arc<dyn Resolver>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// Sends what is due.
pub struct Sender {
    queue: Arc<dyn PostbackQueue>,
    directory: Directory,
    caller: Caller,
    clock: Arc<dyn Clock>,
    take: Take,
    /// Answers in a row that asked for less, by postback.
    asked_for_less: Mutex<HashMap<(AccountId, u64), u32>>,
    /// What was done.
    pub stats: SenderStats,
}

impl Sender {
    /// A sender within these limits; it does nothing until it is run.
    ///
    /// # Errors
    /// When a certificate of the configuration cannot be used.
    pub fn new(ports: SenderPorts, config: PostbackConfig) -> Result<Self, rustls::Error> {
        let lease_ms = i64::try_from(config.total.as_millis()).unwrap_or(i64::MAX);
        let connector = Connector::new(
            ports.resolver,
            AddressPolicy::new(config.own_addresses, config.allow_private),
            ConnectLimits {
                ports: config.ports,
                resolve: config.resolve,
                connect: config.connect,
            },
        );
        let limits = CallLimits {
            total: config.total,
            body_bytes: config.body_bytes,
        };
        Ok(Self {
            queue: ports.queue,
            directory: Directory::new(ports.control, ports.publisher),
            caller: Caller::new(connector, &config.roots, limits)?,
            clock: ports.clock,
            take: Take {
                limit: config.workers,
                per_postback: config.per_postback,
                lease_ms: lease_ms.saturating_add(LEASE_EXTRA_MS),
            },
            asked_for_less: Mutex::default(),
            stats: SenderStats::default(),
        })
    }

    /// Sends until told to stop; then lets what is under way come to its end, for a while.
    pub async fn run(self: Arc<Self>, mut stopped: watch::Receiver<bool>) {
        let mut under_way = JoinSet::new();
        while !*stopped.borrow() {
            let took = match self.start_due(&mut under_way).await {
                Ok(took) => took,
                Err(error) => {
                    tracing::error!(%error, "postbacks wait: the queue cannot be read");
                    0
                }
            };
            let pause = if took > 0 { BREATH } else { IDLE };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                Some(_) = under_way.join_next() => tokio::time::sleep(BREATH).await,
                _ = stopped.changed() => {}
            }
        }
        let all = async { while under_way.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(GRACE, all).await;
    }

    /// Takes what is due and there is room for, and starts it; returns how many.
    async fn start_due(self: &Arc<Self>, under_way: &mut JoinSet<()>) -> Result<usize, StoreError> {
        while under_way.try_join_next().is_some() {}
        let busy = u32::try_from(under_way.len()).unwrap_or(u32::MAX);
        let take = Take {
            limit: self.take.limit.saturating_sub(busy),
            ..self.take
        };
        if take.limit == 0 {
            return Ok(0);
        }
        // First, so that what is taken is not left lying when this fails.
        self.directory.refresh().await?;
        let messages = self.queue.take(self.clock.now(), take).await?;
        let took = messages.len();
        for message in messages {
            under_way.spawn(Arc::clone(self).deliver(message));
        }
        Ok(took)
    }

    /// Sends everything that is due now and waits for it; returns how many were tried.
    ///
    /// # Errors
    /// When queue or definitions cannot be read.
    pub async fn send_due(self: &Arc<Self>) -> Result<usize, StoreError> {
        let (mut under_way, mut sum) = (JoinSet::new(), 0);
        loop {
            let took = self.start_due(&mut under_way).await?;
            if took == 0 && under_way.is_empty() {
                return Ok(sum);
            }
            sum += took;
            under_way.join_next().await;
        }
    }

    /// Notes whether a receiver asked for less; returns how often in a row it did.
    fn strikes(&self, account: AccountId, postback: u64, less: bool) -> u32 {
        let mut counts = self
            .asked_for_less
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if !less {
            counts.remove(&(account, postback));
            return 0;
        }
        let count = counts.entry((account, postback)).or_default();
        *count = count.saturating_add(1);
        *count
    }
}
