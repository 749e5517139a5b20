//! `assay explain EVENT_ID`: why an event was judged so, recomputed and replayed.
//!
//! Two checks: the verdict again from the stored evidence alone, and the rule's own version
//! run again on the stored facts and counters.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context as _;
use assay_detect::{CompiledRule, verdict};
use assay_model::document::{Integration, IntegrationKind, Rule};
use assay_model::ports::{ControlStore, DocKind, EventReader, StoredEvent};
use assay_model::{AccountId, EventId, EventRecord};
use assay_store::embedded::SqliteControlStore;
use assay_store::embedded::events::EmbeddedEvents;
use clap::Args;
use serde_json::{Value, json};

use super::DataArgs;

#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The event's id, sixteen characters.
    #[arg(value_name = "EVENT_ID", value_parser = |text: &str| text.parse::<EventId>())]
    event_id: EventId,
    /// As one JSON document.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataArgs,
}

pub fn run(args: &ExplainArgs) -> anyhow::Result<ExitCode> {
    let config = args.data.load()?;
    let dir = &config.storage.dir;
    let path = dir.join("control.db");
    anyhow::ensure!(path.exists(), "{} holds no store", dir.display());
    let control = SqliteControlStore::open(&path, config.secrets.control())?;
    let events = EmbeddedEvents::open_read_only(dir);
    crate::offline::wait(async {
        let (account, stored) = find(&control, &events, args.event_id)
            .await?
            .with_context(|| format!("there is no event {}", args.event_id))?;
        let record = stored.decode()?;
        let replayed = replay(&control, account, &record).await?;
        let again = verdict::recompute(&record.verdict, record.facts.hit.event);
        let agrees = verdict::agrees(&record.verdict, record.facts.hit.event);
        let mut shown = assay_model::render::event_json(&record);
        shown["filters"] =
            assay_model::render::filters_json(&record.verdict, assay_detect::filter_keys());
        shown["recomputed"] = json!({
            "from": "evidence", "agrees": agrees, "risk": again.risk.as_str(), "points": again.points,
            "class": again.class.as_str(), "reason": again.reason.code(), "action": again.action.as_str(),
        });
        shown["replayed"] = replayed;
        if args.json {
            writeln!(std::io::stdout(), "{shown:#}")?;
        } else {
            print(
                &mut std::io::BufWriter::new(std::io::stdout().lock()),
                &shown,
            )?;
        }
        Ok(if agrees {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    })?
}

async fn find(
    control: &dyn ControlStore,
    events: &dyn EventReader,
    id: EventId,
) -> anyhow::Result<Option<(AccountId, StoredEvent)>> {
    for account in control.accounts().await? {
        if let Some(event) = events.get(account, id).await? {
            return Ok(Some((account, event)));
        }
    }
    Ok(None)
}

/// Runs the rule's own version on the stored facts and counters.
async fn replay(
    control: &dyn ControlStore,
    account: AccountId,
    record: &EventRecord<'_>,
) -> anyhow::Result<Value> {
    let stored = record.verdict.rule;
    let versions = control.versions(account, DocKind::Rule, stored.id).await?;
    let Some(doc) = versions
        .into_iter()
        .find(|doc| doc.version == stored.version)
    else {
        return Ok(json!({"agrees": null, "cause": "the rule's version is not in the store"}));
    };
    if record.detect_revision != assay_detect::REVISION {
        return Ok(
            json!({"agrees": null, "cause": format!("judged by detection revision {}, this is {}", record.detect_revision, assay_detect::REVISION)}),
        );
    }
    let rule: Rule = serde_json::from_value(doc.body)?;
    let kind = integration_kind(control, account, record).await?;
    let rule = CompiledRule::compile(&rule, stored, kind)
        .map_err(|problems| anyhow::anyhow!("the rule does not compile any more: {problems:?}"))?;
    let again = rule.judge(
        &record.facts,
        &record.recall,
        record.verdict.weighing.on_degraded,
    );
    if again == record.verdict {
        return Ok(json!({"agrees": true}));
    }
    Ok(json!({"agrees": false, "verdict": assay_model::render::verdict_json(&again)}))
}

/// The kind decides which filters are on by default; a deleted integration keeps its versions.
async fn integration_kind(
    control: &dyn ControlStore,
    account: AccountId,
    record: &EventRecord<'_>,
) -> anyhow::Result<IntegrationKind> {
    let id = u64::from(record.facts.hit.integration.0);
    let versions = control.versions(account, DocKind::Integration, id).await?;
    let doc = versions
        .into_iter()
        .next()
        .context("the event's integration is not in the store")?;
    Ok(serde_json::from_value::<Integration>(doc.body)?.kind)
}

fn print(out: &mut impl Write, shown: &Value) -> std::io::Result<()> {
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    writeln!(
        out,
        "event     {} ({}, {})",
        text(&shown["event_id"]),
        text(&shown["event"]),
        text(&shown["time"])
    )?;
    writeln!(
        out,
        "verdict   {} risk, {} points, {}: {}",
        text(&shown["risk"]),
        shown["points"],
        text(&shown["class"]),
        text(&shown["reason"])
    )?;
    writeln!(
        out,
        "action    {}, by rule {} version {}",
        text(&shown["action"]),
        shown["rule"]["id"],
        shown["rule"]["version"]
    )?;
    for finding in shown["evidence"].as_array().into_iter().flatten() {
        writeln!(
            out,
            "\n  {} ({} risk, false positives {})",
            text(&finding["reason"]),
            text(&finding["risk"]),
            finding.get("fp_risk").map_or_else(|| "n/a".into(), text)
        )?;
        for (name, value) in finding["observed"].as_object().into_iter().flatten() {
            writeln!(out, "    {name:<18} {}", text(value))?;
        }
        for name in ["threshold", "window", "n", "list", "effect"] {
            if let Some(value) = finding.get(name) {
                writeln!(out, "    {name:<18} {}", text(value))?;
            }
        }
    }
    let of = |state: &str| -> Vec<String> {
        let filters = shown["filters"].as_array().into_iter().flatten();
        filters
            .filter(|f| f["state"] == state)
            .map(|f| {
                f.get("missing").map_or_else(
                    || text(&f["key"]),
                    |why| format!("{} ({})", text(&f["key"]), text(why)),
                )
            })
            .collect()
    };
    writeln!(out, "\nclean     {}", of("clean").join(", "))?;
    writeln!(out, "skipped   {}", of("skipped").join(", "))?;
    let agrees = |value: &Value| match value["agrees"].as_bool() {
        Some(true) => "same verdict".to_owned(),
        Some(false) => format!("DIFFERS: {value}"),
        None => text(&value["cause"]),
    };
    writeln!(
        out,
        "recomputed from evidence: {}",
        agrees(&shown["recomputed"])
    )?;
    writeln!(
        out,
        "replayed on stored facts: {}",
        agrees(&shown["replayed"])
    )?;
    out.flush()
}
