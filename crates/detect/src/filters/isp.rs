//! Flags network operators that the user does not want, by name or number.
//!
//! Reads: `facts.ip`. Emits: `ISP_BLOCKED`.
//! Source: facts.md 1.A.6 (an ISP block list).

use assay_model::document::{Problem, list_asn};
use assay_model::facts::{Facts, IpFacts};
use assay_model::reason::Reason;
use assay_model::verdict::{Check, Finding, Missing};
use serde::Deserialize;

use super::Settings;
use super::words::{self, Words};
use crate::filter::{Filter, Readings};

/// Most operators, and most numbers.
const ENTRIES_MAX: usize = 10_000;

/// Settings of `isp`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IspSettings {
    /// Parts of operators' names, any case.
    operators: Vec<Box<str>>,
    /// Network numbers like `AS16509` or `16509`.
    asns: Vec<Box<str>>,
}

impl Settings for IspSettings {
    fn check(&self, out: &mut Vec<Problem>) {
        words::check("operators", &self.operators, ENTRIES_MAX, out);
        if self.asns.len() > ENTRIES_MAX {
            out.push(Problem::new(
                "asns",
                format!("holds more than {ENTRIES_MAX} entries"),
            ));
        }
        for (at, asn) in self.asns.iter().enumerate() {
            if list_asn(asn).is_none() {
                let detail = format!("{asn:?} is not an AS number like 16509 or AS16509");
                out.push(Problem::new(format!("asns[{at}]"), detail));
            }
        }
    }
}

pub struct Isp {
    operators: Words,
    /// Sorted.
    asns: Vec<u32>,
}

impl Isp {
    pub fn new(settings: IspSettings) -> Self {
        let mut asns: Vec<u32> = settings
            .asns
            .iter()
            .filter_map(|asn| list_asn(asn))
            .collect();
        asns.sort_unstable();
        Self {
            operators: Words::new(settings.operators),
            asns,
        }
    }

    fn is_blocked(&self, ip: &IpFacts<'_>) -> Option<String> {
        if let Some(asn) = ip.asn
            && self.asns.binary_search(&asn).is_ok()
        {
            return Some(format!("AS{asn}"));
        }
        let place = self.operators.find(ip.operator?)?;
        Some(self.operators.get(place).to_owned())
    }
}

impl Filter for Isp {
    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        _: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        let Some(ip) = &facts.ip else {
            return Check::Skipped(Missing::Ip);
        };
        if ip.asn.is_none() && ip.operator.is_none() {
            return Check::Skipped(Missing::Intelligence);
        }
        let Some(entry) = self.is_blocked(ip) else {
            return Check::Clean;
        };
        let finding = Finding::new(Reason::IspBlocked)
            .with_some("operator", ip.operator)
            .with("entry", entry);
        found.push(match ip.asn {
            Some(asn) => finding.with("asn", asn),
            None => finding,
        });
        Check::Flagged
    }
}
