//! What one event adds to its source's numbers.

use assay_model::click::{ClickMatch, MatchedBy};
use assay_model::facts::{Country, DeviceIdState, Facts, NetworkClass};
use assay_model::hit::{EventKind, Field};
use assay_model::reason::Reason;
use assay_model::recall::{Family, key_hash};
use assay_model::record::EventRecord;
use assay_model::verdict::Action;

use super::ctit;
use super::seen::Seen;
use super::tally::{Part, Slot};
use crate::filters::standard_offset_min;
use crate::rules::CompiledRule;

/// A device whose id was seen before.
pub const DEVICE_KNOWN: u16 = 0;
/// A device whose id is new.
pub const DEVICE_NEW: u16 = 1;
/// A device that hides its id.
pub const DEVICE_LIMITED: u16 = 2;

/// Whether an event counts: test events, copies, events after the conversion and events
/// that were judged without all of their inputs do not.
#[must_use]
pub fn counts(record: &EventRecord<'_>) -> bool {
    let test = |f: &assay_model::verdict::Finding<'_>| f.reason == Reason::TestTraffic;
    record.verdict.degraded.is_none()
        && record.recall.again.is_none()
        && !record.recall.uncounted
        && record.facts.hit.event != EventKind::PostEvent
        && !record.verdict.findings.iter().any(test)
}

/// Writes the slots of an event to `out`.
pub fn slots(rule: &CompiledRule, record: &EventRecord<'_>, seen: &mut Seen, out: &mut Vec<Slot>) {
    out.clear();
    let facts = &record.facts;
    let family = Family::of(facts.hit.event);
    let mut put = |part, bin| out.push(Slot::new(family, part, bin));
    put(Part::Events, 0);
    if passed(record) {
        put(Part::Passed, 0);
    }
    for (spec, test) in rule.source_tests() {
        if let Some(marked) = test.marks(facts) {
            put(Part::Asked, u16::from(spec.filter));
            if marked {
                put(Part::Marked, u16::from(spec.filter));
            }
        }
    }
    let click = record.recall.click.as_deref();
    if family == Family::Conversions
        && let Some(ms) = ctit_ms(facts, click)
    {
        put(Part::Ctit, ctit::bin_of(ms));
    }
    let who = Who::of(facts, click);
    if let Some(hour) = who.local_hour(facts) {
        let country = who.country.as_ref().map_or("", Country::as_str);
        put(Part::Hour, bin_in(country, 5, hour));
    }
    for (part, bin) in who.attributes(facts) {
        put(part, bin);
    }
    if let Some(bin) = device(facts, click, seen) {
        put(Part::Device, bin_in(who.os, 6, bin));
    }
}

/// Whether something could come of a click, or came of one that was let through.
fn passed(record: &EventRecord<'_>) -> bool {
    if !record.facts.hit.event.is_conversion() {
        return record.verdict.action != Action::Rejected;
    }
    let of_ours = |click: &ClickMatch| {
        click.kind == EventKind::Click
            && click.by != MatchedBy::Given
            && click.action != Some(Action::Rejected)
    };
    record.recall.click.as_deref().is_some_and(of_ours)
}

/// Milliseconds since the click; a sighted ad is no click.
fn ctit_ms(facts: &Facts<'_>, click: Option<&ClickMatch>) -> Option<i64> {
    let known = click
        .filter(|click| click.kind == EventKind::Click)
        .and_then(|click| click.time)
        .map(|time| facts.hit.time.ms_since(time));
    let told = || {
        let seconds: i64 = facts.hit.get(Field::SessionTime)?.trim().parse().ok()?;
        seconds.checked_mul(1000)
    };
    known.or_else(told).filter(|ms| *ms >= 0)
}

/// Where and on what an event happened, by its own words or its click's.
struct Who<'f> {
    os: &'f str,
    country: Option<Country>,
}

impl<'f> Who<'f> {
    fn of(facts: &'f Facts<'_>, click: Option<&'f ClickMatch>) -> Self {
        let from_ua = facts.ua.as_ref().map(|ua| &*ua.os);
        let os = [
            from_ua,
            facts.hit.get(Field::Os),
            click.map(|click| &*click.os),
        ];
        Self {
            os: os
                .into_iter()
                .flatten()
                .find(|os| !os.is_empty())
                .unwrap_or(""),
            country: facts
                .ip
                .as_ref()
                .and_then(|ip| ip.country)
                .or_else(|| click?.country),
        }
    }

    /// The hour on the visitor's clock: by its browser, else by its country.
    fn local_hour(&self, facts: &Facts<'_>) -> Option<u16> {
        let told = facts
            .signals
            .as_ref()
            .and_then(|signals| signals.offset_min);
        let offset_min = told.or_else(|| standard_offset_min(self.country?))?;
        let local_ms = facts.hit.time.plus_ms(i64::from(offset_min) * 60_000).0;
        u16::try_from(local_ms.rem_euclid(86_400_000) / 3_600_000).ok()
    }

    fn attributes(&self, facts: &Facts<'_>) -> impl Iterator<Item = (Part, u16)> {
        let hit = &facts.hit;
        let ua = facts.ua.as_deref();
        let model = hit
            .get(Field::DeviceModel)
            .or_else(|| ua.map(|ua| &*ua.device_model))
            .filter(|model| !model.is_empty());
        let version = ua
            .map(|ua| &*ua.os_version)
            .or_else(|| hit.get(Field::OsVersion))
            .and_then(|version| version.split(['.', '_']).next())
            .filter(|version| !version.is_empty());
        let country = self.country;
        let country = country.as_ref().map(Country::as_str);
        let language = language(facts);
        [
            model.map(|model| (Part::Model, bin_in(self.os, 8, hashed(model)))),
            version.map(|version| (Part::OsVersion, bin_in(self.os, 8, hashed(version)))),
            language
                .zip(country)
                .map(|(language, country)| (Part::Language, bin_in(country, 6, hashed(language)))),
            subnet(facts)
                .zip(country)
                .map(|(bin, country)| (Part::Subnet, bin_in(country, 10, bin))),
        ]
        .into_iter()
        .flatten()
    }
}

/// A bin within a stratum: `bits` bits of the value below the stratum's print.
fn bin_in(stratum: &str, bits: u32, value: u16) -> u16 {
    hashed(stratum) << bits | value & ((1 << bits) - 1)
}

fn hashed(text: &str) -> u16 {
    (key_hash(text.as_bytes()) >> 48) as u16
}

/// The first language, without its region.
fn language<'f>(facts: &'f Facts<'_>) -> Option<&'f str> {
    let told = facts.hit.get(Field::Languages);
    let seen = || {
        facts
            .signals
            .as_ref()?
            .languages
            .first()
            .map(String::as_str)
    };
    let first = told
        .or_else(seen)?
        .split([',', ';', '-', '_'])
        .next()?
        .trim();
    (!first.is_empty()).then_some(first)
}

/// The network prefix, where an address is one line's: behind a carrier's gateway or a relay
/// stand thousands.
fn subnet(facts: &Facts<'_>) -> Option<u16> {
    let ip = facts.ip.as_ref()?;
    if ip.benign.is_some() || ip.class == NetworkClass::Mobile {
        return None;
    }
    let print = match ip.ip {
        std::net::IpAddr::V4(v4) => key_hash(&v4.octets()[..3]),
        std::net::IpAddr::V6(v6) => key_hash(&v6.octets()[..6]),
    };
    Some((print >> 48) as u16)
}

/// Whether the device was seen before. A conversion's device was seen at its click, so it
/// says something only where the click named none.
fn device(facts: &Facts<'_>, click: Option<&ClickMatch>, seen: &mut Seen) -> Option<u16> {
    if let Some(id) = facts.device_key() {
        let new = seen.is_new(key_hash(id.as_bytes()));
        let told = click.is_none_or(|click| click.devices.is_empty());
        return told.then_some(if new { DEVICE_NEW } else { DEVICE_KNOWN });
    }
    let hidden = [
        (Field::DeviceId, facts.device.device_id),
        (Field::Gaid, facts.device.gaid),
        (Field::Idfa, facts.device.idfa),
    ]
    .into_iter()
    .any(|(field, state)| state == DeviceIdState::Absent && facts.hit.get(field).is_some());
    hidden.then_some(DEVICE_LIMITED)
}
