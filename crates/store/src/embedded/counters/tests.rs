//! The table against its promises.

use super::*;
use crate::conformance;

#[tokio::test]
async fn conforms() {
    conformance::counters::suite(|| {
        CounterTable::new(CounterOptions {
            slots: 100_000,
            account_slots_max: None,
        })
    })
    .await;
}
