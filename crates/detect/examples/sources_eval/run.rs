//! One world, judged again and again: a month of honest publishers, and weeks with campaigns
//! among them.

use std::collections::{BTreeMap, BTreeSet};

use assay_detect::CompiledRule;
use assay_detect::sources::{Held, Limits, Profiles, judge};
use assay_model::Timestamp;
use assay_model::document::{IntegrationKind, Rule};
use assay_model::verdict::RuleRef;

use super::market::Offer;
use super::record::Names;
use super::rng::Rng;
use super::traffic::{DAY_MS, Event, Fraud, Kind, Placement};

/// 2026-01-05, a Monday.
const START_MS: i64 = 1_767_571_200_000;
const OFFERS: usize = 6;

/// The default rule; only the VPN filter is given a share, since without one it judges
/// events and not sources.
/// With `tight`, limits that a network may set which knows its own offers.
pub fn rule(tight: bool) -> Result<CompiledRule, Box<dyn std::error::Error>> {
    let mut rule = Rule::default_rule();
    if tight {
        let settings = [
            (
                "rejection_threshold",
                serde_json::json!({"max_rejection_percentage": 40}),
            ),
            (
                "conversion_rate",
                serde_json::json!({"low_cr": 1.0, "high_cr": 14.0}),
            ),
        ];
        for (key, json) in settings {
            rule.filters.insert(key.into(), json);
        }
    }
    let vpn = serde_json::json!({"threshold_percentage": 30, "min_requests": 100});
    rule.filters.insert("vpn".into(), vpn);
    let id = RuleRef { id: 1, version: 1 };
    CompiledRule::compile(&rule, id, IntegrationKind::Custom)
        .map_err(|problems| format!("{problems:?}").into())
}

/// Whom which filters ever held.
pub type Condemned = BTreeMap<u32, BTreeSet<&'static str>>;

/// Judges the events slice by slice, as time goes by.
struct World<'r> {
    rule: &'r CompiledRule,
    offers: Vec<Offer>,
    profiles: Profiles,
    names: Names,
    held: Vec<Held>,
    condemned: Condemned,
}

impl<'r> World<'r> {
    fn new(rule: &'r CompiledRule, rng: &mut Rng) -> Self {
        Self {
            rule,
            offers: (0..OFFERS).map(|number| Offer::draw(rng, number)).collect(),
            profiles: Profiles::new(Limits::default()),
            names: Names::default(),
            held: Vec::new(),
            condemned: Condemned::new(),
        }
    }

    /// Runs through all events; judges every `step_ms` from `judged_from` on.
    fn run(&mut self, mut events: Vec<Event>, judged_from: i64, until: i64, step_ms: i64) {
        events.sort_by_key(|event| event.at_ms);
        let mut next = START_MS + step_ms;
        for event in events.into_iter().filter(|event| event.at_ms < until) {
            while event.at_ms >= next {
                self.judge(next, judged_from);
                next += step_ms;
            }
            let offer = &self.offers[usize::from(event.offer)].name;
            self.names
                .count(&mut self.profiles, self.rule, offer, &event);
        }
        self.judge(next, judged_from);
    }

    fn judge(&mut self, at_ms: i64, from: i64) {
        if at_ms < from {
            return;
        }
        let now = Timestamp(at_ms);
        let judged = judge([self.rule], &self.profiles, &self.held, 1, now);
        for held in &judged.held {
            let number = held.source.publisher.rsplit('-').next();
            let number = number
                .and_then(|text| text.parse().ok())
                .unwrap_or(u32::MAX);
            let key = assay_detect::filter_keys()[usize::from(held.filter)];
            if self.condemned.entry(number).or_default().insert(key)
                && std::env::var_os("SOURCES_EVAL_TRACE").is_some()
            {
                eprintln!("{key} {:?} {:?}", held.source, held.explanation);
            }
        }
        self.held = judged.held;
    }
}

/// Honest publishers, each on one to three offers.
fn honest(rng: &mut Rng, offers: &[Offer], publishers: u32) -> Vec<Placement> {
    let mut all = Vec::new();
    for publisher in 0..publishers {
        let first = rng.below(OFFERS);
        for nth in 0..1 + rng.below(3) {
            let offer = (first + nth) % OFFERS;
            all.push(Placement::draw(rng, publisher, offer as u8, &offers[offer]));
        }
    }
    all
}

/// A placement's honest events: its own volume, weekends, a start and an end within the time,
/// and now and then a mailing that brings a day's traffic at once.
fn days(
    rng: &mut Rng,
    placement: &mut Placement,
    offer: &Offer,
    per_day: f64,
    days: i64,
    out: &mut Vec<Event>,
) {
    let starts = if rng.chance(0.3) {
        rng.below(days as usize) as i64
    } else {
        0
    };
    let ends = if rng.chance(0.2) {
        starts + rng.below(days as usize) as i64
    } else {
        days
    };
    let weekend = rng.log_normal(1.0, 0.3);
    for day in starts..ends.min(days) {
        let midnight = START_MS + day * DAY_MS;
        let factor = if day % 7 >= 5 { weekend } else { 1.0 };
        let visits = rng.log_normal(per_day * factor, 0.25) as usize;
        let before = out.len();
        for _ in 0..visits {
            placement.visit(rng, offer, midnight, out);
        }
        if rng.chance(0.04) {
            // By the visitors' own clock: nobody mails at night.
            let hour = 8 * 3_600_000 + rng.below(12 * 3_600_000) as i64;
            for event in &mut out[before..] {
                if event.conversion.is_none() && rng.chance(0.5) {
                    let local = hour + rng.below(5_400_000) as i64;
                    let ms = (local - event.who.zone_min * 60_000).rem_euclid(DAY_MS);
                    event.at_ms = midnight + ms;
                }
            }
        }
    }
}

/// A month of honest publishers: whom it condemns, of how many.
pub fn honest_month(rule: &CompiledRule, seed: u64, publishers: u32) -> (Condemned, usize) {
    let mut rng = Rng::new(seed.wrapping_mul(0x5151_7a7a));
    let mut world = World::new(rule, &mut rng);
    let mut events = Vec::new();
    for mut placement in honest(&mut rng, &world.offers, publishers) {
        let per_day = rng.log_normal(80.0, 1.2).clamp(5.0, 1500.0);
        let offer = &world.offers[usize::from(placement.offer)];
        days(&mut rng, &mut placement, offer, per_day, 30, &mut events);
    }
    let count = events.len();
    let until = START_MS + 30 * DAY_MS;
    world.run(events, START_MS, until, DAY_MS / 4);
    (world.condemned, count)
}

/// What came of the campaigns of one share and volume.
#[derive(Default)]
pub struct Cell {
    /// By kind: how many, how many were caught, and by which filters.
    pub kinds: BTreeMap<usize, (u32, u32, BTreeMap<&'static str, u32>)>,
    pub honest: u32,
    pub honest_condemned: u32,
}

/// A week of campaigns among honest publishers.
pub fn campaigns(rule: &CompiledRule, seed: u64, share: f64, large: bool, each: u32) -> Cell {
    const HONEST: u32 = 100;
    let salt = (share * 1000.0) as u64 * 2 + u64::from(large);
    let mut rng = Rng::new(seed.wrapping_mul(0x0f00_d00d) ^ salt << 40);
    let mut world = World::new(rule, &mut rng);
    let mut events = Vec::new();
    for mut placement in honest(&mut rng, &world.offers, HONEST) {
        let per_day = rng.log_normal(120.0, 1.0).clamp(10.0, 1200.0);
        let offer = &world.offers[usize::from(placement.offer)];
        days(&mut rng, &mut placement, offer, per_day, 10, &mut events);
    }
    let mut frauds = Vec::new();
    for (at, kind) in Kind::ALL.into_iter().enumerate() {
        for _ in 0..each {
            let publisher = HONEST + frauds.len() as u32;
            frauds.push((publisher, at));
            campaign(
                &mut rng,
                &world.offers,
                publisher,
                kind,
                (share, large),
                &mut events,
            );
        }
    }
    let from = START_MS + 2 * DAY_MS;
    world.run(events, from, START_MS + 10 * DAY_MS, DAY_MS);
    let mut cell = Cell {
        honest: HONEST,
        ..Cell::default()
    };
    for (publisher, kind) in frauds {
        let row = cell.kinds.entry(kind).or_default();
        row.0 += 1;
        if let Some(filters) = world.condemned.get(&publisher) {
            row.1 += 1;
            for filter in filters {
                *row.2.entry(filter).or_default() += 1;
            }
        }
    }
    let caught = world.condemned.keys().filter(|own| **own < HONEST).count();
    cell.honest_condemned = caught as u32;
    cell
}

/// One publisher on one offer with one sub id; `share` of its traffic is a campaign's, the
/// rest is an honest publisher's.
fn campaign(
    rng: &mut Rng,
    offers: &[Offer],
    publisher: u32,
    kind: Kind,
    (share, large): (f64, bool),
    events: &mut Vec<Event>,
) {
    // Advertising ids are told by apps only.
    let number = loop {
        let number = rng.below(OFFERS);
        let apps = offers.iter().any(|offer| offer.app);
        if kind != Kind::NewDevices || offers[number].app || !apps {
            break number;
        }
    };
    let offer = &offers[number];
    let mut placement = Placement::draw(rng, publisher, number as u8, offer);
    placement.sub_ids = 1;
    let fraud = Fraud::draw(rng, kind);
    let volume = if large { 10 } else { 1 };
    let conversions = 100 * volume;
    let clicks = match kind.by_clicks() {
        true => 1000 * volume,
        false => (f64::from(conversions) / placement.cr) as u32,
    };
    for nth in 0..clicks {
        let day = START_MS + (2 + i64::from(nth) % 7) * DAY_MS;
        let own = rng.chance(share);
        let mut click = placement.click(rng, day);
        if own {
            fraud.taint(rng, &mut click);
        }
        events.push(click);
        let cr = if own {
            fraud.cr(placement.cr)
        } else {
            placement.cr
        };
        if rng.chance(cr) {
            let mut conversion = placement.converted(rng, offer, click);
            // The rest it has from its click.
            let of_conversions = matches!(
                kind,
                Kind::ClickSpam | Kind::SdkSpoofing | Kind::ShortTimes | Kind::RejectedLeads
            );
            if own && of_conversions {
                fraud.taint(rng, &mut conversion);
            }
            events.push(conversion);
        }
    }
}
