//! The commands, one file each.

mod config;
mod demo;
mod explain;
mod intel;
mod openapi;
mod replay;
mod score;
mod secrets;
mod serve;
mod simulate;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

/// Assay finds out what ad traffic is made of.
#[derive(Debug, Parser)]
#[command(name = "assay", version, about, long_about = None)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// Where data is: goes with every command that reads or writes the store.
#[derive(Clone, Debug, Args)]
pub struct DataArgs {
    /// Configuration file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Data folder; overrides the configuration's.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl DataArgs {
    /// The configuration with the data folder of the command line in it.
    fn load(&self) -> anyhow::Result<crate::config::Config> {
        let mut config = crate::config::Config::load(self.config.as_deref())?;
        if let Some(data) = &self.data {
            config.storage.dir.clone_from(data);
        }
        Ok(config)
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run with a scratch folder, a seeded account and simulated traffic.
    Demo(demo::DemoArgs),
    /// Run the server.
    Serve(serve::ServeArgs),
    /// Score events of a file or of standard input; needs no account.
    Score(score::ScoreArgs),
    /// Write labelled traffic with ground truth.
    Simulate(simulate::SimulateArgs),
    /// Show why an event was judged as it was, and judge it again.
    Explain(explain::ExplainArgs),
    /// Judge recorded events again: what rules would change, and whether verdicts still hold.
    Replay(replay::ReplayArgs),
    /// Look at, import and update intelligence.
    Intel(intel::IntelArgs),
    /// Look after the keys that seal the control data.
    Secrets(secrets::SecretsArgs),
    /// Check or print the configuration.
    Config(config::ConfigArgs),
    /// Print the OpenAPI document of the management API.
    Openapi,
}

/// Runs the command of the command line.
pub fn run() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Demo(args) => demo::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Openapi => openapi::run(),
        Command::Score(args) => score::run(&args),
        Command::Simulate(args) => simulate::run(&args),
        Command::Intel(args) => intel::run(&args),
        Command::Config(args) => config::run(&args),
        Command::Secrets(args) => secrets::run(&args),
    };
    match done {
        Ok(code) => code,
        // `| head` has seen enough.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("assay: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether writing failed because the reader of a pipe has gone, as in `| head`.
pub fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
