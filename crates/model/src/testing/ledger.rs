//! A ledger in memory, for tests of what stands before and behind a real one.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::ledger::{
    Change, Conversion, Entry, Guard, IdempotencyKey, Keys, NewConversion, State, Waiting,
};
use crate::ports::{
    Appended, Changed, ConversionCursor, ConversionPage, ConversionQuery, Ledger, LedgerError,
    Owes, SentId, Settled, Settlement,
};
use crate::postback::Owed;
use crate::{AccountId, EventId, IntegrationId};

/// Conversions in memory; does what the conformance suite asks, and no more than that fast.
#[derive(Debug, Default)]
pub struct MemoryLedger {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    rows: Vec<Row>,
    keys: HashMap<(AccountId, IdempotencyKey), usize>,
    places: HashMap<(AccountId, EventId), usize>,
    owed: Vec<(AccountId, Owed)>,
    closed: Option<String>,
}

#[derive(Debug)]
struct Row {
    conversion: Conversion,
    entries: Vec<Entry>,
}

impl MemoryLedger {
    /// Everything that is owed, in the order it was queued.
    #[must_use]
    pub fn owed(&self) -> Vec<(AccountId, Owed)> {
        self.lock().owed.clone()
    }

    /// From now on nothing is taken, as after a failed commit.
    pub fn close(&self, why: &str) {
        self.lock().closed = Some(why.to_owned());
    }

    /// Takes again, as after a restart.
    pub fn reopen(&self) {
        self.lock().closed = None;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> Result<MutexGuard<'_, Inner>, LedgerError> {
        let inner = self.lock();
        match &inner.closed {
            Some(why) => Err(LedgerError::Closed(why.clone())),
            None => Ok(inner),
        }
    }
}

impl Inner {
    fn holder(&self, account: AccountId, key: IdempotencyKey) -> Option<&Row> {
        self.rows.get(*self.keys.get(&(account, key))?)
    }

    fn by_keys(&self, account: AccountId, keys: &Keys) -> Option<&Row> {
        let early = |key: &IdempotencyKey| {
            self.holder(account, *key)
                .filter(|row| row.conversion.click.is_none())
        };
        self.holder(account, keys.decides)
            .or_else(|| keys.also.iter().find_map(early))
    }

    fn place(&self, account: AccountId, id: EventId) -> Option<usize> {
        self.places.get(&(account, id)).copied()
    }

    fn found(&self, account: AccountId, is: impl Fn(&Conversion) -> bool) -> Vec<Conversion> {
        let all = self.rows.iter().map(|row| &row.conversion);
        let mut found: Vec<_> = all
            .filter(|row| row.account == account && is(row))
            .cloned()
            .collect();
        found.sort_by_key(|row| row.conversion_id);
        found
    }

    fn make(&mut self, at: usize, wish: &Change, owes: Owes) -> Result<Changed, LedgerError> {
        let Some(row) = self.rows.get_mut(at) else {
            return Err(LedgerError::NotFound);
        };
        let entry = row.conversion.state.change(wish)?;
        if let Some(entry) = &entry {
            let decided = row.entries.iter().rev().find(|entry| entry.to.is_decided());
            let owed = owes(&row.conversion, entry, decided);
            let account = row.conversion.account;
            self.owed
                .extend(owed.into_iter().map(|owed| (account, owed)));
            row.entries.push(entry.clone());
        }
        Ok(Changed {
            conversion: row.conversion.clone(),
            entry,
        })
    }
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn find_by_key(
        &self,
        account: AccountId,
        keys: &Keys,
    ) -> Result<Option<Conversion>, LedgerError> {
        let inner = self.lock();
        Ok(inner
            .by_keys(account, keys)
            .map(|row| row.conversion.clone()))
    }

    async fn append(
        &self,
        account: AccountId,
        new: NewConversion,
        owed: Vec<Owed>,
    ) -> Result<Appended, LedgerError> {
        let mut inner = self.write()?;
        if let Some(there) = inner.by_keys(account, &new.keys) {
            return Ok(Appended::Duplicate(Box::new(there.conversion.clone())));
        }
        let at = inner.rows.len();
        inner.keys.insert((account, new.keys.decides), at);
        for key in &new.keys.also {
            inner.keys.entry((account, *key)).or_insert(at);
        }
        inner.places.insert((account, new.conversion_id), at);
        let entries = vec![new.entry()];
        let conversion = new.into_conversion(account);
        inner.rows.push(Row {
            conversion: conversion.clone(),
            entries,
        });
        inner
            .owed
            .extend(owed.into_iter().map(|owed| (account, owed)));
        Ok(Appended::New(Box::new(conversion)))
    }

    async fn change(
        &self,
        account: AccountId,
        conversion_id: EventId,
        change: Change,
        owes: Owes,
    ) -> Result<Changed, LedgerError> {
        let mut inner = self.write()?;
        let at = inner
            .place(account, conversion_id)
            .ok_or(LedgerError::NotFound)?;
        inner.make(at, &change, owes)
    }

    async fn settle(
        &self,
        account: AccountId,
        conversion_id: EventId,
        settlement: Settlement,
        owes: Owes,
    ) -> Result<Settled, LedgerError> {
        let mut inner = self.write()?;
        let at = inner
            .place(account, conversion_id)
            .ok_or(LedgerError::NotFound)?;
        if let Some(found) = settlement.found
            && inner.rows[at].conversion.click.is_none()
        {
            if let Some(other) = inner.holder(account, found.key)
                && other.conversion.conversion_id != conversion_id
            {
                return Ok(Settled::Duplicate(other.conversion.conversion_id));
            }
            inner.keys.insert((account, found.key), at);
            let row = &mut inner.rows[at];
            row.conversion.click = Some(found.click);
            row.conversion.transaction_id = found.transaction_id;
            row.conversion.external_transaction_id = found.external_transaction_id;
            row.conversion.attributes = found.attributes;
            row.conversion.fields = found.fields;
        }
        let conversion = &mut inner.rows[at].conversion;
        if settlement.action.is_some() && !conversion.state.status.is_decided() {
            conversion.action = settlement.action;
        }
        let wish = Change {
            guard: Guard::Undecided,
            ..settlement.change
        };
        let changed = inner.make(at, &wish, owes)?;
        Ok(Settled::Done(Box::new(changed)))
    }

    async fn get(
        &self,
        account: AccountId,
        conversion_id: EventId,
    ) -> Result<Option<Conversion>, LedgerError> {
        let inner = self.lock();
        let at = inner.place(account, conversion_id);
        Ok(at.map(|at| inner.rows[at].conversion.clone()))
    }

    async fn history(
        &self,
        account: AccountId,
        conversion_id: EventId,
    ) -> Result<Vec<Entry>, LedgerError> {
        let inner = self.lock();
        let Some(at) = inner.place(account, conversion_id) else {
            return Ok(Vec::new());
        };
        let row = &inner.rows[at];
        debug_assert_eq!(
            State::fold(&row.entries).as_ref(),
            Some(&row.conversion.state)
        );
        Ok(row.entries.clone())
    }

    async fn find_by_ids(
        &self,
        account: AccountId,
        integration: IntegrationId,
        id: &SentId,
        event: Option<&str>,
    ) -> Result<Vec<Conversion>, LedgerError> {
        let is = |row: &Conversion| match id {
            SentId::External(id) => !id.is_empty() && row.external_transaction_id == *id,
            SentId::Transaction(id) => !id.is_empty() && row.transaction_id == *id,
            SentId::Click(click) => row.click == Some(*click),
        };
        Ok(self.lock().found(account, |row| {
            row.integration == integration && event.is_none_or(|name| row.event == name) && is(row)
        }))
    }

    async fn list(
        &self,
        account: AccountId,
        query: &ConversionQuery,
    ) -> Result<ConversionPage, LedgerError> {
        if let Some(filter) = query.filters.iter().find(|f| f.dimension.time().is_some()) {
            return Err(LedgerError::Invalid {
                field: "filter",
                detail: format!("{} is a stretch of time", filter.dimension.as_str()),
            });
        }
        let place = |row: &Conversion| ConversionCursor {
            time: row.time,
            conversion_id: row.conversion_id,
        };
        let mut conversions = self.lock().found(account, |row| {
            let has =
                |f: &crate::ports::ConversionFilter| f.values.contains(&f.dimension.value(row));
            query.from.is_none_or(|from| row.time >= from)
                && query.to.is_none_or(|to| row.time < to)
                && query.before.is_none_or(|before| place(row) < before)
                && query.filters.iter().all(has)
        });
        conversions.sort_by_key(|row| std::cmp::Reverse(place(row)));
        let limit = query.limit.max(1) as usize;
        let more = conversions.len() > limit;
        conversions.truncate(limit);
        let next = conversions.last().filter(|_| more).map(place);
        Ok(ConversionPage { conversions, next })
    }

    async fn waiting(
        &self,
        account: AccountId,
        on: Waiting,
        after: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<Conversion>, LedgerError> {
        let mut found = self.lock().found(account, |row| {
            row.state.waiting == Some(on) && after.is_none_or(|after| row.conversion_id > after)
        });
        found.truncate(limit as usize);
        Ok(found)
    }

    async fn accounts_waiting(&self, on: Waiting) -> Result<Vec<AccountId>, LedgerError> {
        let inner = self.lock();
        let waiting = inner.rows.iter().map(|row| &row.conversion);
        let accounts = waiting
            .filter(|row| row.state.waiting == Some(on))
            .map(|row| row.account);
        Ok(accounts.collect::<BTreeSet<_>>().into_iter().collect())
    }
}
