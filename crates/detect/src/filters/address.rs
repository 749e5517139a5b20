//! The filters that follow from a list's mark on an address: Tor, VPN, proxies.
//!
//! A mark that contradicts an access network (`weak`) counts as low at most; a relay with
//! real people behind it carries no mark at all (see `assay-intel`).
//!
//! Reads: `facts.ip`. Emits: `TOR_EXIT`, `VPN`, `PUBLIC_PROXY`, `RESIDENTIAL_PROXY`.

use assay_model::facts::{Facts, MarkKind};
use assay_model::reason::{Reason, Risk};
use assay_model::verdict::{Check, Finding, Missing};

use crate::filter::{Filter, Readings};

pub struct MarkFilter {
    mark: MarkKind,
    reason: Reason,
}

impl MarkFilter {
    pub const TOR: Self = Self {
        mark: MarkKind::Tor,
        reason: Reason::TorExit,
    };
    pub const VPN: Self = Self {
        mark: MarkKind::Vpn,
        reason: Reason::Vpn,
    };
    pub const PUBLIC_PROXY: Self = Self {
        mark: MarkKind::PublicProxy,
        reason: Reason::PublicProxy,
    };
    pub const RESIDENTIAL_PROXY: Self = Self {
        mark: MarkKind::ResidentialProxy,
        reason: Reason::ResidentialProxy,
    };
}

impl MarkFilter {
    pub const fn kind(&self) -> MarkKind {
        self.mark
    }

    pub const fn reason(&self) -> Reason {
        self.reason
    }
}

impl Filter for MarkFilter {
    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        _: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        let Some(ip) = &facts.ip else {
            return Check::Skipped(Missing::Ip);
        };
        let Some(mark) = ip.mark(self.mark) else {
            return Check::Clean;
        };
        let mut finding = Finding::new(self.reason)
            .with("ip", ip.ip.to_string())
            .with("basis", mark.basis.as_str())
            .from_list(mark.list);
        if self.reason != Reason::TorExit {
            finding = finding.with_some("provider", Some(mark.label));
        }
        if self.reason == Reason::Vpn {
            finding = finding.with_some("operator", ip.operator);
            if let Some(asn) = ip.asn {
                finding = finding.with("asn", asn);
            }
        }
        found.push(if mark.weak {
            finding.at_most(Risk::Low)
        } else {
            finding
        });
        Check::Flagged
    }
}
