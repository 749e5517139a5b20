//! Compaction and retention: fewer, larger files a day, and none past its account's days.

/// How long events of an account are kept.
pub type Retention<'a> = &'a dyn Fn(assay_model::AccountId) -> u32;

/// What maintenance did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Maintained {
    /// Files that were merged or rewritten.
    pub replaced: u64,
}
