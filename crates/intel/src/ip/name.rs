//! What a network's name says about it.

use assay_model::facts::NetworkClass;

/// Findings of the name rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct NameFacts {
    /// An access network, by a carrier's name.
    pub(crate) access: Option<NetworkClass>,
    /// Servers.
    pub(crate) hosting: bool,
    /// A VPN provider.
    pub(crate) vpn: bool,
    /// A mail system that opens links.
    pub(crate) mail_scanner: bool,
}

impl NameFacts {
    /// Reads a name.
    pub(crate) fn of(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        let any = |words: &[&str]| words.iter().any(|w| name.contains(w));
        let mut facts = Self::default();
        if any(&[
            "hosting",
            "server",
            "cloud",
            "datacenter",
            "data center",
            "vps",
            "colo",
        ]) {
            facts.hosting = true;
        } else if any(&["mobile", "wireless", "cellular"]) {
            facts.access = Some(NetworkClass::Mobile);
        } else if any(&[
            "telecom",
            "broadband",
            "cable",
            "fiber",
            "telefon",
            "telekom",
        ]) {
            facts.access = Some(NetworkClass::Isp);
        } else if any(&["universit", "college", "school"]) {
            facts.access = Some(NetworkClass::Education);
        }
        facts
    }
}
