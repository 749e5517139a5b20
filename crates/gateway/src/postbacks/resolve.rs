//! From a receiver's name to addresses that were looked at.

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Semaphore;

/// Most look-ups at a time: the system's resolver holds a thread for each.
const LOOKUPS: usize = 8;

/// Where a host's addresses come from.
#[async_trait]
pub trait Resolver: Send + Sync {
    /// Every address of a host.
    ///
    /// # Errors
    /// When there is no answer.
    async fn lookup(&self, host: &str) -> std::io::Result<Vec<IpAddr>>;
}

/// The operating system's resolver.
#[derive(Debug)]
pub struct SystemResolver {
    slots: Arc<Semaphore>,
}

impl Default for SystemResolver {
    fn default() -> Self {
        Self {
            slots: Arc::new(Semaphore::new(LOOKUPS)),
        }
    }
}

#[async_trait]
impl Resolver for SystemResolver {
    async fn lookup(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        let slot = Arc::clone(&self.slots)
            .acquire_owned()
            .await
            .map_err(std::io::Error::other)?;
        let host = host.to_owned();
        // A task of its own: whoever asked may stop waiting, the thread is held all the same.
        let asked = tokio::spawn(async move {
            let found = tokio::net::lookup_host((host.as_str(), 0)).await;
            drop(slot);
            found.map(|found| found.map(|address| address.ip()).collect())
        });
        asked.await.map_err(std::io::Error::other)?
    }
}
