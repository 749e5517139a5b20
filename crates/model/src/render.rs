//! Verdicts and events as JSON: the one shape that doors, console and command line show.
//!
//! What does not apply is absent, never null or zero, so a reader cannot mistake
//! "not measured" for "none" (SPEC §1, evidence).

use serde_json::{Map, Value, json};

use crate::facts::{DeviceFacts, DeviceIdState, Facts, IpFacts, ListMatch, UaFacts};
use crate::record::EventRecord;
use crate::verdict::{Check, Effect, Finding, Verdict};
use crate::{FpRisk, Span};

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

/// How each filter answered: `{"key","state","missing"}` in the rule's order.
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
        hit.get(crate::Field::TransactionId).into(),
    );
    out.insert("destination".into(), record.destination.into());
    out.insert("decision_us".into(), record.decision_us.into());
    out.insert("detect_revision".into(), record.detect_revision.into());
    out.insert("facts".into(), facts_json(&record.facts));
    Value::Object(out)
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
