//! Fetching intelligence upstreams: over HTTPS or from a file, verified before it counts.
//!
//! One upstream that fails leaves the others, and its own last good version, in use.

use std::io::Read;
use std::process::ExitCode;
use std::time::Duration;

use assay_intel::store::IntelStore;
use assay_intel::upstream::{Upstream, ingest};
use indicatif::{ProgressBar, ProgressStyle};

use crate::config::Config;

/// Largest file that is taken.
const BYTES_MAX: u64 = 512 << 20;

/// Fetches the configured upstreams, all or those named in `only`.
pub fn update(config: &Config, only: &[String], force: bool, now: i64) -> anyhow::Result<ExitCode> {
    let store = IntelStore::open(&config.storage.dir)?;
    let chosen: Vec<&Upstream> = config
        .intelligence
        .upstreams
        .iter()
        .filter(|upstream| only.is_empty() || only.contains(&upstream.name))
        .collect();
    for name in only {
        anyhow::ensure!(
            chosen.iter().any(|u| u.name == *name),
            "there is no upstream {name:?} in the configuration"
        );
    }
    let bar = ProgressBar::new(chosen.len() as u64);
    if let Ok(style) = ProgressStyle::with_template("{pos}/{len} {bar:30} {msg}") {
        bar.set_style(style);
    }
    let mut failed = 0;
    for upstream in chosen {
        bar.set_message(format!("{} {}", upstream.kind, upstream.name));
        let done = fetch(&upstream.url)
            .and_then(|bytes| Ok(ingest(&store, upstream, &bytes, None, force, now)?));
        bar.suspend(|| match done {
            Ok(stored) => println!(
                "{} {}: {} entries, version {}",
                stored.kind, stored.name, stored.current.rows, stored.current.version
            ),
            Err(error) => {
                failed += 1;
                eprintln!(
                    "{} {}: not updated, the last good version stays: {error:#}",
                    upstream.kind, upstream.name
                );
            }
        });
        bar.inc(1);
    }
    bar.finish_and_clear();
    if failed > 0 {
        eprintln!("{failed} upstream(s) could not be updated");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

pub fn fetch(url: &str) -> anyhow::Result<Vec<u8>> {
    if let Some(path) = url.strip_prefix("file:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        return Ok(std::fs::read(path)?);
    }
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(300)))
        .timeout_connect(Some(Duration::from_secs(10)))
        .max_redirects(5)
        .user_agent(concat!("assay/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    let response = agent.get(url).call()?;
    let mut bytes = Vec::new();
    response
        .into_body()
        .into_reader()
        .take(BYTES_MAX + 1)
        .read_to_end(&mut bytes)?;
    anyhow::ensure!(
        bytes.len() as u64 <= BYTES_MAX,
        "is over {} MiB",
        BYTES_MAX >> 20
    );
    Ok(bytes)
}
