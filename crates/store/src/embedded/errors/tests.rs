//! The conformance suite on SQLite, and the limits of the embedded log.

use std::sync::Arc;

use assay_model::ports::{DoorError, ErrorLog, ErrorQuery};
use assay_model::{AccountId, IntegrationId, testing::NOW};

use super::{ErrorLogOptions, SqliteErrorLog, TEXT_MAX};
use crate::conformance;

fn error(account: u32, cause: String) -> DoorError {
    DoorError {
        account: Some(AccountId(account)),
        integration: Some(IntegrationId(1)),
        at: NOW,
        door: "s2s",
        code: "malformed",
        field: "ip".to_owned(),
        cause,
        sample: "/s2s?ip=…".to_owned(),
    }
}

fn newest(limit: u32) -> ErrorQuery {
    ErrorQuery {
        integration: Some(IntegrationId(1)),
        before: None,
        limit,
    }
}

#[tokio::test]
async fn conforms() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("errors.db");
    conformance::errors::suite(|| -> Arc<dyn ErrorLog> {
        Arc::new(SqliteErrorLog::open(&path, ErrorLogOptions::default()).unwrap())
    })
    .await;
}

#[tokio::test]
async fn the_oldest_rows_go_first() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("errors.db");
    let options = ErrorLogOptions {
        rows_per_integration: 5,
        ..ErrorLogOptions::default()
    };
    for start in [0, 8] {
        let log = SqliteErrorLog::open(&path, options).unwrap();
        for number in start..start + 8 {
            log.note(error(1, format!("cause {number}")));
            log.flush().await.unwrap();
        }
    }
    let log = SqliteErrorLog::open(&path, options).unwrap();
    let rows = log.list(AccountId(1), newest(100)).await.unwrap();
    let causes: Vec<_> = rows.iter().map(|row| row.cause.as_str()).collect();
    assert_eq!(
        causes,
        ["cause 15", "cause 14", "cause 13", "cause 12", "cause 11"]
    );
}

#[tokio::test]
async fn a_flood_is_counted_and_leaves_room_for_others() {
    let dir = tempfile::tempdir().unwrap();
    let options = ErrorLogOptions {
        queue: 64,
        ..ErrorLogOptions::default()
    };
    let log = SqliteErrorLog::open(&dir.path().join("errors.db"), options).unwrap();
    for number in 0..50_000 {
        log.note(error(1, format!("cause {number}")));
    }
    log.note(error(2, "the other".to_owned()));
    let of = |account| log.list(AccountId(account), newest(1000));
    let kept = of(1).await.unwrap().len() as u64;
    assert!(kept > 0 && log.lost() > 0);
    let all = log.lost() + kept;
    assert!(all >= 50_000 || kept == 1000, "{all}");
    assert_eq!(of(2).await.unwrap().len(), 1);
}

#[tokio::test]
async fn texts_are_cut_between_characters() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("errors.db");
    let log = SqliteErrorLog::open(&path, ErrorLogOptions::default()).unwrap();
    log.note(error(1, format!("x{}", "é".repeat(TEXT_MAX))));
    let rows = log.list(AccountId(1), newest(1)).await.unwrap();
    assert_eq!(rows[0].cause.len(), TEXT_MAX - 1);
}
