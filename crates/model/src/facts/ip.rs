//! Words for what intelligence says about an address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

/// ISO 3166-1 alpha-2 country code, upper case.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Country([u8; 2]);

impl Country {
    /// Reads two ASCII letters of any case; anything else is `None`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim().as_bytes() {
            [a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
                Some(Self([a.to_ascii_uppercase(), b.to_ascii_uppercase()]))
            }
            _ => None,
        }
    }

    /// The two letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("??")
    }

    /// The two bytes, for codecs and tables.
    #[must_use]
    pub const fn bytes(self) -> [u8; 2] {
        self.0
    }
}

impl std::fmt::Debug for Country {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Display for Country {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Country {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Country {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format!("{text:?} is not a two-letter country code"))
        })
    }
}

/// Where an address can be seen; only `Global` can be a visitor's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum AddressScope {
    /// Routed on the public internet.
    Global = 0,
    /// RFC 1918, unique local IPv6.
    Private = 1,
    /// 127/8, ::1.
    Loopback = 2,
    /// 169.254/16, fe80::/10.
    LinkLocal = 3,
    /// RFC 6598 shared space between carrier and subscriber.
    CarrierNat = 4,
    /// Documentation and benchmarking ranges.
    Documentation = 5,
    /// Multicast.
    Multicast = 6,
    /// Unspecified, future use, IETF protocol blocks, unallocated IPv6.
    Reserved = 7,
}

impl AddressScope {
    /// Stable text used in evidence.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Private => "private",
            Self::Loopback => "loopback",
            Self::LinkLocal => "link_local",
            Self::CarrierNat => "carrier_nat",
            Self::Documentation => "documentation",
            Self::Multicast => "multicast",
            Self::Reserved => "reserved",
        }
    }

    /// Classifies an address by the IANA special-purpose registries.
    ///
    /// Source: RFC 6890 and the IANA IPv4/IPv6 special-purpose address registries.
    #[must_use]
    pub fn of(ip: IpAddr) -> Self {
        match canonical_ip(ip) {
            IpAddr::V4(v4) => Self::of_v4(v4),
            IpAddr::V6(v6) => Self::of_v6(v6),
        }
    }

    fn of_v4(ip: Ipv4Addr) -> Self {
        let [a, b, c, _] = ip.octets();
        match (a, b, c) {
            (127, ..) => Self::Loopback,
            (10, ..) | (172, 16..=31, _) | (192, 168, _) => Self::Private,
            (169, 254, _) => Self::LinkLocal,
            (100, 64..=127, _) => Self::CarrierNat,
            (192, 0, 2) | (198, 18..=19, _) | (198, 51, 100) | (203, 0, 113) => Self::Documentation,
            (224..=239, ..) => Self::Multicast,
            (0, ..) | (240..=255, ..) | (192, 0, 0) | (192, 88, 99) => Self::Reserved,
            _ => Self::Global,
        }
    }

    fn of_v6(ip: Ipv6Addr) -> Self {
        let s = ip.segments();
        if ip.is_loopback() {
            Self::Loopback
        } else if s[0] & 0xffc0 == 0xfe80 {
            Self::LinkLocal
        } else if s[0] & 0xfe00 == 0xfc00 {
            Self::Private
        } else if s[0] & 0xff00 == 0xff00 {
            Self::Multicast
        } else if (s[0] == 0x2001 && s[1] == 0x0db8) || (s[0] == 0x3fff && s[1] < 0x1000) {
            Self::Documentation
        } else if s[0] & 0xe000 != 0x2000 || (s[0] == 0x2001 && s[1] < 0x0200 && s[1] != 0) {
            // Only 2000::/3 is allocated; 2001::/23 holds protocol assignments,
            // of which Teredo (2001:0::/32) does carry people.
            Self::Reserved
        } else {
            Self::Global
        }
    }
}

/// Unwraps IPv4-mapped and NAT64 (`64:ff9b::/96`) addresses to the IPv4 they carry.
#[must_use]
pub fn canonical_ip(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = ip else { return ip };
    if let Some(v4) = v6.to_ipv4_mapped() {
        return IpAddr::V4(v4);
    }
    let s = v6.segments();
    if s[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
        let o = v6.octets();
        return IpAddr::V4(Ipv4Addr::new(o[12], o[13], o[14], o[15]));
    }
    ip
}

/// What kind of network an address belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum NetworkClass {
    /// Nothing says what it is.
    #[default]
    Unknown = 0,
    /// Servers: cloud, hosting, data centre.
    Hosting = 1,
    /// Fixed-line access.
    Isp = 2,
    /// Mobile carrier.
    Mobile = 3,
    /// A company's own network.
    Business = 4,
    /// School, university, research, library.
    Education = 5,
    /// Privacy relay with real people behind it.
    Relay = 6,
    /// Satellite access.
    Satellite = 7,
}

impl NetworkClass {
    /// All values, in code order.
    pub const ALL: [Self; 8] = [
        Self::Unknown,
        Self::Hosting,
        Self::Isp,
        Self::Mobile,
        Self::Business,
        Self::Education,
        Self::Relay,
        Self::Satellite,
    ];

    /// Stable text used in evidence, reports and the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Hosting => "hosting",
            Self::Isp => "isp",
            Self::Mobile => "mobile",
            Self::Business => "business",
            Self::Education => "education",
            Self::Relay => "relay",
            Self::Satellite => "satellite",
        }
    }

    /// Whether people reach the internet through this kind of network.
    #[must_use]
    pub const fn is_access(self) -> bool {
        matches!(
            self,
            Self::Isp | Self::Mobile | Self::Business | Self::Education | Self::Satellite
        )
    }
}

/// A network whose shared addresses carry many real people.
///
/// It can only lower a risk; an address on it is a duplicate or velocity key only
/// together with the user agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Benign {
    /// iCloud Private Relay and its like.
    Relay = 1,
    /// Satellite access.
    Satellite = 2,
    /// Mobile carrier or carrier-grade NAT gateway.
    CarrierGateway = 3,
    /// A crawler whose address its operator publishes.
    VerifiedCrawler = 4,
    /// A mail system that opens every link of a message.
    MailScanner = 5,
}

impl Benign {
    /// Stable text used in evidence.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::Satellite => "satellite",
            Self::CarrierGateway => "carrier_gateway",
            Self::VerifiedCrawler => "verified_crawler",
            Self::MailScanner => "mail_scanner",
        }
    }
}

/// What a list or a rule says an address is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum MarkKind {
    /// Tor exit node.
    Tor = 1,
    /// Commercial VPN exit.
    Vpn = 2,
    /// Open proxy anybody can use.
    PublicProxy = 3,
    /// Proxy sold on consumer lines.
    ResidentialProxy = 4,
    /// Server, cloud or data centre.
    Hosting = 5,
}

impl MarkKind {
    /// Stable text used in evidence.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tor => "tor",
            Self::Vpn => "vpn",
            Self::PublicProxy => "public_proxy",
            Self::ResidentialProxy => "residential_proxy",
            Self::Hosting => "hosting",
        }
    }
}

/// How a mark was found, from the most to the least specific.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Basis {
    /// The address itself or a small range (IPv4 /24, IPv6 /48 or narrower) is listed.
    Address = 1,
    /// A wider range is listed.
    Range = 2,
    /// The network (AS number) is listed.
    Asn = 3,
    /// Words in the network's name say so.
    AsName = 4,
}

impl Basis {
    /// Stable text used in evidence.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Range => "range",
            Self::Asn => "asn",
            Self::AsName => "as_name",
        }
    }
}

/// One mark on an address, with where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpMark<'a> {
    /// What the address is used for.
    pub kind: MarkKind,
    /// How that was found.
    pub basis: Basis,
    /// The mark contradicts an access network and counts as low at most.
    pub weak: bool,
    /// Provider or entry name (`amazon`, `mullvad`); empty when the list has none.
    pub label: &'a str,
    /// Provenance: `list@version`, for example `tor@2026-08-22`, or `builtin@1`.
    pub list: &'a str,
}

/// Everything known about one address.
#[derive(Clone, Debug, PartialEq)]
pub struct IpFacts<'a> {
    /// The address, IPv4-mapped forms unwrapped.
    pub ip: IpAddr,
    /// Public, private, reserved…
    pub scope: AddressScope,
    /// Country of registration or location.
    pub country: Option<Country>,
    /// City name, when a city table is loaded.
    pub city: Option<&'a str>,
    /// Autonomous system number.
    pub asn: Option<u32>,
    /// The autonomous system's organisation name.
    pub operator: Option<&'a str>,
    /// Kind of network.
    pub class: NetworkClass,
    /// Shared by many real people.
    pub benign: Option<Benign>,
    /// Verified crawler's name (`googlebot`).
    pub crawler: Option<&'a str>,
    /// Cloud provider and region, where a cloud list gives them (`amazon`, `google/us-east1`).
    pub cloud: Option<&'a str>,
    /// What the address is used for, at most one mark of a kind, in order of belief.
    /// A `Vec` since `SmallVec` is invariant, and facts must be free to live shorter.
    pub marks: Vec<IpMark<'a>>,
}

impl<'a> IpFacts<'a> {
    /// Facts of an address no table knows.
    #[must_use]
    pub fn unknown(ip: IpAddr) -> Self {
        let ip = canonical_ip(ip);
        Self {
            ip,
            scope: AddressScope::of(ip),
            country: None,
            city: None,
            asn: None,
            operator: None,
            class: NetworkClass::Unknown,
            benign: None,
            crawler: None,
            cloud: None,
            marks: Vec::new(),
        }
    }

    /// The mark of `kind`, if there is one.
    #[must_use]
    pub fn mark(&self, kind: MarkKind) -> Option<&IpMark<'a>> {
        self.marks.iter().find(|m| m.kind == kind)
    }

    /// Whether the network places people elsewhere on purpose: then where it is says nothing.
    #[must_use]
    pub const fn displaces_people(&self) -> bool {
        matches!(self.benign, Some(Benign::Relay | Benign::Satellite))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scope_follows_the_special_purpose_registries() {
        let cases = [
            ("8.8.8.8", AddressScope::Global),
            ("10.1.2.3", AddressScope::Private),
            ("172.32.0.1", AddressScope::Global),
            ("192.168.0.1", AddressScope::Private),
            ("127.0.0.1", AddressScope::Loopback),
            ("169.254.169.254", AddressScope::LinkLocal),
            ("100.64.0.1", AddressScope::CarrierNat),
            ("203.0.113.9", AddressScope::Documentation),
            ("224.0.0.1", AddressScope::Multicast),
            ("0.0.0.0", AddressScope::Reserved),
            ("255.255.255.255", AddressScope::Reserved),
            ("::1", AddressScope::Loopback),
            ("::", AddressScope::Reserved),
            ("fe80::1", AddressScope::LinkLocal),
            ("fd00::1", AddressScope::Private),
            ("ff02::1", AddressScope::Multicast),
            ("2001:db8::1", AddressScope::Documentation),
            ("2606:4700::1111", AddressScope::Global),
            ("2001:0:4136:e378::1", AddressScope::Global),
            ("::ffff:10.0.0.1", AddressScope::Private),
            ("64:ff9b::8.8.8.8", AddressScope::Global),
            ("64:ff9b::7f00:1", AddressScope::Loopback),
            ("4000::1", AddressScope::Reserved),
        ];
        for (text, scope) in cases {
            let ip: IpAddr = text.parse().unwrap();
            assert_eq!(AddressScope::of(ip), scope, "{text}");
        }
    }

    #[test]
    fn country_reads_two_letters_only() {
        assert_eq!(Country::parse("de").unwrap().as_str(), "DE");
        assert!(Country::parse("DEU").is_none());
        assert!(Country::parse("1A").is_none());
    }
}
