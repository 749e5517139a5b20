//! Tables that work with no download, compiled in.
//!
//! Made by the scripts in `crates/intel/scripts/` from freely licensed packages
//! and public facts; licences are named in `crates/intel/data/README.md`.

mod networks;

use std::sync::OnceLock;

use super::{IpTables, Kind, Source, TablesBuilder};

/// Provenance of everything compiled in.
pub const VERSION: &str = "builtin@1";

impl IpTables {
    /// The built-in tables alone.
    #[must_use]
    pub fn builtin() -> Self {
        builder().build()
    }
}

/// A builder that already holds the built-in tables.
#[must_use]
pub fn builder() -> TablesBuilder {
    let mut builder = TablesBuilder::new();
    for source in sources() {
        builder.add_builtin(&source);
    }
    builder
}

/// One compiled-in table, for status.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// What its entries mean.
    pub kind: Kind,
    /// Version of the tables.
    pub version: &'static str,
    /// Entries in it.
    pub rows: u64,
    /// Licence and the attribution it asks for.
    pub licence: &'static str,
}

/// What is compiled in, with licences.
#[must_use]
pub fn inventory() -> &'static [Part] {
    // Counting means unpacking, and status is asked for often.
    static PARTS: OnceLock<Vec<Part>> = OnceLock::new();
    PARTS.get_or_init(|| {
        let parts = sources().into_iter().map(|source| Part {
            kind: source.kind,
            version: VERSION,
            rows: source.entries.len() as u64,
            licence: licence(source.kind),
        });
        parts.collect()
    })
}

/// Source: `crates/intel/data/README.md`.
const fn licence(kind: Kind) -> &'static str {
    match kind {
        Kind::Country => "CC0-1.0 (geo-whois-asn-country)",
        Kind::Asn => {
            "CC BY 4.0: IP to ASN data by RouteViews (routeviews.org), DB-IP (db-ip.com) and NRO (nro.net)"
        }
        _ => {
            "Apache-2.0, made from public facts and CC BY 4.0 network data (RouteViews, DB-IP, NRO)"
        }
    }
}

fn sources() -> Vec<Source> {
    networks::sources()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_addresses_have_an_operator_and_a_country() {
        let tables = IpTables::builtin();
        let google = tables.lookup("8.8.8.8".parse().unwrap());
        assert_eq!(google.asn, Some(15169));
        assert!(google.operator.unwrap().contains("Google"));
        assert_eq!(google.country.unwrap().as_str(), "US");
        let v6 = tables.lookup("2606:4700::1111".parse().unwrap());
        assert_eq!(v6.asn, Some(13335));
    }
}
