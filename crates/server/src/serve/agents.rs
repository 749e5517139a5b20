//! Keeps the keys of agents that may prove who they are.

use std::collections::HashMap;
use std::sync::Arc;

use assay_gateway::AgentKeys;

use super::Node;
use crate::config::agents::Directory;
use crate::intel_fetch::fetch;

/// What was fetched last, by agent: one that cannot be reached keeps its keys.
#[derive(Default)]
pub struct AgentDirectories(HashMap<String, Vec<u8>>);

impl AgentDirectories {
    /// Fetches every directory and puts what is good in force.
    pub fn refresh(&mut self, node: &Node, directories: &[Directory]) {
        for directory in directories {
            let url = directory.url();
            let fetched = fetch(&url).and_then(|bytes| {
                AgentKeys::default().add(&directory.agent, &bytes)?;
                Ok(bytes)
            });
            match fetched {
                Ok(bytes) => {
                    self.0.insert(directory.agent.clone(), bytes);
                }
                Err(error) => {
                    tracing::error!(agent = directory.agent, url, %error, "the agent's keys stay as they were");
                }
            }
        }
        let mut keys = AgentKeys::default();
        for (agent, bytes) in &self.0 {
            // Read above, so it can be read.
            let _ = keys.add(agent, bytes);
        }
        tracing::info!(agents = self.0.len(), keys = keys.len(), "agents' keys");
        node.doors.agents.store(Arc::new(keys));
    }
}
