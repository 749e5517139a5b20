//! Tables that work with no download, compiled in.
//!
//! Made by the scripts in `crates/intel/scripts/` from freely licensed packages
//! and public facts; licences are named in `crates/intel/data/README.md`.

mod networks;

use super::{IpTables, TablesBuilder};

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
    for source in networks::sources() {
        builder.add_builtin(&source);
    }
    builder
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
