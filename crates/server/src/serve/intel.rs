//! The console's window on intelligence.

use std::net::IpAddr;
use std::sync::Arc;

use assay_model::ports::{IntelError, IntelView};
use serde_json::Value;

use super::Node;

/// Looks at the tables in use.
pub struct IntelWindow {
    node: Arc<Node>,
}

impl IntelWindow {
    /// A window on a node's tables.
    pub fn new(node: &Arc<Node>) -> Self {
        Self {
            node: Arc::clone(node),
        }
    }
}

#[async_trait::async_trait]
impl IntelView for IntelWindow {
    async fn status(&self) -> Result<Value, IntelError> {
        let node = Arc::clone(&self.node);
        let read = move || {
            let now = node.engine.clock.now().0;
            let sources = node
                .intel
                .status(now)
                .map_err(|error| IntelError(error.to_string()))?;
            serde_json::to_value(sources).map_err(|error| IntelError(error.to_string()))
        };
        let sources = tokio::task::spawn_blocking(read)
            .await
            .map_err(|error| IntelError(error.to_string()))??;
        let cache = self.node.engine.user_agents.stats();
        Ok(serde_json::json!({
            "sources": sources,
            "problems": self.node.engine.intel.problems(),
            "generation": self.node.engine.intel.generation(),
            "user_agent_cache": {"hits": cache.hits, "misses": cache.misses, "entries": cache.entries},
        }))
    }

    fn lookup(&self, ip: IpAddr) -> Value {
        assay_intel::ip::lookup_json(&self.node.engine.intel.tables().lookup(ip))
    }

    fn user_agent(&self, text: &str) -> Value {
        assay_model::render::client_json(&assay_intel::ua::classify(text))
    }
}
