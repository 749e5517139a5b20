//! `assay config check|print`.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::DataArgs;

#[derive(Debug, Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Report every problem at once.
    Check(DataArgs),
    /// Print the configuration in force, defaults included.
    Print(DataArgs),
}

pub fn run(args: &ConfigArgs) -> anyhow::Result<ExitCode> {
    match &args.command {
        ConfigCommand::Check(data) => {
            data.load()?;
            println!("the configuration is sound");
        }
        ConfigCommand::Print(data) => {
            std::io::stdout().write_all(toml::to_string_pretty(&data.load()?)?.as_bytes())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
