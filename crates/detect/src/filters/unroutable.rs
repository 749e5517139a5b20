//! Flags addresses that cannot be a visitor's: private, loopback, reserved.
//!
//! Such an address in an event means a broken integration or an invented visitor.
//!
//! Reads: `facts.ip`. Emits: `UNROUTABLE_IP`, high.

use assay_model::facts::{AddressScope, Facts};
use assay_model::reason::Reason;
use assay_model::verdict::{Check, Finding, Missing};

use crate::filter::{Filter, Readings};

pub struct Unroutable;

impl Filter for Unroutable {
    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        _: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        let Some(ip) = &facts.ip else {
            return Check::Skipped(Missing::Ip);
        };
        if ip.scope == AddressScope::Global {
            return Check::Clean;
        }
        found.push(
            Finding::new(Reason::UnroutableIp)
                .with("ip", ip.ip.to_string())
                .with("scope", ip.scope.as_str()),
        );
        Check::Flagged
    }
}
