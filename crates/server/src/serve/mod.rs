//! `assay serve`: everything opened, wired together, run, and closed in order.
//!
//! Two worlds in one process: lanes with their own threads, and the control plane on a
//! small runtime. They share atomics, snapshots and the lanes' spool files, nothing that a
//! lane could wait for.

mod agents;
mod checkpoint;
mod console;
mod health;
mod intel;
mod keys;
mod maintain;
mod node;
mod policies;
mod postbacks;
mod sources;
mod tasks;
mod told;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use anyhow::Context as _;
use assay_console::{ConsoleState, Setup, SystemRandom};
use assay_gateway::Gateway;

use crate::config::Config;
pub use node::Node;
pub use sources::SourceOptions;

/// A running server.
pub struct Server {
    /// Bound address of the data plane.
    pub data: SocketAddr,
    /// Bound address of the console.
    pub console: SocketAddr,
    /// Everything behind it.
    pub node: Arc<Node>,
    /// What the console is made of.
    pub state: ConsoleState,
    gateway: Gateway,
    tasks: tasks::Tasks,
    runtime: tokio::runtime::Runtime,
    stop_console: tokio::sync::watch::Sender<bool>,
}

impl Server {
    /// Opens the data folder and starts to listen.
    ///
    /// # Errors
    /// Whatever keeps the server from starting, with its cause.
    pub fn start(config: &Config) -> anyhow::Result<Self> {
        let data = TcpListener::bind(&config.listen.data)
            .with_context(|| format!("cannot listen on {}", config.listen.data))?;
        let console = TcpListener::bind(&config.listen.console)
            .with_context(|| format!("cannot listen on {}", config.listen.console))?;
        let (data_address, console_address) = (data.local_addr()?, console.local_addr()?);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(16)
            .thread_name("assay-control")
            .enable_all()
            .build()?;
        let (node, logs) = Node::open(config)?;
        let node = Arc::new(node);
        runtime.block_on(node.keys.keep())?;
        runtime.block_on(node.policies.refresh())?;
        runtime.block_on(node.sources.restore())?;
        node.warm()?;
        let state = console_state(config, &node, data_address);
        let gateway = Gateway::start(
            &node.engine,
            &node.doors,
            config.gateway.connections(),
            data,
            logs,
        )?;
        let (stop_console, stopped) = tokio::sync::watch::channel(false);
        serve_console(&runtime, console, state.clone(), stopped)?;
        let tasks = tasks::Tasks::start(&node, config, runtime.handle())?;
        node.doors
            .ready
            .store(true, std::sync::atomic::Ordering::Release);
        Ok(Self {
            data: data_address,
            console: console_address,
            node,
            state,
            gateway,
            tasks,
            runtime,
            stop_console,
        })
    }

    /// Runs a future on the control plane's runtime.
    pub fn block_on<F: std::future::Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// Ends in order: no new calls, open ones answered, records written, counters kept.
    pub fn close(self) {
        self.node
            .doors
            .ready
            .store(false, std::sync::atomic::Ordering::Release);
        self.gateway.close();
        self.stop_console.send_replace(true);
        self.tasks.close(&self.node, self.runtime.handle());
        self.runtime
            .shutdown_timeout(std::time::Duration::from_secs(5));
        if let Err(error) = self.node.spool.flush() {
            tracing::error!(%error, "the last fsync failed");
        }
        self.node.checkpoint_all();
    }
}

/// Waits for SIGINT or SIGTERM.
pub async fn stop_signal() -> std::io::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        done = tokio::signal::ctrl_c() => done,
        _ = terminate.recv() => Ok(()),
    }
}

fn console_state(config: &Config, node: &Arc<Node>, data: SocketAddr) -> ConsoleState {
    let data_urls = if config.listen.public_urls.is_empty() {
        vec![format!("http://{data}")]
    } else {
        config.listen.public_urls.clone()
    };
    ConsoleState {
        control: Arc::clone(&node.control),
        events: Arc::new(node.events.reader()),
        click_ids: Arc::new(keys::SealedIds(Arc::clone(&node.engine))),
        scan: Arc::new(node.events.scan()),
        reports: Arc::new(node.events.reports()),
        ledger: Arc::new(node.ledger.clone()),
        conversions: Arc::new(node.ledger.clone()),
        postbacks: Arc::clone(&node.postbacks.queue),
        sources: Arc::new(sources::Desk(Arc::clone(&node.sources))),
        errors: Arc::clone(&node.engine.errors),
        intel: Arc::new(intel::IntelWindow::new(node)),
        publisher: Arc::clone(&node.policies) as _,
        health: Arc::new(health::ProcessHealth::new(node)),
        clock: Arc::clone(&node.engine.clock),
        random: Arc::new(SystemRandom),
        setup: Arc::new(Setup::default()),
        settings: assay_console::Settings {
            host_urls: config.host_urls(),
            data_urls,
            https: config.listen.https,
            reports_parallel: config.console.reports_parallel,
            ..assay_console::Settings::default()
        },
    }
}

fn serve_console(
    runtime: &tokio::runtime::Runtime,
    listener: TcpListener,
    state: ConsoleState,
    stopped: tokio::sync::watch::Receiver<bool>,
) -> anyhow::Result<()> {
    listener.set_nonblocking(true)?;
    runtime.spawn(console::serve(
        listener,
        assay_console::router(state),
        stopped,
    ));
    Ok(())
}
