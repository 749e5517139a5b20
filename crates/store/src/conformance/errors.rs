//! What every error log must do.
#![expect(clippy::unwrap_used, reason = "a failed check is a failed test")]

use std::sync::Arc;

use assay_model::ports::{DoorError, ErrorLog, ErrorQuery, ErrorRow};
use assay_model::testing::NOW;
use assay_model::{AccountId, IntegrationId};

const MINUTE_MS: i64 = 60_000;

/// Runs every check; each call of `open` opens the same, at first empty, log again.
pub async fn suite(open: impl Fn() -> Arc<dyn ErrorLog>) {
    equal_errors_of_a_minute_are_one_row(&*open()).await;
    rows_come_newest_first_in_pages(&*open()).await;
    others_see_nothing(&*open()).await;
    an_account_sees_all_of_its_own(&*open()).await;
    rows_outlive_the_process(&open).await;
}

fn error(integration: u32) -> DoorError {
    DoorError {
        account: Some(AccountId(1)),
        integration: Some(IntegrationId(integration)),
        at: NOW,
        door: "s2s",
        code: "missing",
        field: "ip".to_owned(),
        cause: "is required".to_owned(),
        sample: "/s2s?o=1".to_owned(),
    }
}

async fn rows(
    log: &dyn ErrorLog,
    account: u32,
    integration: impl Into<Option<u32>>,
) -> Vec<ErrorRow> {
    let query = ErrorQuery {
        integration: integration.into().map(IntegrationId),
        before: None,
        limit: 100,
    };
    log.list(AccountId(account), query).await.unwrap()
}

async fn equal_errors_of_a_minute_are_one_row(log: &dyn ErrorLog) {
    for at_ms in [0, 500, 59_999] {
        log.note(DoorError {
            at: NOW.plus_ms(at_ms),
            sample: format!("/s2s?at={at_ms}"),
            ..error(10)
        });
    }
    let found = rows(log, 1, 10).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].count, 3);
    // The batch before is on the disk: a later one joins its row.
    log.note(DoorError {
        at: NOW.plus_ms(30_000),
        ..error(10)
    });
    let found = rows(log, 1, 10).await;
    assert_eq!((found.len(), found[0].count), (1, 4));
    assert_eq!(found[0].time, NOW.plus_ms(59_999));
    assert_eq!(
        (found[0].door.as_str(), found[0].code.as_str()),
        ("s2s", "missing")
    );
    assert_eq!(
        (found[0].field.as_str(), found[0].cause.as_str()),
        ("ip", "is required")
    );
    let others = [
        DoorError {
            at: NOW.plus_ms(MINUTE_MS),
            ..error(10)
        },
        DoorError {
            door: "score",
            ..error(10)
        },
        DoorError {
            code: "malformed",
            ..error(10)
        },
        DoorError {
            field: "ua".to_owned(),
            ..error(10)
        },
        DoorError {
            cause: "is empty".to_owned(),
            ..error(10)
        },
    ];
    let different = others.len();
    for other in others {
        log.note(other);
    }
    assert_eq!(rows(log, 1, 10).await.len(), 1 + different);
}

async fn rows_come_newest_first_in_pages(log: &dyn ErrorLog) {
    for minute in 0..7 {
        log.note(DoorError {
            at: NOW.plus_ms(minute * MINUTE_MS),
            ..error(11)
        });
    }
    let all = rows(log, 1, 11).await;
    assert!(all.windows(2).all(|pair| pair[0].id > pair[1].id));
    assert!(all.windows(2).all(|pair| pair[0].time > pair[1].time));
    let mut paged = Vec::new();
    let mut before = None;
    loop {
        let query = ErrorQuery {
            integration: Some(IntegrationId(11)),
            before,
            limit: 3,
        };
        let page = log.list(AccountId(1), query).await.unwrap();
        assert!(page.len() <= 3);
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        paged.extend(page);
    }
    assert_eq!(paged, all);
    assert_eq!(all.len(), 7);
}

async fn others_see_nothing(log: &dyn ErrorLog) {
    log.note(error(12));
    log.note(DoorError {
        account: None,
        integration: None,
        ..error(12)
    });
    log.note(DoorError {
        integration: None,
        ..error(12)
    });
    assert_eq!(rows(log, 1, 12).await.len(), 1);
    assert!(rows(log, 2, 12).await.is_empty());
    assert!(rows(log, 1, 13).await.is_empty());
    // Calls that named nobody are kept for whoever runs the place.
    assert_eq!(rows(log, 0, None).await.len(), 1);
}

async fn an_account_sees_all_of_its_own(log: &dyn ErrorLog) {
    let of = |account: Option<u32>, integration: Option<u32>| DoorError {
        account: account.map(AccountId),
        integration: integration.map(IntegrationId),
        ..error(0)
    };
    log.note(of(Some(21), Some(15)));
    log.note(of(Some(21), None));
    log.note(of(Some(22), Some(16)));
    log.note(of(None, None));
    let found = rows(log, 21, None).await;
    let mut named: Vec<_> = found.iter().map(|row| row.integration_id).collect();
    named.sort();
    assert_eq!(named, [None, Some(IntegrationId(15))], "{found:?}");
    assert!(found[0].id > found[1].id);
    let older = ErrorQuery {
        integration: None,
        before: Some(found[0].id),
        limit: 100,
    };
    assert_eq!(log.list(AccountId(21), older).await.unwrap(), found[1..]);
    assert_eq!(rows(log, 22, None).await.len(), 1);
    assert_eq!(rows(log, 21, 15).await.len(), 1);
    assert!(rows(log, 21, 16).await.is_empty());
}

async fn rows_outlive_the_process(open: &impl Fn() -> Arc<dyn ErrorLog>) {
    let log = open();
    log.note(error(14));
    let before = rows(&*log, 1, 14).await;
    drop(log);
    assert_eq!(rows(&*open(), 1, 14).await, before);
    assert_eq!(before.len(), 1);
}
