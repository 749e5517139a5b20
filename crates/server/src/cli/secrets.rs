//! `assay secrets add-key`.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::DataArgs;

#[derive(Debug, Args)]
pub struct SecretsArgs {
    #[command(subcommand)]
    command: SecretsCommand,
}

#[derive(Debug, Subcommand)]
enum SecretsCommand {
    /// Add a master key to the key file, making the file if there is none: it seals everything
    /// anew at the next start, after which the older keys can be taken out.
    AddKey(DataArgs),
}

pub fn run(args: &SecretsArgs) -> anyhow::Result<ExitCode> {
    let SecretsCommand::AddKey(data) = &args.command;
    let config = data.load()?;
    let file = config.secrets.file(&config.storage.dir);
    let id = file.add()?;
    println!(
        "master key {id} is in {}; it seals from the next start on",
        file.path().display()
    );
    Ok(ExitCode::SUCCESS)
}
