//! Flags addresses of servers, where people do not browse from.
//!
//! By range or network number it is high; by words in the network's name alone medium;
//! against an access network low at most. A forwarding chain that names another client
//! behind a hosting address makes it a data-centre proxy.
//!
//! Reads: `facts.ip`, `xff`. Emits: `DATACENTER_IP`, `DATACENTER_PROXY`.

use assay_model::facts::{Basis, Facts, IpFacts, IpMark, MarkKind};
use assay_model::hit::Field;
use assay_model::reason::{Reason, Risk};
use assay_model::verdict::{Check, Finding, Missing};

use super::xff;
use crate::filter::{Filter, Readings};

pub struct Datacenter;

impl Filter for Datacenter {
    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        _: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        let Some(ip) = &facts.ip else {
            return Check::Skipped(Missing::Ip);
        };
        let Some(mark) = ip.mark(MarkKind::Hosting) else {
            return Check::Clean;
        };
        let finding = described(Reason::DatacenterIp, ip)
            .with_some("provider", Some(mark.label))
            .with("basis", mark.basis.as_str())
            .from_list(mark.list)
            .at_most(risk_of(mark));
        let proxied = facts
            .hit
            .get(Field::Xff)
            .filter(|chain| !mark.weak && names_another_client(chain, ip));
        found.push(finding);
        if let Some(chain) = proxied {
            found.push(
                described(Reason::DatacenterProxy, ip)
                    .with("forwarded_for", chain)
                    .at_most(risk_of(mark)),
            );
        }
        Check::Flagged
    }
}

fn risk_of(mark: &IpMark<'_>) -> Risk {
    match mark.basis {
        _ if mark.weak => Risk::Low,
        Basis::AsName => Risk::Medium,
        Basis::Address | Basis::Range | Basis::Asn => Risk::High,
    }
}

fn described<'a>(reason: Reason, ip: &'a IpFacts<'_>) -> Finding<'a> {
    let finding = Finding::new(reason)
        .with("ip", ip.ip.to_string())
        .with_some("operator", ip.operator);
    match ip.asn {
        Some(asn) => finding.with("asn", asn),
        None => finding,
    }
}

fn names_another_client(chain: &str, ip: &IpFacts<'_>) -> bool {
    xff::public_hops(chain)
        .next()
        .is_some_and(|first| first != ip.ip)
}
