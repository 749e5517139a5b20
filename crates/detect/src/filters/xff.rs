//! Flags forwarding chains that contradict themselves or the address.
//!
//! A partner-passed `X-Forwarded-For` (ClearTrust's `s8`) is evidence, not truth: people
//! behind proxies have one, invented visitors often have one that does not fit.
//!
//! Reads: `xff`, `facts.ip`. Emits: `XFF_ANOMALY`, low.

use std::net::IpAddr;

use assay_model::document::Problem;
use assay_model::facts::{AddressScope, Facts, canonical_ip};
use assay_model::hit::Field;
use assay_model::reason::Reason;
use assay_model::verdict::{Check, Finding, Missing};
use serde::Deserialize;

use super::{Settings, in_range};
use crate::filter::{Filter, Readings};

/// Settings of `xff`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct XffSettings {
    /// Most hops a chain may have; 1 to 50.
    max_hops: u32,
}

impl Default for XffSettings {
    fn default() -> Self {
        Self { max_hops: 8 }
    }
}

impl Settings for XffSettings {
    fn check(&self, out: &mut Vec<Problem>) {
        in_range("max_hops", self.max_hops, 1..=50, "", out);
    }
}

pub struct Xff {
    max_hops: u32,
}

impl Xff {
    pub fn new(settings: XffSettings) -> Self {
        Self {
            max_hops: settings.max_hops,
        }
    }

    fn broken_rule(&self, chain: &str, ip: IpAddr) -> Option<&'static str> {
        let (mut hops, mut malformed) = (0, false);
        let (mut public, mut named) = (false, false);
        for hop in chain.split(',') {
            hops += u32::from(!hop.trim().is_empty());
            if hops > self.max_hops {
                return Some("too_many_hops");
            }
            match parse_hop(hop) {
                Some(hop) => {
                    public |= AddressScope::of(hop) == AddressScope::Global;
                    named |= hop == ip && AddressScope::of(hop) == AddressScope::Global;
                }
                None => malformed |= !is_hidden(hop),
            }
        }
        if malformed {
            return Some("malformed");
        }
        (public && !named).then_some("address_not_in_chain")
    }
}

impl Filter for Xff {
    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        _: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        let (Some(chain), Some(ip)) = (facts.hit.get(Field::Xff), &facts.ip) else {
            return Check::Skipped(Missing::Values);
        };
        let Some(rule) = self.broken_rule(chain, ip.ip) else {
            return Check::Clean;
        };
        found.push(
            Finding::new(Reason::XffAnomaly)
                .with("rule", rule)
                .with("forwarded_for", chain)
                .with("ip", ip.ip.to_string()),
        );
        Check::Flagged
    }
}

/// The chain's public addresses, nearest to the client first.
pub fn public_hops(chain: &str) -> impl Iterator<Item = IpAddr> + '_ {
    chain
        .split(',')
        .filter_map(parse_hop)
        .filter(|ip| AddressScope::of(*ip) == AddressScope::Global)
}

/// RFC 7239 lets a proxy hide a hop: `unknown` or `_anything`.
fn is_hidden(hop: &str) -> bool {
    let hop = hop.trim();
    hop.is_empty() || hop.eq_ignore_ascii_case("unknown") || hop.starts_with('_')
}

/// Reads `1.2.3.4`, `1.2.3.4:80`, `2001:db8::1`, `[2001:db8::1]:80`.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim().trim_matches('"');
    if let Some(inner) = hop.strip_prefix('[') {
        return inner.split(']').next()?.parse().ok().map(canonical_ip);
    }
    hop.parse()
        .ok()
        .or_else(|| {
            hop.split_once(':').and_then(|(ip, port)| {
                port.parse::<u16>().ok()?;
                ip.parse().ok()
            })
        })
        .map(canonical_ip)
}
