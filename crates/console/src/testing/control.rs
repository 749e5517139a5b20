//! Control data in memory, with the rules that every backend keeps.

use std::sync::Mutex;

use assay_model::ports::{ControlStore, Doc, DocKind, NewDoc, Removal, Save, StoreError};
use assay_model::{AccountId, Timestamp};
use async_trait::async_trait;
use serde_json::Value;

#[derive(Clone)]
struct Row {
    doc: Doc,
    unique: Option<String>,
    gone: bool,
    past: Vec<Doc>,
}

/// Documents in memory.
#[derive(Default)]
pub struct MemoryControl {
    rows: Mutex<Vec<Row>>,
    revision: Mutex<Vec<AccountId>>,
    /// Makes every call fail, as when the disk is gone.
    pub broken: std::sync::atomic::AtomicBool,
}

impl MemoryControl {
    fn check(&self) -> Result<(), StoreError> {
        if self.broken.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(StoreError::Backend("disk on fire at /secret".into()));
        }
        Ok(())
    }

    fn insert_now(
        &self,
        account: Option<AccountId>,
        doc: NewDoc,
        actor: &str,
        now: Timestamp,
    ) -> Result<Doc, StoreError> {
        self.check()?;
        let mut rows = self.rows.lock().unwrap();
        let taken = |row: &&Row| row.doc.kind == doc.kind && !row.gone && row.unique == doc.unique;
        if let (Some(unique), Some(_)) = (&doc.unique, rows.iter().find(taken)) {
            return Err(StoreError::Taken(unique.clone()));
        }
        let id = 1 + rows.iter().filter(|r| r.doc.kind == doc.kind).count() as u64;
        let made = Doc {
            account: account.unwrap_or(AccountId(u32::try_from(id).unwrap())),
            kind: doc.kind,
            id,
            version: 1,
            updated: now,
            actor: actor.into(),
            body: doc.body,
        };
        rows.push(Row {
            doc: made.clone(),
            unique: doc.unique,
            gone: false,
            past: vec![made.clone()],
        });
        self.revision.lock().unwrap().push(made.account);
        Ok(made)
    }
}

#[async_trait]
impl ControlStore for MemoryControl {
    async fn create_account(
        &self,
        body: Value,
        actor: &str,
        now: Timestamp,
    ) -> Result<Doc, StoreError> {
        let doc = NewDoc {
            kind: DocKind::Account,
            unique: None,
            body,
        };
        self.insert_now(None, doc, actor, now)
    }

    async fn accounts(&self) -> Result<Vec<AccountId>, StoreError> {
        self.check()?;
        let rows = self.rows.lock().unwrap();
        let accounts = rows.iter().filter(|r| r.doc.kind == DocKind::Account);
        Ok(accounts.map(|r| r.doc.account).collect())
    }

    async fn insert(
        &self,
        account: AccountId,
        doc: NewDoc,
        actor: &str,
        now: Timestamp,
    ) -> Result<Doc, StoreError> {
        self.insert_now(Some(account), doc, actor, now)
    }

    async fn get(
        &self,
        account: AccountId,
        kind: DocKind,
        id: u64,
    ) -> Result<Option<Doc>, StoreError> {
        Ok(self
            .list(account, kind, id.wrapping_sub(1), 1)
            .await?
            .into_iter()
            .find(|doc| doc.id == id))
    }

    async fn list(
        &self,
        account: AccountId,
        kind: DocKind,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Doc>, StoreError> {
        self.check()?;
        let rows = self.rows.lock().unwrap();
        Ok(rows
            .iter()
            .filter(|r| r.doc.account == account && r.doc.kind == kind && !r.gone)
            .filter(|r| r.doc.id > after)
            .take(limit as usize)
            .map(|r| r.doc.clone())
            .collect())
    }

    async fn update(
        &self,
        account: AccountId,
        id: u64,
        expected: Option<u32>,
        doc: NewDoc,
        actor: &str,
        now: Timestamp,
    ) -> Result<Doc, StoreError> {
        self.check()?;
        let mut rows = self.rows.lock().unwrap();
        let row = rows
            .iter_mut()
            .find(|r| {
                r.doc.account == account && r.doc.kind == doc.kind && r.doc.id == id && !r.gone
            })
            .ok_or(StoreError::NotFound)?;
        let current = row.doc.version;
        if let Some(sent) = expected.filter(|sent| *sent != current) {
            return Err(StoreError::Conflict { sent, current });
        }
        row.doc = Doc {
            version: current + 1,
            updated: now,
            actor: actor.into(),
            body: doc.body,
            ..row.doc.clone()
        };
        if doc.unique.is_some() {
            row.unique = doc.unique;
        }
        row.past.push(row.doc.clone());
        self.revision.lock().unwrap().push(account);
        Ok(row.doc.clone())
    }

    async fn change_all(
        &self,
        account: AccountId,
        saves: Vec<Save>,
        removals: Vec<Removal>,
        actor: &str,
        now: Timestamp,
    ) -> Result<Vec<Doc>, StoreError> {
        let before = self.rows.lock().unwrap().clone();
        let mut saved = Vec::new();
        for Save { replaces, doc } in saves {
            let made = match replaces {
                None => self.insert(account, doc, actor, now).await,
                Some((id, version)) => {
                    self.update(account, id, Some(version), doc, actor, now)
                        .await
                }
            };
            match made {
                Ok(doc) => saved.push(doc),
                Err(error) => {
                    *self.rows.lock().unwrap() = before;
                    return Err(error);
                }
            }
        }
        for Removal { kind, id, version } in removals {
            let stored = self.get(account, kind, id).await?;
            let stored = stored.map_or(0, |doc| doc.version);
            if stored != version {
                *self.rows.lock().unwrap() = before;
                return Err(StoreError::Conflict {
                    sent: version,
                    current: stored,
                });
            }
            self.delete(account, kind, id, actor, now).await?;
        }
        Ok(saved)
    }

    async fn delete(
        &self,
        account: AccountId,
        kind: DocKind,
        id: u64,
        _actor: &str,
        _now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.check()?;
        let mut rows = self.rows.lock().unwrap();
        let found = rows
            .iter_mut()
            .find(|r| r.doc.account == account && r.doc.kind == kind && r.doc.id == id && !r.gone);
        Ok(found.is_some_and(|row| {
            row.gone = true;
            true
        }))
    }

    async fn versions(
        &self,
        account: AccountId,
        kind: DocKind,
        id: u64,
    ) -> Result<Vec<Doc>, StoreError> {
        self.check()?;
        let rows = self.rows.lock().unwrap();
        let found = rows
            .iter()
            .find(|r| r.doc.account == account && r.doc.kind == kind && r.doc.id == id);
        Ok(found.map_or_else(Vec::new, |r| r.past.iter().rev().cloned().collect()))
    }

    async fn find_unique(&self, kind: DocKind, unique: &str) -> Result<Option<Doc>, StoreError> {
        self.check()?;
        let rows = self.rows.lock().unwrap();
        Ok(rows
            .iter()
            .find(|r| r.doc.kind == kind && !r.gone && r.unique.as_deref() == Some(unique))
            .map(|r| r.doc.clone()))
    }

    async fn unique_values(
        &self,
        account: AccountId,
        kind: DocKind,
    ) -> Result<Vec<(u64, String)>, StoreError> {
        self.check()?;
        let rows = self.rows.lock().unwrap();
        Ok(rows
            .iter()
            .filter(|r| r.doc.kind == kind && r.doc.account == account && !r.gone)
            .filter_map(|r| Some((r.doc.id, r.unique.clone()?)))
            .collect())
    }

    async fn revision(&self) -> Result<u64, StoreError> {
        Ok(self.revision.lock().unwrap().len() as u64)
    }

    async fn changed_since(&self, revision: u64) -> Result<Vec<AccountId>, StoreError> {
        Ok(self.revision.lock().unwrap()[usize::try_from(revision).unwrap()..].to_vec())
    }
}
