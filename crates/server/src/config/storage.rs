//! Where and how data is kept.

use std::path::PathBuf;

use assay_model::document::Problem;
use serde::{Deserialize, Serialize};

/// `[storage]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Storage {
    /// The data folder.
    pub dir: PathBuf,
    /// Milliseconds between group fsyncs: what a power cut may take of clicks.
    pub fsync_ms: u64,
    /// Most bytes the spool may take before records are counted as lost.
    pub spool_bytes: u64,
    /// Seconds between two seals of the spool into event files.
    pub seal_s: u64,
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            dir: PathBuf::from("assay-data"),
            fsync_ms: 50,
            spool_bytes: 16 << 30,
            seal_s: 60,
        }
    }
}

impl Storage {
    pub fn check(&self, problems: &mut Vec<Problem>) {
        let mut range = |field: &str, value: u64, low: u64, high: u64| {
            if !(low..=high).contains(&value) {
                problems.push(Problem::new(
                    format!("storage.{field}"),
                    format!("is {value}, must be {low} to {high}"),
                ));
            }
        };
        range("fsync_ms", self.fsync_ms, 1, 10_000);
        range("spool_bytes", self.spool_bytes, 256 << 20, 1 << 44);
        range("seal_s", self.seal_s, 1, 600);
    }
}
