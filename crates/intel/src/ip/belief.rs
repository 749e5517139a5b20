//! The order of belief: which of several claims about an address counts.
//!
//! Relay and verified crawlers first, then Tor, VPN and proxy lists, cloud ranges,
//! hosting networks, words in the network's name. A claim about a whole network
//! or a wide range that contradicts an access network is weak.
//!
//! Source: SPEC §3 ("Order of belief for an address").

use assay_model::facts::{Basis, Benign, MarkKind, NetworkClass};
use smallvec::SmallVec;

use super::name::NameFacts;
use super::strings::{EMPTY, StrId};

/// A list's claim about the address under judgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Claim {
    pub(crate) basis: Basis,
    pub(crate) label: StrId,
    pub(crate) list: StrId,
    /// Access class, for claims of kind `isp` only.
    pub(crate) class: NetworkClass,
}

/// All claims about a run of addresses, ranges and its network's number together.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Claims<'a> {
    /// Index of the network, or `u32::MAX`.
    pub(crate) network: u32,
    pub(crate) name: Option<&'a NameFacts>,
    /// Provenance of the name rules.
    pub(crate) name_list: StrId,
    pub(crate) relay: Option<Claim>,
    /// In the same operator's block as listed relay ranges.
    pub(crate) relay_block: bool,
    pub(crate) crawler: Option<Claim>,
    pub(crate) tor: Option<Claim>,
    pub(crate) vpn: Option<Claim>,
    pub(crate) proxy: Option<Claim>,
    pub(crate) residential: Option<Claim>,
    pub(crate) cloud: Option<Claim>,
    pub(crate) hosting: Option<Claim>,
    pub(crate) isp: Option<Claim>,
}

/// A resolved mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct MarkRow {
    pub(crate) kind: MarkKind,
    pub(crate) basis: Basis,
    pub(crate) weak: bool,
    pub(crate) label: StrId,
    pub(crate) list: StrId,
}

/// A resolved answer; marks lie in a shared array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NetRow {
    pub(crate) network: u32,
    pub(crate) class: NetworkClass,
    pub(crate) benign: Option<Benign>,
    pub(crate) crawler: StrId,
    pub(crate) cloud: StrId,
    pub(crate) marks_at: u32,
    pub(crate) marks: u8,
}

/// Marks of one row before they are stored.
pub(crate) type Marks = SmallVec<[MarkRow; 4]>;

/// Resolves all claims into one answer.
pub(crate) fn resolve(claims: &Claims<'_>) -> (NetRow, Marks) {
    let mut row = NetRow::empty(claims.network);
    row.cloud = claims.cloud.map_or(EMPTY, |c| c.label);
    if claims.relay.is_some() || claims.relay_block {
        row.class = NetworkClass::Relay;
        row.benign = Some(Benign::Relay);
        return (row, Marks::new());
    }
    let access = access_class(claims);
    let mut marks = marks(claims, access);
    let served = marks.iter().any(|m| m.kind == MarkKind::Hosting && !m.weak);
    row.class = match access {
        _ if served => NetworkClass::Hosting,
        Some(class) => class,
        None => NetworkClass::Unknown,
    };
    if let Some(crawler) = claims.crawler {
        row.crawler = crawler.label;
        row.benign = Some(Benign::VerifiedCrawler);
        return (row, Marks::new());
    }
    row.benign = benign(claims, row.class);
    if row.benign == Some(Benign::MailScanner) {
        // The whole network is the scanner: only a claim about the address itself stands.
        marks.retain(|m| m.basis == Basis::Address);
    }
    (row, marks)
}

/// What kind of access network it is: by list, else by a carrier's name.
fn access_class(claims: &Claims<'_>) -> Option<NetworkClass> {
    let named = claims.name.and_then(|n| n.access);
    match claims.isp {
        // A list that only says "access" leaves the finer word to the name.
        Some(c) if c.class == NetworkClass::Isp => Some(named.unwrap_or(NetworkClass::Isp)),
        Some(c) => Some(c.class),
        None => named,
    }
}

fn marks(claims: &Claims<'_>, access: Option<NetworkClass>) -> Marks {
    let named = |kind| name_claim(claims, kind, access.is_some());
    let hosting = narrower(claims.cloud, claims.hosting);
    let found = [
        (MarkKind::Tor, claims.tor),
        (MarkKind::Vpn, claims.vpn.or_else(|| named(MarkKind::Vpn))),
        (MarkKind::PublicProxy, claims.proxy),
        (MarkKind::ResidentialProxy, claims.residential),
        (
            MarkKind::Hosting,
            hosting.or_else(|| named(MarkKind::Hosting)),
        ),
    ];
    let marks = found.into_iter().filter_map(|(kind, claim)| {
        let claim = claim?;
        let weak = access.is_some() && contradicts(claims, claim.basis);
        Some(MarkRow {
            kind,
            basis: claim.basis,
            weak,
            label: claim.label,
            list: claim.list,
        })
    });
    marks.collect()
}

/// Whether an access network denies a claim of this width.
///
/// A list of networks is made network by network, so against it common words in a name
/// ("telecom") do not count, a list of access networks or a carrier's own name does.
fn contradicts(claims: &Claims<'_>, basis: Basis) -> bool {
    match basis {
        Basis::Address => false,
        Basis::Range | Basis::AsName => true,
        Basis::Asn => claims.isp.is_some() || claims.name.is_some_and(|n| n.carrier),
    }
}

/// The claim about fewer addresses; of equals the first.
pub(crate) fn narrower(a: Option<Claim>, b: Option<Claim>) -> Option<Claim> {
    match (a, b) {
        (Some(a), Some(b)) if b.basis < a.basis => Some(b),
        (a, b) => a.or(b),
    }
}

/// What the network's name says, unless it is known as an access network.
fn name_claim(claims: &Claims<'_>, kind: MarkKind, access: bool) -> Option<Claim> {
    let name = claims.name.filter(|_| !access)?;
    let says = match kind {
        MarkKind::Vpn => name.vpn,
        _ => name.hosting,
    };
    says.then_some(Claim {
        basis: Basis::AsName,
        label: EMPTY,
        list: claims.name_list,
        class: NetworkClass::Unknown,
    })
}

fn benign(claims: &Claims<'_>, class: NetworkClass) -> Option<Benign> {
    match class {
        NetworkClass::Satellite => Some(Benign::Satellite),
        NetworkClass::Mobile => Some(Benign::CarrierGateway),
        _ if claims.name.is_some_and(|n| n.mail_scanner) => Some(Benign::MailScanner),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLAIM: Claim = Claim {
        basis: Basis::Range,
        label: 7,
        list: 8,
        class: NetworkClass::Unknown,
    };

    fn claim(basis: Basis) -> Option<Claim> {
        Some(Claim { basis, ..CLAIM })
    }

    fn claims() -> Claims<'static> {
        Claims {
            network: u32::MAX,
            ..Claims::default()
        }
    }

    fn isp(class: NetworkClass) -> Option<Claim> {
        Some(Claim { class, ..CLAIM })
    }

    #[test]
    fn relay_and_crawlers_come_before_every_list() {
        let bad = Claims {
            tor: claim(Basis::Address),
            vpn: claim(Basis::Address),
            hosting: claim(Basis::Asn),
            ..claims()
        };
        let (row, marks) = resolve(&Claims {
            relay_block: true,
            ..bad
        });
        assert_eq!(
            (row.class, row.benign),
            (NetworkClass::Relay, Some(Benign::Relay))
        );
        assert!(marks.is_empty());
        let (row, marks) = resolve(&Claims {
            crawler: claim(Basis::Range),
            ..bad
        });
        assert_eq!(
            (row.crawler, row.benign),
            (7, Some(Benign::VerifiedCrawler))
        );
        assert!(marks.is_empty());
    }

    #[test]
    fn marks_keep_the_order_of_belief() {
        let all = Claims {
            hosting: claim(Basis::Asn),
            proxy: claim(Basis::Address),
            vpn: claim(Basis::Range),
            tor: claim(Basis::Address),
            ..claims()
        };
        let kinds: Vec<_> = resolve(&all).1.iter().map(|m| m.kind).collect();
        let order = [
            MarkKind::Tor,
            MarkKind::Vpn,
            MarkKind::PublicProxy,
            MarkKind::Hosting,
        ];
        assert_eq!(kinds, order);
    }

    #[test]
    fn only_claims_about_the_address_hold_on_an_access_network() {
        let cases = [
            (Basis::Address, false),
            (Basis::Range, true),
            (Basis::Asn, true),
        ];
        for (basis, weak) in cases {
            let c = Claims {
                vpn: claim(basis),
                isp: isp(NetworkClass::Isp),
                ..claims()
            };
            let (row, marks) = resolve(&c);
            assert_eq!(marks[0].weak, weak, "{basis:?}");
            assert_eq!(row.class, NetworkClass::Isp);
            assert!(!resolve(&Claims { isp: None, ..c }).1[0].weak);
        }
    }

    #[test]
    fn a_name_counts_only_where_no_access_list_denies_it() {
        let name = NameFacts {
            hosting: true,
            ..NameFacts::default()
        };
        let c = Claims {
            name: Some(&name),
            ..claims()
        };
        let (row, marks) = resolve(&c);
        assert_eq!(
            (row.class, marks[0].basis),
            (NetworkClass::Hosting, Basis::AsName)
        );
        let listed = Claims {
            isp: isp(NetworkClass::Business),
            ..c
        };
        assert!(resolve(&listed).1.is_empty());
    }

    #[test]
    fn the_narrower_of_cloud_and_hosting_counts() {
        let c = Claims {
            cloud: claim(Basis::Range),
            hosting: claim(Basis::Address),
            ..claims()
        };
        assert_eq!(resolve(&c).1[0].basis, Basis::Address);
    }

    #[test]
    fn mobile_and_satellite_are_benign_and_mail_scanners_lose_network_marks() {
        let mobile = Claims {
            isp: isp(NetworkClass::Mobile),
            ..claims()
        };
        assert_eq!(resolve(&mobile).0.benign, Some(Benign::CarrierGateway));
        let name = NameFacts {
            mail_scanner: true,
            ..NameFacts::default()
        };
        let mail = Claims {
            name: Some(&name),
            hosting: claim(Basis::Asn),
            ..claims()
        };
        let (row, marks) = resolve(&mail);
        assert_eq!(row.benign, Some(Benign::MailScanner));
        assert!(marks.is_empty());
    }
}
