//! Hourly work: compaction and retention of event files, retention of the delivery log.

use assay_model::document::Account;
use assay_model::ports::DocKind;
use assay_model::{AccountId, Timestamp};

use super::Node;

/// Days an account's events are kept when its document cannot be read: never fewer.
const KEEP_D: u32 = 3650;

/// Merges small files and drops what is past its account's days.
pub fn run(node: &Node, now: Timestamp) {
    let retention = |account: AccountId| {
        let doc = crate::offline::wait(node.control.get(
            account,
            DocKind::Account,
            u64::from(account.0),
        ));
        doc.ok()
            .and_then(Result::ok)
            .flatten()
            .and_then(|doc| serde_json::from_value::<Account>(doc.body).ok())
            .map_or(KEEP_D, |account| account.retention.events_d)
    };
    match node.events.maintain(now, &retention) {
        Ok(done) => tracing::info!(?done, "event files maintained"),
        Err(error) => tracing::error!(%error, "event files stay as they are"),
    }
    let before = now.plus_ms(-node.postbacks.log_kept_ms);
    match crate::offline::wait(node.postbacks.queue.forget(before)) {
        Ok(Ok(gone)) => tracing::info!(gone, "old deliveries forgotten"),
        Ok(Err(error)) => tracing::error!(%error, "old deliveries stay"),
        Err(error) => tracing::error!(%error, "old deliveries stay"),
    }
}
