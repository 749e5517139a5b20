//! `assay simulate`: labelled traffic with ground truth, as NDJSON.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context as _;
use assay_gateway::{NativeEvent, NoOutbox, Scratch, decide_native};
use assay_model::document::IntegrationKind;
use assay_model::{Clock, Reason, SystemClock, Timestamp};
use clap::{Args, ValueEnum};

use crate::offline;
use crate::simulate::{self, Buyers, Door, Options, Setting, Simulator, Tally, WithConversions};

#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// How many events.
    #[arg(long, default_value_t = 10_000)]
    events: u64,
    /// The same seed gives the same traffic.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Events a second, on average.
    #[arg(long, default_value_t = 50.0)]
    per_second: f64,
    /// Share of events that belong to a fraud campaign.
    #[arg(long, default_value_t = 0.25)]
    fraud_share: f64,
    /// Share of people's clicks that convert. Conversions come beside the events, at their own
    /// time after the click; not with `--format s2s`, which has none.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    conversions: f64,
    /// When the traffic begins (RFC 3339 or unix time); default: now.
    #[arg(long, value_parser = |text: &str| Timestamp::parse(text).map_err(|e| e.to_string()))]
    start: Option<Timestamp>,
    /// What to write.
    #[arg(long, value_enum, default_value_t = Form::Ndjson)]
    format: Form,
    /// Integration that the events name.
    #[arg(long)]
    integration_id: Option<u32>,
    /// Account of the S2S targets.
    #[arg(long, default_value_t = 1)]
    account_id: u32,
    /// Score the traffic here instead of writing it, by the default rule and the simulator's
    /// own lists, and print how much of each campaign was found; fails when too little was.
    #[arg(long)]
    check: bool,
}

/// Most people that may be rejected, and least of a campaign that must be found, in percent.
const PEOPLE_MAX: f64 = 0.5;
const FOUND_MIN: f64 = 90.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// One native event a line, for `assay score` and `/v1/score/batch`.
    Ndjson,
    /// One `/ic3.php?…` target a line.
    S2s,
}

pub fn run(args: &SimulateArgs) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(
        (0.0..=1.0).contains(&args.fraud_share),
        "--fraud-share must be 0 to 1"
    );
    anyhow::ensure!(args.per_second > 0.0, "--per-second must be above 0");
    anyhow::ensure!(
        (0.0..=1.0).contains(&args.conversions),
        "--conversions must be 0 to 1"
    );
    anyhow::ensure!(
        args.conversions == 0.0 || args.format == Form::Ndjson,
        "--conversions: the S2S door takes none; use --format ndjson"
    );
    if args.check {
        return check(args);
    }
    write(args, traffic(args))
}

fn traffic(args: &SimulateArgs) -> WithConversions {
    let buyers = Buyers::new(args.seed, args.conversions);
    WithConversions::new(Simulator::new(options(args)), buyers)
}

fn options(args: &SimulateArgs) -> Options {
    Options {
        seed: args.seed,
        start: args.start.unwrap_or_else(|| SystemClock::default().now()),
        per_second: args.per_second,
        events: Some(args.events),
        fraud_share: args.fraud_share,
    }
}

fn write(args: &SimulateArgs, simulator: WithConversions) -> anyhow::Result<ExitCode> {
    let mut out = std::io::BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    for labelled in simulator {
        let line = match args.format {
            Form::Ndjson => {
                let mut event = labelled.event.native_json(args.integration_id);
                event["time"] = labelled.at.to_string().into();
                event.to_string()
            }
            Form::S2s => labelled
                .event
                .s2s_query(args.account_id, args.integration_id.unwrap_or(1)),
        };
        if let Err(error) = writeln!(out, "{line}") {
            let error = error.into();
            return if super::is_closed_pipe(&error) {
                Ok(ExitCode::SUCCESS)
            } else {
                Err(error)
            };
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn check(args: &SimulateArgs) -> anyhow::Result<ExitCode> {
    let setting = Setting {
        door: Door::Native,
        kind: IntegrationKind::S2s,
        lists: true,
    };
    let engine = offline::engine(
        offline::with_lists(simulate::lists())?,
        &[],
        vec![simulate::deny_list()],
        2_000_000,
    )?;
    let (outbox, mut scratch, mut tally) =
        (NoOutbox::default(), Scratch::default(), Tally::default());
    let snapshot = engine.policies.load();
    let (account, integration) = snapshot
        .integration(offline::INTEGRATION)
        .context("the engine has no integration")?;
    for labelled in traffic(args) {
        let json = labelled.event.native_json(None).to_string();
        let event = NativeEvent::parse(json.as_bytes())?;
        let hit = event.hit(offline::ACCOUNT, offline::INTEGRATION, labelled.at, None);
        let expected = labelled.expected_in(setting);
        offline::now(decide_native(
            &engine,
            &outbox,
            &mut scratch,
            (account, integration),
            hit,
            |decision| {
                let got: Vec<Reason> = decision
                    .verdict
                    .findings
                    .iter()
                    .map(|finding| finding.reason)
                    .collect();
                tally.add(
                    labelled.truth,
                    labelled.campaign,
                    expected,
                    &got,
                    decision.verdict.is_caught(),
                );
            },
        ));
    }
    println!("{tally}");
    let shortfalls = tally.shortfalls(PEOPLE_MAX, FOUND_MIN);
    for shortfall in &shortfalls {
        eprintln!("{shortfall}");
    }
    Ok(if shortfalls.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
