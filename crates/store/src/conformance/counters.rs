//! What every store of counters must do.
#![expect(clippy::unwrap_used, reason = "a failed check is a failed test")]

use assay_model::ports::CounterStore;
use assay_model::recall::{Bump, Measure, Reading};
use assay_model::testing::NOW;
use assay_model::{AccountId, Timestamp};

/// Runs every check, each on a store of its own from `make`.
pub async fn suite<C: CounterStore>(make: impl Fn() -> C) {
    a_batch_is_read_in_order(&make()).await;
}

fn sight(key: u64, window_s: u32) -> Bump {
    Bump {
        key,
        measure: Measure::Count,
        window_s,
        member: 0,
    }
}

async fn read<C: CounterStore>(store: &C, at: Timestamp, bumps: &[Bump]) -> Vec<Reading> {
    let mut out = Vec::new();
    store
        .recall(AccountId(1), at, bumps, &mut out)
        .await
        .unwrap();
    out
}

async fn a_batch_is_read_in_order<C: CounterStore>(store: &C) {
    let out = read(store, NOW, &[sight(1, 60), sight(2, 60), sight(1, 60)]).await;
    let counts: Vec<_> = out.iter().map(|reading| reading.count).collect();
    assert_eq!(counts, [1, 1, 2]);
}
