//! Tables that work with no download, compiled in.
//!
//! Made by the scripts in `crates/intel/scripts/` from freely licensed packages
//! and public facts; licences are named in `crates/intel/data/README.md`.

mod lists;
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
    let mut sources = networks::sources();
    sources.extend(lists::sources());
    sources
}

#[cfg(test)]
mod tests {
    use assay_model::facts::{Benign, MarkKind};

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

    #[test]
    fn main_clouds_relays_and_crawlers_are_known_with_no_download() {
        let tables = IpTables::builtin();
        let look = |ip: &str| tables.lookup(ip.parse().unwrap());
        let clouds = [
            ("52.95.110.1", "amazon"),
            ("2600:1f18::1", "amazon"),
            ("34.64.0.1", "google"),
            ("20.42.0.1", "microsoft"),
            ("2603:1030::1", "microsoft"),
            ("129.146.0.1", "oracle"),
            ("47.88.0.1", "alibaba"),
            ("43.152.0.1", "tencent"),
            ("159.65.0.1", "digitalocean"),
            ("2604:a880::1", "digitalocean"),
            ("45.76.0.1", "vultr"),
            ("88.198.0.1", "hetzner"),
            ("2a01:4f8::1", "hetzner"),
            ("51.68.0.1", "ovh"),
            ("2001:41d0::1", "ovh"),
            ("51.15.0.1", "scaleway"),
            ("2001:19f0:5::1", "vultr"),
            ("2600:3c1e::1", "linode"),
            ("2603:10f4::1", "microsoft"),
            ("2606:7b40::1", "amazon"),
            ("2408:4000::1", "alibaba"),
            ("2001:bc8::1", "scaleway"),
        ];
        for (ip, cloud) in clouds {
            let facts = look(ip);
            assert_eq!(facts.cloud, Some(cloud), "{ip} {:?}", facts.operator);
            assert!(
                facts.mark(MarkKind::Hosting).is_some_and(|m| !m.weak),
                "{ip}"
            );
        }
        for ip in [
            "172.224.226.1",
            "104.28.40.1",
            "2a02:26f7:c0::1",
            "146.75.164.1",
        ] {
            assert_eq!(look(ip).benign, Some(Benign::Relay), "{ip}");
            assert!(look(ip).marks.is_empty(), "{ip}");
        }
        let crawler = look("66.249.66.1");
        assert_eq!(
            (crawler.crawler, crawler.benign),
            (Some("googlebot"), Some(Benign::VerifiedCrawler))
        );
        assert_eq!(look("98.97.0.1").benign, Some(Benign::Satellite));
        assert_eq!(look("174.192.0.1").benign, Some(Benign::CarrierGateway));
    }
}
