//! Events of made-up publishers, as records.

use std::sync::Arc;

use assay_detect::CompiledRule;
use assay_detect::sources::{Held, Judgement, Limits, Origin, Outcome, Profiles, judge};
use assay_model::click::{ClickMatch, MatchedBy};
use assay_model::document::{IntegrationKind, Preset, Rule};
use assay_model::facts::{
    Basis, Country, DeviceIdState, IpMark, MarkKind, NetworkClass, UaFacts, UaKind,
};
use assay_model::recall::Recall;
use assay_model::record::EventRecord;
use assay_model::testing::{NOW, clean_verdict, facts_of};
use assay_model::verdict::RuleRef;
use assay_model::{EventId, EventKind, Field, Timestamp};
use serde_json::Value;

/// One event; what a test does not say is the same for all.
#[derive(Clone, Debug)]
pub struct Given {
    pub publisher: String,
    pub offer: &'static str,
    pub before_min: i64,
    /// Of a conversion: seconds since its click.
    pub ctit_s: Option<i64>,
    pub vpn: bool,
    pub ip: [u8; 4],
    pub model: String,
    pub android: u8,
    pub device: Option<String>,
}

/// A click of a publisher, a minute ago.
pub fn click(publisher: &str) -> Given {
    Given {
        publisher: publisher.to_owned(),
        offer: "o1",
        before_min: 1,
        ctit_s: None,
        vpn: false,
        ip: [20, 1, 2, 3],
        model: "SM-1".to_owned(),
        android: 14,
        device: None,
    }
}

pub fn conversion(publisher: &str, ctit_s: i64) -> Given {
    Given {
        ctit_s: Some(ctit_s),
        ..click(publisher)
    }
}

/// A rule with one filter.
pub fn rule(key: &str, settings: Value) -> CompiledRule {
    let mut rule = Rule::default_rule();
    rule.preset = Preset::DisableAll;
    rule.filters.insert(key.to_owned(), settings);
    let id = RuleRef { id: 3, version: 1 };
    CompiledRule::compile(&rule, id, IntegrationKind::Custom).unwrap()
}

pub fn add(profiles: &mut Profiles, rule: &CompiledRule, given: &Given) {
    let mut facts = facts_of(|hit| {
        hit.event = match given.ctit_s {
            Some(_) => EventKind::Conversion,
            None => EventKind::Click,
        };
        hit.time = at(given.before_min);
        hit.ip = Some(given.ip.into());
        hit.set(Field::Publisher, Some(&given.publisher));
        hit.set(Field::SubId, Some("s1"));
        hit.set(Field::Offer, Some(given.offer));
        hit.set(Field::Gaid, given.device.as_deref());
    });
    if given
        .device
        .as_deref()
        .is_some_and(|id| !id.starts_with("0000"))
    {
        facts.device.gaid = DeviceIdState::Valid;
    }
    let mut ua = UaFacts::bare(UaKind::Browser);
    ua.os = "Android".into();
    ua.os_version = given.android.to_string().into();
    ua.device_model = given.model.as_str().into();
    facts.ua = Some(Arc::new(ua));
    let ip = facts.ip.as_mut().unwrap();
    ip.country = Country::parse("DE");
    ip.class = NetworkClass::Isp;
    if given.vpn {
        ip.marks.push(IpMark {
            kind: MarkKind::Vpn,
            basis: Basis::Address,
            weak: false,
            label: "",
            list: "vpn@1",
        });
    }
    let mut recall = Recall::default();
    if let Some(ctit_s) = given.ctit_s {
        let mut click = ClickMatch::unknown(MatchedBy::OwnId, 30 * 86_400);
        click.time = Some(facts.hit.time.plus_ms(-1000 * ctit_s));
        recall.click = Some(Box::new(click));
    }
    let record = EventRecord {
        event_id: EventId([0; 10]),
        facts,
        recall,
        verdict: clean_verdict(),
        destination: None,
        detect_revision: assay_detect::REVISION,
        decision_us: 1,
    };
    profiles.add(rule, &record);
}

pub fn at(before_min: i64) -> Timestamp {
    NOW.plus_ms(-60_000 * before_min)
}

pub fn all(rule: &CompiledRule, events: &[Given]) -> Profiles {
    let mut profiles = Profiles::new(Limits::default());
    for event in events {
        add(&mut profiles, rule, event);
    }
    profiles
}

pub fn reject(profiles: &mut Profiles, rule: &CompiledRule, publisher: &str, outcome: Outcome) {
    let origin = Origin {
        publisher,
        sub_id: "s1",
        offer: "o1",
    };
    profiles.outcome(rule, origin, at(1), outcome);
}

pub fn judged(rule: &CompiledRule, events: &[Given]) -> Judgement {
    now(rule, &all(rule, events), &[])
}

pub fn now(rule: &CompiledRule, profiles: &Profiles, before: &[Held]) -> Judgement {
    judge([rule], profiles, before, 1, NOW)
}
