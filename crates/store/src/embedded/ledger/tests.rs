//! The conformance suite on SQLite, and what only an embedded ledger promises.

use std::path::Path;
use std::sync::Arc;

use assay_model::ledger::{Change, Guard, Status};
use assay_model::ports::{Appended, ChangeCursor, Ledger, LedgerError, LedgerFeed, StoreError};
use assay_model::postback::{Outcome, Owed};
use assay_model::{AccountId, Reason};
use rusqlite::Connection;

use super::{LedgerOptions, MIGRATIONS, SqliteLedger};
use crate::conformance;
use crate::conformance::ledger::conversion;

const ACCOUNT: AccountId = AccountId(1);

fn open(folder: &Path) -> SqliteLedger {
    SqliteLedger::open(&folder.join("ledger.db"), LedgerOptions::default()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn conforms() {
    let dir = tempfile::tempdir().unwrap();
    conformance::ledger::suite(|| -> Arc<dyn Ledger> { Arc::new(open(dir.path())) }).await;
    let ledger = open(dir.path());
    conformance::ledger::reports::agree_with_the_model(&ledger).await;
    conformance::ledger::reports::refuse_wrong_questions(&ledger).await;
}

/// The ledger that other crates test with does the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_in_memory_conforms() {
    let ledger = Arc::new(assay_model::testing::MemoryLedger::default());
    conformance::ledger::suite(|| -> Arc<dyn Ledger> { ledger.clone() }).await;
}

#[test]
fn every_migration_of_the_folder_runs_in_order() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/ledger");
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    let listed: Vec<_> = MIGRATIONS
        .iter()
        .map(|step| format!("{}.sql", step.name))
        .collect();
    assert_eq!(found, listed);
}

async fn append(ledger: &SqliteLedger, number: u32) -> Result<Appended, LedgerError> {
    let new = conversion(ACCOUNT, number);
    ledger.append(ACCOUNT, new, Vec::new()).await
}

/// A transaction that fails when it is committed, as it does when the disk fails: the
/// reference is only looked at then.
fn fails_at_commit(db: &Connection) -> Result<(), StoreError> {
    db.execute_batch(
        "CREATE TABLE parents (id INTEGER PRIMARY KEY); \
         CREATE TABLE children (parent REFERENCES parents DEFERRABLE INITIALLY DEFERRED); \
         INSERT INTO children VALUES (1);",
    )
    .map_err(crate::embedded::sqlite::failed)
}

#[tokio::test]
async fn after_a_failed_commit_nothing_is_taken_until_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    append(&ledger, 1).await.unwrap();
    let failed: Result<(), StoreError> = ledger.file.write(fails_at_commit).await;
    assert!(matches!(failed, Err(StoreError::Backend(_))), "{failed:?}");
    for number in [1, 2] {
        let refused = append(&ledger, number).await;
        assert!(
            matches!(refused, Err(LedgerError::Closed(_))),
            "{refused:?}"
        );
    }
    assert!(ledger.closed().is_some());
    // What was answered before can be read.
    let first = conversion(ACCOUNT, 1).conversion_id;
    assert!(ledger.get(ACCOUNT, first).await.unwrap().is_some());
    drop(ledger);
    let ledger = open(dir.path());
    assert!(matches!(
        append(&ledger, 1).await,
        Ok(Appended::Duplicate(_))
    ));
    assert!(matches!(append(&ledger, 2).await, Ok(Appended::New(_))));
}

#[tokio::test]
async fn callers_of_a_failed_commit_are_all_told() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    // Keeps the writer busy until the others wait behind it, so that they share a commit;
    // some may have come into its own.
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let file = Arc::clone(&ledger.file);
    let held = tokio::spawn(async move {
        let hold = move |_: &Connection| wait.recv().map_err(|_| StoreError::NotFound);
        file.write(hold).await
    });
    let mut waiting = tokio::task::JoinSet::new();
    for number in 0..8 {
        let ledger = ledger.clone();
        waiting.spawn(async move { append(&ledger, number).await.map(|_| ()) });
    }
    let broken = ledger.clone();
    waiting.spawn(async move { broken.write(|db| Ok(fails_at_commit(db)?)).await });
    tokio::task::yield_now().await;
    go.send(()).unwrap();
    let _ = held.await.unwrap();
    let answers = waiting.join_all().await;
    let told = answers
        .iter()
        .filter(|answer| matches!(answer, Err(LedgerError::Closed(_))));
    assert!(told.count() >= 1);
    // Who was answered well is there, who was not is not.
    let kept = answers.iter().filter(|answer| answer.is_ok()).count();
    drop(ledger);
    let ledger = open(dir.path());
    let mut there = 0;
    for number in 0..8 {
        let id = conversion(ACCOUNT, number).conversion_id;
        there += usize::from(ledger.get(ACCOUNT, id).await.unwrap().is_some());
    }
    assert_eq!(there, kept);
}

#[tokio::test]
async fn a_full_disk_refuses_and_goes_on_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let limit = |pages: u32| {
        move |db: &Connection| {
            db.pragma_query_value(None, "page_count", |row| row.get::<_, u32>(0))
                .and_then(|used| {
                    let most = used.saturating_add(pages);
                    db.pragma_update_and_check(None, "max_page_count", most, |_| Ok(()))
                })
                .map_err(crate::embedded::sqlite::failed)
        }
    };
    ledger.file.write(limit(0)).await.unwrap();
    let mut kept = Vec::new();
    let refused = loop {
        let number = kept.len() as u32;
        match append(&ledger, number).await {
            Ok(_) => kept.push(number),
            Err(refused) => break refused,
        }
        assert!(kept.len() < 10_000, "the disk never filled up");
    };
    assert!(matches!(refused, LedgerError::Backend(_)), "{refused}");
    assert_eq!(ledger.closed(), None);
    ledger.file.write(limit(10_000)).await.unwrap();
    append(&ledger, kept.len() as u32).await.unwrap();
    for number in kept {
        assert!(matches!(
            append(&ledger, number).await,
            Ok(Appended::Duplicate(_))
        ));
    }
}

#[tokio::test]
async fn entries_cannot_be_changed_or_taken_away() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    append(&ledger, 1).await.unwrap();
    for sql in [
        "UPDATE conversion_entries SET actor = 'nobody'",
        "DELETE FROM conversion_entries",
    ] {
        let run = |db: &Connection| {
            db.execute(sql, [])
                .map(|_| ())
                .map_err(crate::embedded::sqlite::failed)
        };
        let refused: Result<(), StoreError> = ledger.file.write(run).await;
        assert!(refused.unwrap_err().to_string().contains("append-only"));
    }
}

#[tokio::test]
async fn what_is_owed_is_queued_with_the_entry_and_once() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let new = conversion(ACCOUNT, 1);
    let owed = Owed {
        postback: 5,
        subject: new.conversion_id,
        event: new.kind,
        seq: 1,
        due: new.received,
        outcome: Outcome::Approved,
        reason: String::new(),
    };
    for _ in 0..2 {
        let owes = vec![owed.clone()];
        ledger.append(ACCOUNT, new.clone(), owes).await.unwrap();
    }
    let count = |db: &Connection| {
        db.query_row("SELECT count(*) FROM postbacks_owed", [], |row| row.get(0))
            .map_err(crate::embedded::sqlite::failed)
    };
    let queued: Result<u32, StoreError> = ledger.file.read(count).await;
    assert_eq!(queued.unwrap(), 1);
}

#[tokio::test]
async fn questions_by_id_take_an_index() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    for (question, index) in [
        ("account = 1 AND conversion = x'00'", "conversions_by_id"),
        (
            "account = 1 AND external_transaction_id = ?1 AND external_transaction_id <> '' \
             AND integration = 7",
            "conversions_by_external_id",
        ),
        (
            "account = 1 AND transaction_id IN (?1) AND transaction_id <> ''",
            "conversions_by_transaction_id",
        ),
        (
            "account = 1 AND click = ?1 AND click IS NOT NULL AND integration = 7",
            "conversions_by_click",
        ),
        (
            "waiting = ?1 AND account = 1 AND conversion > x'00'",
            "conversions_waiting",
        ),
        (
            "account = 1 AND time >= 5 AND (time, conversion) < (9, x'00') \
             ORDER BY time DESC, conversion DESC",
            "conversions_by_time",
        ),
    ] {
        let plan = move |db: &Connection| {
            let sql = format!("EXPLAIN QUERY PLAN SELECT * FROM conversions WHERE {question}");
            let values = rusqlite::params_from_iter(question.contains("?1").then_some("x"));
            db.query_row(&sql, values, |row| row.get::<_, String>(3))
                .map_err(crate::embedded::sqlite::failed)
        };
        let plan: Result<String, StoreError> = ledger.file.read(plan).await;
        let plan = plan.unwrap();
        assert!(plan.contains(&format!("USING INDEX {index}")), "{plan}");
    }
}

#[tokio::test]
async fn what_changed_is_followed_in_its_order() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    for number in 0..3 {
        append(&ledger, number).await.unwrap();
    }
    let later = assay_model::testing::NOW.plus_ms(60_000);
    let first = conversion(ACCOUNT, 0).conversion_id;
    let rejected = Change {
        actor: "rejection:7".to_owned(),
        at: later,
        to: Status::Rejected,
        reason: Reason::AdvertiserRejected,
        reasons: Vec::new(),
        note: String::new(),
        waiting: None,
        guard: Guard::Any,
    };
    let nothing = Box::new(|_: &_, _: &_, _: Option<&_>| Vec::new());
    let made = ledger.change(ACCOUNT, first, rejected, nothing).await;
    assert!(made.unwrap().entry.is_some());
    let mut cursor = ChangeCursor::default();
    let mut order = Vec::new();
    loop {
        let page = ledger.changed(cursor, later.plus_ms(1), 2).await.unwrap();
        let Some((last, _)) = page.last() else { break };
        cursor = *last;
        order.extend(page.into_iter().map(|(_, row)| row.conversion_id));
    }
    let ids = [1, 2, 0].map(|number| conversion(ACCOUNT, number).conversion_id);
    assert_eq!(order, ids);
    let before = ledger.changed(ChangeCursor::default(), later, 10).await;
    assert_eq!(before.unwrap().len(), 2, "what is too new waits");
}
