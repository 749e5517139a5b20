//! `assay openapi`.

use std::process::ExitCode;

pub fn run() -> anyhow::Result<ExitCode> {
    println!("{}", assay_console::openapi_json());
    Ok(ExitCode::SUCCESS)
}
