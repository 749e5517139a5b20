//! `assay config check|print|default`, and `export|diff|apply` for rules and lists.

mod code;
mod file;
mod plan;

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
    /// Print the rules and lists of an account as TOML.
    Export(code::CodeArgs),
    /// Show what a file of rules and lists would change.
    Diff(code::DiffArgs),
    /// Make rules and lists as a file says, all or nothing.
    Apply(code::ApplyArgs),
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
        ConfigCommand::Export(args) => return code::export(args),
        ConfigCommand::Diff(args) => return code::diff(args),
        ConfigCommand::Apply(args) => return code::apply(args),
    }
    Ok(ExitCode::SUCCESS)
}
