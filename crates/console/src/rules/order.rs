//! The order of rules: a place for people, a sparse key for storage.
//!
//! People see places 1, 2, 3…; stored are keys with gaps. So moving one rule changes one
//! document and not all that stand below it: their versions, which verdicts name and
//! editors hold, stay what they are.

use assay_model::document::Rule;
use assay_model::ports::{DocKind, NewDoc};
use assay_model::{AccountId, Timestamp};

use crate::api::Caller;
use crate::app::App;
use crate::documents::stored;
use crate::error::ApiError;

/// Distance of a new key at either end from its neighbour.
const STEP: u32 = 1 << 20;

/// Distance of a new key from the one above it, where others stand below: rules of one
/// specificity are added at the end of their block, so the room below is what is needed.
const NEAR: u32 = 1 << 10;

/// Where the first rule goes: room above and below.
const MIDDLE: u32 = 1 << 31;

/// Rules of one page when all are read.
const PAGE: u32 = 500;

#[derive(Clone, Debug)]
struct Entry {
    id: u64,
    key: u32,
    specificity: u8,
    is_default: bool,
}

/// An account's rules from first to last; the default rule is the last.
#[derive(Clone, Debug, Default)]
pub struct Order {
    entries: Vec<Entry>,
}

impl Order {
    /// Reads the order.
    ///
    /// # Errors
    /// 503.
    pub async fn load(app: &App, account: AccountId) -> Result<Self, ApiError> {
        let mut entries = Vec::new();
        let mut after = 0;
        loop {
            let control = &app.state.control;
            let docs = control.list(account, DocKind::Rule, after, PAGE).await?;
            let last = docs.len() < PAGE as usize;
            for doc in docs {
                after = doc.id;
                let rule: Rule = stored(doc.body)?;
                entries.push(Entry {
                    id: doc.id,
                    key: rule.priority,
                    specificity: rule.scope.specificity(),
                    is_default: rule.is_default,
                });
            }
            if last {
                break;
            }
        }
        entries.sort_by_key(|entry| (entry.is_default, entry.key, entry.id));
        Ok(Self { entries })
    }

    /// How many rules there are, the default one included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// A rule's place, 1 first.
    #[must_use]
    pub fn rank(&self, id: u64) -> u32 {
        let at = self.entries.iter().position(|entry| entry.id == id);
        at.map_or(0, |at| u32::try_from(at + 1).unwrap_or(u32::MAX))
    }

    /// The key that puts a rule where it is asked for; `None` = no room between its neighbours.
    ///
    /// Shape: `id` is the rule's own when it exists already. A priority of 0 leaves an
    /// existing rule where it is, and puts a new one above the less specific ones.
    #[must_use]
    pub fn key_for(&self, id: Option<u64>, rule: &Rule) -> Option<u32> {
        let own = self.entries.iter().find(|entry| Some(entry.id) == id);
        if let Some(own) = own
            && (rule.priority == 0 || rule.priority == self.rank(own.id))
        {
            return Some(own.key);
        }
        let others: Vec<&Entry> = self
            .entries
            .iter()
            .filter(|entry| Some(entry.id) != id && !entry.is_default)
            .collect();
        let at = match rule.priority {
            0 => place_by_specificity(&others, rule.scope.specificity()),
            asked => (asked as usize - 1).min(others.len()),
        };
        let above = at.checked_sub(1).map(|before| others[before].key);
        let below = others.get(at).map(|entry| entry.key);
        key_between(above, below)
    }

    /// Spreads all keys evenly; a new version of every rule, so only when there is no room.
    ///
    /// One document after the other, in an order that never swaps two rules: a start that
    /// finds it half done still finds every rule in its place. The rule that is being
    /// moved is left alone: its own change follows, on the version that was read.
    ///
    /// # Errors
    /// 409, 503.
    pub async fn spread(
        &mut self,
        app: &App,
        caller: &Caller,
        moving: Option<u64>,
    ) -> Result<(), ApiError> {
        let now = app.now();
        self.entries.retain(|entry| Some(entry.id) != moving);
        for (at, key) in self.spread_steps() {
            let entry = &mut self.entries[at];
            rekey(app, caller, entry.id, key, now).await?;
            entry.key = key;
        }
        Ok(())
    }

    /// Places and their new keys: first those that go up, from the last on, then those that
    /// go down, from the first on.
    fn spread_steps(&self) -> Vec<(usize, u32)> {
        let count = u32::try_from(self.entries.len()).unwrap_or(u32::MAX - 1);
        let step = (MIDDLE / (count + 1)).min(STEP);
        let key = |at: usize| MIDDLE / 2 + step * u32::try_from(at).unwrap_or(count);
        let rules = self.entries.iter().enumerate();
        let moves = rules
            .filter(|(_, entry)| !entry.is_default)
            .map(|(at, entry)| (at, key(at), entry.key));
        let (up, down): (Vec<_>, Vec<_>) = moves
            .filter(|(_, new, old)| new != old)
            .partition(|(_, new, old)| new > old);
        let ordered = up.into_iter().rev().chain(down);
        ordered.map(|(at, new, _)| (at, new)).collect()
    }
}

/// A key between two others, near enough to leave room; `None` = there is none.
fn key_between(above: Option<u32>, below: Option<u32>) -> Option<u32> {
    let (key, gap) = match (above, below) {
        (None, None) => (MIDDLE, u32::MAX),
        (None, Some(below)) => (below - STEP.min(below / 2), below),
        (Some(above), None) => {
            let gap = u32::MAX - above;
            (above + STEP.min(gap / 2), gap)
        }
        (Some(above), Some(below)) => {
            let gap = below.saturating_sub(above);
            (above + NEAR.min(gap / 2), gap)
        }
    };
    (gap >= 2).then_some(key)
}

/// Below everything at least as specific, above everything less specific.
///
/// A user may have dragged rules; so the place is above the first rule of the tail in
/// which every rule is less specific.
fn place_by_specificity(others: &[&Entry], specificity: u8) -> usize {
    let tail = others
        .iter()
        .rev()
        .take_while(|entry| entry.specificity < specificity)
        .count();
    others.len() - tail
}

async fn rekey(
    app: &App,
    caller: &Caller,
    id: u64,
    key: u32,
    now: Timestamp,
) -> Result<(), ApiError> {
    let control = &app.state.control;
    let Some(doc) = control.get(caller.account, DocKind::Rule, id).await? else {
        return Ok(());
    };
    let mut rule: Rule = stored(doc.body)?;
    rule.priority = key;
    let new = NewDoc {
        kind: DocKind::Rule,
        unique: None,
        body: serde_json::to_value(rule).unwrap_or_default(),
    };
    let version = Some(doc.version);
    control
        .update(caller.account, id, version, new, &caller.actor, now)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(keys: &[u32]) -> Order {
        let entry = |(at, key): (usize, &u32)| Entry {
            id: at as u64 + 1,
            key: *key,
            specificity: 0,
            is_default: false,
        };
        Order {
            entries: keys.iter().enumerate().map(entry).collect(),
        }
    }

    #[test]
    fn spreading_swaps_no_two_rules_at_any_step() {
        let high = u32::MAX - 5;
        for keys in [
            vec![1, 2, 3, 4],
            vec![1, 2, high, high + 1],
            vec![high, high + 1, high + 2],
            vec![1, MIDDLE / 2, MIDDLE / 2 + 1, MIDDLE, high],
        ] {
            let mut order = order(&keys);
            let steps = order.spread_steps();
            assert!(!steps.is_empty());
            for (at, key) in steps {
                order.entries[at].key = key;
                assert!(order.entries.is_sorted_by(|a, b| a.key < b.key), "{keys:?}");
            }
        }
    }

    #[test]
    fn there_is_room_for_many_rules_of_one_kind() {
        let (mut above, below) = (MIDDLE, MIDDLE + STEP);
        for _ in 0..1000 {
            above = key_between(Some(above), Some(below)).unwrap();
        }
        assert_eq!(key_between(Some(4), Some(5)), None);
        assert_eq!(key_between(Some(4), Some(6)), Some(5));
        assert!(key_between(Some(u32::MAX - 1), None).is_none());
    }
}
