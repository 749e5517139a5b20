//! The sender of postbacks and what is measured of it.

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use assay_gateway::postbacks::{Sender, SenderPorts, SystemResolver};
use assay_model::Timestamp;
use assay_model::ports::{ControlStore, PolicyPublisher, PostbackQueue};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Node;
use crate::config::Config;

/// How often the backlog is measured.
const MEASURED_EVERY: Duration = Duration::from_secs(5);
/// No message waits.
const NOTHING: i64 = i64::MIN;

/// How the queue of postbacks is doing.
pub struct Postbacks {
    /// The queue.
    pub queue: Arc<dyn PostbackQueue>,
    /// The sender.
    pub sender: Arc<Sender>,
    /// How long a delivery that is over is kept.
    pub log_kept_ms: i64,
    waiting: AtomicU64,
    oldest_due_ms: AtomicI64,
    running: Mutex<Option<(watch::Sender<bool>, JoinHandle<()>)>>,
}

impl Postbacks {
    /// A sender over these stores; it sends nothing until it is started.
    ///
    /// # Errors
    /// When a certificate of the configuration cannot be used.
    pub fn new(
        queue: Arc<dyn PostbackQueue>,
        control: Arc<dyn ControlStore>,
        publisher: Arc<dyn PolicyPublisher>,
        clock: Arc<dyn assay_model::Clock>,
        config: &Config,
    ) -> anyhow::Result<Self> {
        let ports = SenderPorts {
            queue: Arc::clone(&queue),
            control,
            publisher,
            resolver: Arc::new(SystemResolver::default()),
            clock,
        };
        Ok(Self {
            queue,
            sender: Arc::new(Sender::new(
                ports,
                config.postbacks.sender(&config.listen)?,
            )?),
            log_kept_ms: i64::from(config.postbacks.log_d) * 86_400_000,
            waiting: AtomicU64::new(0),
            oldest_due_ms: AtomicI64::new(NOTHING),
            running: Mutex::default(),
        })
    }

    /// Starts sending and measuring.
    pub fn start(node: &Arc<Node>, runtime: &Handle) {
        let (stop, stopped) = watch::channel(false);
        let sender = Arc::clone(&node.postbacks.sender);
        let sending = runtime.spawn(sender.run(stopped));
        *node.postbacks.lock() = Some((stop, sending));
        let own = Arc::clone(node);
        runtime.spawn(async move {
            let mut pace = tokio::time::interval(MEASURED_EVERY);
            loop {
                pace.tick().await;
                own.postbacks.measure().await;
            }
        });
    }

    /// Stops sending; what is under way gets a moment to be noted.
    pub fn stop(&self, runtime: &Handle) {
        if let Some((stop, sending)) = self.lock().take() {
            stop.send_replace(true);
            if runtime.block_on(sending).is_err() {
                tracing::error!("sending postbacks ended by a panic");
            }
        }
    }

    /// Messages that wait, as last measured.
    pub fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// How long the oldest of them has been due; a delayed one is not yet.
    pub fn oldest_age_ms(&self, now: Timestamp) -> u64 {
        match self.oldest_due_ms.load(Ordering::Relaxed) {
            NOTHING => 0,
            due => u64::try_from(now.ms_since(Timestamp(due))).unwrap_or(0),
        }
    }

    async fn measure(&self) {
        match self.queue.backlog().await {
            Ok(backlog) => {
                self.waiting.store(backlog.waiting, Ordering::Relaxed);
                let oldest = backlog.oldest_due.map_or(NOTHING, |due| due.0);
                self.oldest_due_ms.store(oldest, Ordering::Relaxed);
            }
            Err(error) => tracing::error!(%error, "the postback queue cannot be measured"),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<(watch::Sender<bool>, JoinHandle<()>)>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
