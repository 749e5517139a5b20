//! `assay openapi`.

use std::io::Write;
use std::process::ExitCode;

pub fn run() -> anyhow::Result<ExitCode> {
    writeln!(std::io::stdout(), "{}", assay_console::openapi_json())?;
    Ok(ExitCode::SUCCESS)
}
