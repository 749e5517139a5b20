//! The error log: every malformed, refused or unmatched call with its cause.

use async_trait::async_trait;
use serde::Serialize;

use super::StoreError;
use crate::{AccountId, IntegrationId, Timestamp};

/// One call that was not judged, or not as it wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoorError {
    /// Whose; `None` when the call named no known account.
    pub account: Option<AccountId>,
    /// Which integration; `None` when the call named no known one.
    pub integration: Option<IntegrationId>,
    /// When.
    pub at: Timestamp,
    /// Which door (`s2s`, `score`).
    pub door: &'static str,
    /// Stable code (`missing`, `malformed`, `unknown_integration`, `paused`, `bad_key`, `source`).
    pub code: &'static str,
    /// The field at fault; empty = none.
    pub field: String,
    /// What was wrong, for people.
    pub cause: String,
    /// Path and parameter names of the call, values cut; no address, no token.
    pub sample: String,
}

/// Which rows of the log.
#[derive(Clone, Copy, Debug, Default)]
pub struct ErrorQuery {
    /// Rows of this integration; `None` = of the whole account, those that name none included.
    pub integration: Option<IntegrationId>,
    /// Rows older than this id; `None` = newest.
    pub before: Option<u64>,
    /// Most rows.
    pub limit: u32,
}

/// One row of the log; equal calls within a minute are one row with a count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ErrorRow {
    /// Id, newest highest.
    pub id: u64,
    /// Which integration; `None` when the call named none of the account's.
    pub integration_id: Option<IntegrationId>,
    /// When it was seen last.
    pub time: Timestamp,
    /// Which door.
    pub door: String,
    /// Stable code.
    pub code: String,
    /// The field at fault.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub field: String,
    /// What was wrong.
    pub cause: String,
    /// Path and parameter names.
    pub sample: String,
    /// How many equal ones in that minute.
    pub count: u64,
}

/// Where the error log is kept.
#[async_trait]
pub trait ErrorLog: Send + Sync {
    /// Takes an error without waiting; bounded, and what does not fit is counted.
    fn note(&self, error: DoorError);
    /// Rows of one integration or of the whole account, newest first.
    async fn list(
        &self,
        account: AccountId,
        query: ErrorQuery,
    ) -> Result<Vec<ErrorRow>, StoreError>;
}
