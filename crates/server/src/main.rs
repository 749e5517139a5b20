//! `assay`: the one binary.

mod cli;
mod config;
mod intel_fetch;
mod offline;
mod serve;
mod simulate;
mod telemetry;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    cli::run()
}
