//! A share of would-be rejects let through, to measure what a rule's false positives cost.
//!
//! Only clicks and views, and only where nothing rejects them but reasons that are known to be
//! wrong often (`fp_risk` high, class SIVT): never invalid traffic of the plain kind, never
//! integrity, policy or another system's word. What is let through is marked
//! `SAMPLED_HOLDOUT` with the reason that would have rejected it, so the verdict recomputes
//! from its evidence like any other.
//!
//! Which ones is a hash of the rule and of the event, its moment of arrival included: replay
//! draws the same ones, while no visitor can make itself one of them, as could be done if the
//! visitor alone were hashed. No secret is needed, since nobody chooses our clock.

mod rates;

use std::hash::Hasher as _;
use std::net::IpAddr;

use assay_model::facts::Facts;
use assay_model::hit::{EventKind, Field};
use assay_model::reason::{Class, FpRisk, Reason};
use assay_model::recall::{KeyHasher, key_hash};
use assay_model::verdict::{Finding, Mode, Weighing};

use crate::verdict::{catches, rank};

pub use rates::{Difference, Rate};

/// Lets an event through if the rule would reject it and it is drawn.
pub fn sample(
    facts: &Facts<'_>,
    rule: u64,
    percent: u8,
    weighing: Weighing,
    findings: &mut Vec<Finding<'_>>,
) {
    if percent == 0 || weighing.mode == Mode::Monitor || !is_sampled(facts.hit.event) {
        return;
    }
    let catching = || findings.iter().filter(|f| catches(f, weighing));
    if !catching().all(|f| is_doubtful(f.reason)) {
        return;
    }
    let main = catching().min_by_key(|f| rank(f, weighing));
    let Some(would_be) = main.map(|f| f.reason) else {
        return;
    };
    if draw(facts, rule) < u64::from(percent) * 100 {
        findings.push(
            Finding::new(Reason::SampledHoldout)
                .with("share", u32::from(percent))
                .with("would_be", would_be.code()),
        );
    }
}

/// A conversion that is let through is paid: only what is free is sampled.
const fn is_sampled(event: EventKind) -> bool {
    matches!(
        event,
        EventKind::Click | EventKind::PageView | EventKind::AppView
    )
}

fn is_doubtful(reason: Reason) -> bool {
    let info = reason.info();
    info.class == Class::Sivt && info.fp_risk == FpRisk::High
}

/// A number below ten thousand.
fn draw(facts: &Facts<'_>, rule: u64) -> u64 {
    let hit = &facts.hit;
    let address = match hit.ip {
        None => 0,
        Some(IpAddr::V4(v4)) => u128::from(v4.to_bits()),
        Some(IpAddr::V6(v6)) => v6.to_bits(),
    };
    let agent = hit.get(Field::UserAgent).unwrap_or("");
    let mut hash = KeyHasher::default();
    hash.write_u32(hit.account.0);
    hash.write_u64(rule);
    hash.write_u64(hit.received.0.cast_unsigned());
    hash.write_u128(address);
    hash.write_u64(key_hash(agent.as_bytes()));
    hash.finish() % 10_000
}

#[cfg(test)]
mod tests;
