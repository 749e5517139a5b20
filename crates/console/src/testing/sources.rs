//! Sources in memory: what the console shows and lifts.

use std::sync::Mutex;

use assay_model::ports::{
    Decision, DecisionQuery, Lift, NewDecision, SourceDesk, SourcePage, SourceQuery, SourceStep,
    StoreError,
};
use assay_model::sources::{SourceLevel, SourceName};
use assay_model::testing::NOW;
use assay_model::{AccountId, Timestamp};
use async_trait::async_trait;
use serde_json::json;

/// A source that is held, of account 1, and a log.
#[derive(Default)]
pub struct FakeSources {
    log: Mutex<Vec<(AccountId, Decision)>>,
    asked: Mutex<Option<SourceQuery>>,
}

impl FakeSources {
    /// What was asked last.
    pub fn asked(&self) -> SourceQuery {
        self.asked.lock().unwrap().clone().unwrap()
    }

    /// Adds a line about a publisher.
    pub fn add(&self, account: u32, publisher: &str, step: SourceStep) {
        let line = NewDecision {
            at: NOW,
            snapshot: 9,
            step,
            source: SourceName {
                level: SourceLevel::Publisher,
                publisher: publisher.to_owned(),
                sub_id: String::new(),
                offer: String::new(),
            },
            rule: Some(1),
            filter: "conversion_rate".to_owned(),
            reason: "CR_HIGH".to_owned(),
            actor: "engine".to_owned(),
            detail: json!({"n": 1000}),
        };
        self.push(AccountId(account), line);
    }

    fn push(&self, account: AccountId, line: NewDecision) -> Decision {
        let mut log = self.log.lock().unwrap();
        let id = log.len() as u64 + 1;
        let decision = Decision { id, line };
        log.push((account, decision.clone()));
        decision
    }
}

#[async_trait]
impl SourceDesk for FakeSources {
    async fn list(
        &self,
        account: AccountId,
        query: &SourceQuery,
    ) -> Result<SourcePage, StoreError> {
        *self.asked.lock().unwrap() = Some(query.clone());
        if account != AccountId(1) {
            return Ok(SourcePage::default());
        }
        let at = NOW.to_string();
        let name = json!({"level": "publisher", "publisher": "p1", "sub_id": "", "offer": ""});
        let mut held = json!({"rule": 1, "filter": "conversion_rate", "reason": "CR_HIGH",
            "since": at, "as_of": at, "observed": {"rate": 31.5}, "threshold": 20.0,
            "window_s": 86_400, "n": 1000, "recovery": {"text": "lifts when"}, "test": {}});
        let mut row = json!({"rule": 1, "state": "held", "since": at, "window_s": 86_400,
            "clicks": 1000, "impressions": 0, "conversions": 315, "ctit_median_s": null,
            "tests": [{"filter": "conversion_rate", "reason": "CR_HIGH", "test": "exact binomial",
                "value": 31.5, "limit": 20.0, "worse": "above", "release": 18.0, "n": 1000,
                "n_min": 100, "p": 1e-9, "observed": {}}]});
        for part in ["level", "publisher", "sub_id", "offer"] {
            held[part] = name[part].clone();
            row[part] = name[part].clone();
        }
        row["held"] = json!([held]);
        Ok(SourcePage {
            number: 9,
            as_of: Some(NOW.plus_ms(-61_000)),
            rows: vec![row],
            next: None,
        })
    }

    async fn decisions(
        &self,
        account: AccountId,
        query: &DecisionQuery,
    ) -> Result<Vec<Decision>, StoreError> {
        let log = self.log.lock().unwrap();
        let own = log.iter().rev().filter(|(of, _)| *of == account);
        let older = own.filter(|(_, line)| query.before.is_none_or(|before| line.id < before));
        Ok(older
            .map(|(_, line)| line.clone())
            .filter(|own| {
                let publisher = query.publisher.as_deref();
                publisher.is_none_or(|wanted| wanted == own.line.source.publisher)
            })
            .take(query.limit as usize)
            .collect())
    }

    async fn lift(
        &self,
        account: AccountId,
        lift: Lift,
        actor: &str,
        now: Timestamp,
    ) -> Result<Decision, StoreError> {
        let line = NewDecision {
            at: now,
            snapshot: 10,
            step: SourceStep::LiftedByHand,
            source: SourceName {
                level: SourceLevel::Publisher,
                publisher: lift.publisher,
                sub_id: String::new(),
                offer: String::new(),
            },
            rule: lift.rule,
            filter: lift.filter.unwrap_or_default(),
            reason: String::new(),
            actor: actor.to_owned(),
            detail: json!({"note": lift.note}),
        };
        Ok(self.push(account, line))
    }
}
