//! Kinds of intelligence an operator can import.
//!
//! The kind says what a file's entries mean; the format is found from its content.

use serde::{Deserialize, Serialize};

/// What a source's entries say about the addresses they cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Network number and operator.
    Asn,
    /// Country.
    Country,
    /// City and country.
    City,
    /// Servers and data centres.
    Hosting,
    /// Cloud provider ranges.
    Cloud,
    /// Commercial VPN exits.
    Vpn,
    /// Tor exit nodes.
    Tor,
    /// Open proxies.
    Proxy,
    /// Proxies sold on consumer lines.
    Residential,
    /// Privacy relays with real people behind them.
    Relay,
    /// Addresses that crawler operators publish.
    Crawler,
    /// Access networks: consumer, mobile, company, school.
    Isp,
}

impl Kind {
    /// All kinds, in the order the command line lists them.
    pub const ALL: [Self; 12] = [
        Self::Asn,
        Self::Country,
        Self::City,
        Self::Hosting,
        Self::Cloud,
        Self::Vpn,
        Self::Tor,
        Self::Proxy,
        Self::Residential,
        Self::Relay,
        Self::Crawler,
        Self::Isp,
    ];

    /// Stable text, as on the command line and in the manifest.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asn => "asn",
            Self::Country => "country",
            Self::City => "city",
            Self::Hosting => "hosting",
            Self::Cloud => "cloud",
            Self::Vpn => "vpn",
            Self::Tor => "tor",
            Self::Proxy => "proxy",
            Self::Residential => "residential",
            Self::Relay => "relay",
            Self::Crawler => "crawler",
            Self::Isp => "isp",
        }
    }

    /// Reads the text of [`Kind::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.as_str() == text)
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
