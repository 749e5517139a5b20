//! The running console: the ports, and the little it remembers itself.

use std::sync::Arc;

use assay_model::document::Account;
use assay_model::ports::DocKind;
use assay_model::{AccountId, Timestamp};
use tokio::sync::{Mutex, Semaphore};

use crate::auth::{Sessions, Throttle};
use crate::error::ApiError;
use crate::pages::NumbersCache;
use crate::replay::Jobs;
use crate::reports::Gate;
use crate::state::ConsoleState;

/// Password checks that run at once; each takes 19 MiB.
const PASSWORD_CHECKS: usize = 2;

/// Everything handlers share.
pub struct App {
    /// Ports and settings.
    pub state: ConsoleState,
    /// Signed-in browsers.
    pub sessions: Sessions,
    /// Failed sign-ins.
    pub throttle: Throttle,
    /// Bounds the memory of password checks.
    pub password_checks: Semaphore,
    /// One change of control data at a time: order and checks see what the last one saved.
    pub changes: Mutex<()>,
    /// Reports that run.
    pub reports: Gate,
    /// Replays that run, and the last that ran.
    pub replays: Jobs,
    /// The overview's numbers, for a second.
    pub numbers: NumbersCache,
}

impl App {
    /// A console over these ports.
    #[must_use]
    pub fn new(state: ConsoleState) -> Arc<Self> {
        Arc::new(Self {
            state,
            sessions: Sessions::default(),
            throttle: Throttle::default(),
            password_checks: Semaphore::new(PASSWORD_CHECKS),
            changes: Mutex::new(()),
            reports: Gate::default(),
            replays: Jobs::default(),
            numbers: NumbersCache::default(),
        })
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.state.clock.now()
    }

    /// The account's own settings.
    ///
    /// # Errors
    /// When storage fails, or the account is gone.
    pub async fn account(&self, account: AccountId) -> Result<Account, ApiError> {
        let doc = self
            .state
            .control
            .get(account, DocKind::Account, u64::from(account.0))
            .await?
            .ok_or_else(|| ApiError::not_found("this account is gone"))?;
        crate::documents::stored(doc.body)
    }

    /// Puts the account's saved documents in force.
    ///
    /// # Errors
    /// 503 when the change is saved but not in force.
    pub async fn publish(&self, account: AccountId) -> Result<(), ApiError> {
        self.state.publisher.publish(account).await?;
        Ok(())
    }
}
