//! A delivery log in memory: what the console reads and sends again.

use std::sync::Mutex;

use assay_model::ports::{
    After, Attempt, Backlog, ClickMessage, Delivery, DeliveryQuery, DeliveryState, LogCursor,
    Message, PostbackQueue, StoreError, Take,
};
use assay_model::postback::{Outcome, message_id};
use assay_model::testing::NOW;
use assay_model::{AccountId, EventId, EventKind, Timestamp};
use async_trait::async_trait;

/// Deliveries, oldest first.
#[derive(Default)]
pub struct FakeDeliveries {
    rows: Mutex<Vec<(AccountId, Delivery)>>,
}

impl FakeDeliveries {
    /// Adds a delivery of postback 1; returns its number.
    pub fn add(&self, account: u32, state: DeliveryState) -> u64 {
        let mut rows = self.rows.lock().unwrap();
        let id = rows.len() as u64 + 1;
        let tried = state != DeliveryState::Pending;
        let delivery = Delivery {
            id,
            message_id: message_id(1, EventId([7; 10]), 1),
            postback_id: 1,
            event: EventKind::Conversion,
            subject_id: EventId([7; 10]),
            status: Outcome::Rejected,
            reason: "VPN".into(),
            state,
            due: NOW,
            next: matches!(state, DeliveryState::Pending | DeliveryState::Failed).then_some(NOW),
            attempts: u32::from(tried),
            last: tried.then(attempt),
        };
        rows.push((AccountId(account), delivery));
        id
    }
}

fn attempt() -> Attempt {
    Attempt {
        at: NOW,
        request: "GET https://partner.example/?x=<u>".into(),
        status: Some(500),
        latency_ms: 12,
        error: Some("answered 500".into()),
        response: "<script>".into(),
    }
}

/// What only the sender does.
fn not_here<T>() -> Result<T, StoreError> {
    Err(StoreError::Backend("the console does not send".into()))
}

#[async_trait]
impl PostbackQueue for FakeDeliveries {
    async fn take(&self, _: Timestamp, _: Take) -> Result<Vec<Message>, StoreError> {
        not_here()
    }

    async fn settle(
        &self,
        _: AccountId,
        _: u64,
        _: Option<Attempt>,
        _: After,
    ) -> Result<(), StoreError> {
        not_here()
    }

    async fn slow_down(&self, _: AccountId, _: u64, _: Timestamp) -> Result<(), StoreError> {
        not_here()
    }

    async fn resend(
        &self,
        account: AccountId,
        id: u64,
        now: Timestamp,
    ) -> Result<Delivery, StoreError> {
        let mut rows = self.rows.lock().unwrap();
        let found = rows.iter_mut().find(|(a, d)| (*a, d.id) == (account, id));
        let (_, delivery) = found.ok_or(StoreError::NotFound)?;
        if delivery.state == DeliveryState::Pending {
            return Err(StoreError::Invalid("it has not been tried yet".into()));
        }
        delivery.state = DeliveryState::Pending;
        (delivery.due, delivery.next) = (now, Some(now));
        Ok(delivery.clone())
    }

    async fn deliveries(
        &self,
        account: AccountId,
        query: DeliveryQuery,
    ) -> Result<Vec<Delivery>, StoreError> {
        let rows = self.rows.lock().unwrap();
        let own = rows.iter().rev().filter(|(of, delivery)| {
            *of == account
                && query.postback.is_none_or(|id| delivery.postback_id == id)
                && query.state.is_none_or(|state| delivery.state == state)
                && query.before.is_none_or(|before| delivery.id < before)
        });
        let page = own.take(query.limit as usize);
        Ok(page.map(|(_, delivery)| delivery.clone()).collect())
    }

    async fn delivery(
        &self,
        account: AccountId,
        id: u64,
    ) -> Result<Option<(Delivery, Vec<Attempt>)>, StoreError> {
        let rows = self.rows.lock().unwrap();
        let found = rows.iter().find(|(a, d)| (*a, d.id) == (account, id));
        Ok(found.map(|(_, d)| (d.clone(), d.last.clone().into_iter().collect())))
    }

    async fn click_cursor(&self) -> Result<LogCursor, StoreError> {
        not_here()
    }

    async fn enqueue_clicks(&self, _: Vec<ClickMessage>, _: LogCursor) -> Result<(), StoreError> {
        not_here()
    }

    async fn backlog(&self) -> Result<Backlog, StoreError> {
        not_here()
    }

    async fn forget(&self, _: Timestamp) -> Result<u64, StoreError> {
        not_here()
    }
}
