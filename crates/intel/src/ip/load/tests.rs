//! Whole files, all made up.

use std::io::Write;

use assay_model::facts::NetworkClass;

use super::*;
use crate::ip::{Place, Span, Value};

fn read(kind: Kind, text: &str) -> Result<(Source, Format), LoadError> {
    parse(kind, "test@1", "test.txt", text.as_bytes())
}

fn rows(kind: Kind, text: &str) -> Vec<(Place, Value)> {
    let source = read(kind, text).unwrap().0;
    source
        .entries
        .iter()
        .map(|e| (e.place, source.value_of(e).unwrap().clone()))
        .collect()
}

fn v4(first: u32, last: u32) -> Place {
    Place::Span(Span::V4(first, last))
}

#[test]
fn lists_with_comments_ports_and_names() {
    let found = rows(
        Kind::Vpn,
        "# exits\n\n10.0.0.1:1080\n; more\n10.0.0.2 # old\n10.0.1.0/24 Acme\nAS64500\n",
    );
    let places: Vec<_> = found.iter().map(|(p, v)| (*p, &*v.label)).collect();
    assert_eq!(
        places,
        [
            (v4(0x0a00_0001, 0x0a00_0001), ""),
            (v4(0x0a00_0002, 0x0a00_0002), ""),
            (v4(0x0a00_0100, 0x0a00_01ff), "Acme"),
            (Place::Asn(64500), ""),
        ]
    );
}

#[test]
fn a_bad_line_refuses_the_file_by_name_number_and_cause() {
    let error = read(Kind::Tor, "10.0.0.1\n10.0.0.300\n").unwrap_err();
    assert_eq!(
        error.to_string(),
        "test.txt:2: not an address, prefix, range or AS number: \"10.0.0.300\""
    );
    assert!(read(Kind::Tor, "# nothing\n").is_err());
    assert!(read(Kind::Tor, "<html>").is_err());
    assert!(read(Kind::Cloud, "region,score\neu,1\n").is_err());
    assert!(read(Kind::Cloud, "name,score\neu,1\n").is_err());
}

#[test]
fn tables_of_networks_in_every_usual_layout() {
    let wanted = (v4(0x0100_0000, 0x0100_00ff), Some(64500), "Acme, Inc.");
    let layouts = [
        "1.0.0.0,1.0.0.255,64500,\"Acme, Inc.\"\n",
        "16777216,16777471,64500,\"Acme, Inc.\"\n",
        "1.0.0.0\t1.0.0.255\t64500\tUS\tAcme, Inc.\n1.0.1.0\t1.0.3.255\t0\tNone\tNot routed\n",
        "network,autonomous_system_number,autonomous_system_organization\n1.0.0.0/24,64500,\"Acme, Inc.\"\n",
        "start_ip,end_ip,asn,name\n1.0.0.0,1.0.0.255,AS64500,\"Acme, Inc.\"\n",
    ];
    for text in layouts {
        let found = rows(Kind::Asn, text);
        let found: Vec<_> = found.iter().map(|(p, v)| (*p, v.asn, &*v.label)).collect();
        assert_eq!(found, [wanted], "{text}");
    }
}

#[test]
fn countries_and_cities_in_every_usual_layout() {
    let cases = [
        (Kind::Country, "1.0.0.0,1.0.0.255,AU\n", "AU", ""),
        (
            Kind::Country,
            "1.0.0.0\t1.0.0.255\t13335\tAU\tAcme\n",
            "AU",
            "",
        ),
        (
            Kind::City,
            "1.0.0.0,1.0.0.255,AU,Queensland,,Brisbane,4000,-27.4,153.0,\n",
            "AU",
            "Brisbane",
        ),
        (
            Kind::City,
            "1.0.0.0,1.0.0.255,OC,AU,Queensland,Brisbane,-27.4,153.0\n",
            "AU",
            "Brisbane",
        ),
        (
            Kind::City,
            "cidr,country_code,city\n1.0.0.0/24,AU,Brisbane\n",
            "AU",
            "Brisbane",
        ),
    ];
    for (kind, text, country, city) in cases {
        let found = rows(kind, text);
        assert_eq!(found[0].1.country.unwrap().as_str(), country, "{text}");
        assert_eq!(&*found[0].1.label, city, "{text}");
    }
    let error = read(Kind::Country, "1.0.0.0,1.0.0.255,Australia\n").unwrap_err();
    assert!(error.to_string().contains("two-letter"), "{error}");
}

#[test]
fn lists_of_networks_and_access_classes() {
    let found = rows(
        Kind::Hosting,
        "ASN,Entity\n64500,\"Acme Hosting\"\n64501,Other\n",
    );
    assert_eq!(found[0].0, Place::Asn(64500));
    assert_eq!(&*found[0].1.label, "Acme Hosting");
    let found = rows(
        Kind::Isp,
        "10.0.0.1\tmobile\n10.0.0.2\tresidential\n64500\tSome Org\n",
    );
    let classes: Vec<_> = found.iter().map(|(_, v)| v.class).collect();
    assert_eq!(
        classes,
        [Some(NetworkClass::Mobile), Some(NetworkClass::Isp), None]
    );
}

#[test]
fn published_json_in_every_usual_layout() {
    let cases = [
        (
            r#"{"syncToken":"1","prefixes":[{"ip_prefix":"1.0.0.0/24","region":"eu","service":"EC2"}],"ipv6_prefixes":[]}"#,
            "amazon/eu",
        ),
        (
            r#"{"prefixes":[{"ipv4Prefix":"1.0.0.0/24","service":"Google Cloud","scope":"eu"}]}"#,
            "google/eu",
        ),
        (
            r#"{"regions":[{"region":"eu","cidrs":[{"cidr":"1.0.0.0/24","tags":["OCI"]}]}]}"#,
            "oracle/eu",
        ),
        (
            r#"{"values":[{"name":"X","properties":{"region":"eu","addressPrefixes":["1.0.0.0/24"]}}]}"#,
            "microsoft/eu",
        ),
        (
            r#"{"addresses":["1.0.0.0/24"],"ipv6_addresses":[]}"#,
            "test",
        ),
        (r#"["1.0.0.0/24"]"#, "test"),
    ];
    for (text, label) in cases {
        let found = rows(Kind::Cloud, text);
        let found: Vec<_> = found.iter().map(|(p, v)| (*p, &*v.label)).collect();
        assert_eq!(found, [(v4(0x0100_0000, 0x0100_00ff), label)], "{text}");
    }
    let proxies = r#"[{"protocol":"http","username":null,"host":"1.0.0.1","port":80,"exit_ip":"1.0.0.2","asn":{"autonomous_system_number":1}}]"#;
    assert_eq!(
        rows(Kind::Proxy, proxies)[0].0,
        v4(0x0100_0001, 0x0100_0001)
    );
    let error = read(Kind::Cloud, r#"{"prefixes":[{"ip_prefix":"1.0.0.0/99"}]}"#).unwrap_err();
    assert!(error.to_string().contains("$.prefixes[0]"), "{error}");
}

#[test]
fn gzip_is_opened_and_a_torn_one_refused() {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(b"10.0.0.1\n10.0.0.2\n").unwrap();
    let bytes = gz.finish().unwrap();
    assert_eq!(
        parse(Kind::Tor, "t@1", "t.gz", &bytes)
            .unwrap()
            .0
            .entries
            .len(),
        2
    );
    let torn = parse(Kind::Tor, "t@1", "t.gz", &bytes[..bytes.len() - 6]).unwrap_err();
    assert!(torn.to_string().starts_with("t.gz: damaged gzip"), "{torn}");
}

fn mmdb(records: &[(&str, u8, serde_json::Value)]) -> Vec<u8> {
    let mut db = maxminddb_writer::Database::default();
    db.metadata.database_type = "Test".into();
    db.metadata.binary_format_major_version = 2;
    for (first, bits, record) in records {
        let data = db.insert_value(record).unwrap();
        let ip = first.parse().unwrap();
        db.insert_node(
            maxminddb_writer::paths::IpAddrWithMask::new(ip, *bits),
            data,
        );
    }
    db.write_to(Vec::new()).unwrap()
}

fn read_mmdb(kind: Kind, bytes: &[u8]) -> Result<Vec<(Place, Value)>, LoadError> {
    let (source, format) = parse(kind, "db@1", "db.mmdb", bytes)?;
    assert_eq!(format, Format::Mmdb);
    Ok(source
        .entries
        .iter()
        .map(|e| (e.place, source.value_of(e).unwrap().clone()))
        .collect())
}

#[test]
fn databases_nested_and_flat() {
    let bytes = mmdb(&[
        (
            "1.0.0.0",
            24,
            serde_json::json!({"country": {"iso_code": "AU"}, "city": {"names": {"en": "Brisbane"}}}),
        ),
        ("2.0.0.0", 24, serde_json::json!({"country_code": "FR"})),
    ]);
    let found = read_mmdb(Kind::City, &bytes).unwrap();
    assert_eq!(found[0].0, v4(0x0100_0000, 0x0100_00ff));
    assert_eq!(&*found[0].1.label, "Brisbane");
    let codes: Vec<_> = found
        .iter()
        .map(|(_, v)| v.country.unwrap().to_string())
        .collect();
    assert_eq!(codes, ["AU", "FR"]);
    let table = read_mmdb(Kind::Vpn, &bytes).unwrap_err();
    assert!(
        table.to_string().contains("no entry of kind vpn"),
        "{table}"
    );
}

#[test]
fn the_kind_picks_the_flag_of_an_anonymous_ip_database() {
    let bytes = mmdb(&[
        (
            "1.0.0.0",
            24,
            serde_json::json!({"is_anonymous": true, "is_anonymous_vpn": true}),
        ),
        (
            "2.0.0.0",
            24,
            serde_json::json!({"is_anonymous": true, "is_tor_exit_node": true}),
        ),
    ]);
    let first = |kind| read_mmdb(kind, &bytes).unwrap()[0].0;
    assert_eq!(first(Kind::Vpn), v4(0x0100_0000, 0x0100_00ff));
    assert_eq!(first(Kind::Tor), v4(0x0200_0000, 0x0200_00ff));
    assert!(read_mmdb(Kind::Hosting, &bytes).is_err());
}

#[test]
fn a_cut_database_is_refused_and_never_panics() {
    let bytes = mmdb(&[("1.0.0.0", 24, serde_json::json!({"country_code": "AU"}))]);
    let mark = bytes.windows(14).position(|w| w == MMDB_MARK).unwrap();
    for cut in 1..mark {
        let broken = [&bytes[..mark - cut], &bytes[mark..]].concat();
        let _ = parse(Kind::Country, "db@1", "db.mmdb", &broken);
    }
    assert!(parse(Kind::Country, "db@1", "db.mmdb", &bytes[..mark]).is_err());
}

proptest::proptest! {
    #[test]
    fn no_content_makes_it_panic(text in "[ -~\\n\\t\u{e4}]{0,200}", bytes: Vec<u8>) {
        for kind in Kind::ALL {
            let _ = parse(kind, "x@1", "x", text.as_bytes());
            let _ = parse(kind, "x@1", "x", &bytes);
        }
    }

    #[test]
    fn no_address_like_line_makes_it_panic(line in "[0-9a-fA-F.:/,\\[\\]{}\"S -]{0,60}") {
        for kind in Kind::ALL {
            let _ = parse(kind, "x@1", "x", line.as_bytes());
        }
    }
}
