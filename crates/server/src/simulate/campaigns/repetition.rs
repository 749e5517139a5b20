//! Campaigns that only repetition gives away: every single event could be a person's.

use super::super::agents as clients;
use super::super::event::SimEvent;
use super::super::networks::{self, Access};
use super::super::rng::Rng;
use super::{Runs, inconspicuous, inconspicuous_app};

const fn same(_: &mut SimEvent, _: &mut Rng) {}

/// One visitor, one offer, again and again: with one repetition allowed the third is caught.
pub const DUPLICATES: Runs = Runs {
    first: inconspicuous_app,
    vary: same,
    events: (5, 9),
    gap_ms: (4_000, 30_000),
    paced: false,
    unseen: 2,
};

/// One address, more than 500 clicks in an hour, with ever another browser's name.
pub const FLOODING: Runs = Runs {
    first: inconspicuous,
    vary: another_browser,
    events: (900, 1100),
    gap_ms: (20, 3_000),
    paced: true,
    unseen: 500,
};

/// One telephone, more than 60 engagements in an hour.
pub const HYPER: Runs = Runs {
    first: inconspicuous_app,
    vary: same,
    events: (160, 240),
    gap_ms: (600, 10_000),
    paced: true,
    unseen: 60,
};

/// One telephone, more than 12 networks in an hour.
pub const HOPPING: Runs = Runs {
    first: inconspicuous_app,
    vary: another_network,
    // Few enough that the number of engagements says nothing.
    events: (40, 55),
    gap_ms: (1_000, 40_000),
    paced: true,
    unseen: 14,
};

/// Clicks faster than a hand makes them.
pub const FAST: Runs = Runs {
    first: inconspicuous,
    vary: same,
    events: (12, 24),
    gap_ms: (60, 240),
    paced: false,
    unseen: 3,
};

fn another_browser(event: &mut SimEvent, rng: &mut Rng) {
    let fresh = inconspicuous(rng);
    event.user_agent = fresh.user_agent;
    event.client_hints = fresh.client_hints;
    event.referer = fresh.referer;
    event.offer = fresh.offer;
    event.advertiser = fresh.advertiser;
}

fn another_network(event: &mut SimEvent, rng: &mut Rng) {
    let network = networks::of_access(rng, Access::Line);
    event.ip = Some(networks::inside(rng, network.block));
    event.user_agent = event
        .user_agent
        .take()
        .or_else(|| Some(clients::app_android(rng).user_agent));
}
