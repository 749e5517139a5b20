//! The demo's traffic: as a tracker's S2S calls, as another's batches, and by links.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use assay_model::{Clock, Timestamp};

use super::http::{Caller, connect};
use super::links::Links;
use super::shop;
use crate::simulate::{Labelled, Options, Simulator, is_native};

/// Lines of a batch, and how long the first of them waits for more.
const BATCH_LINES: usize = 25;
const BATCH_MS: i64 = 1000;

/// Where simulated traffic goes, and on whose behalf.
pub struct Traffic {
    pub to: SocketAddr,
    pub account: u32,
    pub integration: u32,
    /// The integration of links and postbacks.
    pub linked: u32,
    /// The integration of batches and its access key.
    pub native: (u32, String),
    pub clock: Arc<dyn Clock>,
    pub stop: Arc<AtomicBool>,
}

impl Traffic {
    /// Sends until told to stop; the thread returns how many events were sent.
    pub fn start(self, seed: u64, per_second: f64) -> std::io::Result<JoinHandle<u64>> {
        let simulator = Simulator::new(Options {
            seed,
            start: self.clock.now(),
            per_second,
            events: None,
            fraud_share: 0.3,
        });
        let thread = std::thread::Builder::new().name("traffic".to_owned());
        let (owe, owed) = mpsc::channel();
        let links = Links::new(self.linked, Caller::new(self.to), seed, owe);
        let (to, clock) = (self.to, Arc::clone(&self.clock));
        let shop = std::thread::Builder::new().name("shop".to_owned());
        let shop = shop.spawn(move || shop::run(to, &clock, &owed))?;
        // The shop closes with the traffic, which owns the way to it.
        thread.spawn(move || self.run(simulator, links) + shop.join().unwrap_or(0))
    }

    fn run(&self, simulator: Simulator, mut links: Links) -> u64 {
        let mut tracker = Caller::new(self.to);
        let mut batch = Batch::default();
        let mut sent = 0;
        for mut labelled in simulator {
            if !self.wait_for(labelled.at) {
                break;
            }
            let done = if Links::carries(&labelled) {
                links.send(&mut labelled, self.clock.now()).map(|()| 1)
            } else if is_native(labelled.event.publisher.as_deref()) {
                batch.add(&labelled, self.native.0);
                Ok(0)
            } else {
                let target = labelled.event.s2s_query(self.account, self.integration);
                tracker.get(&target, &[]).map(|_| 1)
            };
            let batched = batch.send_due(self, labelled.at);
            for done in [done, batched] {
                match done {
                    Ok(events) => sent += events,
                    Err(error) => eprintln!("the traffic stumbled: {error:#}"),
                }
            }
        }
        sent
    }

    /// Waits for the time of an event; false = stop.
    fn wait_for(&self, at: Timestamp) -> bool {
        while at > self.clock.now() && !self.stop.load(Ordering::Acquire) {
            let ahead_ms = at.ms_since(self.clock.now()).clamp(1, 200);
            std::thread::sleep(Duration::from_millis(ahead_ms.unsigned_abs()));
        }
        !self.stop.load(Ordering::Acquire)
    }
}

/// Events on their way to `POST /v1/score/batch`.
#[derive(Default)]
struct Batch {
    body: String,
    lines: usize,
    first: Timestamp,
}

impl Batch {
    fn add(&mut self, labelled: &Labelled, integration: u32) {
        let mut event = labelled.event.native_json(Some(integration));
        if let Some(event) = event.as_object_mut() {
            event.insert("time".to_owned(), labelled.at.to_string().into());
            // A source does not know what it sends.
            event.remove("truth");
            event.remove("campaign");
        }
        if self.lines == 0 {
            self.first = labelled.at;
        }
        self.body.push_str(&event.to_string());
        self.body.push('\n');
        self.lines += 1;
    }

    /// Sends what waits once it is enough or old enough; how many events were taken.
    fn send_due(&mut self, traffic: &Traffic, now: Timestamp) -> anyhow::Result<u64> {
        if self.lines == 0 || (self.lines < BATCH_LINES && now.ms_since(self.first) < BATCH_MS) {
            return Ok(0);
        }
        let batch = std::mem::take(self);
        let answer = post(traffic.to, &traffic.native.1, &batch.body)
            .context("a batch could not be sent")?;
        let head = answer.split("\r\n\r\n").next().unwrap_or("");
        anyhow::ensure!(
            head.starts_with("HTTP/1.1 200 "),
            "a batch was refused: {head}"
        );
        if let Some(wrong) = answer.lines().find(|line| line.contains("\"error\"")) {
            anyhow::bail!("a line of a batch was refused: {wrong}");
        }
        Ok(batch.lines as u64)
    }
}

/// A request of its own connection; the answer as it came, head and chunks.
fn post(to: SocketAddr, key: &str, body: &str) -> std::io::Result<String> {
    let mut stream = connect(to)?;
    write!(
        stream,
        "POST /v1/score/batch HTTP/1.1\r\nHost: {to}\r\nX-Assay-Key: {key}\r\n\
         Content-Type: application/x-ndjson\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
