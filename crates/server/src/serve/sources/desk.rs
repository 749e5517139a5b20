//! What the console sees of sources, and what a person may lift.

use std::sync::Arc;

use assay_model::ports::{
    Decision, DecisionQuery, Lift, NewDecision, SourceDesk, SourcePage, SourceQuery, SourceStep,
    StoreError,
};
use assay_model::sources::{SourceLevel, SourceName};
use assay_model::{AccountId, Timestamp};
use async_trait::async_trait;
use serde_json::{Value, json};

use super::account::filter_key;
use super::{SourceKeeper, kept, locked, shown};

/// The keeper as the console knows it.
pub struct Desk(pub Arc<SourceKeeper>);

#[async_trait]
impl SourceDesk for Desk {
    async fn list(
        &self,
        account: AccountId,
        query: &SourceQuery,
    ) -> Result<SourcePage, StoreError> {
        let (keeper, query) = (Arc::clone(&self.0), query.clone());
        // Adding up many sources takes its time, and is nobody's to wait for.
        tokio::task::spawn_blocking(move || keeper.page(account, &query))
            .await
            .map_err(|e| StoreError::Backend(e.to_string()))
    }

    async fn decisions(
        &self,
        account: AccountId,
        query: &DecisionQuery,
    ) -> Result<Vec<Decision>, StoreError> {
        self.0.ports.store.decisions(account, query).await
    }

    async fn lift(
        &self,
        account: AccountId,
        lift: Lift,
        actor: &str,
        now: Timestamp,
    ) -> Result<Decision, StoreError> {
        let keeper = &self.0;
        let own = keeper.account(account);
        let (number, _, held) = own.held();
        let covered = held.iter().filter(|held| {
            let key = filter_key(held.filter);
            lift.covers(held.rule, key, &held.source, now)
        });
        let covered: Vec<Value> = covered.map(kept::named).collect();
        let line = NewDecision {
            at: now,
            snapshot: number,
            step: SourceStep::LiftedByHand,
            source: name_of(&lift),
            rule: lift.rule,
            filter: lift.filter.clone().unwrap_or_default(),
            reason: String::new(),
            actor: actor.to_owned(),
            detail: json!({
                "note": lift.note,
                "until": lift.until.to_string(),
                "lifted": covered,
            }),
        };
        let decision = keeper.ports.store.lift(account, lift.clone(), line).await?;
        own.lift(lift, now);
        own.publish(&keeper.engine);
        // A start must not find it held again.
        if let Some(snapshot) = own.snapshot() {
            keeper
                .ports
                .store
                .judged(account, snapshot, Vec::new())
                .await?;
        }
        Ok(decision)
    }
}

fn name_of(lift: &Lift) -> SourceName {
    let level = match (&lift.sub_id, &lift.offer) {
        (None, None) => SourceLevel::Publisher,
        (Some(_), None) => SourceLevel::SubId,
        (None, Some(_)) => SourceLevel::PublisherOffer,
        (Some(_), Some(_)) => SourceLevel::SubIdOffer,
    };
    SourceName {
        level,
        publisher: lift.publisher.clone(),
        sub_id: lift.sub_id.clone().unwrap_or_default(),
        offer: lift.offer.clone().unwrap_or_default(),
    }
}

impl SourceKeeper {
    fn page(&self, account: AccountId, query: &SourceQuery) -> SourcePage {
        let own = self.account(account);
        let (number, as_of, held) = own.held();
        let policies = self.engine.policies.load();
        let now = self.engine.clock.now();
        let surveyed = policies.account(account).and_then(|policy| {
            let mut folded = locked(&own.folded);
            let profiles = folded.profiles(now)?;
            Some(assay_detect::sources::survey(
                policy.every_rule(),
                profiles,
                now,
            ))
        });
        let rows = shown::rows(surveyed.unwrap_or_default(), &held, query);
        let total = rows.len();
        let end = (query.offset + query.limit).min(total);
        SourcePage {
            number,
            as_of,
            rows: rows
                .into_iter()
                .skip(query.offset)
                .take(query.limit)
                .collect(),
            next: (end < total).then_some(end),
        }
    }
}
