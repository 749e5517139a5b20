//! Agents that may prove who they are.

use assay_model::document::Problem;
use serde::{Deserialize, Serialize};

use super::described::described;

/// Where an agent's keys stand, below its origin (Web Bot Auth).
const WELL_KNOWN: &str = "/.well-known/http-message-signatures-directory";

described! {
    /// `[agents]`
    #[derive(Clone, Debug, Default, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    pub struct Agents {
        /// The agents whose signatures count; fetched at start and hourly.
        pub directories: Vec<Directory>,
    }
}

/// One agent's directory of public keys.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Directory {
    /// Origin of the agent (`https://agent.example`), as its requests name it.
    pub agent: String,
    /// Where its keys are; left out, at the well-known place of its origin. `file:` is allowed.
    #[serde(default)]
    pub url: Option<String>,
}

impl Directory {
    /// Where the keys are fetched.
    pub fn url(&self) -> String {
        match &self.url {
            Some(url) => url.clone(),
            None => format!("{}{WELL_KNOWN}", self.agent),
        }
    }
}

impl Agents {
    pub fn check(&self, problems: &mut Vec<Problem>) {
        for (at, directory) in self.directories.iter().enumerate() {
            let host = directory.agent.strip_prefix("https://").unwrap_or("");
            if host.is_empty() || host.contains(['/', '?', '#', '@', ' ']) {
                problems.push(Problem::new(
                    format!("agents.directories[{at}].agent"),
                    format!(
                        "{:?} is no origin like https://agent.example",
                        directory.agent
                    ),
                ));
            }
            if let Some(url) = &directory.url
                && !url.starts_with("https://")
                && !url.starts_with("file:")
            {
                problems.push(Problem::new(
                    format!("agents.directories[{at}].url"),
                    format!("{url:?} must begin with https:// or file:"),
                ));
            }
        }
    }
}
