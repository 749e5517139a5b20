//! The conformance suite on SQLite, and that a long queue costs no look more.

use std::sync::Arc;

use super::SqlitePostbacks;
use super::take::DUE;
use crate::conformance::postbacks::{Backend, suite};
use crate::embedded::SqliteLedger;
use crate::embedded::ledger::LedgerOptions;
use crate::embedded::sqlite::failed;

#[tokio::test]
async fn conforms() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.db");
    suite(|| {
        let ledger = SqliteLedger::open(&path, LedgerOptions::default()).unwrap();
        Backend {
            queue: Arc::new(SqlitePostbacks::new(&ledger)),
            ledger: Arc::new(ledger),
        }
    })
    .await;
}

/// A dead receiver's long queue must not make anybody's look at the queue long: every look
/// goes by an index, and none sorts.
#[tokio::test]
async fn a_look_reads_no_more_than_it_takes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.db");
    let ledger = SqliteLedger::open(&path, LedgerOptions::default()).unwrap();
    let plan: Vec<String> = ledger
        .file()
        .read(|db| {
            let mut statement = db
                .prepare(&format!("EXPLAIN QUERY PLAN {DUE}"))
                .map_err(failed)?;
            let rows = statement
                .query_map((1, 1, 1, 1), |row| row.get(3))
                .map_err(failed)?;
            rows.collect::<Result<_, _>>().map_err(failed)
        })
        .await
        .unwrap();
    assert!(plan.len() >= 4, "{plan:?}");
    for step in &plan {
        assert!(!step.contains("SCAN") && !step.contains("TEMP"), "{plan:?}");
    }
}
