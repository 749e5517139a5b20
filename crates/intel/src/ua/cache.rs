//! Keeps what was found out about a user agent.
//!
//! Ad traffic repeats its user agents: a few thousand strings are most of a day. Keys are the whole
//! string, so two strings can never be taken for one another.

use super::classify;
use assay_model::facts::UaFacts;
use quick_cache::sync::Cache;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of a string that is kept; longer ones are looked at anew each time, so that a sender of
/// long made-up strings cannot fill the memory.
const KEY_BYTES_MAX: usize = 2048;

/// A bounded cache of [`UaFacts`] by user agent string.
pub struct UaCache {
    entries: Cache<Box<str>, Arc<UaFacts>>,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// How a [`UaCache`] did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UaCacheStats {
    /// Look-ups answered from memory.
    pub hits: u64,
    /// Look-ups that had to read the string.
    pub misses: u64,
    /// Strings kept now.
    pub entries: usize,
}

impl UaCache {
    /// Strings kept unless told otherwise.
    pub const CAPACITY_DEFAULT: usize = 256 * 1024;

    /// Makes a cache of at most `capacity` strings.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            entries: Cache::new(capacity.max(1)),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }
    }

    /// What `ua` says about itself, from memory when it was seen before.
    pub fn get(&self, ua: &str) -> Arc<UaFacts> {
        if let Some(facts) = self.entries.get(ua) {
            self.hits.fetch_add(1, Ordering::Relaxed);
            return facts;
        }
        self.misses.fetch_add(1, Ordering::Relaxed);
        let facts = Arc::new(classify(ua).ready(ua));
        if ua.len() <= KEY_BYTES_MAX {
            self.entries.insert(ua.into(), Arc::clone(&facts));
        }
        facts
    }

    /// Counts so far.
    pub fn stats(&self) -> UaCacheStats {
        UaCacheStats {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            entries: self.entries.len(),
        }
    }
}

impl Default for UaCache {
    fn default() -> Self {
        Self::new(Self::CAPACITY_DEFAULT)
    }
}

impl std::fmt::Debug for UaCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UaCache")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_look_up_is_a_hit_and_the_same() {
        let cache = UaCache::new(16);
        let first = cache.get("curl/8.5.0");
        let second = cache.get("curl/8.5.0");
        assert!(Arc::ptr_eq(&first, &second));
        assert_eq!(
            cache.stats(),
            UaCacheStats {
                hits: 1,
                misses: 1,
                entries: 1
            }
        );
    }

    #[test]
    fn it_never_grows_past_its_capacity() {
        let cache = UaCache::new(64);
        for n in 0..1000 {
            cache.get(&format!(
                "Mozilla/5.0 (X11; Linux x86_64; rv:{n}.0) Gecko/20100101 Firefox/{n}.0"
            ));
        }
        assert!(cache.stats().entries <= 64, "{:?}", cache.stats());
    }

    #[test]
    fn a_very_long_string_is_read_and_not_kept() {
        let cache = UaCache::new(16);
        cache.get(&"x".repeat(KEY_BYTES_MAX + 1));
        assert_eq!(cache.stats().entries, 0);
    }
}
