//! The upstreams an installation fetches by itself, as plain data.
//!
//! Nothing here opens a connection: the server fetches and calls [`ingest`]. Every
//! address can be changed or left out in the configuration.
//!
//! Source: the projects' own pages; licences as they state them.

use serde::{Deserialize, Serialize};

use crate::ip::Kind;
use crate::store::{Import, IntelStore, StoreError, Stored};

const UPSTREAMS: &str = include_str!("../data/upstreams.tsv");

/// One file to fetch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// What its entries mean.
    pub kind: Kind,
    /// Name of the source it becomes.
    pub name: String,
    /// Where it is, `https:` or `file:`.
    pub url: String,
    /// Seconds between two fetches.
    pub every_s: u64,
    /// Seconds after which entries that were not renewed no longer count.
    #[serde(default)]
    pub expires_s: Option<u64>,
    /// Licence and attribution.
    pub licence: String,
}

/// The upstreams configured by default.
#[must_use]
pub fn defaults() -> Vec<Upstream> {
    UPSTREAMS
        .lines()
        .filter(|l| !l.starts_with('#'))
        .filter_map(read_line)
        .collect()
}

fn read_line(line: &str) -> Option<Upstream> {
    let mut fields = line.split('\t');
    let (kind, name) = (Kind::parse(fields.next()?)?, fields.next()?.into());
    let (every, expires) = (fields.next()?, fields.next()?);
    Some(Upstream {
        kind,
        name,
        every_s: every.parse().ok()?,
        expires_s: expires.parse().ok(),
        licence: fields.next()?.into(),
        url: fields.next()?.into(),
    })
}

/// Stores what was fetched from an upstream.
///
/// Errors: those of [`IntelStore::import`]; the last good version stays in use.
pub fn ingest(
    store: &IntelStore,
    upstream: &Upstream,
    bytes: &[u8],
    version: Option<&str>,
    force: bool,
    now: i64,
) -> Result<Stored, StoreError> {
    let expires_ms = upstream
        .expires_s
        .and_then(|s| i64::try_from(s).ok()?.checked_mul(1000));
    store.import(&Import {
        kind: upstream.kind,
        name: &upstream.name,
        file: &upstream.url,
        bytes,
        version,
        licence: Some(&upstream.licence),
        expires_at: expires_ms.map(|ms| now.saturating_add(ms)),
        force,
        now,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_line_is_read_and_names_are_unique() {
        let lines = UPSTREAMS
            .lines()
            .filter(|l| !l.starts_with('#') && !l.is_empty())
            .count();
        let all = defaults();
        assert_eq!(all.len(), lines);
        let names: std::collections::BTreeSet<_> = all.iter().map(|u| (u.kind, &u.name)).collect();
        assert_eq!(names.len(), all.len());
        assert!(
            all.iter()
                .all(|u| u.url.starts_with("https://") && u.every_s >= 3600)
        );
    }

    #[test]
    fn what_is_fetched_carries_licence_and_expiry() {
        let dir = tempfile::tempdir().unwrap();
        let store = IntelStore::open(dir.path()).unwrap();
        let proxies = defaults()
            .into_iter()
            .find(|u| u.expires_s.is_some())
            .unwrap();
        let stored = ingest(&store, &proxies, b"2.0.0.1\n", None, false, 1_000).unwrap();
        assert_eq!(stored.licence, Some(proxies.licence.clone()));
        assert_eq!(stored.expires_at, Some(1_000 + 7 * 86_400_000));
    }
}
