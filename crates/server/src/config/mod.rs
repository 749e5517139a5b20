//! The configuration: one TOML file, overridden by `ASSAY__SECTION__KEY`.
//!
//! Every section refuses unknown keys by name, and every problem is reported at once. No
//! other code reads the environment.

pub mod agents;
mod console;
mod described;
mod gateway;
mod intelligence;
mod listen;
mod postbacks;
mod secrets;
mod sources;
mod storage;
mod template;

use std::path::Path;

use anyhow::Context as _;
use assay_model::document::{Problem, plain};
use described::described;
use serde::{Deserialize, Serialize};

pub use agents::Agents;
pub use console::Console;
pub use gateway::Gateway;
pub use intelligence::Intelligence;
pub use listen::Listen;
pub use postbacks::Postbacks;
pub use secrets::Secrets;
pub use sources::Sources;
pub use storage::Storage;
pub use template::template;

described! {
    /// The whole configuration, with its defaults.
    #[derive(Clone, Debug, Default, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    pub struct Config {
        /// Addresses and public names.
        pub listen: Listen,
        /// The data plane.
        pub gateway: Gateway,
        /// Where and how long data is kept.
        pub storage: Storage,
        /// Lists and their upstreams.
        pub intelligence: Intelligence,
        /// Agents that may prove who they are.
        pub agents: Agents,
        /// The control plane.
        pub console: Console,
        /// Postbacks out.
        pub postbacks: Postbacks,
        /// Sources judged by their statistics.
        pub sources: Sources,
        /// What seals the control data.
        pub secrets: Secrets,
    }
}

const PREFIX: &str = "ASSAY__";

impl Config {
    /// Reads the file, if there is one, and the environment over it.
    ///
    /// # Errors
    /// Every problem, one a line.
    pub fn load(path: Option<&Path>) -> anyhow::Result<Self> {
        let mut table = match path {
            None => toml::Table::new(),
            Some(path) => std::fs::read_to_string(path)
                .with_context(|| format!("cannot read {}", path.display()))?
                .parse()
                .with_context(|| format!("{} is not TOML", path.display()))?,
        };
        let environment = std::env::vars().filter(|(name, _)| name.starts_with(PREFIX));
        let config = Self::read(&mut table, environment)?;
        Ok(config)
    }

    fn read(
        table: &mut toml::Table,
        environment: impl Iterator<Item = (String, String)>,
    ) -> anyhow::Result<Self> {
        let mut problems = Vec::new();
        for (name, value) in environment {
            if let Err(problem) = set(table, &name, &value) {
                problems.push(problem);
            }
        }
        let config = Self {
            listen: section(table, "listen", &mut problems),
            gateway: section(table, "gateway", &mut problems),
            storage: section(table, "storage", &mut problems),
            intelligence: section(table, "intelligence", &mut problems),
            agents: section(table, "agents", &mut problems),
            console: section(table, "console", &mut problems),
            postbacks: section(table, "postbacks", &mut problems),
            sources: section(table, "sources", &mut problems),
            secrets: section(table, "secrets", &mut problems),
        };
        for name in table.keys() {
            problems.push(Problem::new(name, "there is no such section"));
        }
        config.check(&mut problems);
        refuse(&problems)?;
        Ok(config)
    }

    /// Checks again what the command line has changed.
    ///
    /// # Errors
    /// Every problem, one a line.
    pub fn recheck(&self) -> anyhow::Result<()> {
        let mut problems = Vec::new();
        self.check(&mut problems);
        refuse(&problems)
    }

    /// The hosts behind `{iid}.clicks.` and its like, lower case, without ports. The names
    /// under `localhost` reach every machine itself, so they cost nothing.
    pub fn public_hosts(&self) -> Vec<String> {
        let of_urls = self.listen.public_urls.iter();
        let urls = of_urls.filter_map(|url| url.split("://").nth(1)?.split('/').next());
        let named = self.gateway.public_hosts.iter().map(String::as_str);
        let mut hosts: Vec<String> = named
            .chain(urls)
            .map(|host| host.split(':').next().unwrap_or(host).to_ascii_lowercase())
            .chain(["localhost".to_owned()])
            .collect();
        hosts.sort();
        hosts.dedup();
        hosts
    }

    /// Scheme and host of links that name their integration in the host: the hosts that the
    /// configuration names for them, reached as the public URLs are.
    pub fn host_urls(&self) -> Vec<(&'static str, String)> {
        let public = self.listen.public_urls.first();
        let https = public.is_some_and(|url| url.starts_with("https://"));
        let scheme = if https { "https" } else { "http" };
        let hosts = self.gateway.public_hosts.iter();
        hosts.map(|host| (scheme, host.clone())).collect()
    }

    fn check(&self, problems: &mut Vec<Problem>) {
        self.listen.check(problems);
        self.gateway.check(problems);
        self.storage.check(problems);
        self.intelligence.check(problems);
        self.agents.check(problems);
        self.console.check(problems);
        self.postbacks.check(problems);
        self.sources.check(problems);
        self.secrets.check(problems);
    }
}

fn refuse(problems: &[Problem]) -> anyhow::Result<()> {
    if problems.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = problems
        .iter()
        .map(|p| format!("  {}: {}", p.field, p.detail))
        .collect();
    anyhow::bail!(
        "the configuration has {} problem(s):\n{}",
        lines.len(),
        lines.join("\n")
    )
}

/// Puts `ASSAY__SECTION__KEY=value` into the table: TOML where it reads as TOML, else a text.
fn set(table: &mut toml::Table, name: &str, value: &str) -> Result<(), Problem> {
    let path = name
        .strip_prefix(PREFIX)
        .unwrap_or(name)
        .to_ascii_lowercase();
    let Some((section, key)) = path.split_once("__") else {
        return Err(Problem::new(name, "must be ASSAY__SECTION__KEY"));
    };
    let parsed: toml::Value = format!("v = {value}")
        .parse::<toml::Table>()
        .ok()
        .and_then(|mut t| t.remove("v"))
        .unwrap_or_else(|| toml::Value::String(value.to_owned()));
    match table
        .entry(section)
        .or_insert_with(|| toml::Value::Table(toml::Table::new()))
    {
        toml::Value::Table(section) => {
            section.insert(key.to_owned(), parsed);
            Ok(())
        }
        _ => Err(Problem::new(name, format!("{section} is not a section"))),
    }
}

/// Reads one section. A wrong key is reported and takes its default, so that all others are
/// read and checked too.
fn section<T: Default + serde::de::DeserializeOwned>(
    table: &mut toml::Table,
    name: &str,
    problems: &mut Vec<Problem>,
) -> T {
    let mut section = match table.remove(name) {
        None => return T::default(),
        Some(toml::Value::Table(section)) => section,
        Some(_) => {
            problems.push(Problem::new(name, "must be a section"));
            return T::default();
        }
    };
    loop {
        let error = match serde_path_to_error::deserialize(section.clone()) {
            Ok(read) => return read,
            Err(error) => error,
        };
        let path = error.path().to_string();
        let detail = plain(&error.into_inner().to_string());
        let key = path.split(['.', '[']).next().unwrap_or_default();
        problems.push(Problem::new(format!("{name}.{path}"), detail));
        if section.remove(key).is_none() {
            return T::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, environment: &[(&str, &str)]) -> anyhow::Result<Config> {
        let mut table = text.parse().unwrap();
        Config::read(
            &mut table,
            environment
                .iter()
                .map(|(a, b)| ((*a).to_owned(), (*b).to_owned())),
        )
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        let text = "[listen]\ndata = 3\n[gateway]\nlanes = 999\nhead_bytes = 1\n\
                    public_hosts = [\"https://a.example\"]\n[storrage]\n";
        let error = read(
            text,
            &[("ASSAY__STORAGE__FSYNC_MS", "0"), ("ASSAY__X", "1")],
        )
        .unwrap_err()
        .to_string();
        for part in [
            "listen.data",
            "gateway.lanes",
            "gateway.head_bytes",
            "gateway.public_hosts",
            "storrage",
            "storage.fsync_ms",
            "listen.data: invalid type: integer `3`, expected a text\n",
            "ASSAY__X",
        ] {
            assert!(error.contains(part), "{part} in {error}");
        }
    }

    #[test]
    fn the_environment_overrides_the_file() {
        let config = read(
            "[gateway]\nlanes = 2\n",
            &[
                ("ASSAY__GATEWAY__LANES", "3"),
                ("ASSAY__LISTEN__DATA", "127.0.0.1:9"),
            ],
        )
        .unwrap();
        assert_eq!(config.gateway.lanes, 3);
        assert_eq!(config.listen.data, "127.0.0.1:9");
    }

    #[test]
    fn hosts_of_links_come_from_both_sections() {
        let text = "[gateway]\npublic_hosts = [\"Traffic.example:8443\"]\n\
                    [listen]\npublic_urls = [\"https://eu.example:8443\", \"http://us.example\"]\n";
        let config = read(text, &[]).unwrap();
        assert_eq!(
            config.public_hosts(),
            ["eu.example", "localhost", "traffic.example", "us.example"]
        );
        let named = vec![("https", "Traffic.example:8443".to_owned())];
        assert_eq!(config.host_urls(), named);
    }

    #[test]
    fn defaults_are_sound() {
        let mut problems = vec![];
        Config::default().check(&mut problems);
        assert_eq!(problems, []);
    }
}
