//! Simulated traffic through the real engine, in this process: address tables with the
//! simulation's lists, user agents, device ids, own list, default rule, counters.

use std::sync::Arc;

use assay_detect::AccountRules;
use assay_intel::ip::{IpTables, Kind};
use assay_intel::lists::OwnLists;
use assay_model::document::IntegrationKind;
use assay_model::facts::{Benign, DeviceFacts, Facts, MarkKind, NetworkClass};
use assay_model::hit::{EventKind, Field, Hit};
use assay_model::recall::Recall;
use assay_model::verdict::{Action, OnDegraded};
use assay_model::{AccountId, IntegrationId, Reason, Timestamp};
use assay_store::embedded::counters::{CounterOptions, CounterTable};

use super::networks::{Access, NETWORKS, inside};
use super::rng::Rng;
use super::*;

/// 2026-11-22, a Sunday, 18:00 UTC.
const START: Timestamp = Timestamp(1_795_370_400_000);

fn options(seed: u64, events: u64) -> Options {
    Options {
        events: Some(events),
        ..Options::new(seed, START, 50.0)
    }
}

struct Engine {
    tables: IpTables,
    own: OwnLists,
    rules: AccountRules,
    counters: CounterTable,
    setting: Setting,
}

impl Engine {
    fn new(setting: Setting) -> Self {
        let mut builder = assay_intel::ip::builtin::builder();
        for (kind, name, text) in lists() {
            let kind = Kind::parse(kind).unwrap();
            let list = format!("{name}@1");
            let (source, _) =
                assay_intel::ip::load::parse(kind, &list, name, text.as_bytes()).unwrap();
            builder.add(&source);
        }
        Self {
            tables: builder.build(),
            own: OwnLists::compile(vec![(1, 1, deny_list())]).unwrap(),
            rules: AccountRules::compile(&[], setting.kind).unwrap(),
            counters: CounterTable::new(CounterOptions {
                slots: 1 << 20,
                account_slots_max: None,
            }),
            setting,
        }
    }

    fn judge(&self, event: &SimEvent) -> (Vec<Reason>, bool) {
        let mut hit = Hit::new(AccountId(1), IntegrationId(1), event.event, event.at);
        hit.ip = event.ip;
        let native = self.setting.door == Door::Native;
        let hints = event.client_hints.as_ref().filter(|_| native);
        for (field, text) in [
            (Field::UserAgent, event.user_agent.as_deref()),
            (Field::Referer, event.referer.as_deref()),
            (Field::BundleId, event.bundle_id.as_deref()),
            (Field::AppVersion, event.app_version.as_deref()),
            (Field::DeviceId, event.device_id.as_deref()),
            (Field::Gaid, event.gaid.as_deref()),
            (Field::Idfa, event.idfa.as_deref()),
            (Field::Publisher, event.publisher.as_deref()),
            (Field::SubId, event.sub_id.as_deref()),
            (Field::Offer, event.offer.as_deref()),
            (Field::Advertiser, event.advertiser.as_deref()),
            (Field::Xff, event.xff.as_deref()),
            (Field::GeoCity, event.geo_city.as_deref()),
            (
                Field::GeoCountry,
                event.geo_country.as_deref().filter(|_| native),
            ),
            (Field::ChUa, hints.map(|h| &*h.brands)),
            (Field::ChPlatform, hints.map(|h| &*h.platform)),
            (
                Field::ChMobile,
                hints.map(|h| if h.mobile { "?1" } else { "?0" }),
            ),
        ] {
            hit.set(field, text);
        }
        let ip = hit.ip.map(|ip| self.tables.lookup(ip));
        let ids = [Field::DeviceId, Field::Gaid, Field::Idfa].map(|field| hit.get(field));
        let mut found_on = Vec::new();
        self.own.matches(&hit, ip.as_ref(), &mut found_on);
        let facts = Facts {
            ip,
            ua: hit
                .get(Field::UserAgent)
                .map(|text| Arc::new(assay_intel::ua::classify(text))),
            device: if ids.iter().any(Option::is_some) {
                assay_intel::device::facts(ids[0], ids[1], ids[2])
            } else {
                DeviceFacts::default()
            },
            signals: assay_model::facts::SignalFacts::of(&hit),
            lists: found_on,
            intel_version: 1,
            hit,
        };
        let rule = self.rules.rule_for(&facts);
        let (mut bumps, mut readings) = (Vec::new(), Vec::new());
        rule.bumps(&facts, &mut bumps);
        let batch: Vec<_> = bumps.iter().map(|(_, bump)| *bump).collect();
        self.counters
            .bump(AccountId(1), event.at, &batch, &mut readings)
            .unwrap();
        let mut recall = Recall::default();
        recall.readings.resize(rule.needs().len(), None);
        for ((place, _), reading) in bumps.iter().zip(&readings) {
            recall.readings[usize::from(*place)] = Some(*reading);
        }
        let verdict = rule.judge(&facts, &recall, OnDegraded::Allow);
        let reasons = verdict.findings.iter().map(|f| f.reason).collect();
        (reasons, verdict.action == Action::Rejected)
    }
}

fn run(setting: Setting, options: Options) -> (Tally, String) {
    let engine = Engine::new(setting);
    let mut tally = Tally::default();
    let mut missed = String::new();
    for event in Simulator::new(options) {
        let (reasons, rejected) = engine.judge(&event.event);
        let expected = event.expected_in(setting);
        let wrong = match event.truth {
            Truth::Person => rejected,
            Truth::Fraud => !expected.is_empty() && !expected.iter().any(|r| reasons.contains(r)),
        };
        if wrong && missed.len() < 8_000 {
            missed += &format!("{reasons:?} {}\n", event.event.native_json(None));
        }
        tally.add(event.truth, event.campaign, expected, &reasons, rejected);
    }
    (tally, missed)
}

#[test]
fn people_pass_and_every_campaign_is_found() {
    for (door, kind) in [
        (Door::Native, IntegrationKind::S2s),
        (Door::Native, IntegrationKind::Custom),
        (Door::S2s, IntegrationKind::S2s),
    ] {
        let (tally, missed) = run(
            Setting {
                door,
                kind,
                lists: true,
            },
            options(1, 20_000),
        );
        // With Duplicate User on, people behind one gateway with the same browser are taken for
        // one visitor. That is the filter's known price, not a fault of the traffic.
        let people_max = if kind == IntegrationKind::S2s {
            0.5
        } else {
            5.0
        };
        let short = tally.shortfalls(people_max, 90.0);
        assert!(
            short.is_empty(),
            "{door:?} {kind:?}: {short:#?}\n{tally}\n{missed}"
        );
        let due =
            campaign_names().filter(|name| tally.campaigns.get(name).is_some_and(|c| c.due > 20));
        let hidden = usize::from(door == Door::S2s) + usize::from(kind == IntegrationKind::S2s);
        assert_eq!(due.count(), campaign_names().count() - hidden, "{tally}");
    }
}

#[test]
fn blocks_are_access_networks_of_their_country() {
    let tables = IpTables::builtin();
    let mut rng = Rng::new(3);
    for network in NETWORKS {
        for _ in 0..300 {
            let facts = tables.lookup(inside(&mut rng, network.block));
            let seen = format!("{} {:?}", network.block, facts);
            assert!(facts.marks.is_empty(), "{seen}");
            match network.access {
                Access::Relay => assert_eq!(facts.benign, Some(Benign::Relay), "{seen}"),
                Access::Satellite => assert_eq!(facts.benign, Some(Benign::Satellite), "{seen}"),
                _ => {
                    assert_eq!(facts.country.unwrap().as_str(), network.country, "{seen}");
                    let unnamed = facts.asn == Some(7018) && facts.class == NetworkClass::Unknown;
                    assert!(facts.class.is_access() || unnamed, "{seen}");
                    let shared =
                        (network.access == Access::Gateway).then_some(Benign::CarrierGateway);
                    assert_eq!(facts.benign, shared, "{seen}");
                }
            }
        }
    }
}

#[test]
fn listed_addresses_are_only_known_by_their_lists() {
    let engine = Engine::new(Setting {
        door: Door::Native,
        kind: IntegrationKind::S2s,
        lists: true,
    });
    let builtin = IpTables::builtin();
    let marks = [
        MarkKind::Tor,
        MarkKind::Vpn,
        MarkKind::PublicProxy,
        MarkKind::ResidentialProxy,
    ];
    for ((.., text), mark) in lists().iter().zip(marks) {
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let ip = line.parse().unwrap();
            assert!(builtin.lookup(ip).marks.is_empty(), "{line}");
            assert!(
                engine.tables.lookup(ip).mark(mark).is_some_and(|m| !m.weak),
                "{line}"
            );
        }
    }
}

#[test]
fn the_same_options_write_the_same_traffic_in_order_of_time() {
    let lines = |seed| -> Vec<String> {
        Simulator::new(options(seed, 2000))
            .map(|e| e.event.native_json(None).to_string())
            .collect()
    };
    assert_eq!(lines(5), lines(5));
    assert_ne!(lines(5), lines(6));
    let times: Vec<_> = Simulator::new(options(5, 5000)).map(|e| e.at).collect();
    assert!(times.is_sorted());
    let started: std::collections::HashSet<_> = Simulator::new(options(5, 400))
        .map(|e| e.campaign)
        .collect();
    assert_eq!(
        started.len(),
        campaign_names().count() + 1,
        "all are seen within seconds"
    );
}

#[test]
fn rate_and_share_are_as_asked() {
    for (rate, fraud_share) in [
        (50.0, 0.25),
        (2000.0, 0.1),
        (0.5, 0.25),
        (10.0, 0.0),
        (10.0, 1.0),
    ] {
        let options = Options {
            per_second: rate,
            fraud_share,
            ..options(2, 40_000)
        };
        let events: Vec<Labelled> = Simulator::new(options).collect();
        let fraud = events.iter().filter(|e| e.truth == Truth::Fraud).count() as f64 / 40_000.0;
        assert!(
            (fraud - fraud_share).abs() < 0.04,
            "{fraud} of {fraud_share} at {rate}/s"
        );
        let seconds = events.last().unwrap().at.ms_since(START) as f64 / 1000.0;
        let seen = 40_000.0 / seconds;
        assert!(
            seen > rate * 0.6 && seen < rate * 1.4,
            "{seen}/s of {rate}/s"
        );
    }
}

#[test]
fn odd_options_do_no_harm() {
    for (per_second, fraud_share) in [
        (0.0, 0.5),
        (f64::NAN, f64::NAN),
        (-1.0, 7.0),
        (f64::INFINITY, -1.0),
        (1e9, 0.5),
    ] {
        let odd = Options {
            per_second,
            fraud_share,
            ..options(1, 50)
        };
        assert_eq!(Simulator::new(odd).count(), 50);
    }
}

#[test]
fn what_only_the_native_door_shows_comes_from_publishers_who_use_it() {
    let events: Vec<Labelled> = Simulator::new(options(9, 10_000)).collect();
    let native = |e: &Labelled| is_native(e.event.publisher.as_deref());
    for event in events.iter().filter(|e| e.needs.native) {
        assert!(native(event), "{}", event.event.native_json(None));
    }
    let count = events.iter().filter(|e| native(e)).count();
    assert!((1_500..4_000).contains(&count), "{count}");
}

#[test]
fn both_wire_shapes_are_what_the_doors_take() {
    for event in Simulator::new(options(9, 3000)) {
        let target = event.event.s2s_query(10_000, 20_000);
        assert!(
            target.starts_with("/ic3.php?m=AF&src=s2s&b=10000&s=20000&cid=t-"),
            "{target}"
        );
        assert!(target.bytes().all(|b| b.is_ascii_graphic()), "{target}");
        let given = |name: &str| {
            target
                .split('&')
                .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
                .unwrap_or("")
                .to_owned()
        };
        let web = !given("s3").is_empty() && !given("s3").ends_with("MACRO");
        let app = ["s4", "s5"]
            .iter()
            .all(|n| !given(n).is_empty() && !given(n).ends_with("MACRO"));
        assert!(web || app, "{target}");
        assert_ne!(given("s6"), "", "{target}");
        let line = event.event.native_json(Some(4));
        assert_eq!(line["truth"], event.truth.as_str());
        assert_eq!(line["campaign"], event.campaign);
        assert!(EventKind::parse(line["event"].as_str().unwrap()).is_some());
        assert_eq!(
            Timestamp::parse(line["time"].as_str().unwrap()),
            Ok(event.at)
        );
    }
}
