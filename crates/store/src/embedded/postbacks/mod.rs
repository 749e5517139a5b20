//! The queue of owed messages, in the ledger's file: an entry and what it owes are one commit.
//!
//! Leases are kept in memory: the folder's lock lets one process send, and with the process
//! its leases end. So a message costs two commits, when it is owed and when it is settled.
//!
//! Limits: pages of at most [`PAGE_MAX`] deliveries.

mod leases;
mod log;
mod settle;
mod take;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use assay_model::ports::{
    After, Attempt, Backlog, ClickMessage, Delivery, DeliveryQuery, LogCursor, Message,
    PostbackQueue, StoreError, Take,
};
use assay_model::{AccountId, Timestamp};
use async_trait::async_trait;

use super::ledger::{LedgerFile, SqliteLedger};
use leases::Leases;

/// Most deliveries of one page.
pub const PAGE_MAX: u32 = 1000;

/// Messages forgotten in one transaction: few enough that no conversion waits for it.
const FORGET_AT_ONCE: u64 = 500;

/// The queue in the ledger's file.
#[derive(Debug)]
pub struct SqlitePostbacks {
    file: Arc<LedgerFile>,
    /// Held while messages are read and leased. A lease that ends meanwhile would let a
    /// message that was just sent be taken from the older picture of the file.
    leases: tokio::sync::Mutex<Leases>,
}

impl SqlitePostbacks {
    /// The queue beside this ledger.
    #[must_use]
    pub fn new(ledger: &SqliteLedger) -> Self {
        Self {
            file: ledger.file(),
            leases: tokio::sync::Mutex::default(),
        }
    }
}

#[async_trait]
impl PostbackQueue for SqlitePostbacks {
    async fn take(&self, now: Timestamp, take: Take) -> Result<Vec<Message>, StoreError> {
        let mut leases = self.leases.lock().await;
        leases.end_before(now);
        let plan = leases.plan(now, take);
        let found = self.file.read(move |db| take::due(db, &plan)).await?;
        leases.note(&found, now.plus_ms(take.lease_ms));
        Ok(found)
    }

    async fn settle(
        &self,
        account: AccountId,
        id: u64,
        attempt: Option<Attempt>,
        after: After,
    ) -> Result<(), StoreError> {
        self.file
            .write(move |db| settle::settle(db, (account, id), attempt.as_ref(), after))
            .await?;
        self.leases.lock().await.end(id);
        Ok(())
    }

    async fn slow_down(
        &self,
        account: AccountId,
        postback: u64,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        self.file
            .write(move |db| settle::slow_down(db, (account, postback), until))
            .await
    }

    async fn resend(
        &self,
        account: AccountId,
        id: u64,
        now: Timestamp,
    ) -> Result<Delivery, StoreError> {
        self.file
            .write(move |db| settle::resend(db, (account, id), now))
            .await
    }

    async fn deliveries(
        &self,
        account: AccountId,
        query: DeliveryQuery,
    ) -> Result<Vec<Delivery>, StoreError> {
        self.file
            .read(move |db| log::deliveries(db, account, query))
            .await
    }

    async fn delivery(
        &self,
        account: AccountId,
        id: u64,
    ) -> Result<Option<(Delivery, Vec<Attempt>)>, StoreError> {
        self.file
            .read(move |db| log::with_attempts(db, (account, id)))
            .await
    }

    async fn click_cursor(&self) -> Result<LogCursor, StoreError> {
        self.file.read(settle::cursor).await
    }

    async fn enqueue_clicks(
        &self,
        messages: Vec<ClickMessage>,
        cursor: LogCursor,
    ) -> Result<(), StoreError> {
        self.file
            .write(move |db| settle::enqueue_clicks(db, &messages, &cursor))
            .await
    }

    async fn backlog(&self) -> Result<Backlog, StoreError> {
        self.file.read(log::backlog).await
    }

    async fn forget(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut sum = 0;
        loop {
            let gone: u64 = self
                .file
                .write(move |db| settle::forget(db, before, FORGET_AT_ONCE))
                .await?;
            sum += gone;
            if gone < FORGET_AT_ONCE {
                return Ok(sum);
            }
        }
    }
}
