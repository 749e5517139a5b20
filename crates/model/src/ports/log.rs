//! The event log of a lane: a record is kept once its batch is appended.

/// Where in a lane's log something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct LogPosition {
    /// Segment number.
    pub segment: u64,
    /// Byte offset in the segment.
    pub offset: u64,
}

/// A batch could not be written.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// No room: quota or disk full. The batch is counted as lost and a gap is recorded.
    #[error("event log is full")]
    Full,
    /// The disk failed.
    #[error("event log failed: {0}")]
    Io(#[from] std::io::Error),
}

/// A lane's own append-only log.
///
/// One `append` is one `write()`: after it returns, `kill -9` loses nothing of the batch;
/// a power cut may take what the group fsync (50 ms) has not reached.
pub trait EventLog: Send {
    /// Appends a batch of records, each `u32` little-endian length and bytes; returns where it ends.
    ///
    /// # Errors
    /// [`LogError`]; then nothing of the batch may be taken as kept.
    fn append(&mut self, batch: &[u8], records: u32) -> Result<LogPosition, LogError>;

    /// Counts records that nobody could append: a gap stands before the next batch.
    fn lose(&mut self, records: u32);
}
