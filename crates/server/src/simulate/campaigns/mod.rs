//! One campaign per kind of fraud, in one table.
//!
//! A campaign gives itself away by its own kind of evidence and is inconspicuous in all
//! else, so that what an engine finds can be put down to one filter. Each belongs to a
//! publisher and its sub ids: reports by source show it.

mod addresses;
mod agents;
mod identity;
mod repetition;

use assay_model::Reason;
use assay_model::document::{List, ListEntry, ListField, ListMode, Scope};

use super::Needs;
use super::agents as clients;
use super::event::SimEvent;
use super::market;
use super::networks::{self, Access};
use super::rng::Rng;

pub use addresses::lists;

/// A kind of fraud.
pub(super) struct Campaign {
    pub name: &'static str,
    pub publisher: &'static str,
    pub sub_ids: &'static [&'static str],
    /// A working engine finds one of these.
    pub reasons: &'static [Reason],
    pub needs: Needs,
    /// Share among campaigns.
    pub weight: u32,
    pub acts: Acts,
}

/// How a campaign acts.
#[derive(Clone, Copy)]
pub(super) enum Acts {
    /// Events that have nothing to do with each other.
    Alone(fn(&mut Rng) -> SimEvent),
    /// Runs of events by one actor.
    Runs(Runs),
}

/// Runs of events by one actor.
#[derive(Clone, Copy)]
pub(super) struct Runs {
    /// The actor's first event.
    pub first: fn(&mut Rng) -> SimEvent,
    /// Changes what differs from event to event.
    pub vary: fn(&mut SimEvent, &mut Rng),
    /// Fewest and most events of a run.
    pub events: (u64, u64),
    /// Shortest and longest time between two, ms; the run is as slow as the rate allows.
    pub gap_ms: (u64, u64),
    /// Whether the run's pace follows the campaign's rate instead, within the bounds.
    pub paced: bool,
    /// Events of a run that could still be a person's.
    pub unseen: u64,
}

const NONE: Needs = Needs {
    native: false,
    duplicates: false,
    lists: false,
};
const NATIVE: Needs = Needs {
    native: true,
    ..NONE
};
const DUPLICATES: Needs = Needs {
    duplicates: true,
    ..NONE
};
const LISTS: Needs = Needs {
    lists: true,
    ..NONE
};

const fn alone(
    name: &'static str,
    publisher: &'static str,
    sub_ids: &'static [&'static str],
    reasons: &'static [Reason],
    weight: u32,
    act: fn(&mut Rng) -> SimEvent,
) -> Campaign {
    Campaign {
        name,
        publisher,
        sub_ids,
        reasons,
        needs: NONE,
        weight,
        acts: Acts::Alone(act),
    }
}

const fn runs(
    name: &'static str,
    publisher: &'static str,
    sub_ids: &'static [&'static str],
    reasons: &'static [Reason],
    weight: u32,
    runs: Runs,
) -> Campaign {
    Campaign {
        name,
        publisher,
        sub_ids,
        reasons,
        needs: NONE,
        weight,
        acts: Acts::Runs(runs),
    }
}

const fn needing(campaign: Campaign, needs: Needs) -> Campaign {
    Campaign { needs, ..campaign }
}

use Reason as Re;

/// Every campaign. Names are stable: they stand in labels and reports.
pub(super) const CAMPAIGNS: &[Campaign] = &[
    alone(
        "declared_crawlers",
        "p-open-index",
        &["links", "feeds"],
        &[Re::KnownCrawler],
        6,
        agents::crawler,
    ),
    alone(
        "http_libraries",
        "p-open-index",
        &["api", "partners"],
        &[Re::NonBrowserUa],
        5,
        agents::library,
    ),
    alone(
        "scanners",
        "p-open-index",
        &["probe"],
        &[Re::NonBrowserUa],
        2,
        agents::scanner,
    ),
    alone(
        "blank_ua",
        "p-traffic-boost",
        &["b-1", "b-2"],
        &[Re::BlankUa],
        3,
        agents::blank,
    ),
    alone(
        "headless_automation",
        "p-traffic-boost",
        &["h-1", "h-2", "h-3"],
        &[Re::Automation],
        5,
        agents::headless,
    ),
    alone(
        "emulators",
        "p-app-mix",
        &["emu-farm"],
        &[Re::Emulator],
        4,
        agents::emulator,
    ),
    alone(
        "spoofed_ua",
        "p-app-mix",
        &["mix-1", "mix-2"],
        &[Re::UaSpoofed],
        6,
        identity::spoofed_ua,
    ),
    alone(
        "datacenter_clicks",
        "p-traffic-boost",
        &["dc-east", "dc-west"],
        &[Re::DatacenterIp],
        7,
        addresses::datacenter,
    ),
    needing(
        alone(
            "vpn_exits",
            "p-cash-clicks",
            &["v-1"],
            &[Re::Vpn],
            4,
            addresses::vpn,
        ),
        LISTS,
    ),
    needing(
        alone(
            "open_proxies",
            "p-cash-clicks",
            &["px-1", "px-2"],
            &[Re::PublicProxy],
            3,
            addresses::open_proxy,
        ),
        LISTS,
    ),
    needing(
        alone(
            "tor",
            "p-cash-clicks",
            &["onion"],
            &[Re::TorExit],
            2,
            addresses::tor,
        ),
        LISTS,
    ),
    needing(
        alone(
            "residential_proxies",
            "p-cash-clicks",
            &["resi"],
            &[Re::ResidentialProxy],
            3,
            addresses::residential,
        ),
        LISTS,
    ),
    alone(
        "unroutable_ips",
        "p-made-up",
        &["u-1"],
        &[Re::UnroutableIp],
        2,
        addresses::unroutable,
    ),
    alone(
        "xff_forgery",
        "p-made-up",
        &["f-1", "f-2"],
        &[Re::XffAnomaly],
        3,
        identity::forged_chain,
    ),
    needing(
        alone(
            "geo_mismatch",
            "p-made-up",
            &["g-1"],
            &[Re::GeoMismatch],
            3,
            identity::elsewhere,
        ),
        NATIVE,
    ),
    alone(
        "bad_device_ids",
        "p-app-mix",
        &["ids"],
        &[Re::InvalidDeviceId],
        4,
        identity::bad_device_id,
    ),
    needing(
        runs(
            "duplicate_clickers",
            "p-click-club",
            &["club-1", "club-2"],
            &[Re::DuplicateIp, Re::DuplicateDevice],
            5,
            repetition::DUPLICATES,
        ),
        DUPLICATES,
    ),
    runs(
        "click_flooding",
        "p-click-club",
        &["flood"],
        &[Re::ClickFlooding],
        26,
        repetition::FLOODING,
    ),
    runs(
        "hyper_engagement",
        "p-click-club",
        &["hyper"],
        &[Re::HyperEngagement],
        9,
        repetition::HYPER,
    ),
    runs(
        "ip_hopping",
        "p-click-club",
        &["hop"],
        &[Re::IpHopping],
        5,
        repetition::HOPPING,
    ),
    runs(
        "fast_clickers",
        "p-click-club",
        &["fast"],
        &[Re::FastClicker],
        6,
        repetition::FAST,
    ),
    needing(
        alone(
            "denied_list",
            DENIED,
            &["d-1"],
            &[Re::ListDenied],
            3,
            inconspicuous,
        ),
        LISTS,
    ),
];

/// The publisher on [`deny_list`].
const DENIED: &str = "p-blocked";

/// The names of all campaigns.
#[cfg(test)]
pub fn campaign_names() -> impl Iterator<Item = &'static str> {
    CAMPAIGNS.iter().map(|campaign| campaign.name)
}

/// The account's own list that the campaign `denied_list` is on.
#[must_use]
pub fn deny_list() -> List {
    List {
        name: "Blocked publishers".to_owned(),
        mode: ListMode::Deny,
        field: ListField::Publisher,
        scope: Scope::default(),
        entries: vec![ListEntry {
            value: DENIED.to_owned(),
            note: Some("sells clicks of other publishers".to_owned()),
            expires: None,
        }],
    }
}

/// An event in which nothing is wrong: a browser on a line of its own.
fn inconspicuous(rng: &mut Rng) -> SimEvent {
    let client = loop {
        let client = clients::client(rng, false);
        if !client.app {
            break client;
        }
    };
    let network = networks::of_access(rng, Access::Line);
    let mut event = SimEvent {
        ip: Some(networks::inside(rng, network.block)),
        user_agent: Some(client.user_agent),
        client_hints: client.hints,
        languages: Some(network.language.to_owned()),
        referer: Some(market::any_page(rng).to_owned()),
        ..SimEvent::default()
    };
    market::promote(&mut event, rng);
    event
}

/// The same in an Android app, with an advertising id.
fn inconspicuous_app(rng: &mut Rng) -> SimEvent {
    let mut event = inconspicuous(rng);
    let app = market::any_app(rng);
    event.user_agent = Some(clients::app_android(rng).user_agent);
    event.client_hints = None;
    event.referer = None;
    event.bundle_id = Some(app.android.to_owned());
    event.app_version = Some((*rng.pick(app.versions)).to_owned());
    event.gaid = Some(rng.uuid());
    event
}
