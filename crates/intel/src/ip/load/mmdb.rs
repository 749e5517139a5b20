//! MaxMind databases, nested or flat.
//!
//! The kind picks the fields: one Anonymous-IP file can be imported as `vpn`, `tor`,
//! `hosting`, `proxy` and `residential`, and gives each its own rows. A database of
//! plain ranges (no such field) counts whole.

use std::collections::HashMap;
use std::net::IpAddr;

use maxminddb::{Reader, WithinOptions};
use serde_json::Value as Json;

use super::LoadError;
use super::meaning::{Fields, value};
use crate::ip::{Entry, Kind, Place, Source, Span};

/// Fields that say an address is of a kind.
const FLAGS: [(Kind, &str); 5] = [
    (Kind::Tor, "is_tor_exit_node"),
    (Kind::Vpn, "is_anonymous_vpn"),
    (Kind::Proxy, "is_public_proxy"),
    (Kind::Residential, "is_residential_proxy"),
    (Kind::Hosting, "is_hosting_provider"),
];

/// Where a record names the kind of access network.
const CLASS: [&str; 5] = [
    "/connection_type",
    "/traits/connection_type",
    "/user_type",
    "/traits/user_type",
    "/class",
];

/// Reads every network of the database.
pub(super) fn read(file: &str, bytes: &[u8], source: &mut Source) -> Result<(), LoadError> {
    let refuse =
        |e: maxminddb::MaxMindDbError| LoadError::file(file, format!("broken database: {e}"));
    let reader = Reader::from_source(bytes).map_err(refuse)?;
    // `Reader::verify` would refuse good databases for an empty description; every
    // network and record is decoded below instead, which finds what is broken.
    if about(&reader.metadata().database_type).is_some_and(|kind| kind != source.kind) {
        return Ok(());
    }
    let mut seen: HashMap<usize, Option<u32>> = HashMap::new();
    for found in reader.networks(WithinOptions::default()).map_err(refuse)? {
        let found = found.map_err(refuse)?;
        let network = found.network().map_err(refuse)?;
        let Some(offset) = found.offset() else {
            continue;
        };
        let known = match seen.get(&offset) {
            Some(known) => *known,
            None => {
                let record: Option<Json> = found.decode().map_err(refuse)?;
                let known = match record {
                    Some(record) => row(source, &record)
                        .map_err(|cause| LoadError::file(file, format!("{network}: {cause}")))?,
                    None => None,
                };
                seen.insert(offset, known);
                known
            }
        };
        let span = span(network.ip(), network.prefix());
        if let (Some(value), Some(span)) = (known, span) {
            source.entries.push(Entry {
                place: Place::Span(span),
                value,
            });
        }
    }
    Ok(())
}

/// IPv4 lies at `::/96` in an IPv6 tree.
fn span(ip: IpAddr, bits: u8) -> Option<Span> {
    match ip {
        IpAddr::V6(v6) if bits >= 96 && v6.segments()[..6] == [0; 6] => {
            let v4 = u32::from_be_bytes([
                v6.octets()[12],
                v6.octets()[13],
                v6.octets()[14],
                v6.octets()[15],
            ]);
            Span::of_prefix(IpAddr::V4(v4.into()), bits - 96)
        }
        _ => Span::of_prefix(ip, bits),
    }
}

/// The value a record stands for, if it says anything about this kind.
fn row(source: &mut Source, record: &Json) -> Result<Option<u32>, String> {
    if !applies(source.kind, record) {
        return Ok(None);
    }
    let text = |paths: &[&str]| {
        paths
            .iter()
            .find_map(|p| record.pointer(p).and_then(Json::as_str))
            .filter(|t| !t.is_empty())
    };
    let number = [
        "/autonomous_system_number",
        "/traits/autonomous_system_number",
        "/asn",
    ]
    .iter()
    .find_map(|p| record.pointer(p))
    .map(|n| n.to_string().replace('"', ""));
    let label = match source.kind {
        Kind::Vpn | Kind::Proxy | Kind::Residential | Kind::Hosting | Kind::Tor => text(&[
            "/provider_name",
            "/anonymizer/provider_name",
            "/residential/provider_name",
            "/name",
        ]),
        _ => text(&[
            "/autonomous_system_organization",
            "/traits/autonomous_system_organization",
            "/as_name",
            "/organization",
            "/isp",
            "/name",
        ]),
    };
    let fields = Fields {
        asn: number.as_deref().or(Some("0")),
        label,
        country: text(&[
            "/country/iso_code",
            "/country_code",
            "/registered_country/iso_code",
            "/country",
        ]),
        city: text(&["/city/names/en", "/city", "/city_name"]),
        class: text(&CLASS),
    };
    let list = source.list.clone();
    Ok(value(source.kind, &fields, &list)?.map(|value| source.value(value)))
}

/// The only kind a database is about, where its type says so.
fn about(database_type: &str) -> Option<Kind> {
    database_type
        .contains("Residential-Proxy")
        .then_some(Kind::Residential)
}

/// Keys of tables of networks and places: never a list of exits.
const TABLE: [&str; 12] = [
    "autonomous_system_number",
    "asn",
    "continent",
    "country",
    "country_code",
    "registered_country",
    "city",
    "location",
    "traits",
    "isp",
    "organization",
    "connection_type",
];

/// Whether a record is about `kind`: by its flag, or for want of any other meaning.
fn applies(kind: Kind, record: &Json) -> bool {
    if matches!(kind, Kind::Asn | Kind::Country | Kind::City) {
        return true;
    }
    if kind == Kind::Isp {
        return CLASS.iter().any(|p| record.pointer(p).is_some());
    }
    let flag = |name: &str| {
        let at = |prefix: &str| {
            record
                .pointer(&format!("{prefix}/{name}"))
                .and_then(Json::as_bool)
        };
        [at(""), at("/traits"), at("/anonymizer")].contains(&Some(true))
    };
    let own = FLAGS.iter().find(|(k, _)| *k == kind);
    if own.is_some_and(|(_, name)| flag(name)) {
        return true;
    }
    let other = flag("is_anonymous") || FLAGS.iter().any(|(_, name)| flag(name));
    !other && TABLE.iter().all(|key| record.get(key).is_none())
}
