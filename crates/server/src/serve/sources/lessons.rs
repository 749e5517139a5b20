//! What the ledger teaches, and what was taught before.
//!
//! An advertiser's or another system's rejection counts at once, a chargeback and an appeal
//! too. A conversion that stays approved for [`APPROVED_AFTER_D`] days counts as paid, a
//! quarter: nobody has said so, but nobody has objected either. What the engine decided by
//! itself teaches nothing: it would confirm itself.

use assay_detect::reputation::Learning;
use assay_gateway::AccountPolicy;
use assay_model::document::Reputations;
use assay_model::ledger::{Conversion, Status};
use assay_model::ports::{Kept, Lesson, StoreError, Teacher};
use assay_model::reason::Reason;
use assay_model::record::EventRecord;
use assay_model::reputation::{Outcome, keys_of};
use assay_model::{AccountId, EventId, Timestamp};

use super::fold::facts_of;
use super::{SourceKeeper, SourcePorts, locked};

/// Days after which an approval that nobody took back counts.
pub const APPROVED_AFTER_D: i64 = 30;
/// How much it counts then.
const APPROVED_WEIGHT: f32 = 0.25;
/// Lessons older than so many half-lives weigh less than a hundredth.
const HALF_LIVES: i64 = 8;
/// Rows of one page.
const PAGE: u32 = 1000;
/// Longest stretch of following the ledger before something else has its turn.
const STEP_US: u64 = 500_000;
/// Changes that may still be under way are read the next time.
const SETTLE_MS: i64 = 2_000;
const DAY_MS: i64 = 86_400_000;

/// Everything that was taught and still counts.
pub async fn load(
    ports: &SourcePorts,
    account: AccountId,
    settings: Reputations,
    now: Timestamp,
) -> Result<Learning, StoreError> {
    let since = now.plus_ms(-HALF_LIVES * i64::from(settings.half_life.0) * 1000);
    let mut learning = Learning::new(settings);
    let mut after = None;
    loop {
        let page = ports.store.lessons(account, since, after, 10_000).await?;
        let Some(last) = page.last() else {
            return Ok(learning);
        };
        after = Some(last.event);
        for lesson in &page {
            learn(&mut learning, lesson, 1.0);
        }
    }
}

/// Counts a lesson; a negative sign takes it back.
fn learn(learning: &mut Learning, lesson: &Lesson, sign: f64) {
    let weight = f64::from(lesson.weight) * sign;
    learning.learn(&lesson.keys, lesson.outcome.is_bad(), weight, lesson.time);
}

/// The lesson of an event; `None` = it was judged without all its inputs, which never teaches.
pub fn lesson_of(
    policy: &AccountPolicy,
    record: &EventRecord<'_>,
    (outcome, weight, teacher): (Outcome, f32, Teacher),
) -> Option<Lesson> {
    if record.verdict.degraded.is_some() {
        return None;
    }
    let facts = &record.facts;
    let sub_id = sub_id_of(policy, facts);
    Some(Lesson {
        event: record.event_id,
        outcome,
        weight,
        time: facts.hit.time,
        teacher,
        keys: keys_of(facts, sub_id),
    })
}

fn sub_id_of(policy: &AccountPolicy, facts: &assay_model::Facts<'_>) -> assay_model::Field {
    let own = policy
        .integrations
        .iter()
        .find(|integration| integration.id == facts.hit.integration);
    own.map_or(assay_model::Field::SubId, |integration| {
        let rules = policy.rules(integration.settings.kind);
        rules.rule_for(facts).sub_id
    })
}

impl SourceKeeper {
    /// Keeps lessons and learns them.
    pub(super) async fn teach(
        &self,
        account: AccountId,
        lessons: Vec<Lesson>,
    ) -> Result<Vec<Kept>, StoreError> {
        let kept = self.ports.store.teach(account, lessons.clone()).await?;
        self.account(account).learn(|learning| {
            for (lesson, kept) in lessons.iter().zip(&kept) {
                match kept {
                    Kept::New => learn(learning, lesson, 1.0),
                    Kept::InPlaceOf(was) => {
                        learn(learning, was, -1.0);
                        learn(learning, lesson, 1.0);
                    }
                    Kept::Same => {}
                }
            }
        });
        Ok(kept)
    }

    /// Follows the ledger: what changed, and what has stayed approved for long enough.
    pub(super) async fn learn_from_ledger(&self, now: Timestamp) -> Result<(), StoreError> {
        self.follow("changed", now.plus_ms(-SETTLE_MS), false)
            .await?;
        let long_ago = now.plus_ms(-APPROVED_AFTER_D * DAY_MS);
        self.follow("approved", long_ago, true).await
    }

    /// Follows one cursor, for as long as a step may take: sources are to be judged as well.
    async fn follow(&self, name: &str, until: Timestamp, old: bool) -> Result<(), StoreError> {
        let store = &self.ports.store;
        let started_us = self.engine.clock.monotonic_us();
        let mut cursor = store.cursor(name).await?;
        loop {
            let page = self.ports.feed.changed(cursor, until, PAGE).await?;
            let Some((last, _)) = page.last() else {
                return Ok(());
            };
            cursor = *last;
            for (_, row) in &page {
                self.learn_from(row, old).await?;
            }
            store.note_cursor(name, cursor).await?;
            let spent_us = self.engine.clock.monotonic_us().saturating_sub(started_us);
            if spent_us > STEP_US {
                return Ok(());
            }
        }
    }

    async fn learn_from(&self, row: &Conversion, old: bool) -> Result<(), StoreError> {
        let policies = self.engine.policies.load();
        let Some(policy) = policies.account(row.account).cloned() else {
            return Ok(());
        };
        drop(policies);
        if !old {
            let account = self.account(row.account);
            locked(&account.folded).conversion(&policy, row);
        }
        let said = match old {
            true => stayed_approved(row),
            false => self.told_by(row).await?,
        };
        let Some((outcome, weight)) = said else {
            return Ok(());
        };
        let how = (outcome, weight, Teacher::Ledger);
        let lesson = self.lesson_of_conversion(&policy, row, how).await?;
        self.teach(row.account, lesson.into_iter().collect())
            .await?;
        Ok(())
    }

    /// What a conversion's own state says of it.
    async fn told_by(&self, row: &Conversion) -> Result<Option<(Outcome, f32)>, StoreError> {
        let outcome = match (row.state.status, row.state.reason) {
            (Status::Rejected | Status::Invalid, reason) => match reason {
                Reason::AdvertiserRejected | Reason::ThirdPartyRejected => Outcome::Rejected,
                Reason::Chargeback => Outcome::Chargeback,
                Reason::AppealUpheld => Outcome::AppealUpheld,
                _ => return Ok(None),
            },
            (Status::Approved, Reason::AppealReversed) => Outcome::AppealReversed,
            (Status::Approved, _) if row.state.version > 1 => {
                let ledger = &self.ports.ledger;
                let history = ledger.history(row.account, row.conversion_id).await;
                let history = history.map_err(|e| StoreError::Backend(e.to_string()))?;
                let lifted = history.iter().any(|entry| {
                    matches!(
                        entry.reason,
                        Reason::AdvertiserRejected | Reason::ThirdPartyRejected
                    )
                });
                if !lifted {
                    return Ok(None);
                }
                Outcome::AppealReversed
            }
            _ => return Ok(None),
        };
        Ok(Some((outcome, 1.0)))
    }

    /// The lesson of a conversion: its click's, where that is known, since clicks are judged by
    /// what clicks have taught.
    async fn lesson_of_conversion(
        &self,
        policy: &AccountPolicy,
        row: &Conversion,
        how: (Outcome, f32, Teacher),
    ) -> Result<Option<Lesson>, StoreError> {
        for id in [row.click, Some(row.conversion_id)].into_iter().flatten() {
            if let Some(lesson) = self.lesson_by_id(policy, id, how).await? {
                return Ok(lesson);
            }
        }
        // Its events are gone; its row still says whose it is.
        let facts = facts_of(row);
        let (outcome, weight, teacher) = how;
        Ok(Some(Lesson {
            event: row.click.unwrap_or(row.conversion_id),
            outcome,
            weight,
            time: row.time,
            teacher,
            keys: keys_of(&facts, sub_id_of(policy, &facts)),
        }))
    }

    /// The lesson of a stored event; the outer `None` = there is no such event.
    pub(super) async fn lesson_by_id(
        &self,
        policy: &AccountPolicy,
        id: EventId,
        how: (Outcome, f32, Teacher),
    ) -> Result<Option<Option<Lesson>>, StoreError> {
        let Some(event) = self.ports.events.get(policy.account, id).await? else {
            return Ok(None);
        };
        let record = event.decode();
        let record = record.map_err(|e| StoreError::Backend(e.to_string()))?;
        Ok(Some(lesson_of(policy, &record, how)))
    }
}

fn stayed_approved(row: &Conversion) -> Option<(Outcome, f32)> {
    (row.state.status == Status::Approved).then_some((Outcome::Paid, APPROVED_WEIGHT))
}
