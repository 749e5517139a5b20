//! `assay intel update|import|status|lookup|ua|rollback`.

use std::io::{BufRead, Write};
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use assay_intel::ip::{IpTables, Kind, lookup_json};
use assay_intel::store::{Import, IntelHandle, IntelStore, SourceStatus, name_of_file};
use assay_model::facts::Facts;
use assay_model::hit::{EventKind, Field, Hit};
use assay_model::verdict::OnDegraded;
use assay_model::{AccountId, Clock, IntegrationId, Recall, SystemClock};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::DataArgs;
use crate::offline::default_rules;

#[derive(Debug, Args)]
pub struct IntelArgs {
    #[command(subcommand)]
    command: IntelCommand,
}

#[derive(Debug, Subcommand)]
enum IntelCommand {
    /// Fetch the configured upstreams; a running server takes them over by itself.
    Update {
        /// Only upstreams of these names.
        #[arg(long, value_name = "NAME")]
        only: Vec<String>,
        /// Take a list that shrank by more than 30 % or looks odd.
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Import a file: MMDB, CSV, TSV, JSON, or a list of ranges, addresses or AS numbers.
    Import {
        /// What its entries mean: asn, country, city, hosting, cloud, vpn, tor, proxy,
        /// residential, relay, crawler or isp.
        #[arg(long, value_parser = kind)]
        kind: Kind,
        /// Name of the source; the same name replaces. Default: the file's.
        #[arg(long)]
        name: Option<String>,
        /// Take a list that shrank by more than 30 % or looks odd.
        #[arg(long)]
        force: bool,
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Go back to the version before the last import of a source.
    Rollback {
        #[arg(long, value_parser = kind)]
        kind: Kind,
        #[arg(long)]
        name: String,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Show what is loaded, how old it is, and whether that is too old.
    Status {
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Show what is known of addresses; `-` reads them from standard input.
    Lookup {
        #[arg(value_name = "IP", required = true)]
        ips: Vec<String>,
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Show what user agents say about themselves; `-` reads them from standard input.
    Ua {
        #[arg(value_name = "UA", required = true)]
        texts: Vec<String>,
        #[arg(long)]
        json: bool,
    },
}

fn kind(text: &str) -> Result<Kind, String> {
    Kind::parse(text).ok_or_else(|| {
        let names: Vec<_> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        format!("must be one of {}", names.join(", "))
    })
}

pub fn run(args: &IntelArgs) -> anyhow::Result<ExitCode> {
    let now = SystemClock::default().now().0;
    match &args.command {
        IntelCommand::Update { only, force, data } => {
            return crate::intel_fetch::update(&data.load()?, only, *force, now);
        }
        IntelCommand::Import {
            kind,
            name,
            force,
            file,
            data,
        } => {
            let bytes =
                std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
            let name = name.clone().unwrap_or_else(|| name_of_file(file));
            let stored = store(data)?.import(&Import {
                kind: *kind,
                name: &name,
                file: &file.display().to_string(),
                bytes: &bytes,
                version: None,
                licence: None,
                expires_at: None,
                force: *force,
                now,
            })?;
            println!(
                "{} {}: {} entries, version {}",
                stored.kind, stored.name, stored.current.rows, stored.current.version
            );
        }
        IntelCommand::Rollback { kind, name, data } => {
            let stored = store(data)?.rollback(*kind, name)?;
            println!(
                "{} {}: back to version {}",
                stored.kind, stored.name, stored.current.version
            );
        }
        IntelCommand::Status { json, data } => status(&store(data)?, *json, now)?,
        IntelCommand::Lookup { ips, json, data } => {
            let tables = tables(data, now)?;
            return each(ips, *json, |text| address(&tables, text));
        }
        IntelCommand::Ua { texts, json } => return each(texts, *json, |text| Ok(user_agent(text))),
    }
    Ok(ExitCode::SUCCESS)
}

fn store(data: &DataArgs) -> anyhow::Result<IntelStore> {
    Ok(IntelStore::open(&data.load()?.storage.dir)?)
}

/// The tables of the data folder, or the built-in ones where there is no folder.
fn tables(data: &DataArgs, now: i64) -> anyhow::Result<std::sync::Arc<IpTables>> {
    crate::offline::intelligence(&data.load()?.storage.dir, now)
        .map(|handle: IntelHandle| handle.tables_full())
}

fn status(store: &IntelStore, json: bool, now: i64) -> anyhow::Result<()> {
    let sources = store.status(now)?;
    let damaged = store.damaged()?;
    let is_damaged = |source: &SourceStatus| {
        let mut all = damaged.iter();
        all.any(|(kind, name, _)| (*kind, name) == (source.kind, &source.name))
    };
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    if json {
        let mut rows = serde_json::to_value(&sources)?;
        for (row, source) in rows.as_array_mut().into_iter().flatten().zip(&sources) {
            row["damaged"] = is_damaged(source).into();
        }
        writeln!(out, "{rows}")?;
        return Ok(out.flush()?);
    }
    writeln!(
        out,
        "{:<12} {:<28} {:>9} {:<12} {:>9}  state",
        "kind", "name", "entries", "version", "age"
    )?;
    for source in &sources {
        let age = source
            .age_s
            .map_or_else(|| "built in".to_owned(), |s| format!("{} h", s / 3600));
        let state = match source.stale {
            _ if is_damaged(source) => "DAMAGED",
            true => "STALE",
            false => "ok",
        };
        writeln!(
            out,
            "{:<12} {:<28} {:>9} {:<12} {:>9}  {state}",
            source.kind.as_str(),
            source.name,
            source.rows,
            source.version,
            age
        )?;
    }
    for (kind, name, cause) in &damaged {
        writeln!(
            out,
            "{kind} {name}: {cause}; import it again, or `assay intel rollback`"
        )?;
    }
    out.flush()?;
    Ok(())
}

/// Runs `look` on each argument, or on each line of standard input for `-`.
fn each(
    texts: &[String],
    json: bool,
    look: impl Fn(&str) -> Result<Value, String>,
) -> anyhow::Result<ExitCode> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut code = ExitCode::SUCCESS;
    let mut one = |text: &str| -> anyhow::Result<()> {
        let found = look(text).unwrap_or_else(|error| {
            code = ExitCode::FAILURE;
            json!({"input": text, "error": error})
        });
        if json {
            writeln!(out, "{found}")?
        } else {
            print_plain(&mut out, text, &found)?
        }
        Ok(())
    };
    for text in texts {
        if text != "-" {
            one(text)?;
            continue;
        }
        for line in std::io::stdin().lock().lines() {
            // A blank line is a blank user agent; an address list has none.
            one(line?.trim_end_matches('\r'))?;
        }
    }
    out.flush()?;
    Ok(code)
}

fn print_plain(out: &mut impl Write, input: &str, found: &Value) -> anyhow::Result<()> {
    writeln!(out, "{input}")?;
    if let Some(object) = found.as_object() {
        for (name, value) in object
            .iter()
            .filter(|(_, value)| !value.is_null() && **value != json!(false))
        {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            writeln!(out, "  {name:<18} {text}")?;
        }
    }
    Ok(())
}

fn address(tables: &IpTables, text: &str) -> Result<Value, String> {
    let ip: IpAddr = text
        .trim()
        .parse()
        .map_err(|_| format!("{text:?} is not an IPv4 or IPv6 address"))?;
    let facts = tables.lookup(ip);
    let mut found = lookup_json(&facts);
    let mut hit = click();
    hit.ip = Some(ip);
    let mut judged = Facts::bare(hit);
    judged.ip = Some(facts);
    add_verdict(&mut found, &judged);
    Ok(found)
}

fn user_agent(text: &str) -> Value {
    let ua = std::sync::Arc::new(assay_intel::ua::classify(text));
    let mut found = assay_model::render::client_json(&ua);
    found["user_agent"] = text.into();
    let mut hit = click();
    hit.set(Field::UserAgent, Some(text));
    let mut judged = Facts::bare(hit);
    judged.ua = Some(ua);
    add_verdict(&mut found, &judged);
    found
}

fn click<'a>() -> Hit<'a> {
    Hit::new(
        AccountId(1),
        IntegrationId(1),
        EventKind::Click,
        assay_model::Timestamp(0),
    )
}

/// What the default rule makes of this fact alone.
fn add_verdict(found: &mut Value, facts: &Facts<'_>) {
    let rules = default_rules();
    let verdict = rules
        .rule_for(facts)
        .judge(facts, &Recall::default(), OnDegraded::Allow);
    let reasons: Vec<&str> = verdict.findings.iter().map(|f| f.reason.code()).collect();
    found["risk"] = verdict.risk.as_str().into();
    found["reasons"] = reasons.into();
}
