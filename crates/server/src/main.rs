//! `assay`: the one binary.

mod cli;
mod config;
mod intel_fetch;
mod offline;
mod serve;
mod simulate;
mod telemetry;

fn main() -> std::process::ExitCode {
    cli::run()
}
