//! Networks that people come from, by address blocks their operators have held for years.
//!
//! A test looks every block up in the built-in tables: it must be an access network of its
//! country there, with no mark, or the simulation would accuse people by mistake; and shared
//! there only if it is here, or campaigns would hide where nobody can be told apart.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::rng::Rng;

/// How people are reached in a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// A line of their own.
    Line,
    /// A mobile carrier's gateway: many telephones behind one address.
    Gateway,
    /// A company or university: some dozens behind one address.
    Office,
    /// iCloud Private Relay: Apple devices behind shared addresses.
    Relay,
    /// A dish: shared addresses.
    Satellite,
}

/// A block of addresses.
#[derive(Debug)]
pub(super) struct Network {
    pub block: &'static str,
    pub country: &'static str,
    pub language: &'static str,
    /// Hours ahead of UTC, for when its people are awake.
    pub zone: i64,
    pub access: Access,
    pub weight: u32,
}

const fn n(
    block: &'static str,
    country: &'static str,
    language: &'static str,
    zone: i64,
    access: Access,
    weight: u32,
) -> Network {
    Network {
        block,
        country,
        language,
        zone,
        access,
        weight,
    }
}

use Access::{Gateway as G, Line as L, Office as O, Relay as R, Satellite as S};

pub(super) const NETWORKS: &[Network] = &[
    // Deutsche Telekom, Vodafone, Telefonica
    n("84.128.0.0/14", "DE", "de-DE,de;q=0.9,en;q=0.8", 1, L, 30),
    n("91.0.0.0/14", "DE", "de-DE,de;q=0.9", 1, L, 22),
    n("2003:c0::/28", "DE", "de-DE,de;q=0.9,en;q=0.8", 1, L, 20),
    n("88.64.0.0/15", "DE", "de-DE,de;q=0.9", 1, G, 12),
    n("109.40.0.0/16", "DE", "de-DE,de;q=0.9,tr;q=0.7", 1, G, 14),
    n("77.0.0.0/15", "DE", "de-DE,de;q=0.9", 1, G, 9),
    // Orange, SFR, Bouygues; Free's mobile branch
    n("90.0.0.0/12", "FR", "fr-FR,fr;q=0.9,en;q=0.8", 1, L, 26),
    n("86.192.0.0/14", "FR", "fr-FR,fr;q=0.9", 1, L, 14),
    n("109.0.0.0/16", "FR", "fr-FR,fr;q=0.9", 1, L, 8),
    n("37.160.0.0/15", "FR", "fr-FR,fr;q=0.9", 1, G, 12),
    // Comcast, Verizon, Charter, Frontier, AT&T, T-Mobile
    n("73.0.0.0/10", "US", "en-US,en;q=0.9", -6, L, 60),
    n("24.0.0.0/13", "US", "en-US,en;q=0.9,es;q=0.8", -5, L, 30),
    n("2601:600::/24", "US", "en-US,en;q=0.9", -8, L, 24),
    n("96.232.0.0/16", "US", "en-US,en;q=0.9", -5, L, 20),
    n("173.66.0.0/16", "US", "en-US,en;q=0.9", -5, L, 14),
    n("70.112.0.0/15", "US", "en-US,en;q=0.9,es;q=0.8", -6, L, 14),
    n("47.144.0.0/14", "US", "en-US,en;q=0.9", -8, L, 8),
    n("107.192.0.0/12", "US", "en-US,en;q=0.9", -6, L, 22),
    n("174.192.0.0/16", "US", "en-US,en;q=0.9", -6, G, 24),
    n("172.56.0.0/16", "US", "en-US,en;q=0.9", -5, G, 30),
    n("172.58.0.0/16", "US", "en-US,en;q=0.9,es;q=0.8", -8, G, 20),
    n("2607:fb90::/32", "US", "en-US,en;q=0.9", -6, G, 20),
    // BT, Sky, Virgin Media, Three
    n("86.128.0.0/12", "GB", "en-GB,en;q=0.9", 0, L, 28),
    n("90.192.0.0/13", "GB", "en-GB,en;q=0.9", 0, L, 16),
    n("2a00:23c4::/30", "GB", "en-GB,en;q=0.9", 0, L, 10),
    n("92.40.0.0/16", "GB", "en-GB,en;q=0.9", 0, G, 12),
    // Telefonica, Orange
    n("88.0.0.0/13", "ES", "es-ES,es;q=0.9", 1, L, 18),
    n("83.32.0.0/13", "ES", "es-ES,es;q=0.9,ca;q=0.8", 1, L, 10),
    n("95.16.0.0/15", "ES", "es-ES,es;q=0.9", 1, L, 6),
    // Telecom Italia, Wind Tre, Fastweb
    n("79.0.0.0/12", "IT", "it-IT,it;q=0.9", 1, L, 16),
    n("151.64.0.0/14", "IT", "it-IT,it;q=0.9,en;q=0.8", 1, L, 10),
    n("93.32.0.0/14", "IT", "it-IT,it;q=0.9", 1, L, 6),
    // KPN, Proximus, Swisscom, Telia, Telenor, TDC, Magyar Telekom, MEO, OTE, Digi, Orange Polska
    n("77.160.0.0/13", "NL", "nl-NL,nl;q=0.9,en;q=0.8", 1, L, 10),
    n("91.176.0.0/14", "BE", "nl-BE,nl;q=0.9,fr;q=0.8", 1, L, 5),
    n("178.192.0.0/14", "CH", "de-CH,de;q=0.9", 1, L, 5),
    n("81.224.0.0/14", "SE", "sv-SE,sv;q=0.9,en;q=0.8", 1, L, 5),
    n("85.164.0.0/15", "NO", "nb-NO,nb;q=0.9,en;q=0.8", 1, L, 3),
    n("80.160.0.0/14", "DK", "da-DK,da;q=0.9,en;q=0.8", 1, L, 3),
    n("84.0.0.0/17", "HU", "hu-HU,hu;q=0.9", 1, L, 4),
    n("94.64.0.0/14", "GR", "el-GR,el;q=0.9,en;q=0.8", 2, L, 4),
    n("86.120.0.0/14", "RO", "ro-RO,ro;q=0.9", 2, L, 6),
    n("83.0.0.0/15", "PL", "pl-PL,pl;q=0.9", 1, L, 12),
    // Telstra, TPG; NTT, KDDI, SoftBank, Docomo; Korea Telecom
    n("1.120.0.0/14", "AU", "en-AU,en;q=0.9", 10, L, 12),
    n("101.160.0.0/13", "AU", "en-AU,en;q=0.9", 10, L, 8),
    n("118.0.0.0/13", "JP", "ja,en-US;q=0.9,en;q=0.8", 9, L, 16),
    n("106.128.0.0/14", "JP", "ja,en-US;q=0.9", 9, L, 12),
    n("126.64.0.0/11", "JP", "ja", 9, G, 10),
    n("49.96.0.0/18", "JP", "ja", 9, G, 10),
    n("112.162.0.0/15", "KR", "ko-KR,ko;q=0.9,en;q=0.8", 9, L, 10),
    // Reliance Jio, Bharti Airtel
    n("49.32.0.0/13", "IN", "en-IN,en;q=0.9,hi;q=0.8", 5, G, 34),
    n("157.32.0.0/13", "IN", "hi-IN,hi;q=0.9,en;q=0.8", 5, G, 26),
    n("2409:4040::/28", "IN", "en-IN,en;q=0.9", 5, G, 30),
    n("106.193.0.0/17", "IN", "en-IN,en;q=0.9,ta;q=0.8", 5, G, 20),
    n("122.160.0.0/14", "IN", "en-IN,en;q=0.9", 5, G, 8),
    // Claro, Vivo (Telefonica Brasil); Telecom Argentina; Telmex Colombia; Total Play
    n("177.32.0.0/15", "BR", "pt-BR,pt;q=0.9", -3, L, 22),
    n("187.36.0.0/15", "BR", "pt-BR,pt;q=0.9", -3, L, 12),
    n("179.82.0.0/16", "BR", "pt-BR,pt;q=0.9", -3, G, 24),
    n("181.2.0.0/15", "AR", "es-AR,es;q=0.9", -3, L, 8),
    n("186.82.64.0/19", "CO", "es-CO,es;q=0.9", -5, L, 7),
    // Rostelecom, MTS; Turk Telekom, Turkcell
    n("95.52.0.0/14", "RU", "ru-RU,ru;q=0.9", 3, L, 12),
    n("85.140.0.0/15", "RU", "ru-RU,ru;q=0.9", 3, G, 8),
    n("88.232.0.0/14", "TR", "tr-TR,tr;q=0.9", 3, L, 12),
    n("178.242.0.0/15", "TR", "tr-TR,tr;q=0.9", 3, G, 12),
    // Telkom Indonesia, Telkomsel, PLDT, VNPT, Viettel, AIS; Safaricom, MTN; Etisalat, STC, Bezeq
    n("36.72.0.0/13", "ID", "id-ID,id;q=0.9", 7, L, 10),
    n("114.120.0.0/13", "ID", "id-ID,id;q=0.9", 7, G, 14),
    n("122.2.0.0/17", "PH", "en-PH,en;q=0.9,fil;q=0.8", 8, L, 8),
    n("113.160.0.0/13", "VN", "vi-VN,vi;q=0.9", 7, L, 8),
    n("171.228.0.0/14", "VN", "vi-VN,vi;q=0.9", 7, G, 8),
    n("49.228.0.0/16", "TH", "th-TH,th;q=0.9", 7, G, 8),
    n("41.90.0.0/16", "KE", "en-KE,en;q=0.9,sw;q=0.8", 3, G, 4),
    n("102.88.0.0/16", "NG", "en-NG,en;q=0.9", 1, G, 8),
    n("2.48.0.0/14", "AE", "ar-AE,ar;q=0.9,en;q=0.8", 4, G, 4),
    n("188.48.0.0/13", "SA", "ar-SA,ar;q=0.9", 3, L, 5),
    n("84.109.0.0/17", "IL", "he-IL,he;q=0.9,en;q=0.8", 2, L, 4),
    // Companies and universities: BT's and Deutsche Telekom's business lines, Stanford, Stuttgart
    n("81.128.0.0/12", "GB", "en-GB,en;q=0.9", 0, O, 6),
    n("194.25.0.0/16", "DE", "de-DE,de;q=0.9,en;q=0.8", 1, O, 6),
    n("65.201.128.0/17", "US", "en-US,en;q=0.9", -5, O, 8),
    n("171.64.0.0/14", "US", "en-US,en;q=0.9", -8, O, 4),
    n("129.206.0.0/16", "DE", "de-DE,de;q=0.9,en;q=0.8", 1, O, 3),
    // iCloud Private Relay at Akamai, Cloudflare, Fastly; Starlink
    n("172.224.226.0/24", "GB", "en-GB,en;q=0.9", 0, R, 8),
    n("104.28.40.0/24", "BE", "fr-BE,fr;q=0.9", 1, R, 8),
    n("146.75.164.0/24", "US", "en-US,en;q=0.9", -6, R, 14),
    n("98.97.32.0/20", "US", "en-US,en;q=0.9", -7, S, 4),
];

/// Share of people who are awake and on line at a local hour, in percent of the evening's.
const AWAKE: [u64; 24] = [
    38, 24, 15, 10, 9, 12, 22, 38, 52, 60, 64, 68, 72, 72, 70, 70, 74, 80, 88, 95, 100, 98, 84, 60,
];

/// A network by its size and its local hour.
pub(super) fn network(rng: &mut Rng, at_ms: i64) -> &'static Network {
    loop {
        let network = rng.weighted(NETWORKS, |network| network.weight);
        let hour = (at_ms.div_euclid(3_600_000) + network.zone).rem_euclid(24);
        if rng.below(100) < AWAKE[hour as usize] {
            return network;
        }
    }
}

/// Any network with this kind of access.
pub(super) fn of_access(rng: &mut Rng, access: Access) -> &'static Network {
    loop {
        let network = rng.weighted(NETWORKS, |network| network.weight);
        if network.access == access {
            return network;
        }
    }
}

/// A visitor's address in the network. `crowd` is how many people's events the simulation
/// has in an hour; a gateway carries a few hundred of them, as carriers' really do.
pub(super) fn address(rng: &mut Rng, network: &Network, crowd: u64) -> IpAddr {
    let hosts = match network.access {
        Access::Line => u64::MAX,
        Access::Gateway | Access::Satellite => crowd / 10_000 + 4,
        Access::Office => crowd / 1_000 + 6,
        Access::Relay => crowd / 10_000 + 4,
    };
    let place = if hosts == u64::MAX {
        rng.next()
    } else {
        rng.below(hosts)
    };
    nth_address(network.block, place)
}

/// An address anywhere in a block.
pub(super) fn inside(rng: &mut Rng, block: &str) -> IpAddr {
    let place = rng.next();
    nth_address(block, place)
}

/// The `nth` address of a block, wrapping round: scattered for IPv4, a /64 each for IPv6.
pub(super) fn nth_address(block: &str, nth: u64) -> IpAddr {
    let Some((first, prefix)) = assay_model::document::list_cidr(block) else {
        return IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    };
    match first {
        IpAddr::V4(v4) => {
            let hosts = 1u64 << (32 - u32::from(prefix));
            // Neighbours in number are no neighbours in the block; 0 and 255 are left out.
            let offset = nth.wrapping_mul(0x9e37_79b1) % hosts;
            let last = offset & 0xff;
            let offset = (offset & !0xff) | last.clamp(1, 254);
            IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() | offset as u32))
        }
        IpAddr::V6(v6) => {
            let nets = 1u128 << (64 - u32::from(prefix).min(64));
            let net = u128::from(nth.wrapping_mul(0x9e37_79b9_7f4a_7c15)) % nets;
            let host = u128::from(nth.wrapping_mul(0xd6e8_feb8_6659_fd93) | 1);
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() | net << 64 | host))
        }
    }
}
