//! `assay replay`: recorded events judged again, by the rules in force or by others.

mod shown;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use assay_console::replay::{self, Given, Outcome, Plan, Ports, Progress, Rules};
use assay_model::document::Account;
use assay_model::ports::{ControlStore, DocKind};
use assay_model::{AccountId, Clock, Span, SystemClock, Timestamp};
use assay_store::embedded::events::EmbeddedScan;
use assay_store::embedded::ledger::LedgerOptions;
use assay_store::embedded::{SqliteControlStore, SqliteLedger};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::DataArgs;
use crate::config::Config;
use crate::offline;

#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// Rules to try: a file (TOML or JSON), laid over the rules in force, or a stored version
    /// as ID@VERSION; default: the rules in force.
    #[arg(long, value_name = "FILE|ID@VERSION")]
    rules: Option<String>,
    /// The file's rules are all there is, but for the default rule.
    #[arg(long, requires = "rules")]
    only: bool,
    /// From here on, by the event's own time; a date is its midnight in the account's time zone.
    #[arg(long, required_unless_present = "last", conflicts_with = "last")]
    from: Option<String>,
    /// Before here; default: now.
    #[arg(long)]
    to: Option<String>,
    /// In place of --from: how long back, as 24h or 7d.
    #[arg(long)]
    last: Option<Span>,
    /// Whose events; needed where the store has several accounts.
    #[arg(long)]
    account: Option<u32>,
    /// Threads that judge; default: one per core. They give way to everything else.
    #[arg(long)]
    threads: Option<usize>,
    /// As one JSON document, with every source.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataArgs,
}

pub fn run(args: &ReplayArgs) -> anyhow::Result<ExitCode> {
    let config = args.data.load()?;
    let dir = &config.storage.dir;
    let control = Arc::new(open_control(&config)?);
    let ledger = SqliteLedger::open(&dir.join("ledger.db"), LedgerOptions::default())?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let ports = Ports {
        control: Arc::clone(&control) as _,
        ledger: Arc::new(ledger),
        scan: Arc::new(EmbeddedScan::open_read_only(dir)),
        clock: Arc::clone(&clock),
    };
    let started = clock.monotonic_us();
    let outcome = offline::wait(async {
        let account = account_of(&*control, args.account).await?;
        let plan = args.plan(&*control, account, clock.now()).await?;
        let candidate = args.rules()?.candidate(&*control, account).await?;
        let progress = Arc::new(Progress::default());
        let bar = Bar::start(Arc::clone(&progress), Arc::clone(&clock));
        let done = replay::replay(ports, plan, candidate, progress).await;
        bar.end().await;
        Ok::<_, anyhow::Error>(done?)
    })??;
    let seconds = clock.monotonic_us().saturating_sub(started) as f64 / 1e6;
    show(args, &outcome, seconds)?;
    Ok(if outcome.tally.different > 0 {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Opens control data; there must be some.
pub fn open_control(config: &Config) -> anyhow::Result<SqliteControlStore> {
    let dir = &config.storage.dir;
    let path = dir.join("control.db");
    anyhow::ensure!(path.exists(), "{} holds no store", dir.display());
    Ok(SqliteControlStore::open(&path, config.secrets.control())?)
}

/// The account that is meant: the one named, or the only one.
pub async fn account_of(
    control: &dyn ControlStore,
    named: Option<u32>,
) -> anyhow::Result<AccountId> {
    let accounts = control.accounts().await?;
    match (named.map(AccountId), accounts.as_slice()) {
        (None, [only]) => Ok(*only),
        (None, []) => anyhow::bail!("the store has no account"),
        (None, _) => anyhow::bail!("the store has several accounts: say which with --account"),
        (Some(named), all) if all.contains(&named) => Ok(named),
        (Some(named), _) => anyhow::bail!("there is no account {}", named.0),
    }
}

impl ReplayArgs {
    fn rules(&self) -> anyhow::Result<Rules> {
        let Some(text) = &self.rules else {
            return Ok(Rules::InForce);
        };
        if let Some(version) = Rules::parse_version(text) {
            return Ok(version);
        }
        let items = offline::rule_items(Path::new(text))?;
        let rules = Given::read_all(items).with_context(|| text.clone())?;
        let only = self.only;
        Ok(Rules::Given { rules, only })
    }

    async fn plan(
        &self,
        control: &dyn ControlStore,
        account: AccountId,
        now: Timestamp,
    ) -> anyhow::Result<Plan> {
        let doc = control.get(account, DocKind::Account, account.0.into());
        let doc = doc.await?.context("the account has no settings")?;
        let settings: Account = serde_json::from_value(doc.body)?;
        let zone = replay::zone(&settings.time_zone).map_err(anyhow::Error::msg)?;
        let moment = |name: &str, text: &str| {
            replay::moment(text, &zone).with_context(|| format!("--{name} {text:?}"))
        };
        let to = match &self.to {
            Some(text) => moment("to", text)?,
            None => now,
        };
        let from = match (&self.from, self.last) {
            (Some(text), _) => moment("from", text)?,
            (None, Some(last)) => to.plus_ms(-last.ms()),
            (None, None) => anyhow::bail!("say --from or --last"),
        };
        anyhow::ensure!(from < to, "--from must be before --to");
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Plan {
            account,
            from,
            to,
            threads: self.threads.unwrap_or(cores).clamp(1, 64),
        })
    }
}

fn show(args: &ReplayArgs, outcome: &Outcome, seconds: f64) -> anyhow::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    if args.json {
        let mut report = replay::report::json(outcome, usize::MAX);
        report["seconds"] = serde_json::json!(seconds);
        writeln!(out, "{report:#}")?;
    } else {
        let report = replay::report::json(outcome, shown::SOURCES);
        shown::print(&mut out, &report, seconds)?;
    }
    Ok(out.flush()?)
}

/// How often the progress is drawn.
const DRAWN_MS: u64 = 200;

/// The progress on standard error, where that is a terminal.
struct Bar {
    bar: ProgressBar,
    drawn: tokio::task::JoinHandle<()>,
}

impl Bar {
    fn start(progress: Arc<Progress>, clock: Arc<dyn Clock>) -> Self {
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        let own = bar.clone();
        let drawn = tokio::spawn(async move {
            loop {
                own.set_message(shown::progress(&progress.json(&*clock)));
                own.tick();
                tokio::time::sleep(Duration::from_millis(DRAWN_MS)).await;
            }
        });
        Self { bar, drawn }
    }

    async fn end(self) {
        self.drawn.abort();
        // Aborted, as was asked.
        let _ = self.drawn.await;
        self.bar.finish_and_clear();
    }
}
