//! Small builders for tests of every crate.

mod ledger;

pub use ledger::MemoryLedger;

use crate::facts::Facts;
use crate::hit::{EventKind, Hit};
use crate::{AccountId, IntegrationId, Timestamp};

/// 2026-01-01 00:00 UTC, the moment test events happen at.
pub const NOW: Timestamp = Timestamp(1_767_225_600_000);

/// A click of account 1, integration 7 at [`NOW`].
#[must_use]
pub fn click<'a>() -> Hit<'a> {
    Hit::new(AccountId(1), IntegrationId(7), EventKind::Click, NOW)
}

/// Facts of a click after `change`; the address is looked up in no table.
#[must_use]
pub fn facts_of<'a>(change: impl FnOnce(&mut Hit<'a>)) -> Facts<'a> {
    let mut hit = click();
    change(&mut hit);
    Facts::bare(hit)
}

/// A verdict that found nothing, by rule 1 version 1.
#[must_use]
pub fn clean_verdict<'a>() -> crate::Verdict<'a> {
    crate::Verdict {
        risk: crate::Risk::Clean,
        points: 0,
        class: crate::Class::Valid,
        reason: crate::Reason::Clean,
        findings: Vec::new(),
        action: crate::Action::Approved,
        rule: crate::verdict::RuleRef { id: 1, version: 1 },
        weighing: crate::verdict::Weighing::default(),
        degraded: None,
        checks: smallvec::SmallVec::new(),
    }
}
