//! Control data: small JSON documents with versions.

use async_trait::async_trait;

use super::StoreError;
use crate::{AccountId, Timestamp};

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DocKind {
    /// [`crate::document::Account`]; its id is the account's.
    Account,
    /// [`crate::document::Integration`]; ids are unique over all accounts.
    Integration,
    /// [`crate::document::Rule`]; all versions are kept for ever.
    Rule,
    /// [`crate::document::List`].
    List,
    /// [`crate::document::Token`]; unique by hash.
    Token,
    /// [`crate::document::User`]; unique by e-mail.
    User,
    /// [`crate::postback::Postback`].
    Postback,
    /// [`crate::document::Advertiser`]; unique by account and external id.
    Advertiser,
    /// [`crate::document::Offer`]; unique by account and external id.
    Offer,
    /// [`crate::document::Publisher`]; unique by account and external id.
    Publisher,
}

impl DocKind {
    /// Stable text, used in storage.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Integration => "integration",
            Self::Rule => "rule",
            Self::List => "list",
            Self::Token => "token",
            Self::User => "user",
            Self::Postback => "postback",
            Self::Advertiser => "advertiser",
            Self::Offer => "offer",
            Self::Publisher => "publisher",
        }
    }
}

/// A stored document.
#[derive(Clone, Debug, PartialEq)]
pub struct Doc {
    /// Whose it is.
    pub account: AccountId,
    /// What it is.
    pub kind: DocKind,
    /// Positive; unique within the kind over all accounts.
    pub id: u64,
    /// Starts at 1 and grows by one with every change.
    pub version: u32,
    /// When this version was written.
    pub updated: Timestamp,
    /// Who wrote this version (`token:12`, `user:3`, `bootstrap`).
    pub actor: String,
    /// The document.
    pub body: serde_json::Value,
}

/// A document to be stored.
#[derive(Clone, Debug)]
pub struct NewDoc {
    /// What it is.
    pub kind: DocKind,
    /// Value that must be unique within the kind over all accounts (token hash, e-mail).
    pub unique: Option<String>,
    /// The document.
    pub body: serde_json::Value,
}

/// One of many documents that are stored together.
#[derive(Clone, Debug)]
pub struct Save {
    /// Which one is replaced, and the version that was read; `None` = it is new.
    pub replaces: Option<(u64, u32)>,
    /// The document.
    pub doc: NewDoc,
}

/// One of many documents that are removed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removal {
    /// What it is.
    pub kind: DocKind,
    /// Which one.
    pub id: u64,
    /// The version that was read.
    pub version: u32,
}

/// Where control data is kept. A save is durable when the call returns.
#[async_trait]
pub trait ControlStore: Send + Sync {
    /// Makes an account: its document gets the account's own id.
    async fn create_account(
        &self,
        body: serde_json::Value,
        actor: &str,
        now: Timestamp,
    ) -> Result<Doc, StoreError>;
    /// Every account id, ascending.
    async fn accounts(&self) -> Result<Vec<AccountId>, StoreError>;
    /// Stores a new document as version 1.
    async fn insert(
        &self,
        account: AccountId,
        doc: NewDoc,
        actor: &str,
        now: Timestamp,
    ) -> Result<Doc, StoreError>;
    /// The current version.
    async fn get(
        &self,
        account: AccountId,
        kind: DocKind,
        id: u64,
    ) -> Result<Option<Doc>, StoreError>;
    /// Current versions with an id above `after`, ascending.
    async fn list(
        &self,
        account: AccountId,
        kind: DocKind,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Doc>, StoreError>;
    /// Replaces the document; `expected` is the version the caller read. A document that is
    /// given without a unique value keeps the one it has.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when `expected` is stale, [`StoreError::NotFound`] when there is none.
    async fn update(
        &self,
        account: AccountId,
        id: u64,
        expected: Option<u32>,
        doc: NewDoc,
        actor: &str,
        now: Timestamp,
    ) -> Result<Doc, StoreError>;
    /// Stores new documents and replaces others: all of them, or none.
    ///
    /// # Errors
    /// As [`ControlStore::insert`] and [`ControlStore::update`], of the first that fails.
    async fn save_all(
        &self,
        account: AccountId,
        saves: Vec<Save>,
        actor: &str,
        now: Timestamp,
    ) -> Result<Vec<Doc>, StoreError> {
        self.change_all(account, saves, Vec::new(), actor, now)
            .await
    }
    /// As [`ControlStore::save_all`], and removes others: all of it, or nothing.
    ///
    /// # Errors
    /// As there; what is removed must be there in the version that was read.
    async fn change_all(
        &self,
        account: AccountId,
        saves: Vec<Save>,
        removals: Vec<Removal>,
        actor: &str,
        now: Timestamp,
    ) -> Result<Vec<Doc>, StoreError>;
    /// Removes the document; its versions stay. False when there was none.
    async fn delete(
        &self,
        account: AccountId,
        kind: DocKind,
        id: u64,
        actor: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// All versions, newest first; also of a deleted document.
    async fn versions(
        &self,
        account: AccountId,
        kind: DocKind,
        id: u64,
    ) -> Result<Vec<Doc>, StoreError>;
    /// The document with this unique value, of any account: for signing in only.
    async fn find_unique(&self, kind: DocKind, unique: &str) -> Result<Option<Doc>, StoreError>;
    /// The unique values of the account's current documents, by id: what the data plane
    /// must know to let a token in without asking.
    async fn unique_values(
        &self,
        account: AccountId,
        kind: DocKind,
    ) -> Result<Vec<(u64, String)>, StoreError>;
    /// Grows with every change of any document; nodes poll it.
    async fn revision(&self) -> Result<u64, StoreError>;
    /// Accounts changed after `revision`.
    async fn changed_since(&self, revision: u64) -> Result<Vec<AccountId>, StoreError>;
}
