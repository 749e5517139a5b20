//! Lanes: one single-threaded runtime each, fed by one acceptor.
//!
//! The acceptor hands each connection to the lane with the fewest, since SO_REUSEPORT's
//! hash leaves cores idle when a tracker keeps few connections. A lane shares nothing with
//! another but atomics and snapshots.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use assay_model::EventIds;
use assay_model::facts::canonical_ip;
use assay_model::ports::{CounterStore, EventLog};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::AbortHandle;

use crate::conn::{ConnState, DateCache, Phase, serve};
use crate::conversions::settle;
use crate::doors::Doors;
use crate::engine::Engine;
use crate::outbox::LaneOutbox;

/// Limits of connections, each with its unit.
#[derive(Clone, Copy, Debug)]
pub struct GatewayConfig {
    /// Most open connections.
    pub connections: usize,
    /// Most open connections of one address (IPv6: of one /64).
    pub connections_per_address: u32,
    /// Time in which a request head must be whole.
    pub head_s: u64,
    /// Time a connection may stay open without a request.
    pub idle_s: u64,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            connections: 50_000,
            connections_per_address: 4_096,
            head_s: 10,
            idle_s: 75,
        }
    }
}

/// What one lane's tasks share.
pub struct Lane<C> {
    pub engine: Arc<Engine<C>>,
    pub doors: Arc<Doors>,
    pub outbox: Rc<LaneOutbox>,
    /// Seconds since the lane started, by the sweeper.
    pub tick: Cell<u64>,
    /// The lane is being closed: answers say so.
    pub closing: Cell<bool>,
    /// Told when idle connections are to end.
    pub ended: Notify,
    date: DateCache,
    connections: RefCell<HashMap<u64, (AbortHandle, Rc<ConnState>)>>,
}

impl<C: CounterStore> Lane<C> {
    /// The `Date` header of now.
    pub fn date(&self) -> Rc<str> {
        self.date.get(self.engine.clock.now())
    }

    /// Ends connections that keep their head or their next request too long.
    fn sweep(&self, config: &GatewayConfig) {
        let now = self.tick.get();
        for (abort, state) in self.connections.borrow().values() {
            let age = now.saturating_sub(state.since.get());
            let over = match state.phase.get() {
                Phase::Idle => self.closing.get() || age > config.idle_s,
                Phase::Reading => age > config.head_s,
                Phase::Busy => false,
            };
            if over {
                abort.abort();
            }
        }
    }
}

/// An accepted connection on its way to a lane.
struct Accepted {
    stream: std::net::TcpStream,
    peer: IpAddr,
    slot: Slot,
}

/// A connection's place in the caps; given back when it ends.
struct Slot {
    open: Arc<Mutex<HashMap<IpAddr, u32>>>,
    key: IpAddr,
    lane: Arc<AtomicUsize>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.lane.fetch_sub(1, Ordering::Relaxed);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.key);
            }
        }
    }
}

/// Tells acceptor and lanes to end.
#[derive(Clone, Debug)]
pub struct Shutdown(Arc<watch::Sender<bool>>);

impl Shutdown {
    /// Begins to end: no new connections, open ones finish their request.
    pub fn begin(&self) {
        self.0.send_replace(true);
    }
}

/// The running data plane.
pub struct Gateway {
    /// The bound address.
    pub address: SocketAddr,
    shutdown: Shutdown,
    threads: Vec<JoinHandle<()>>,
}

impl Gateway {
    /// Starts one lane per entry of `logs` behind `listener`.
    ///
    /// # Errors
    /// When a thread or its runtime cannot be made, or the listener has no address.
    pub fn start<C: CounterStore>(
        engine: &Arc<Engine<C>>,
        doors: &Arc<Doors>,
        config: GatewayConfig,
        listener: std::net::TcpListener,
        logs: Vec<(EventIds, Box<dyn EventLog>)>,
    ) -> std::io::Result<Self> {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (stop, _) = watch::channel(false);
        let shutdown = Shutdown(Arc::new(stop));
        let mut threads = Vec::new();
        let mut lanes = Vec::new();
        for (number, (ids, log)) in logs.into_iter().enumerate() {
            let (sender, receiver) = mpsc::channel(256);
            lanes.push((sender, Arc::new(AtomicUsize::new(0))));
            let (engine, doors) = (Arc::clone(engine), Arc::clone(doors));
            let stop = shutdown.0.subscribe();
            threads.push(
                std::thread::Builder::new()
                    .name(format!("lane-{number}"))
                    .spawn(move || {
                        // One lane settles conversions that wait, beside its own work.
                        let settles = number == 0;
                        run_lane(engine, doors, config, (ids, log), (receiver, stop), settles);
                    })?,
            );
        }
        let stop = shutdown.0.subscribe();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        threads.push(
            std::thread::Builder::new()
                .name("acceptor".to_owned())
                .spawn(move || {
                    runtime.block_on(accept(listener, lanes, config, stop));
                })?,
        );
        Ok(Self {
            address,
            shutdown,
            threads,
        })
    }

    /// A handle that ends the gateway.
    #[must_use]
    pub fn shutdown(&self) -> Shutdown {
        self.shutdown.clone()
    }

    /// Ends and waits until every answer is out and every record written.
    pub fn close(self) {
        self.shutdown.begin();
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a lane ended by a panic");
            }
        }
    }
}

type LaneHandle = (mpsc::Sender<Accepted>, Arc<AtomicUsize>);

async fn accept(
    listener: std::net::TcpListener,
    lanes: Vec<LaneHandle>,
    config: GatewayConfig,
    mut stop: watch::Receiver<bool>,
) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "cannot listen"),
    };
    let open = Arc::new(Mutex::new(HashMap::new()));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.changed() => break,
        };
        match accepted {
            Ok((stream, peer)) => hand_to_lane(stream, peer.ip(), &lanes, &open, &config).await,
            Err(error) => {
                // Out of file descriptors, most likely: give open connections time to end.
                tracing::warn!(%error, "cannot accept");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    // Those whom the system has connected already are answered too.
    while let Ok(Ok((stream, peer))) = tokio::time::timeout(Duration::ZERO, listener.accept()).await
    {
        hand_to_lane(stream, peer.ip(), &lanes, &open, &config).await;
    }
}

async fn hand_to_lane(
    stream: TcpStream,
    peer: IpAddr,
    lanes: &[LaneHandle],
    open: &Arc<Mutex<HashMap<IpAddr, u32>>>,
    config: &GatewayConfig,
) {
    let key = address_key(peer);
    let Some((sender, count)) = lanes
        .iter()
        .min_by_key(|(_, count)| count.load(Ordering::Relaxed))
    else {
        return;
    };
    let total: usize = lanes
        .iter()
        .map(|(_, count)| count.load(Ordering::Relaxed))
        .sum();
    {
        let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
        let own = open.entry(key).or_insert(0);
        if *own >= config.connections_per_address || total >= config.connections {
            // New connections are refused before old ones slow.
            return;
        }
        *own += 1;
    }
    count.fetch_add(1, Ordering::Relaxed);
    let slot = Slot {
        open: Arc::clone(open),
        key,
        lane: Arc::clone(count),
    };
    if let Ok(stream) = stream.into_std() {
        let _ = sender.send(Accepted { stream, peer, slot }).await;
    }
}

/// What the per-address cap counts: an IPv6 host owns its whole /64.
fn address_key(ip: IpAddr) -> IpAddr {
    match canonical_ip(ip) {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
        v4 => v4,
    }
}

fn run_lane<C: CounterStore>(
    engine: Arc<Engine<C>>,
    doors: Arc<Doors>,
    config: GatewayConfig,
    (ids, log): (EventIds, Box<dyn EventLog>),
    (connections, stop): (mpsc::Receiver<Accepted>, watch::Receiver<bool>),
    settles: bool,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return tracing::error!(%error, "cannot start a lane"),
    };
    let stats = Arc::clone(&engine);
    let lost = Arc::new(move |records: u32| {
        stats
            .stats
            .lost_records
            .fetch_add(u64::from(records), Ordering::Relaxed);
    });
    let lane = Rc::new(Lane {
        engine,
        doors,
        outbox: LaneOutbox::new(ids, log, lost),
        tick: Cell::new(0),
        closing: Cell::new(false),
        ended: Notify::new(),
        date: DateCache::default(),
        connections: RefCell::new(HashMap::new()),
    });
    let local = tokio::task::LocalSet::new();
    if settles && let Some(conversions) = lane.doors.conversions.clone() {
        let (engine, outbox) = (Arc::clone(&lane.engine), Rc::clone(&lane.outbox));
        local.spawn_local(settle(conversions, engine, outbox));
    }
    local.block_on(
        &runtime,
        lane_loop(Rc::clone(&lane), config, connections, stop),
    );
    lane.outbox.flush();
}

async fn lane_loop<C: CounterStore>(
    lane: Rc<Lane<C>>,
    config: GatewayConfig,
    mut accepted: mpsc::Receiver<Accepted>,
    mut stop: watch::Receiver<bool>,
) {
    let outbox = Rc::clone(&lane.outbox);
    tokio::task::spawn_local(async move { outbox.run().await });
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    let mut number = 0u64;
    while !*stop.borrow() {
        tokio::select! {
            connection = accepted.recv() => match connection {
                Some(connection) => {
                    number += 1;
                    open(&lane, connection, number);
                }
                None => break,
            },
            _ = seconds.tick() => {
                lane.tick.set(lane.tick.get() + 1);
                lane.sweep(&config);
            }
            _ = stop.changed() => {}
        }
    }
    drain(&lane, &config, &mut accepted, number).await;
}

/// How long connections may still begin a request once the end has begun.
const LAST_REQUESTS_TENTHS: u32 = 10;

/// Lets open requests finish: idle connections end after a second, the rest within 20.
async fn drain<C: CounterStore>(
    lane: &Rc<Lane<C>>,
    config: &GatewayConfig,
    accepted: &mut mpsc::Receiver<Accepted>,
    mut number: u64,
) {
    lane.closing.set(true);
    for tenth in 0..200 {
        // Connections that were accepted before the stop are still served their first request.
        let last = loop {
            match accepted.try_recv() {
                Ok(connection) => {
                    number += 1;
                    open(lane, connection, number);
                }
                Err(error) => break error,
            }
        };
        // Whoever is about to send a request still gets an answer, which says it is the last.
        if tenth == LAST_REQUESTS_TENTHS {
            lane.ended.notify_waiters();
        }
        if tenth >= LAST_REQUESTS_TENTHS {
            lane.sweep(config);
        }
        if last == mpsc::error::TryRecvError::Disconnected && lane.connections.borrow().is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tracing::warn!(
        open = lane.connections.borrow().len(),
        "connections cut at shutdown"
    );
}

fn open<C: CounterStore>(lane: &Rc<Lane<C>>, accepted: Accepted, number: u64) {
    let Accepted { stream, peer, slot } = accepted;
    let Ok(stream) = TcpStream::from_std(stream) else {
        return;
    };
    let _ = stream.set_nodelay(true);
    let state = Rc::new(ConnState {
        phase: Cell::new(Phase::Idle),
        since: Cell::new(lane.tick.get()),
    });
    let guard = Registered {
        lane: Rc::clone(lane),
        number,
        _slot: slot,
    };
    let (own, seen) = (Rc::clone(lane), Rc::clone(&state));
    let task = tokio::task::spawn_local(async move {
        let _guard = guard;
        serve(own, stream, peer, seen).await;
    });
    lane.engine
        .stats
        .connections
        .fetch_add(1, Ordering::Relaxed);
    lane.connections
        .borrow_mut()
        .insert(number, (task.abort_handle(), state));
}

/// Takes a connection out of the lane's book when its task ends, however it ends.
struct Registered<C> {
    lane: Rc<Lane<C>>,
    number: u64,
    _slot: Slot,
}

impl<C> Drop for Registered<C> {
    fn drop(&mut self) {
        self.lane.connections.borrow_mut().remove(&self.number);
        self.lane
            .engine
            .stats
            .connections
            .fetch_sub(1, Ordering::Relaxed);
    }
}
