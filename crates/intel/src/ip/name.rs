//! What a network's name and shape say about it.
//!
//! Lists of hosting networks always miss the newest and the smallest, so words
//! ("hosting", "vps", in many languages), brands and the shape of what a network
//! announces decide where no list does. A guess by name is `Basis::AsName`, medium
//! at most, and any list of access networks overrules it.

mod points;
mod shape;
mod words;

use assay_model::facts::NetworkClass;

use self::points::Points;
pub(crate) use self::shape::Shape;
use self::words::{Group, GroupSet, Words};

/// Findings of the name rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct NameFacts {
    /// An access network, by the words of its name.
    pub(crate) access: Option<NetworkClass>,
    /// A large operator of access networks, by its own name.
    pub(crate) carrier: bool,
    /// Servers.
    pub(crate) hosting: bool,
    /// A VPN provider.
    pub(crate) vpn: bool,
    /// A mail system that opens links.
    pub(crate) mail_scanner: bool,
}

/// Networks with more IPv4 addresses are called hosting by name for an unmistakable word only.
///
/// From here on most are consumer networks, and a mistake costs many people.
const CONSUMER_SIZE: u64 = 1 << 17;

/// Points from which a network without a telling word counts as hosting, by size.
const fn points_min(addresses: u64) -> i32 {
    match addresses {
        0..0x1000 => -33,
        0x1000..0x8000 => -32,
        0x8000..0x1_0000 => -22,
        _ => -12,
    }
}

/// Numbers of networks that carry telephones; few of their names say so.
///
/// In: `data/mobile_networks.tsv`, written by `scripts/build_mobile.py`.
const MOBILE: &str = include_str!("../../data/mobile_networks.tsv");

/// The rules, read once for all networks.
pub(crate) struct NameRules {
    words: Words,
    points: Points,
    /// Sorted.
    mobile: Vec<u32>,
}

impl NameRules {
    /// The compiled-in rules.
    pub(crate) fn builtin() -> Self {
        Self {
            words: Words::builtin(),
            points: Points::builtin(),
            mobile: mobile_numbers(),
        }
    }

    /// Judges one network.
    pub(crate) fn judge(&self, number: u32, name: &str, shape: &Shape) -> NameFacts {
        let name = name.to_ascii_lowercase();
        let words: Vec<&str> = name
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|w| !w.is_empty())
            .collect();
        let groups = self.words.groups(&words);
        let telling = groups.has(Group::Hosting);
        let doubt = groups.has(Group::Doubt);
        let large = shape.addresses >= CONSUMER_SIZE / 4;
        let mut facts = NameFacts {
            mail_scanner: groups.has(Group::MailScanner),
            vpn: groups.has(Group::Vpn),
            access: access_class(groups),
            carrier: groups.has(Group::Carrier) && !telling && large,
            hosting: false,
        };
        // A carrier's small networks are still a carrier's: its own name outweighs the shape.
        if groups.has(Group::Carrier) && !telling {
            facts.access.get_or_insert(NetworkClass::Isp);
        }
        if self.mobile.binary_search(&number).is_ok() {
            (facts.access, facts.carrier) = (Some(NetworkClass::Mobile), true);
        }
        facts.hosting = match facts.access {
            // "Acme Telecom & Hosting" sells both; when it is large, people are on it.
            Some(_) => telling && !facts.carrier && shape.addresses < CONSUMER_SIZE,
            None => telling || !doubt && self.looks_hosting(number, &words, shape),
        };
        if facts.hosting {
            facts.access = None;
        }
        facts
    }

    /// Whether words, country and shape together look like a seller of servers.
    fn looks_hosting(&self, number: u32, words: &[&str], shape: &Shape) -> bool {
        shape.addresses < CONSUMER_SIZE
            && self.points.of(number, words, shape) > points_min(shape.addresses)
    }
}

fn mobile_numbers() -> Vec<u32> {
    let rows = MOBILE.lines().filter_map(|line| line.split_once('\t'));
    let mut numbers: Vec<u32> = rows.filter_map(|(number, _)| number.parse().ok()).collect();
    numbers.sort_unstable();
    numbers
}

/// The kind of access network the words name, the most special first.
fn access_class(groups: GroupSet) -> Option<NetworkClass> {
    let order = [
        (Group::Satellite, NetworkClass::Satellite),
        (Group::Education, NetworkClass::Education),
        (Group::Business, NetworkClass::Business),
        (Group::Mobile, NetworkClass::Mobile),
        (Group::Isp, NetworkClass::Isp),
    ];
    order
        .into_iter()
        .find(|(group, _)| groups.has(*group))
        .map(|(_, class)| class)
}

#[cfg(test)]
mod tests {
    use assay_model::facts::Country;

    use super::*;

    fn facts(name: &str, addresses: u64) -> NameFacts {
        let mut shape = Shape::default();
        shape.add_v4(0x0200_0000, addresses, None);
        NameRules::builtin().judge(64500, name, &shape)
    }

    #[test]
    fn words_tell_hosting_in_many_languages() {
        for name in [
            "Acme Hosting GmbH",
            "ACMEHOST LLC",
            "Acme Data Center",
            "Acme VPS",
            "Servidores Acme",
            "Acme Bulut Teknolojileri",
            "AcmeCloud Ltd",
        ] {
            assert!(facts(name, 4096).hosting, "{name}");
        }
    }

    #[test]
    fn words_tell_access_networks() {
        let cases = [
            ("Acme Telecom Ltda", NetworkClass::Isp),
            ("Acme Mobile", NetworkClass::Mobile),
            ("T-Mobile Somewhere", NetworkClass::Mobile),
            ("University of Acme", NetworkClass::Education),
            ("Acme Broadband", NetworkClass::Isp),
            ("Space Exploration Starlink", NetworkClass::Satellite),
        ];
        for (name, class) in cases {
            let facts = facts(name, 4096);
            assert_eq!(
                (facts.access, facts.hosting),
                (Some(class), false),
                "{name}"
            );
        }
    }

    #[test]
    fn every_mobile_network_is_read_and_one_that_hides_it_is_mobile() {
        let rows = MOBILE.lines().filter(|l| !l.starts_with('#')).count();
        assert_eq!(mobile_numbers().len(), rows);
        let judge =
            |number| NameRules::builtin().judge(number, "Verizon Business", &Shape::default());
        assert_eq!(
            (judge(22394).access, judge(22394).carrier),
            (Some(NetworkClass::Mobile), true)
        );
        assert_ne!(judge(64500).access, Some(NetworkClass::Mobile));
    }

    #[test]
    fn words_both_trades_use_leave_the_shape_unproven() {
        // Fifty /24s all over the world: what sellers of servers hold.
        let mut shape = Shape::default();
        for at in 0..50 {
            shape.add_v4(
                at << 26 | 0x0200_0000,
                256,
                Country::parse(["US", "NL", "SG"][at as usize % 3]),
            );
        }
        let hosting = |name| NameRules::builtin().judge(210_000, name, &shape).hosting;
        assert!(hosting("Acme Solutions LLC"));
        for name in [
            "Acme Internet LLC",
            "Acmetel LLC",
            "Acme Communications LLC",
        ] {
            assert!(!hosting(name), "{name}");
        }
        assert!(hosting("Acmetel Hosting LLC"));
    }

    #[test]
    fn a_large_network_needs_an_unmistakable_word() {
        assert!(!facts("Acme Inc", 1 << 20).hosting);
        assert!(!facts("Acme Telecom & Cloud", 1 << 20).hosting);
        assert!(facts("Acme Cloud", 1 << 20).hosting);
        assert!(facts("Vodafone Nowhere", 1 << 20).carrier);
        assert_eq!(
            facts("Vodafone Nowhere", 4096).access,
            Some(NetworkClass::Isp)
        );
    }
}
