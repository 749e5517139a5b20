//! What was counted of a conversion when it was judged before: each moves its counters once,
//! however often it is judged.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use assay_model::AccountId;
use assay_model::ledger::{IdempotencyKey, Keys};
use assay_model::recall::Degraded;
use assay_model::record::EventRecord;
use assay_model::verdict::RuleRef;

use crate::decide::{Counters, Had};

/// Readings that a judgement took, and the rule that asked for them.
#[derive(Clone, Debug, PartialEq)]
pub struct Counted {
    rule: RuleRef,
    had: Box<Had>,
}

impl Counted {
    /// What this judgement counted; `None` = nothing, or what came of it is not known.
    pub fn by(first: &EventRecord<'_>) -> Option<Self> {
        let unread = matches!(
            first.recall.degraded,
            Some(Degraded::RecallLate | Degraded::Warming | Degraded::TableQuota)
        );
        (!first.recall.uncounted && !unread).then(|| Self {
            rule: first.verdict.rule,
            had: Box::new(Had {
                readings: first.recall.readings.clone(),
                limits: first.recall.limits.clone(),
            }),
        })
    }
}

impl From<Counted> for Counters {
    fn from(counted: Counted) -> Self {
        Self::Had(counted.rule, counted.had)
    }
}

/// Most conversions that are remembered; beyond, all are forgotten, and one that is sent
/// again counts once more.
const UNTAKEN_MAX: usize = 1 << 14;

/// Conversions that were counted and that the ledger did not take: their senders try again,
/// and a buyer is not the third of their kind because a disk was full.
#[derive(Debug, Default)]
pub struct Untaken(Mutex<HashMap<(AccountId, IdempotencyKey), Counted>>);

impl Untaken {
    /// Remembers what was counted, until it is sent again or the process ends.
    pub fn note(&self, account: AccountId, keys: Option<&Keys>, counted: Option<Counted>) {
        let (Some(keys), Some(counted)) = (keys, counted) else {
            return;
        };
        let mut untaken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if untaken.len() >= UNTAKEN_MAX {
            untaken.clear();
        }
        for key in all(keys) {
            untaken.insert((account, key), counted.clone());
        }
    }

    /// What was counted of this conversion when it was not taken.
    pub fn take(&self, account: AccountId, keys: Option<&Keys>) -> Option<Counted> {
        let mut untaken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if untaken.is_empty() {
            return None;
        }
        let mut found = None;
        for key in all(keys?) {
            found = untaken.remove(&(account, key)).or(found);
        }
        found
    }
}

fn all(keys: &Keys) -> impl Iterator<Item = IdempotencyKey> {
    std::iter::once(keys.decides).chain(keys.also.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: AccountId = AccountId(1);

    fn keys(n: usize) -> Keys {
        Keys {
            decides: IdempotencyKey::of([&n.to_be_bytes()[..]]),
            also: Vec::new(),
        }
    }

    #[test]
    fn what_was_counted_is_found_once_under_any_key_and_in_bounds() {
        let untaken = Untaken::default();
        let counted = Counted {
            rule: RuleRef { id: 1, version: 1 },
            had: Box::default(),
        };
        let both = Keys {
            also: vec![keys(2).decides],
            ..keys(1)
        };
        untaken.note(ACCOUNT, Some(&both), Some(counted.clone()));
        let of = |account, keys: &Keys| untaken.take(account, Some(keys));
        assert_eq!(of(AccountId(2), &keys(2)), None, "another account");
        assert_eq!(of(ACCOUNT, &keys(2)), Some(counted.clone()));
        untaken.note(ACCOUNT, Some(&both), Some(counted.clone()));
        assert_eq!(of(ACCOUNT, &both), Some(counted.clone()));
        assert_eq!(of(ACCOUNT, &keys(2)), None, "taken under all its keys");
        for n in 0..=UNTAKEN_MAX {
            untaken.note(ACCOUNT, Some(&keys(n)), Some(counted.clone()));
        }
        assert_eq!(untaken.0.lock().unwrap().len(), 1);
    }
}
