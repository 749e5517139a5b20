//! `assay serve`.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use super::DataArgs;
use crate::serve::{Server, stop_signal};

#[derive(Debug, Args)]
pub struct ServeArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Address of the data plane; port 0 = any free one.
    #[arg(long, value_name = "ADDRESS")]
    data_listen: Option<String>,
    /// Address of console, management API and metrics.
    #[arg(long, value_name = "ADDRESS")]
    console_listen: Option<String>,
    /// Proxy (address or range) whose X-Forwarded-For is believed; may be repeated.
    #[arg(long, value_name = "CIDR")]
    trusted_proxy: Vec<String>,
    /// On an empty store: makes the first account and its owner's API token (at least 32 characters).
    #[arg(
        long,
        env = "ASSAY_BOOTSTRAP_TOKEN",
        hide_env_values = true,
        hide = true
    )]
    bootstrap_token: Option<String>,
}

pub fn run(args: &ServeArgs) -> anyhow::Result<ExitCode> {
    crate::telemetry::start();
    let mut config = args.data.load()?;
    if let Some(address) = &args.data_listen {
        config.listen.data.clone_from(address);
    }
    if let Some(address) = &args.console_listen {
        config.listen.console.clone_from(address);
    }
    config
        .listen
        .trusted_proxies
        .extend(args.trusted_proxy.iter().cloned());
    config.recheck()?;
    let server = Server::start(&config)?;
    let link = server.block_on(first_start(&server, args.bootstrap_token.as_deref()))?;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "data: http://{}\nconsole: http://{}",
        server.data, server.console
    )?;
    if let Some(path) = link {
        writeln!(
            out,
            "set up the first account once at: http://{}{path}",
            server.console
        )?;
    }
    out.flush()?;
    drop(out);
    server.block_on(stop_signal())?;
    tracing::info!("stopping");
    server.close();
    Ok(ExitCode::SUCCESS)
}

/// Makes the first account by the bootstrap token, or opens the one-time set-up link.
async fn first_start(server: &Server, token: Option<&str>) -> anyhow::Result<Option<String>> {
    let state = &server.state;
    if let Some(token) = token {
        let made = assay_console::bootstrap(&*state.control, token, state.clock.now())
            .await
            .context("ASSAY_BOOTSTRAP_TOKEN")?;
        if made.is_some() {
            server.node.policies.refresh().await?;
        }
    }
    Ok(assay_console::one_time_setup_link(state).await?)
}
