//! What is loaded, how old it is, whether that is too old, under which licence.

use serde::Serialize;

use super::Manifest;
use crate::ip::{Kind, builtin};

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// One source as `assay intel status` shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SourceStatus {
    /// What its entries mean.
    pub kind: Kind,
    /// Its name; `builtin` for compiled-in tables.
    pub name: String,
    /// Content date or start of the SHA-256.
    pub version: String,
    /// Entries in it.
    pub rows: u64,
    /// Unix milliseconds of the import; none for built-in tables.
    pub imported_at: Option<i64>,
    /// Seconds since the import.
    pub age_s: Option<u64>,
    /// Age past which it is stale, in seconds.
    pub max_age_s: u64,
    /// Too old or expired.
    pub stale: bool,
    /// Unix milliseconds after which it no longer counts.
    pub expires_at: Option<i64>,
    /// Whether [`super::IntelStore::rollback`] has somewhere to go.
    pub previous: Option<String>,
    /// Licence and attribution.
    pub licence: Option<String>,
}

/// Age past which a source of a kind is stale, in seconds.
#[must_use]
pub const fn max_age_s(kind: Kind) -> u64 {
    match kind {
        Kind::Tor | Kind::Proxy => DAY,
        Kind::Vpn | Kind::Residential => 7 * DAY,
        Kind::Cloud | Kind::Relay | Kind::Crawler => 14 * DAY,
        Kind::Asn | Kind::Country | Kind::Hosting => 30 * DAY,
        Kind::City | Kind::Isp => 60 * DAY,
    }
}

pub(super) fn of(manifest: &Manifest, now: i64) -> Vec<SourceStatus> {
    let builtin = builtin::inventory().iter().map(|part| SourceStatus {
        kind: part.kind,
        name: "builtin".into(),
        version: part.version.into(),
        rows: part.rows,
        imported_at: None,
        age_s: None,
        max_age_s: max_age_s(part.kind),
        stale: false,
        expires_at: None,
        previous: None,
        licence: Some(part.licence.into()),
    });
    let imported = manifest.sources.iter().map(|s| {
        let age_s = u64::try_from(now - s.current.imported_at).unwrap_or(0) / 1000;
        let expired = s.expires_at.is_some_and(|at| at <= now);
        SourceStatus {
            kind: s.kind,
            name: s.name.clone(),
            version: s.current.version.clone(),
            rows: s.current.rows,
            imported_at: Some(s.current.imported_at),
            age_s: Some(age_s),
            max_age_s: max_age_s(s.kind),
            stale: expired || age_s > max_age_s(s.kind),
            expires_at: s.expires_at,
            previous: s.previous.as_ref().map(|p| p.version.clone()),
            licence: s.licence.clone(),
        }
    });
    builtin.chain(imported).collect()
}
