//! The why page: why, how sure, and everything it rests on.

use askama::Template;
use assay_model::document::Rule;
use assay_model::ports::DocKind;
use assay_model::verdict::Check;
use assay_model::{Action, EventId, EventRecord, FpRisk, render};
use axum::extract::Path;
use jiff::tz::TimeZone;

use super::evidence::{EvidenceRow, evidence_row, numbers, other};
use super::frame::Frame;
use super::rows::client;
use super::words::{self, Chip};
use super::{Page, Shown, Visit};
use crate::error::ApiError;
use crate::events::{damaged, why};
use crate::state::ClickIds;

#[derive(Template)]
#[template(path = "event.html")]
pub struct WhyPage {
    frame: Frame,
    id: String,
    heading: String,
    sentence: String,
    numbers: String,
    seal_bad: bool,
    risk: Chip,
    action: Chip,
    destination: String,
    main: &'static str,
    main_class: &'static str,
    main_css: &'static str,
    others: Vec<(&'static str, &'static str, &'static str)>,
    fp_risk: &'static str,
    points: u8,
    time: String,
    decision_us: u32,
    in_ledger: bool,
    degraded: &'static str,
    recomputed: bool,
    evidence: Vec<EvidenceRow>,
    filters: Vec<FilterRow>,
    flagged: usize,
    clean: usize,
    skipped: usize,
    off: usize,
    rule: String,
    rule_id: u64,
    rule_version: u32,
    weighing: String,
    facts: Vec<(String, String)>,
    json: String,
}

struct FilterRow {
    key: String,
    chip: Chip,
    missing: &'static str,
}

/// `GET /events/{event_id}`.
pub async fn page(Path(id): Path<String>, visit: Visit) -> Shown<WhyPage> {
    let account = visit.session.account;
    let missing = || {
        let days = visit.account.retention.events_d;
        ApiError::not_found(format!(
            "No event with this id in account {account}. Events are kept {days} days."
        ))
    };
    let id: EventId = id.parse().map_err(|_| missing())?;
    let state = &visit.app.state;
    let event = state.events.get(account, id).await?.ok_or_else(missing)?;
    let record = event.decode().map_err(damaged)?;
    let rule = rule_name(&visit, &record).await?;
    let heading = heading(&record);
    // A conversion that was only scored has a verdict, but no status.
    let in_ledger =
        record.facts.hit.event.is_conversion() && state.ledger.get(account, id).await?.is_some();
    let frame = visit.frame(heading, "events");
    Ok(Page(WhyPage {
        in_ledger,
        json: pretty(&record, &*state.click_ids),
        ..build(frame, &record, rule, &visit.zone)
    }))
}

/// The rule's name as it was when it decided.
async fn rule_name(visit: &Visit, record: &EventRecord<'_>) -> Result<String, ApiError> {
    let rule = record.verdict.rule;
    let control = &visit.app.state.control;
    let all = control
        .versions(visit.session.account, DocKind::Rule, rule.id)
        .await?;
    let found = all.iter().find(|doc| doc.version == rule.version);
    let body = found.and_then(|doc| serde_json::from_value::<Rule>(doc.body.clone()).ok());
    Ok(body.map_or_else(|| format!("Rule {}", rule.id), |rule| rule.name))
}

fn build(frame: Frame, record: &EventRecord<'_>, rule: String, zone: &TimeZone) -> WhyPage {
    let verdict = &record.verdict;
    let info = verdict.reason.info();
    let named = !verdict.findings.is_empty();
    let filters = filters(&verdict.checks);
    let count = |word: &str| filters.iter().filter(|row| row.chip.word == word).count();
    let weighing = verdict.weighing;
    WhyPage {
        id: record.event_id.to_string(),
        heading: heading(record),
        sentence: sentence(record),
        numbers: verdict.findings.first().map_or_else(String::new, numbers),
        seal_bad: verdict.is_caught(),
        risk: words::risk(verdict.risk),
        action: words::action(verdict.action),
        destination: record.destination.unwrap_or("").to_owned(),
        main: if named { info.code } else { "" },
        main_class: info.class.as_str(),
        main_css: words::class_css(info.class),
        others: verdict.findings.iter().skip(1).map(other).collect(),
        fp_risk: match info.fp_risk {
            FpRisk::NotApplicable => "",
            _ if !named => "",
            FpRisk::VeryLow => "very low",
            risk => risk.as_str(),
        },
        points: verdict.points,
        time: words::moment(record.facts.hit.received, zone),
        decision_us: record.decision_us,
        in_ledger: false,
        degraded: verdict.degraded.map_or("", |cause| cause.as_str()),
        recomputed: why::is_same(record),
        evidence: verdict.findings.iter().map(evidence_row).collect(),
        flagged: count("Flagged"),
        clean: count("Clean"),
        skipped: count("Skipped"),
        off: count("Off"),
        filters,
        rule,
        rule_id: verdict.rule.id,
        rule_version: verdict.rule.version,
        weighing: format!("{}, {}", word(&weighing.strictness), word(&weighing.mode)),
        facts: facts(record),
        json: String::new(),
        frame,
    }
}

/// The event as the API shows it.
fn pretty(record: &EventRecord<'_>, ids: &dyn ClickIds) -> String {
    serde_json::to_string_pretty(&why::json(record, ids)).unwrap_or_default()
}

/// The word of a setting, as its JSON writes it.
fn word(setting: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(setting).unwrap_or_default();
    value.as_str().unwrap_or("").replace('_', " ")
}

fn heading(record: &EventRecord<'_>) -> String {
    let event = record.facts.hit.event.as_str().replace('_', " ");
    let done = match record.verdict.action {
        Action::Approved => "was approved",
        Action::Rejected => "was rejected",
        Action::Monitored => "would have been rejected",
        Action::OnHold => "is on hold",
    };
    format!("Why this {event} {done}")
}

fn sentence(record: &EventRecord<'_>) -> String {
    let verdict = &record.verdict;
    let ran = verdict
        .checks
        .iter()
        .filter(|check| matches!(check, Check::Clean | Check::Flagged))
        .count();
    let Some(main) = verdict.findings.first() else {
        return format!("Approved: {ran} filters ran, none flagged.");
    };
    let meaning = main.reason.info().meaning;
    match verdict.action {
        Action::Approved => format!("Approved all the same. Noted: {meaning}"),
        Action::Rejected => format!("Rejected: {meaning}"),
        Action::Monitored => format!("Let through, since the rule only monitors: {meaning}"),
        Action::OnHold => format!("Waits for a person: {meaning}"),
    }
}

fn filters(checks: &[Check]) -> Vec<FilterRow> {
    let keys = assay_detect::filter_keys();
    let chip = |css, icon, word| Chip { css, icon, word };
    let row = |(at, check): (usize, &Check)| FilterRow {
        key: keys
            .get(at)
            .map_or_else(|| format!("filter {at}"), |key| key.replace('_', " ")),
        chip: match check {
            Check::Clean => chip("st-ok", "i-g0", "Clean"),
            Check::Flagged => chip("st-bad", "i-x", "Flagged"),
            Check::Skipped(_) => chip("st-off", "i-hold", "Skipped"),
            Check::Off => chip("st-off", "i-hold", "Off"),
        },
        missing: match check {
            Check::Skipped(missing) => missing.as_str(),
            _ => "",
        },
    };
    let mut out: Vec<FilterRow> = checks.iter().enumerate().map(row).collect();
    let rank = |word: &str| match word {
        "Flagged" => 0,
        "Skipped" => 1,
        "Clean" => 2,
        _ => 3,
    };
    out.sort_by_key(|row| rank(row.chip.word));
    out
}

fn facts(record: &EventRecord<'_>) -> Vec<(String, String)> {
    let hit = &record.facts.hit;
    let mut out: Vec<(String, String)> = Vec::new();
    let mut push = |name: &str, value: String| {
        if !value.is_empty() {
            out.push((name.to_owned(), value));
        }
    };
    push("integration", hit.integration.to_string());
    push("happened", hit.time.to_string());
    push(
        "address",
        hit.ip.map_or_else(String::new, |ip| ip.to_string()),
    );
    if let Some(ip) = &record.facts.ip {
        push("network", flat(&render::network_json(ip), &["ip"]));
    }
    push("client", client(record));
    if let Some(ua) = record.facts.ua.as_deref() {
        push("user agent says", flat(&render::client_json(ua), &[]));
    }
    for (field, text) in hit.given() {
        push(field.as_str(), text.to_owned());
    }
    for list in &record.facts.lists {
        let mode = if list.deny { "deny list" } else { "allow list" };
        push(
            mode,
            format!("{}: {} matches {}", list.list, list.value, list.entry),
        );
    }
    for (name, value) in &hit.extras {
        push(&format!("extra {name}"), (*value).to_owned());
    }
    for (name, literal) in &hit.unreplaced {
        push(&format!("left as macro: {name}"), (*literal).to_owned());
    }
    out
}

/// A flat object as "name value, name value".
fn flat(value: &serde_json::Value, without: &[&str]) -> String {
    let said = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let pairs = value.as_object().into_iter().flatten();
    pairs
        .filter(|(name, _)| !without.contains(&name.as_str()))
        .map(|(name, value)| format!("{} {}", name.replace('_', " "), said(value)))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::tests::{approved, rejected};

    #[test]
    fn the_sample_says_value_and_limit_and_escapes() {
        let frame = Frame::sample("events");
        let page = build(frame, &rejected(1), "Rule <1>".into(), &TimeZone::UTC);
        let text = page.render().unwrap();
        for part in [
            "Why this click was rejected",
            "count 501 in 1h, limit 500",
            "Recomputed from its evidence: same verdict",
            "no device_id",
            "Rule &#60;1&#62;",
            "p&#60;script&#62;alert(1)",
            "operator Google &#60;LLC&#62;",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("<script>alert"));
    }

    #[test]
    fn an_approved_event_says_how_many_filters_ran() {
        let mut record = approved(1);
        record.verdict.checks = smallvec::smallvec![Check::Clean, Check::Off];
        let frame = Frame::sample("events");
        let text = build(frame, &record, "Default".into(), &TimeZone::UTC)
            .render()
            .unwrap();
        assert!(
            text.contains("Approved: 1 filters ran, none flagged."),
            "{text}"
        );
    }
}
