//! People: one visitor, one device, one network; they come back within reason.
//!
//! A visitor is kept for some time and may return, never more than twice for an offer: the
//! simulation's people must be people to every filter that judges repetition.

use std::net::IpAddr;

use assay_model::Timestamp;
use assay_model::hit::EventKind;

use super::agents::{self, Client, System};
use super::event::SimEvent;
use super::market::{self, PUBLISHERS, Publisher};
use super::networks::{self, Access, Network};
use super::rng::Rng;

/// Visitors who may come back.
const KEPT: usize = 2048;

/// Shortest time between two events of a visitor.
const PAUSE_MS: i64 = 9_000;

pub(super) struct People {
    kept: Vec<Visitor>,
    next: usize,
    crowd: u64,
}

struct Visitor {
    client: Client,
    ip: IpAddr,
    network: &'static Network,
    publisher: &'static Publisher,
    page: &'static str,
    sub_id: Option<&'static str>,
    app: Option<&'static market::App>,
    /// Advertising id; a visitor who limits tracking sends zeros or none.
    id: Option<String>,
    /// What was last promoted to them, and how many events more they may make of it.
    last: SimEvent,
    last_ms: i64,
    left: u32,
}

impl People {
    /// `per_hour` people's events an hour: shared addresses are as many as carry them.
    pub fn new(per_hour: f64) -> Self {
        Self {
            kept: Vec::new(),
            next: 0,
            crowd: per_hour.clamp(0.0, 1e12) as u64,
        }
    }

    /// The next event, by somebody new or somebody known.
    pub fn event(&mut self, rng: &mut Rng, at: Timestamp) -> SimEvent {
        if self.kept.len() > 20 && rng.chance(0.35) {
            let place = rng.below(self.kept.len() as u64) as usize;
            let visitor = &mut self.kept[place];
            if visitor.left > 0 && at.0 - visitor.last_ms >= PAUSE_MS {
                return visitor.again(rng, at);
            }
        }
        let visitor = Visitor::new(rng, at, self.crowd);
        let event = visitor.last.clone();
        if self.kept.len() < KEPT {
            self.kept.push(visitor);
        } else {
            self.kept[self.next] = visitor;
            self.next = (self.next + 1) % KEPT;
        }
        event
    }
}

impl Visitor {
    fn new(rng: &mut Rng, at: Timestamp, crowd: u64) -> Self {
        let network = networks::network(rng, at.0);
        let client = agents::client(rng, network.access == Access::Relay);
        let publisher = publisher(rng, client.app);
        let app = client.app.then(|| rng.pick(publisher.apps));
        let id = client
            .app
            .then(|| advertising_id(rng, client.system))
            .flatten();
        let mut visitor = Self {
            ip: networks::address(rng, network, crowd),
            client,
            network,
            publisher,
            page: *rng.pick::<&str>(publisher.pages),
            sub_id: rng
                .chance(0.85)
                .then(|| *rng.pick::<&str>(publisher.sub_ids)),
            app,
            id,
            last: SimEvent::default(),
            last_ms: at.0,
            left: 0,
        };
        visitor.last = visitor.first(rng);
        // Two clicks for an offer are people's; the third would be a duplicate.
        visitor.left = 1;
        visitor
    }

    fn first(&self, rng: &mut Rng) -> SimEvent {
        let mut event = SimEvent {
            ip: Some(self.ip),
            user_agent: Some(self.client.user_agent.clone()),
            client_hints: self.client.hints.clone(),
            publisher: Some(self.publisher.id.to_owned()),
            sub_id: self.sub_id.map(str::to_owned),
            languages: Some(self.network.language.to_owned()),
            xff: self.chain(rng),
            ..SimEvent::default()
        };
        // People on a relay are shown where the relay says they are; most sources ask nothing.
        if rng.chance(0.4) {
            event.geo_country = Some(self.network.country.to_owned());
        }
        self.place(&mut event, rng);
        market::promote(&mut event, rng);
        event.event = self.kind(rng);
        event.external_transaction_id = format!("t-{}", rng.hex(16));
        event
    }

    /// The same visitor again: once more for the same offer.
    fn again(&mut self, rng: &mut Rng, at: Timestamp) -> SimEvent {
        self.left -= 1;
        self.last_ms = at.0;
        let mut event = self.last.clone();
        event.event = self.kind(rng);
        event.external_transaction_id = format!("t-{}", rng.hex(16));
        event
    }

    fn kind(&self, rng: &mut Rng) -> EventKind {
        let view = if self.client.app {
            EventKind::AppView
        } else {
            EventKind::PageView
        };
        let kinds = [
            (EventKind::Click, 70),
            (EventKind::Impression, 20),
            (view, 10),
        ];
        rng.weighted(&kinds, |row| row.1).0
    }

    fn place(&self, event: &mut SimEvent, rng: &mut Rng) {
        let Some(app) = self.app else {
            event.referer = Some(self.page.to_owned());
            return;
        };
        let apple = self.client.system == System::Ios;
        event.bundle_id = Some(if apple { app.ios } else { app.android }.to_owned());
        event.app_version = Some((*rng.pick(app.versions)).to_owned());
        if apple {
            event.idfa.clone_from(&self.id);
        } else {
            event.gaid.clone_from(&self.id);
        }
    }

    /// Some sources pass the chain they saw: the client, perhaps behind a company's proxy.
    fn chain(&self, rng: &mut Rng) -> Option<String> {
        match self.network.access {
            Access::Office if rng.chance(0.5) => Some(format!(
                "10.{}.{}.{}, {}",
                rng.below(256),
                rng.below(256),
                rng.between(1, 254),
                self.ip
            )),
            _ => rng.chance(0.15).then(|| self.ip.to_string()),
        }
    }
}

fn publisher(rng: &mut Rng, app: bool) -> &'static Publisher {
    loop {
        let publisher = rng.weighted(PUBLISHERS, |publisher| publisher.weight);
        if !app || !publisher.apps.is_empty() {
            return publisher;
        }
    }
}

/// Most Android telephones give theirs; on iOS the app must ask, and most people decline.
fn advertising_id(rng: &mut Rng, system: System) -> Option<String> {
    let given = if system == System::Ios { 0.3 } else { 0.8 };
    if rng.chance(given) {
        let id = rng.uuid();
        return Some(if system == System::Ios {
            id.to_ascii_uppercase()
        } else {
            id
        });
    }
    rng.chance(0.7)
        .then(|| "00000000-0000-0000-0000-000000000000".to_owned())
}
