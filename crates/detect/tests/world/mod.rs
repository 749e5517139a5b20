//! Random events, counters and rules.
//!
//! Values come from small pools in which they often meet (the address in the chain, the
//! system in the hint), since independent random text would leave most filters clean. What
//! a [`World`] holds is what intelligence can say: no empty names, no network number 0.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use assay_detect::CompiledRule;
use assay_model::click::{ClickMatch, ClickSearch, MatchedBy};
use assay_model::document::{IntegrationKind, Preset, Protection, Rule};
use assay_model::facts::{
    Basis, Benign, Country, DeviceFacts, DeviceIdForm, DeviceIdState, DeviceType, Facts, IpFacts,
    IpMark, ListMatch, MarkKind, NetworkClass, UaFacts, UaKind, UaMark,
};
use assay_model::recall::{Degraded, Prints, Reading, Recall};
use assay_model::testing::{NOW, click};
use assay_model::verdict::{Mode, OnDegraded, RuleRef};
use assay_model::{Action, EventKind, Field, Reason, Strictness};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

/// One event with everything that is known and remembered about it.
#[derive(Clone, Debug)]
pub struct World {
    pub event: EventKind,
    pub kind: IntegrationKind,
    pub on_degraded: OnDegraded,
    /// Dealt to a rule's counters in turn; none left = not read.
    pub readings: Vec<Option<Reading>>,
    fields: BTreeMap<&'static str, &'static str>,
    ip: Option<IpFacts<'static>>,
    ua: Option<UaFacts>,
    device: DeviceFacts,
    lists: Vec<ListMatch<'static>>,
    unreplaced: bool,
    degraded: Option<Degraded>,
    search: ClickSearch,
    click: Option<ClickMatch>,
}

impl World {
    pub fn facts(&self) -> Facts<'_> {
        let mut hit = click();
        hit.event = self.event;
        hit.ip = self.ip.as_ref().map(|ip| ip.ip);
        for (name, text) in &self.fields {
            hit.set(Field::parse(name).unwrap(), Some(text));
        }
        if self.unreplaced {
            hit.unreplaced.push(("sub_id", "{sub_id}"));
        }
        // An id that was not sent has no state but absent.
        let mut device = self.device;
        for (field, state) in [
            (Field::DeviceId, &mut device.device_id),
            (Field::Gaid, &mut device.gaid),
            (Field::Idfa, &mut device.idfa),
        ] {
            if hit.get(field).is_none() {
                *state = DeviceIdState::Absent;
            }
        }
        Facts {
            signals: assay_model::facts::SignalFacts::of(&hit),
            hit,
            ip: self.ip.clone(),
            ua: self.ua.clone().map(Arc::new),
            device,
            lists: self.lists.clone(),
            intel_version: 3,
        }
    }

    /// Readings for what the rule needs, as a store would give them for these facts: a
    /// counter whose key the event lacks is not read.
    pub fn recall(&self, rule: &CompiledRule) -> Recall {
        let facts = self.facts();
        let reading = |(at, spec): (usize, &assay_model::recall::CounterSpec)| {
            spec.bump(&mut Prints::new(&facts))?;
            *self.readings.get(at % self.readings.len().max(1))?
        };
        Recall {
            readings: rule.needs().iter().enumerate().map(reading).collect(),
            degraded: self.degraded,
            search: self.search,
            click: self.click.clone().map(Box::new),
            ..Recall::default()
        }
    }

    pub fn compile(&self, rule: &Rule) -> CompiledRule {
        CompiledRule::compile(rule, RuleRef { id: 4, version: 2 }, self.kind).unwrap()
    }
}

impl Arbitrary for World {
    type Parameters = ();
    type Strategy = BoxedStrategy<Self>;

    fn arbitrary_with((): ()) -> Self::Strategy {
        let outer = (
            event_kind(),
            select(vec![
                IntegrationKind::Custom,
                IntegrationKind::S2s,
                IntegrationKind::Network,
            ]),
            select(vec![
                OnDegraded::Allow,
                OnDegraded::Review,
                OnDegraded::Block,
            ]),
            prop::collection::vec(option::weighted(0.85, reading()), 0..12),
            option::weighted(
                0.15,
                select(vec![
                    Degraded::RecallLate,
                    Degraded::Warming,
                    Degraded::BudgetSpent,
                    Degraded::TableQuota,
                ]),
            ),
        );
        let known = (
            fields(),
            option::weighted(0.85, ip()),
            option::weighted(0.8, ua()),
            device(),
            prop::collection::vec(list(), 0..3),
            prop::bool::weighted(0.2),
            click_search(),
            option::weighted(0.7, click_match()),
        );
        (outer, known)
            .prop_map(|(outer, known)| {
                let (event, kind, on_degraded, readings, degraded) = outer;
                let (fields, ip, ua, device, lists, unreplaced, search, click) = known;
                World {
                    event,
                    kind,
                    on_degraded,
                    readings,
                    fields,
                    ip,
                    ua,
                    device,
                    lists,
                    unreplaced,
                    degraded,
                    search,
                    click,
                }
            })
            .boxed()
    }
}

fn click_search() -> impl Strategy<Value = ClickSearch> {
    use ClickSearch as S;
    select(vec![S::None, S::Found, S::NotFound, S::NotMade])
}

fn click_match() -> impl Strategy<Value = ClickMatch> {
    let seen = (
        select(vec![-5, 0, 3, 60, 86_400, 40 * 86_400]),
        select(vec!["DE", "GB", ""]),
        select(vec!["", "London", "Köln"]),
        option::of(select(Action::ALL.to_vec())),
        prop::bool::ANY,
        option::of(select(vec!["81.2.69.142", "8.8.8.8", "2606:4700::1"])),
    );
    seen.prop_map(|(before_s, country, city, action, impression, ip)| {
        let mut click = ClickMatch::unknown(MatchedBy::OwnId, 30 * 86_400);
        click.time = Some(NOW.plus_ms(-1000 * before_s));
        click.country = Country::parse(country);
        click.city = city.into();
        click.action = action;
        click.reason = Reason::Vpn;
        click.ip = ip.and_then(|ip| ip.parse().ok());
        if impression {
            click.kind = EventKind::Impression;
        }
        click
    })
}

pub fn event_kind() -> impl Strategy<Value = EventKind> {
    select(EventKind::ALL.to_vec())
}

pub fn benign() -> impl Strategy<Value = Benign> {
    select(vec![
        Benign::Relay,
        Benign::Satellite,
        Benign::CarrierGateway,
        Benign::VerifiedCrawler,
        Benign::MailScanner,
    ])
}

pub fn zero_id() -> impl Strategy<Value = &'static str> {
    select(vec![
        "00000000-0000-0000-0000-000000000000",
        "0000000000000000",
        "00000000000000000000000000000000",
        "0",
    ])
}

/// A match on an allow list.
pub fn allow_match() -> ListMatch<'static> {
    ListMatch {
        list_id: 9,
        deny: false,
        field: "ip",
        value: "81.2.69.142",
        entry: "81.2.69.0/24",
        list: "office@1",
        note: "",
    }
}

const FIELDS: &[(&str, &[&str])] = &[
    (
        "xff",
        &[
            "81.2.69.142",
            "8.8.8.8, 81.2.69.142",
            "10.0.0.1",
            "x",
            "1.1.1.1,1.1.1.1,1.1.1.1",
        ],
    ),
    ("user_agent", &["UA one", "UA two", ""]),
    ("referer", &["https://news.example/"]),
    ("offer", &["o1", "o2"]),
    ("publisher", &["p1", "p2"]),
    ("sub_id", &["s1", "s2"]),
    ("sub_id_2", &["t1"]),
    (
        "bundle_id",
        &["com.example.game", "284882215", "id284882215", "12"],
    ),
    ("device_id", &["aabbccddeeff0011", "hello"]),
    ("gaid", &["38400000-8cf0-11bd-b23e-10b96e40000d"]),
    ("idfa", &["6D92078A-8246-4BA4-AE5B-76104861E7DC"]),
    ("os", &["Android", "ios", "Windows 11", "KaiOS"]),
    ("geo_country", &["DE", "gb", "??"]),
    ("geo_city", &["Munchen", "London", "--", "東京"]),
    ("fingerprint", &["f1"]),
    ("keyword", &["free shoes", "shoes"]),
    ("languages", &["de-DE,en;q=0.5", "fr", "*"]),
    ("connection", &["wifi", "mobile"]),
    ("carrier", &["Telefon AG", "Acme"]),
    ("os_version", &["7.1", "14", "x"]),
    ("payout", &["1.50", "-3", "0.004", "much"]),
    ("sec_purpose", &["prefetch", "none"]),
    ("sec_fetch_dest", &["image", "iframe", "document"]),
    ("sec_fetch_user", &["?1"]),
    ("uuid", &["u1"]),
    (
        "sec_ch_ua",
        &["\"Chromium\";v=\"126\"", "\"Chromium\";v=\"90\"", "?"],
    ),
    (
        "sec_ch_ua_platform",
        &["\"Windows\"", "\"Android\"", "\"\""],
    ),
    ("sec_ch_ua_mobile", &["?0", "?1"]),
];

fn fields() -> impl Strategy<Value = BTreeMap<&'static str, &'static str>> {
    let each: Vec<_> = FIELDS
        .iter()
        .map(|(name, values)| {
            option::of(select(values.to_vec())).prop_map(move |value| Some((*name, value?)))
        })
        .collect();
    each.prop_map(|pairs| pairs.into_iter().flatten().collect())
}

fn ip() -> impl Strategy<Value = IpFacts<'static>> {
    let addresses: Vec<IpAddr> = [
        "81.2.69.142",
        "8.8.8.8",
        "10.0.0.1",
        "2606:4700::1111",
        "fd00::1",
        "::ffff:8.8.4.4",
    ]
    .iter()
    .map(|ip| ip.parse().unwrap())
    .collect();
    let place = (
        option::of(select(vec!["DE", "GB"])),
        option::of(select(vec!["München", "London", "Tokyo"])),
    );
    let network = (
        option::of(1u32..),
        option::of(select(vec!["Acme Hosting", "Telefon AG"])),
        select(NetworkClass::ALL.to_vec()),
        option::weighted(0.3, benign()),
    );
    (select(addresses), place, network, marks()).prop_map(
        |(ip, (country, city), (asn, operator, class, benign), marks)| IpFacts {
            country: country.and_then(Country::parse),
            city,
            asn,
            operator,
            class,
            benign,
            marks,
            ..IpFacts::unknown(ip)
        },
    )
}

fn marks() -> impl Strategy<Value = Vec<IpMark<'static>>> {
    let mark = (
        select(vec![
            MarkKind::Tor,
            MarkKind::Vpn,
            MarkKind::PublicProxy,
            MarkKind::ResidentialProxy,
            MarkKind::Hosting,
        ]),
        select(vec![
            Basis::Address,
            Basis::Range,
            Basis::Asn,
            Basis::AsName,
        ]),
        any::<bool>(),
        select(vec!["", "acme"]),
    )
        .prop_map(|(kind, basis, weak, label)| IpMark {
            kind,
            basis,
            weak,
            label,
            list: "list@1",
        });
    prop::collection::vec(mark, 0..3).prop_map(|mut marks| {
        marks.sort_by_key(|mark| mark.kind);
        marks.dedup_by_key(|mark| mark.kind);
        marks
    })
}

fn ua() -> impl Strategy<Value = UaFacts> {
    let names = (
        select(vec!["", "Chrome", "Safari", "Edge"]),
        select(vec!["", "126.0.0.0", "17.5", "x"]),
        select(vec!["", "Windows", "Android", "iOS", "macOS", "KaiOS"]),
        select(vec!["", "", "", "ios_version_missing"]),
    );
    let mark = (
        select(vec!["", "crawler_word"]),
        select(vec!["", "bot"]),
        select(vec!["", "examplebot"]),
    );
    (
        select(UaKind::ALL.to_vec()),
        select(DeviceType::ALL.to_vec()),
        names,
        option::of(mark),
    )
        .prop_map(
            |(kind, device_type, (browser, version, os, impossible), mark)| {
                let mut ua = UaFacts::bare(kind);
                ua.mark = mark.map(|(rule, token, name)| UaMark {
                    rule: rule.into(),
                    token: token.into(),
                    name: name.into(),
                });
                ua.browser = browser.into();
                ua.browser_version = version.into();
                ua.os = os.into();
                ua.impossible = impossible.into();
                ua.device_type = device_type;
                ua
            },
        )
}

fn device() -> impl Strategy<Value = DeviceFacts> {
    let state = || {
        select(vec![
            DeviceIdState::Absent,
            DeviceIdState::Valid,
            DeviceIdState::Malformed,
            DeviceIdState::Emulator,
        ])
    };
    let broken = vec![
        "",
        "format",
        "hash_of_empty",
        "hash_of_null",
        "sequential",
        "repeated",
    ];
    (
        state(),
        state(),
        state(),
        option::of(Just(DeviceIdForm::Uuid)),
        select(broken),
    )
        .prop_map(|(device_id, gaid, idfa, form, broken)| DeviceFacts {
            device_id,
            form,
            gaid,
            idfa,
            broken,
        })
}

fn list() -> impl Strategy<Value = ListMatch<'static>> {
    (
        1u64..9,
        prop::bool::weighted(0.4),
        select(vec!["", "noted"]),
    )
        .prop_map(|(list_id, deny, note)| ListMatch {
            list_id,
            deny,
            note,
            ..allow_match()
        })
}

fn reading() -> impl Strategy<Value = Reading> {
    let count = prop_oneof![0u32..6, 10u32..70, 490u32..510, Just(u32::MAX)];
    let gap = prop_oneof![0u32..1000, Just(u32::MAX)];
    (count, 0u32..90_000, option::weighted(0.8, gap)).prop_map(|(count, span_s, gap_ms)| Reading {
        count,
        span_s,
        gap_ms,
    })
}

/// Settings that a user may save for one filter.
fn settings(key: &'static str) -> BoxedStrategy<Value> {
    let own = match key {
        "duplicate_user" => (
            0u32..4,
            select(vec!["offer", "publisher", "offer_publisher", "sub_id"]),
            select(vec![
                json!(["ipv4", "user_agent"]),
                json!(["ipv6", "device_id"]),
                json!(["ipv4", "ipv6", "uuid", "fingerprint", "user_agent"]),
            ]),
        )
            .prop_map(|(allowed, level, points)| {
                json!({"allowed_duplicates": allowed, "detection_level": level, "data_points": points})
            })
            .boxed(),
        "click_flooding" => (1u32..600, select(vec!["ip", "sub_id", "publisher"]))
            .prop_map(|(limit, scope)| json!({"click_threshold": limit, "scope": scope}))
            .boxed(),
        "hyper_engagement" => (1u32..600).prop_map(|n| json!({"max_engagements": n})).boxed(),
        "ip_hopping" => (1u32..60).prop_map(|n| json!({"max_ips": n})).boxed(),
        "fast_clicker" => (1u32..2000, 2u32..9)
            .prop_map(|(gap, n)| json!({"min_gap_ms": gap, "min_clicks": n}))
            .boxed(),
        "link_scanner" => (1u32..60).prop_map(|n| json!({"max_links": n})).boxed(),
        "keyword" => (0u32..60, select(vec!["offer", "publisher", "offer_publisher", "sub_id"]))
            .prop_map(|(n, level)| {
                json!({"allowed_duplicates": n, "detection_level": level, "blocked_keywords": ["free"]})
            })
            .boxed(),
        "compliance" => any::<bool>()
            .prop_map(|empty| {
                json!({"keywords": ["news"], "block_empty": empty,
                       "keyword_groups": [{"name": "g", "category": "adult", "entries": ["example"]}]})
            })
            .boxed(),
        "isp" => Just(json!({"operators": ["acme"], "asns": ["AS7"]})).boxed(),
        "data_validation" => Just(json!({
            "publisher": {"allow": ["p1"], "empty": "block"}, "offer": {"block": ["o2"]},
            "advertiser": {"empty": "block"},
        }))
        .boxed(),
        "blocked_sub_ids" => {
            Just(json!({"entries": [{"sub_id": "s1", "publisher": "p1", "note": "n"}, {"sub_id": "t1"}]}))
                .boxed()
        }
        "sub_id_validity" => (0u32..60, any::<bool>())
            .prop_map(|(n, numbers)| {
                json!({"max_unique_sub_ids": n, "only_numbers": numbers, "max_length": 1})
            })
            .boxed(),
        "caps" => (0u32..60, select(vec!["hour", "day", "month", "total"]))
            .prop_map(|(max, per)| {
                json!({"zone": "Europe/Berlin", "caps": [
                    {"of": "clicks", "per": per, "max": max},
                    {"of": "conversions", "per": per, "scope": "publisher", "max": max},
                    {"of": "payout", "per": per, "scope": "account", "max": 0.005},
                ]})
            })
            .boxed(),
        "targeting" => Just(json!({
            "countries": {"include": ["DE"]}, "cities": {"exclude": ["London"]},
            "os": {"include": ["Android", "iOS"]}, "os_versions": [{"os": "Android", "min": "8"}],
            "device_types": {"include": ["phone"]}, "browsers": {"exclude": ["Edge"]},
            "languages": {"include": ["de"]}, "connections": {"include": ["mobile"]},
            "carriers": {"include": ["Telefon AG"]}, "isps": {"exclude": ["Acme Hosting"]},
            "ip_ranges": {"exclude": ["8.8.8.0/24"]},
        }))
        .boxed(),
        "day_parting" => select(vec![json!({}), json!({"parts": [{"days": ["monday"]}]})]).boxed(),
        "xff" => (1u32..9).prop_map(|n| json!({"max_hops": n})).boxed(),
        "device_id" => any::<bool>().prop_map(|b| json!({"block_empty": b})).boxed(),
        _ => Just(json!({})).boxed(),
    };
    (own, prop::bool::weighted(0.8), prop::bool::weighted(0.8))
        .prop_map(|(mut settings, enabled, block)| {
            settings["enabled"] = enabled.into();
            settings["block_mode"] = if block { "block" } else { "flag" }.into();
            settings
        })
        .boxed()
}

/// A rule that compiles.
pub fn rule() -> impl Strategy<Value = Rule> {
    let filters: Vec<_> = assay_detect::filter_keys()
        .iter()
        .map(|key| {
            option::of(settings(key)).prop_map(move |own| own.map(|own| ((*key).to_owned(), own)))
        })
        .collect();
    let weighing = (
        select(vec![
            Strictness::Conservative,
            Strictness::Moderate,
            Strictness::Strict,
        ]),
        select(vec![Mode::Enforce, Mode::Monitor, Mode::Hold]),
    );
    (
        filters,
        weighing,
        select(vec![
            Protection::Both,
            Protection::Both,
            Protection::Click,
            Protection::Conversion,
        ]),
        select(vec![
            Preset::None,
            Preset::None,
            Preset::None,
            Preset::DisableAll,
            Preset::MobileCpi,
            Preset::Search,
            Preset::Email,
        ]),
        select(vec!["sub_id", "sub_id_2", "publisher"]),
        select(vec![0, 10]),
    )
        .prop_map(
            |(filters, (strictness, mode), protection, preset, sub_id, holdout_percent)| Rule {
                holdout_percent,
                strictness,
                mode,
                protection,
                preset,
                sub_id_mapping: sub_id.to_owned(),
                filters: filters.into_iter().flatten().collect(),
                ..Rule::default_rule()
            },
        )
}
