//! Conversions that waited: settled when their click comes, when a look-up can be made
//! again, or when time is up.
//!
//! One task of one lane, since a judgement keeps a record. What it watches for is not kept
//! over a restart, so it begins with everything that waits.

mod judge;

use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use assay_model::click::ClickSearch;
use assay_model::ledger::{Conversion, Waiting};
use assay_model::ports::{ClickKey, CounterStore, LedgerError, SentId};
use assay_model::{AccountId, EventId};

use super::click::{Found, Sought};
use super::ids::Ids;
use super::{Conversions, ENGINE};
use crate::engine::Engine;
use crate::outbox::{LaneOutbox, Scratch};
use crate::policy::{AccountPolicy, IntegrationPolicy};

/// How often what is `processing` is looked at.
const TICK: Duration = Duration::from_secs(1);
/// Age at which a conversion in `processing` is decided by what is known: a minute is promised.
const LAST_LOOK_MS: i64 = 45_000;
/// How often waiting conversions are looked for again, when too many wait to be watched.
const LOOK_AGAIN_TICKS: u64 = 60;
/// Wait for the index in one look.
const CATCH_UP: Duration = Duration::from_millis(50);
/// Conversions read at a time.
const PAGE: u32 = 200;

/// Settles what waits, for as long as the lane lives.
pub async fn settle<C: CounterStore>(
    conversions: Arc<Conversions>,
    engine: Arc<Engine<C>>,
    outbox: Rc<LaneOutbox>,
) {
    let mut settler = Settler {
        conversions,
        engine,
        outbox,
        scratch: Scratch::default(),
        tried: HashSet::new(),
        unwatched: false,
    };
    settler.or_warn_all().await;
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut count = 0u64;
    loop {
        let clicks = Arc::clone(&settler.conversions.clicks);
        let done = tokio::select! {
            keys = clicks.arrived() => settler.arrived(keys).await,
            _ = ticks.tick() => {
                count += 1;
                if settler.unwatched && count.is_multiple_of(LOOK_AGAIN_TICKS) {
                    settler.or_warn_all().await;
                }
                settler.lookups().await
            }
        };
        if let Err(error) = done {
            tracing::warn!(%error, "waiting conversions could not be settled; tried again");
        }
    }
}

struct Settler<C> {
    conversions: Arc<Conversions>,
    engine: Arc<Engine<C>>,
    outbox: Rc<LaneOutbox>,
    scratch: Scratch,
    /// Looked at once already, and still without all inputs: once more at the end.
    tried: HashSet<EventId>,
    /// Not everything that waits is watched for.
    unwatched: bool,
}

impl<C: CounterStore> Settler<C> {
    async fn or_warn_all(&mut self) {
        self.unwatched = false;
        if let Err(error) = self.look_for_all().await {
            self.unwatched = true;
            tracing::warn!(%error, "waiting conversions could not be read; tried again");
        }
    }

    /// Everything that waits for its click is looked for, and watched for where it is not there.
    async fn look_for_all(&mut self) -> Result<(), LedgerError> {
        let mut waiters = self.waiters(Waiting::Click).await?;
        loop {
            let page = self.next(&mut waiters).await?;
            if page.is_empty() {
                return Ok(());
            }
            for row in &page {
                self.look_for(row).await?;
            }
        }
    }

    async fn look_for(&mut self, row: &Conversion) -> Result<(), LedgerError> {
        let now = self.engine.clock.now();
        let Some((account, integration)) = self.owner(row) else {
            return Ok(());
        };
        if !integration.is_active() {
            // A paused integration gives no verdicts; it is looked at again later.
            self.unwatched = true;
            return Ok(());
        }
        let late_ms = 1000 * i64::from(integration.lookback_s());
        if now.ms_since(row.received) > late_ms {
            return Ok(());
        }
        let key = ClickKey {
            account: row.account,
            integration: row.integration,
            external_id: row.external_transaction_id.clone(),
        };
        let clicks = Arc::clone(&self.conversions.clicks);
        if !row.external_transaction_id.is_empty() && !clicks.watch(key.clone()) {
            self.unwatched = true;
        }
        let found = self.find(row, &integration).await;
        if found.search == ClickSearch::Found {
            clicks.unwatch(&key);
            self.settle(row, (&account, &integration), found, true)
                .await?;
        }
        Ok(())
    }

    /// Clicks have come that conversions wait for.
    async fn arrived(&mut self, keys: Vec<ClickKey>) -> Result<(), LedgerError> {
        for key in keys {
            let id = SentId::External(key.external_id.clone());
            let ledger = &self.conversions.ledger;
            let rows = ledger
                .find_by_ids(key.account, key.integration, &id, None)
                .await?;
            for row in rows {
                if row.state.waiting == Some(Waiting::Click) {
                    self.look_for(&row).await?;
                }
            }
        }
        Ok(())
    }

    /// Conversions in `processing`.
    async fn lookups(&mut self) -> Result<(), LedgerError> {
        let mut waiters = self.waiters(Waiting::Lookup).await?;
        loop {
            let page = self.next(&mut waiters).await?;
            if page.is_empty() {
                return Ok(());
            }
            for row in &page {
                self.look_again(row).await?;
            }
        }
    }

    async fn look_again(&mut self, row: &Conversion) -> Result<(), LedgerError> {
        let last = self.engine.clock.now().ms_since(row.received) >= LAST_LOOK_MS;
        if !last && self.tried.contains(&row.conversion_id) {
            return Ok(());
        }
        let Some((account, integration)) = self.owner(row) else {
            return Ok(());
        };
        if !integration.is_active() {
            return Ok(());
        }
        let found = self.find(row, &integration).await;
        if found.search == ClickSearch::NotMade && !last {
            return Ok(());
        }
        self.tried.insert(row.conversion_id);
        self.settle(row, (&account, &integration), found, last)
            .await?;
        if last {
            self.tried.remove(&row.conversion_id);
        }
        Ok(())
    }

    /// Whose conversion it is, by the policies in force; `None` = its integration is gone.
    fn owner(&self, row: &Conversion) -> Option<(Arc<AccountPolicy>, Arc<IntegrationPolicy>)> {
        let policies = self.engine.policies.load();
        let owner = policies.integration(row.integration).cloned();
        owner.filter(|(account, _)| account.account == row.account)
    }

    async fn waiters(&self, on: Waiting) -> Result<Waiters, LedgerError> {
        Ok(Waiters {
            on,
            accounts: self.conversions.ledger.accounts_waiting(on).await?,
            after: None,
        })
    }

    /// The next of those that wait; none = that was all.
    async fn next(&self, waiters: &mut Waiters) -> Result<Vec<Conversion>, LedgerError> {
        let ledger = &self.conversions.ledger;
        while let Some(account) = waiters.accounts.last() {
            let (on, after) = (waiters.on, waiters.after);
            let page = ledger.waiting(*account, on, after, PAGE).await?;
            waiters.after = page.last().map(|row| row.conversion_id);
            if !page.is_empty() {
                return Ok(page);
            }
            waiters.accounts.pop();
        }
        Ok(Vec::new())
    }

    async fn find(&self, row: &Conversion, integration: &IntegrationPolicy) -> Found {
        let keys = self.engine.policies.keys().clone();
        let own_text = given(&row.transaction_id);
        let ids = Ids {
            own: own_text.and_then(|text| keys.as_deref()?.open(text).ok()),
            own_text,
            external: given(&row.external_transaction_id),
        };
        let sought = Sought {
            time: row.time,
            received: row.received,
            now: self.engine.clock.now(),
        };
        let conversions = &self.conversions;
        conversions
            .find_click(&ids, integration, sought, CATCH_UP)
            .await
    }
}

/// How far one has come through what waits, a page at a time.
struct Waiters {
    on: Waiting,
    /// Accounts that are left; the last one is being read.
    accounts: Vec<AccountId>,
    after: Option<EventId>,
}

fn given(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}
