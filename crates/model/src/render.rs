//! Verdicts and events as JSON: the one shape that doors, console and command line show.
//!
//! What does not apply is absent, never null or zero, so a reader cannot mistake
//! "not measured" for "none" (SPEC §1, evidence).

use serde_json::{Map, Value, json};

use crate::click::{ClickMatch, ClickSearch};
use crate::facts::{DeviceFacts, DeviceIdState, Facts, IpFacts, ListMatch, UaFacts};
use crate::reason::NetworkError;
use crate::recall::{Family, Passed};
use crate::record::EventRecord;
use crate::verdict::{Check, Effect, Finding, Verdict};
use crate::{Field, FpRisk, Span};

/// One reason with its evidence.
#[must_use]
pub fn evidence_json(finding: &Finding<'_>) -> Value {
    let info = finding.reason.info();
    let mut out = Map::new();
    out.insert("reason".into(), info.code.into());
    out.insert("class".into(), info.class.as_str().into());
    out.insert("risk".into(), finding.risk.as_str().into());
    if info.fp_risk != FpRisk::NotApplicable {
        out.insert("fp_risk".into(), info.fp_risk.as_str().into());
    }
    if finding.effect != Effect::Block {
        out.insert("effect".into(), finding.effect.as_str().into());
    }
    let observed: Map<String, Value> = finding
        .observed
        .iter()
        .filter_map(|(place, value)| {
            let name = info.fields.get(usize::from(*place))?;
            Some(((*name).to_owned(), value.json()))
        })
        .collect();
    if !observed.is_empty() {
        out.insert("observed".into(), Value::Object(observed));
    }
    if let Some(threshold) = &finding.threshold {
        out.insert("threshold".into(), threshold.json());
    }
    if finding.window_s > 0 {
        out.insert("window".into(), Span(finding.window_s).to_string().into());
    }
    if finding.n > 0 {
        out.insert("n".into(), finding.n.into());
    }
    text(&mut out, "list", &finding.list);
    Value::Object(out)
}

/// A verdict: the part that a score's answer and a stored event have in common.
///
/// Shape: `risk score points class reason reasons evidence action rule`, and `degraded`
/// when inputs were missing; `reasons` and `evidence` go together, main reason first.
#[must_use]
pub fn verdict_json(verdict: &Verdict<'_>) -> Value {
    Value::Object(verdict_map(verdict))
}

fn verdict_map(verdict: &Verdict<'_>) -> Map<String, Value> {
    let reasons: Vec<&str> = verdict.findings.iter().map(|f| f.reason.code()).collect();
    let evidence: Vec<Value> = verdict.findings.iter().map(evidence_json).collect();
    let mut out = Map::new();
    out.insert("risk".into(), verdict.risk.as_str().into());
    out.insert("score".into(), verdict.risk.score().into());
    out.insert("points".into(), verdict.points.into());
    out.insert("class".into(), verdict.class.as_str().into());
    out.insert("reason".into(), verdict.reason.code().into());
    out.insert("reasons".into(), reasons.into());
    out.insert("evidence".into(), evidence.into());
    out.insert("action".into(), verdict.action.as_str().into());
    out.insert(
        "rule".into(),
        json!({"id": verdict.rule.id, "version": verdict.rule.version}),
    );
    if let Some(cause) = verdict.degraded {
        out.insert("degraded".into(), cause.as_str().into());
    }
    out
}

/// How each filter answered: `{"key","state","missing"}`; state clean, flagged, skipped or off.
///
/// Shape: `keys` names the filters in that order; a check beyond it keeps its number as key.
#[must_use]
pub fn filters_json(verdict: &Verdict<'_>, keys: &[&str]) -> Value {
    let row = |(at, check): (usize, &Check)| {
        let key = keys
            .get(at)
            .map_or_else(|| format!("filter_{at}"), |key| (*key).to_owned());
        match check {
            Check::Clean => json!({"key": key, "state": "clean"}),
            Check::Flagged => json!({"key": key, "state": "flagged"}),
            Check::Off => json!({"key": key, "state": "off"}),
            Check::Skipped(missing) => {
                json!({"key": key, "state": "skipped", "missing": missing.as_str()})
            }
        }
    };
    verdict.checks.iter().enumerate().map(row).collect()
}

/// A stored event, as `GET /api/v1/events/{event_id}` shows it (SPEC §9).
#[must_use]
pub fn event_json(record: &EventRecord<'_>) -> Value {
    let hit = &record.facts.hit;
    let mut out = verdict_map(&record.verdict);
    out.insert("event_id".into(), record.event_id.to_string().into());
    out.insert("event".into(), hit.event.as_str().into());
    out.insert("time".into(), hit.time.to_string().into());
    out.insert("received".into(), hit.received.to_string().into());
    out.insert("integration_id".into(), hit.integration.0.into());
    out.insert(
        "transaction_id".into(),
        hit.get(Field::TransactionId).into(),
    );
    out.insert("destination".into(), record.destination.into());
    let verdict = &record.verdict;
    if Family::of(hit.event) != Family::Conversions
        && let Some(error) = NetworkError::of_click(verdict.action, verdict.reason)
    {
        out.insert("error_code".into(), error.code.into());
        out.insert("error_message".into(), error.message.into());
    }
    out.insert("decision_us".into(), record.decision_us.into());
    out.insert("detect_revision".into(), record.detect_revision.into());
    let weighing = record.verdict.weighing;
    out.insert(
        "weighing".into(),
        json!({"strictness": weighing.strictness, "mode": weighing.mode,
               "on_degraded": weighing.on_degraded}),
    );
    out.insert("facts".into(), facts_json(&record.facts));
    if let Some(click) = &record.recall.click {
        out.insert("click".into(), click_json(click));
    }
    let passed = &record.recall.passed;
    if !passed.is_empty() {
        out.insert("passed".into(), passed.iter().map(passed_json).collect());
    }
    if record.recall.search != ClickSearch::None {
        out.insert("click_search".into(), record.recall.search.as_str().into());
    }
    if let Some(first) = record.recall.again {
        out.insert("judged_first_as".into(), first.to_string().into());
    }
    Value::Object(out)
}

/// An offer that turned a click down.
fn passed_json(passed: &Passed) -> Value {
    let offer = Some(&*passed.offer).filter(|name| !name.is_empty());
    json!({"offer": offer, "reason": passed.reason.code(), "rule": passed.rule})
}

/// Everything known of an event: its own fields flat, what was looked up beside them.
#[must_use]
pub fn facts_json(facts: &Facts<'_>) -> Value {
    let hit = &facts.hit;
    let mut out: Map<String, Value> = hit
        .given()
        .map(|(field, text)| (field.as_str().to_owned(), text.into()))
        .collect();
    if let Some(ip) = hit.ip {
        out.insert("ip".into(), ip.to_string().into());
    }
    if let Some(ip) = &facts.ip {
        out.insert("network".into(), network_json(ip));
    }
    if let Some(ua) = &facts.ua {
        out.insert("client".into(), client_json(ua));
    }
    let device = device_json(&facts.device);
    if !device.is_empty() {
        out.insert("device".into(), Value::Object(device));
    }
    if !facts.lists.is_empty() {
        out.insert("lists".into(), facts.lists.iter().map(list_json).collect());
    }
    for (name, pairs) in [("extras", &hit.extras), ("unreplaced", &hit.unreplaced)] {
        if !pairs.is_empty() {
            let pairs: Map<String, Value> = pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).into()))
                .collect();
            out.insert(name.into(), Value::Object(pairs));
        }
    }
    out.insert("intel_version".into(), facts.intel_version.into());
    Value::Object(out)
}

/// The click of a conversion, as far as the verdict used it.
#[must_use]
pub fn click_json(click: &ClickMatch) -> Value {
    let mut out = Map::new();
    out.insert("matched_by".into(), click.by.as_str().into());
    out.insert("event".into(), click.kind.as_str().into());
    if let Some(id) = click.event_id {
        out.insert("event_id".into(), id.to_string().into());
    }
    if let Some(time) = click.time {
        out.insert("time".into(), time.to_string().into());
    }
    if let Some(ip) = click.ip {
        out.insert("ip".into(), ip.to_string().into());
    }
    if let Some(country) = click.country {
        out.insert("country".into(), country.as_str().into());
    }
    text(&mut out, "city", &click.city);
    for device in &click.devices {
        text(&mut out, device.field.as_str(), &device.id);
    }
    text(&mut out, "browser", &click.browser);
    text(&mut out, "os", &click.os);
    if let Some(action) = click.action {
        out.insert("action".into(), action.as_str().into());
        out.insert("risk".into(), click.risk.as_str().into());
        out.insert("reason".into(), click.reason.code().into());
    }
    let lookback = Span(click.lookback_s).to_string();
    out.insert("lookback".into(), lookback.into());
    Value::Object(out)
}

/// What intelligence says about an address.
#[must_use]
pub fn network_json(ip: &IpFacts<'_>) -> Value {
    let mut out = Map::new();
    out.insert("ip".into(), ip.ip.to_string().into());
    out.insert("scope".into(), ip.scope.as_str().into());
    out.insert("class".into(), ip.class.as_str().into());
    if let Some(country) = ip.country {
        out.insert("country".into(), country.as_str().into());
    }
    text(&mut out, "city", ip.city.unwrap_or(""));
    if let Some(asn) = ip.asn {
        out.insert("asn".into(), asn.into());
    }
    text(&mut out, "operator", ip.operator.unwrap_or(""));
    text(&mut out, "benign", ip.benign.map_or("", |b| b.as_str()));
    text(&mut out, "crawler", ip.crawler.unwrap_or(""));
    text(&mut out, "cloud", ip.cloud.unwrap_or(""));
    if !ip.marks.is_empty() {
        let mark = |mark: &crate::facts::IpMark<'_>| {
            let mut out = Map::new();
            out.insert("kind".into(), mark.kind.as_str().into());
            out.insert("basis".into(), mark.basis.as_str().into());
            text(&mut out, "label", mark.label);
            text(&mut out, "list", mark.list);
            if mark.weak {
                out.insert("weak".into(), true.into());
            }
            Value::Object(out)
        };
        out.insert("marks".into(), ip.marks.iter().map(mark).collect());
    }
    Value::Object(out)
}

/// What a user agent says about itself.
#[must_use]
pub fn client_json(ua: &UaFacts) -> Value {
    let mut out = Map::new();
    out.insert("kind".into(), ua.kind.as_str().into());
    text(&mut out, "browser", &ua.browser);
    text(&mut out, "browser_version", &ua.browser_version);
    text(&mut out, "os", &ua.os);
    text(&mut out, "os_version", &ua.os_version);
    out.insert("device_type".into(), ua.device_type.as_str().into());
    text(&mut out, "device_model", &ua.device_model);
    text(&mut out, "host_app", &ua.host_app);
    text(&mut out, "impossible", &ua.impossible);
    text(&mut out, "retired", &ua.retired);
    if let Some(mark) = &ua.mark {
        let mut named = Map::new();
        text(&mut named, "rule", &mark.rule);
        text(&mut named, "token", &mark.token);
        text(&mut named, "name", &mark.name);
        out.insert("mark".into(), Value::Object(named));
    }
    Value::Object(out)
}

fn device_json(device: &DeviceFacts) -> Map<String, Value> {
    let mut out = Map::new();
    for (name, state) in [
        ("device_id", device.device_id),
        ("gaid", device.gaid),
        ("idfa", device.idfa),
    ] {
        if state != DeviceIdState::Absent {
            out.insert(name.into(), state.as_str().into());
        }
    }
    text(&mut out, "form", device.form.map_or("", |f| f.as_str()));
    text(&mut out, "broken", device.broken);
    out
}

fn list_json(found: &ListMatch<'_>) -> Value {
    let mut out = Map::new();
    out.insert("list_id".into(), found.list_id.into());
    let mode = if found.deny { "deny" } else { "allow" };
    out.insert("mode".into(), mode.into());
    text(&mut out, "list", found.list);
    text(&mut out, "field", found.field);
    text(&mut out, "value", found.value);
    text(&mut out, "entry", found.entry);
    text(&mut out, "note", found.note);
    Value::Object(out)
}

/// Sets a text unless it is empty: empty means unknown or none.
fn text(out: &mut Map<String, Value>, name: &str, text: &str) {
    if !text.is_empty() {
        out.insert(name.to_owned(), text.into());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use smallvec::smallvec;

    use super::*;
    use crate::facts::{Country, UaKind, UaMark};
    use crate::recall::Recall;
    use crate::testing::{NOW, facts_of};
    use crate::verdict::{Action, Missing, RuleRef, Weighing};
    use crate::{Class, EventId, Reason, Risk};

    fn verdict() -> Verdict<'static> {
        let mut quiet = Finding::new(Reason::GeoMismatch).with("level", "country");
        quiet.effect = Effect::Flag;
        Verdict {
            risk: Risk::Medium,
            points: 60,
            class: Class::Sivt,
            reason: Reason::ClickFlooding,
            findings: vec![
                Finding::new(Reason::ClickFlooding)
                    .with("count", 501u32)
                    .over(500u32)
                    .within(3600),
                quiet,
            ],
            action: Action::Rejected,
            rule: RuleRef { id: 3, version: 9 },
            weighing: Weighing::default(),
            degraded: None,
            checks: smallvec![Check::Clean, Check::Flagged, Check::Skipped(Missing::Ip)],
        }
    }

    #[test]
    fn evidence_holds_what_applies_and_nothing_else() {
        let shown: Vec<Value> = verdict().findings.iter().map(evidence_json).collect();
        assert_eq!(
            shown[0],
            json!({"reason": "CLICK_FLOODING", "class": "SIVT", "risk": "medium", "fp_risk": "medium",
                   "observed": {"count": 501}, "threshold": 500, "window": "1h"})
        );
        assert_eq!(shown[1]["effect"], "flag");
        assert!(shown[1].get("threshold").is_none());
    }

    #[test]
    fn filters_are_named_in_order_and_a_skip_says_why() {
        assert_eq!(
            filters_json(&verdict(), &["vpn", "click_flooding"]),
            json!([{"key": "vpn", "state": "clean"}, {"key": "click_flooding", "state": "flagged"},
                   {"key": "filter_2", "state": "skipped", "missing": "no ip"}])
        );
    }

    #[test]
    fn an_event_shows_its_verdict_and_every_given_fact() {
        let mut facts = facts_of(|hit| {
            hit.ip = "8.8.8.8".parse().ok();
            hit.set(Field::Publisher, Some("p1"));
            hit.extras.push(("utm", "x"));
        });
        if let Some(ip) = &mut facts.ip {
            ip.country = Country::parse("US");
        }
        let mut ua = UaFacts::bare(UaKind::Library);
        ua.mark = Some(UaMark {
            rule: "library".into(),
            token: "curl/".into(),
            name: Box::default(),
        });
        facts.ua = Some(Arc::new(ua));
        let shown = event_json(&EventRecord {
            event_id: EventId::new(NOW, 1, 0, 1),
            facts,
            recall: Recall::default(),
            verdict: verdict(),
            destination: None,
            detect_revision: 1,
            decision_us: 7,
        });
        assert_eq!(shown["score"], 2);
        assert_eq!(shown["reasons"], json!(["CLICK_FLOODING", "GEO_MISMATCH"]));
        assert_eq!(shown["rule"], json!({"id": 3, "version": 9}));
        assert_eq!(shown["integration_id"], 7);
        assert_eq!(shown["destination"], Value::Null);
        assert_eq!(shown["facts"]["publisher"], "p1");
        assert_eq!(shown["facts"]["network"]["country"], "US");
        assert_eq!(
            shown["facts"]["client"]["mark"],
            json!({"rule": "library", "token": "curl/"})
        );
        assert_eq!(shown["facts"]["extras"], json!({"utm": "x"}));
        assert!(shown["facts"].get("device").is_none());
        assert!(shown.get("degraded").is_none());
    }
}
