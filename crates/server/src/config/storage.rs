//! Where and how data is kept.

use std::path::PathBuf;

use assay_model::document::Problem;
use assay_store::spool::SteadyOptions;
use serde::{Deserialize, Serialize};

use super::described::described;

described! {
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
        /// Milliseconds after which a write counts as stalled: its lane then answers without waiting
        /// for the disk, until that keeps up again.
        pub stall_ms: u64,
        /// Most bytes of records that wait in memory for a stalled disk, each lane.
        pub stall_buffer_bytes: usize,
        /// Seconds between two seals of the spool into event files.
        pub seal_s: u64,
    }
}

impl Default for Storage {
    fn default() -> Self {
        let steady = SteadyOptions::default();
        Self {
            dir: PathBuf::from("assay-data"),
            fsync_ms: 50,
            spool_bytes: 16 << 30,
            stall_ms: steady.stall_us / 1000,
            stall_buffer_bytes: steady.buffer_bytes,
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
        range("stall_ms", self.stall_ms, 1, 10_000);
        let buffer = self.stall_buffer_bytes as u64;
        range("stall_buffer_bytes", buffer, 1 << 20, 1 << 32);
        range("seal_s", self.seal_s, 1, 600);
    }

    /// When a lane stops to wait for the disk.
    pub fn steady(&self) -> SteadyOptions {
        SteadyOptions {
            stall_us: self.stall_ms * 1000,
            buffer_bytes: self.stall_buffer_bytes,
            ..SteadyOptions::default()
        }
    }
}
