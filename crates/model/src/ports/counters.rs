//! Counters: bumped and read in one batch, the only wait before an answer.

use std::future::Future;

use crate::recall::{Bump, Reading};
use crate::{AccountId, Timestamp};

/// Counters could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecallError {
    /// No answer in time.
    #[error("counters did not answer in time")]
    Late,
    /// Still loading after a start.
    #[error("counters are still loading")]
    Warming,
    /// The account's share of the table is used up.
    #[error("the account's share of the counter table is used up")]
    Quota,
}

/// Where counters are kept. A type parameter of the gateway, so memory answers without
/// a box or an await.
pub trait CounterStore: Send + Sync + 'static {
    /// Says that these keys will be asked for in a moment. Memory brings them near while
    /// the caller does something else; it need do nothing.
    fn expect(&self, bumps: &[Bump]) {
        let _ = bumps;
    }

    /// Bumps each key at `at` and puts its reading into `out`, in order.
    ///
    /// Shape: `out` is cleared first and gets one reading per bump.
    /// Units: windows in whole seconds; counts saturate at 2^20 − 1 per eighth of a window.
    ///
    /// # Errors
    /// [`RecallError`]; then nothing in `out` may be used.
    fn recall(
        &self,
        account: AccountId,
        at: Timestamp,
        bumps: &[Bump],
        out: &mut Vec<Reading>,
    ) -> impl Future<Output = Result<(), RecallError>>;
}
