//! The order of belief through the whole builder, with made-up sources.

use assay_model::facts::{Basis, Benign, IpFacts, MarkKind, NetworkClass};

use crate::ip::{IpTables, Kind, TablesBuilder, load};

fn tables(sources: &[(Kind, &str)]) -> IpTables {
    let mut builder = TablesBuilder::new();
    for (kind, text) in sources {
        let list = format!("{kind}@1");
        builder.add(
            &load::parse(*kind, &list, "made-up", text.as_bytes())
                .unwrap()
                .0,
        );
    }
    builder.build()
}

fn look<'a>(tables: &'a IpTables, ip: &str) -> IpFacts<'a> {
    tables.lookup(ip.parse().unwrap())
}

const NETWORKS: (Kind, &str) = (
    Kind::Asn,
    "20.0.0.0/16\t64500\tAcme Telecom\n\
     21.0.0.0/16\t64501\tAcme Hosting\n\
     22.0.0.0/15\t64502\tSomething\n\
     2a00::/31\t64502\tSomething\n\
     23.0.0.0/16\t64503\tPlain Name Municipality of Nowhere\n",
);

#[test]
fn an_address_in_the_block_of_listed_relay_ranges_is_relay_whatever_lists_say() {
    let t = tables(&[
        NETWORKS,
        (Kind::Relay, "22.0.5.0/24\n2a00:0:1::/48\n"),
        (Kind::Vpn, "22.0.0.0/8\n22.0.9.9\n2a00::/16\n"),
        (Kind::Hosting, "64502\n"),
    ]);
    for ip in ["22.0.5.1", "22.0.9.9", "22.0.255.255", "2a00:0:2::1"] {
        let facts = look(&t, ip);
        assert_eq!(
            (facts.class, facts.benign),
            (NetworkClass::Relay, Some(Benign::Relay)),
            "{ip}"
        );
        assert!(facts.marks.is_empty(), "{ip}");
    }
    // The next /16 and /32 of the same network are not.
    for ip in ["22.1.0.1", "2a00:1::1"] {
        assert_eq!(look(&t, ip).mark(MarkKind::Vpn).unwrap().label, "", "{ip}");
        assert_eq!(look(&t, ip).class, NetworkClass::Hosting, "{ip}");
    }
}

#[test]
fn on_an_access_network_an_address_counts_and_a_wide_range_is_weak() {
    let t = tables(&[
        NETWORKS,
        (Kind::Vpn, "20.0.0.0/16\n20.0.3.0/24 acme\n20.0.4.4\n"),
    ]);
    let mark = |ip| *look(&t, ip).mark(MarkKind::Vpn).unwrap();
    assert_eq!(
        (mark("20.0.9.9").basis, mark("20.0.9.9").weak),
        (Basis::Range, true)
    );
    assert_eq!(
        (mark("20.0.3.9").basis, mark("20.0.3.9").weak),
        (Basis::Address, false)
    );
    assert_eq!(
        (mark("20.0.3.9").label, mark("20.0.3.9").list),
        ("acme", "vpn@1")
    );
    assert!(!mark("20.0.4.4").weak);
    assert_eq!(look(&t, "20.0.4.4").class, NetworkClass::Isp);
}

#[test]
fn lists_of_networks_work_by_number_and_access_lists_deny_them() {
    let lists = [
        NETWORKS,
        (Kind::Hosting, "AS64503\n"),
        (Kind::Isp, "64501\n"),
    ];
    let t = tables(&lists);
    let listed = look(&t, "23.0.0.1");
    assert_eq!(listed.mark(MarkKind::Hosting).unwrap().basis, Basis::Asn);
    // "Acme Hosting" is called an access network by a list: its name no longer counts.
    assert!(look(&t, "21.0.0.1").marks.is_empty());
    assert_eq!(look(&t, "21.0.0.1").class, NetworkClass::Isp);
    let t = tables(&lists[..2]);
    let named = look(&t, "21.0.0.1");
    assert_eq!(named.mark(MarkKind::Hosting).unwrap().basis, Basis::AsName);
    assert_eq!(named.class, NetworkClass::Hosting);
}

#[test]
fn two_files_of_a_kind_add_up_and_cities_lie_over_countries() {
    let t = tables(&[
        (Kind::Tor, "20.0.0.1\n"),
        (Kind::Tor, "20.0.0.2\n"),
        (Kind::Country, "20.0.0.0/8,FR\n"),
        (Kind::City, "20.0.0.0/24,DE,Berlin\n"),
    ]);
    assert!(
        ["20.0.0.1", "20.0.0.2"]
            .iter()
            .all(|ip| look(&t, ip).mark(MarkKind::Tor).is_some())
    );
    assert_eq!(look(&t, "20.0.0.9").city, Some("Berlin"));
    assert_eq!(look(&t, "20.0.0.9").country.unwrap().as_str(), "DE");
    assert_eq!(look(&t, "20.9.0.9").country.unwrap().as_str(), "FR");
}

#[test]
fn ipv6_is_judged_by_its_64_and_mapped_addresses_by_their_ipv4() {
    let t = tables(&[(Kind::Proxy, "2a01:1:2:3::4\n20.0.0.1\n")]);
    assert!(
        look(&t, "2a01:1:2:3:ffff::1")
            .mark(MarkKind::PublicProxy)
            .is_some()
    );
    assert!(look(&t, "2a01:1:2:4::4").marks.is_empty());
    assert!(
        look(&t, "::ffff:20.0.0.1")
            .mark(MarkKind::PublicProxy)
            .is_some()
    );
}

#[test]
fn tunnels_do_not_belong_to_the_network_that_announces_them() {
    let t = tables(&[(
        Kind::Asn,
        "2002::/16\t64500\tAcme Telecom\n2a00::/16\t64500\tAcme Telecom\n",
    )]);
    assert_eq!(look(&t, "2002:102::1").asn, None);
    assert_eq!(look(&t, "2a00::1").asn, Some(64500));
}

#[test]
fn special_addresses_are_never_looked_up() {
    let t = tables(&[(Kind::Tor, "10.0.0.0/24\n")]);
    assert!(look(&t, "10.0.0.1").marks.is_empty());
}
