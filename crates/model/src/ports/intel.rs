//! Looking at intelligence from the console.

use async_trait::async_trait;

/// Intelligence could not be read.
#[derive(Debug, thiserror::Error)]
#[error("intelligence: {0}")]
pub struct IntelError(pub String);

/// What the console may ask of the intelligence tables.
#[async_trait]
pub trait IntelView: Send + Sync {
    /// Every loaded list with rows, version, age, and whether it is stale.
    async fn status(&self) -> Result<serde_json::Value, IntelError>;
    /// What is known of an address.
    fn lookup(&self, ip: std::net::IpAddr) -> serde_json::Value;
    /// What a user agent says about itself.
    fn user_agent(&self, text: &str) -> serde_json::Value;
}
