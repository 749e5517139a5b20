//! Outcomes as they are told: each finds its event, and teaches.

use std::sync::Arc;
use std::time::Duration;

use assay_gateway::AccountPolicy;
use assay_model::ports::Dimension;
use assay_model::ports::{
    EventFilter, EventQuery, Kept, Learned, Lesson, Lookup, OutcomeDesk, OutcomeOf, StoreError,
    Teacher, ToldOutcome,
};
use assay_model::{AccountId, EventId, IntegrationId};
use async_trait::async_trait;

use super::SourceKeeper;

/// How far back the caller's own id is looked for.
const BACK_MS: i64 = 90 * 86_400_000;
/// How long a look-up waits for clicks that were just answered.
const WAIT: Duration = Duration::from_millis(200);

#[async_trait]
impl OutcomeDesk for SourceKeeper {
    async fn tell(
        &self,
        account: AccountId,
        told: Vec<ToldOutcome>,
    ) -> Result<Vec<Learned>, StoreError> {
        let policies = Arc::clone(&self.engine.policies.load());
        let Some(policy) = policies.account(account) else {
            return Ok(told.iter().map(|_| Learned::NotFound).collect());
        };
        self.ports.clicks.caught_up(WAIT).await;
        let mut found = Vec::with_capacity(told.len());
        for one in &told {
            found.push(self.find(policy, one).await?);
        }
        let lessons: Vec<Lesson> = found
            .iter()
            .filter_map(|found| match found {
                Found::Lesson(lesson) => Some(lesson.clone()),
                Found::Answer(_) => None,
            })
            .collect();
        let mut kept = self.teach(account, lessons).await?.into_iter();
        let answer = |found| match found {
            Found::Answer(answer) => answer,
            Found::Lesson(Lesson { event, .. }) => match kept.next() {
                Some(Kept::New) => Learned::New(event),
                Some(Kept::InPlaceOf(_)) => Learned::Changed(event),
                Some(Kept::Same) | None => Learned::Duplicate(event),
            },
        };
        Ok(found.into_iter().map(answer).collect())
    }
}

enum Found {
    Lesson(Lesson),
    Answer(Learned),
}

impl SourceKeeper {
    async fn find(&self, policy: &AccountPolicy, told: &ToldOutcome) -> Result<Found, StoreError> {
        let id = match &told.of {
            OutcomeOf::Event(id) => Some(self.click_of(policy.account, *id).await?),
            OutcomeOf::External(integration, text) => {
                self.by_external_id(policy, *integration, text).await?
            }
        };
        let Some(id) = id else {
            return Ok(Found::Answer(Learned::NotFound));
        };
        let how = (told.outcome, 1.0, Teacher::Told);
        Ok(match self.lesson_by_id(policy, id, how).await? {
            None => Found::Answer(Learned::NotFound),
            Some(None) => Found::Answer(Learned::Degraded(id)),
            Some(Some(lesson)) => Found::Lesson(lesson),
        })
    }

    /// A conversion's outcome is its click's.
    async fn click_of(&self, account: AccountId, id: EventId) -> Result<EventId, StoreError> {
        let row = self.ports.ledger.get(account, id).await;
        let row = row.map_err(|e| StoreError::Backend(e.to_string()))?;
        Ok(row.and_then(|row| row.click).unwrap_or(id))
    }

    async fn by_external_id(
        &self,
        policy: &AccountPolicy,
        integration: Option<IntegrationId>,
        text: &str,
    ) -> Result<Option<EventId>, StoreError> {
        let since = self.engine.clock.now().plus_ms(-BACK_MS);
        let account = policy.account;
        for own in &policy.integrations {
            if integration.is_some_and(|wanted| wanted != own.id) {
                continue;
            }
            let clicks = &self.ports.clicks;
            let looked = clicks.find_by_external_id(account, own.id, text, since);
            if let Lookup::Found(row) = looked.await? {
                let record = row.decode();
                let record = record.map_err(|e| StoreError::Backend(e.to_string()))?;
                return Ok(Some(record.event_id));
            }
        }
        self.by_events(account, integration, text, since).await
    }

    /// Views and conversions are in no click index.
    async fn by_events(
        &self,
        account: AccountId,
        integration: Option<IntegrationId>,
        text: &str,
        since: assay_model::Timestamp,
    ) -> Result<Option<EventId>, StoreError> {
        let filter = |dimension, value: String| EventFilter {
            dimension,
            values: vec![value],
        };
        let mut filters = vec![filter(Dimension::ExternalTransactionId, text.to_owned())];
        if let Some(integration) = integration {
            filters.push(filter(Dimension::Integration, integration.to_string()));
        }
        let query = EventQuery {
            from: Some(since),
            filters,
            limit: 1,
            ..EventQuery::default()
        };
        let page = self.ports.events.list(account, &query).await?;
        let Some(event) = page.events.first() else {
            return Ok(None);
        };
        let record = event.decode();
        let record = record.map_err(|e| StoreError::Backend(e.to_string()))?;
        Ok(Some(self.click_of(account, record.event_id).await?))
    }
}
