//! The JSON answers of clicks and impressions.
//!
//! Source: SPEC §2.3, facts.md 1.A.2.

use assay_model::facts::{IpFacts, MarkKind, NetworkClass, UaKind};
use assay_model::hit::Field;
use assay_model::verdict::{Action, Verdict};
use assay_model::{Facts, Reason};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::call::Call;
use crate::destination::Place;

/// Every field that an answer may hold beside its own three.
const FIELDS: [&str; 13] = [
    "monitoring_mode",
    "filter_group_id",
    "rejections",
    "is_bot",
    "proxy_type",
    "redirect_url",
    "ip",
    "country",
    "city",
    "isp",
    "asn",
    "fingerprint",
    "uuid",
];

/// Most fields that a call may ask for.
const FIELDS_MAX: usize = 64;

/// What an answer is made from.
#[derive(Clone, Copy, Debug)]
pub struct Told<'t> {
    /// The event.
    pub facts: &'t Facts<'t>,
    /// What it came to.
    pub verdict: &'t Verdict<'t>,
    /// Its sealed id; empty = it is not counted.
    pub transaction_id: &'t str,
    /// Where it would be sent.
    pub place: &'t Place,
}

/// Whether an answer to this call tells a destination.
pub fn asks_place(call: &Call<'_>) -> bool {
    call.all_fields || asked(call).any(|name| name == "redirect_url")
}

fn asked<'c>(call: &Call<'c>) -> impl Iterator<Item = &'c str> {
    let names = call.fields.split(',').map(str::trim);
    names.filter(|name| !name.is_empty()).take(FIELDS_MAX)
}

/// The answer: its own fields first, then those that were asked for. What is not known, or
/// is no field, is null.
pub fn answer(told: Told<'_>, call: &Call<'_>) -> Vec<u8> {
    let verdict = told.verdict;
    let mut out = Answered(Vec::with_capacity(4));
    let id = (!told.transaction_id.is_empty()).then_some(told.transaction_id);
    out.put("transaction_id", id.into());
    let rejected = matches!(verdict.action, Action::Rejected | Action::Monitored);
    let status = if rejected { "rejected" } else { "approved" };
    out.put("status", status.into());
    if rejected {
        let reason = verdict.reason.info().adsecurity;
        out.put("reason", reason.into());
    }
    if verdict.action == Action::Monitored {
        out.put("monitoring_mode", true.into());
    }
    let all = FIELDS.iter().copied().filter(|_| call.all_fields);
    for name in all.chain(asked(call)) {
        if out.0.iter().all(|(own, _)| *own != name) {
            out.put(name, field(told, name));
        }
    }
    // Texts, numbers and lists of texts always can be written.
    serde_json::to_vec(&out).unwrap_or_default()
}

/// The names and values of an answer, in their order.
struct Answered<'n>(Vec<(&'n str, Value)>);

impl<'n> Answered<'n> {
    fn put(&mut self, name: &'n str, value: Value) {
        self.0.push((name, value));
    }
}

impl Serialize for Answered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

fn field(told: Told<'_>, name: &str) -> Value {
    let (verdict, hit) = (told.verdict, &told.facts.hit);
    let ip = told.facts.ip.as_ref();
    match name {
        "monitoring_mode" => (verdict.action == Action::Monitored).into(),
        // What nobody screened has no rule.
        "filter_group_id" => Some(verdict.rule.id).filter(|id| *id != 0).into(),
        "rejections" => rejections(verdict),
        "is_bot" => told.facts.ua.as_ref().map_or(Value::Null, |ua| {
            u8::from(is_robot(ua.kind) || verdict.findings.iter().any(|f| is_bot(f.reason))).into()
        }),
        "proxy_type" => ip.and_then(proxy_type).into(),
        "redirect_url" => told.place.url().into(),
        "ip" => hit.ip.map(|ip| ip.to_string()).into(),
        "country" => ip
            .and_then(|ip| ip.country)
            .map_or(Value::Null, |c| json!(c)),
        "city" => ip.and_then(|ip| ip.city).into(),
        "isp" => ip.and_then(|ip| ip.operator).into(),
        "asn" => ip.and_then(|ip| ip.asn).into(),
        "fingerprint" => hit.get(Field::Fingerprint).into(),
        "uuid" => hit.get(Field::Uuid).into(),
        _ => Value::Null,
    }
}

/// Everything that spoke against it, main reason first.
fn rejections(verdict: &Verdict<'_>) -> Value {
    if !matches!(verdict.action, Action::Rejected | Action::Monitored) {
        return json!([]);
    }
    let counting = verdict
        .findings
        .iter()
        .filter(|finding| finding.effect.counts() && !finding.reason.is_note());
    let mut literals: Vec<&str> = Vec::new();
    for finding in counting {
        let literal = finding.reason.info().adsecurity;
        if !literals.contains(&literal) {
            literals.push(literal);
        }
    }
    json!(literals)
}

const fn is_robot(kind: UaKind) -> bool {
    !matches!(
        kind,
        UaKind::Browser | UaKind::InApp | UaKind::NativeApp | UaKind::Blank
    )
}

const fn is_bot(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::KnownCrawler | Reason::NonBrowserUa | Reason::Automation | Reason::Emulator
    )
}

/// Source: facts.md 1.A.2 for `VPN`, `DataCenter`, `ResidentialProxy`; the others are ours.
fn proxy_type(ip: &IpFacts<'_>) -> Option<&'static str> {
    let marks = [
        (MarkKind::Tor, "Tor"),
        (MarkKind::Vpn, "VPN"),
        (MarkKind::PublicProxy, "PublicProxy"),
        (MarkKind::ResidentialProxy, "ResidentialProxy"),
        (MarkKind::Hosting, "DataCenter"),
    ];
    marks
        .into_iter()
        .find(|(kind, _)| ip.mark(*kind).is_some())
        .map(|(_, name)| name)
        .or((ip.class == NetworkClass::Hosting).then_some("DataCenter"))
}
