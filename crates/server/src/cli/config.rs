//! `assay config check|print|default`.

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
    /// Print every key with its meaning and default, to begin a configuration with.
    Default,
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
        ConfigCommand::Default => {
            std::io::stdout().write_all(crate::config::template()?.as_bytes())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
