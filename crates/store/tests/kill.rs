//! `kill -9` at any moment loses no acknowledged save of control data and no conversion.
//!
//! The test starts itself as a child that saves and says so, and kills it.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use assay_model::ledger::{Change, Guard, Status};
use assay_model::ports::{ControlStore, ConversionQuery, DocKind, Ledger, NewDoc};
use assay_model::testing::NOW;
use assay_model::{AccountId, Reason};
use assay_store::conformance::ledger::conversion;
use assay_store::embedded::control::ControlOptions;
use assay_store::embedded::ledger::LedgerOptions;
use assay_store::embedded::{SqliteControlStore, SqliteLedger};
use serde_json::json;

const FOLDER: &str = "ASSAY_TEST_KILL_FOLDER";
const ROUNDS: u64 = 12;

fn open(folder: &Path) -> SqliteControlStore {
    SqliteControlStore::open(&folder.join("control.db"), ControlOptions::default()).unwrap()
}

fn rule(number: u64) -> NewDoc {
    NewDoc {
        kind: DocKind::Rule,
        unique: None,
        body: json!({ "number": number }),
    }
}

/// Saves until it is killed; says each save after it was answered.
#[tokio::test]
#[ignore = "the child of the test below"]
async fn saves_until_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let store = open(Path::new(&folder));
    for number in 0.. {
        let made = store.insert(AccountId(1), rule(number), "child", NOW).await;
        let id = made.unwrap().id;
        let changed = store.update(AccountId(1), id, Some(1), rule(number), "child", NOW);
        changed.await.unwrap();
        println!("saved {id}");
        std::io::stdout().flush().unwrap();
    }
}

#[tokio::test]
async fn a_killed_process_has_lost_no_acknowledged_save() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store
        .create_account(json!({ "name": "one" }), "bootstrap", NOW)
        .await
        .unwrap();
    drop(store);
    let mut saved = Vec::new();
    for round in 0..ROUNDS {
        saved.extend(run_and_kill(
            folder.path(),
            "saves_until_killed",
            1 + round * 7,
        ));
        let store = open(folder.path());
        for id in &saved {
            let found = store.get(AccountId(1), DocKind::Rule, *id).await.unwrap();
            assert_eq!(found.map(|doc| doc.version), Some(2), "rule {id} is lost");
        }
    }
    saved.dedup();
    assert!(saved.len() as u64 >= ROUNDS, "an id was handed out twice");
    assert!(saved.is_sorted());
}

fn open_ledger(folder: &Path) -> SqliteLedger {
    SqliteLedger::open(&folder.join("ledger.db"), LedgerOptions::default()).unwrap()
}

/// Takes conversions, each twice and at the same time as its neighbours, and rejects them;
/// says each after it was answered.
#[tokio::test]
#[ignore = "the child of the test below"]
async fn converts_until_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let ledger = open_ledger(Path::new(&folder));
    let from = ledger.list(AccountId(1), &everything()).await.unwrap();
    let from = from.conversions.len() as u32;
    for first in (from..).step_by(8) {
        let mut tasks = tokio::task::JoinSet::new();
        for number in first..first + 8 {
            let ledger = ledger.clone();
            tasks.spawn(async move { convert(&ledger, number).await });
        }
        while let Some(number) = tasks.join_next().await {
            println!("saved {}", number.unwrap());
            std::io::stdout().flush().unwrap();
        }
    }
}

async fn convert(ledger: &SqliteLedger, number: u32) -> u32 {
    let new = conversion(AccountId(1), number);
    let id = new.conversion_id;
    for _ in 0..2 {
        let appended = ledger.append(AccountId(1), new.clone(), Vec::new());
        appended.await.unwrap();
    }
    let reject = Change {
        actor: "child".to_owned(),
        at: NOW,
        to: Status::Rejected,
        reason: Reason::ManualRejected,
        reasons: Vec::new(),
        note: String::new(),
        waiting: None,
        guard: Guard::OtherStatus,
    };
    let changed = ledger.change(AccountId(1), id, reject, Box::new(|_, _, _| Vec::new()));
    changed.await.unwrap();
    number
}

fn everything() -> ConversionQuery {
    ConversionQuery {
        limit: 1000,
        ..ConversionQuery::default()
    }
}

#[tokio::test]
async fn a_killed_process_has_lost_and_doubled_no_conversion() {
    let folder = tempfile::tempdir().unwrap();
    let mut saved = Vec::new();
    for round in 0..ROUNDS {
        let said = run_and_kill(folder.path(), "converts_until_killed", 1 + round * 5);
        saved.extend(said);
        let ledger = open_ledger(folder.path());
        for number in &saved {
            let id = conversion(AccountId(1), *number as u32).conversion_id;
            let found = ledger.get(AccountId(1), id).await.unwrap();
            let state = found.map(|row| (row.state.status, row.state.version));
            assert_eq!(state, Some((Status::Rejected, 2)), "conversion {number}");
            assert_eq!(ledger.history(AccountId(1), id).await.unwrap().len(), 2);
        }
        // What was taken and not answered is there whole or not at all.
        let page = ledger.list(AccountId(1), &everything()).await.unwrap();
        assert!(page.next.is_none());
        for row in &page.conversions {
            let history = ledger.history(AccountId(1), row.conversion_id).await;
            let folded = assay_model::ledger::State::fold(&history.unwrap());
            assert_eq!(folded.as_ref(), Some(&row.state));
        }
    }
    assert!(saved.len() as u64 >= ROUNDS);
}

/// Kills the child once it has said `after` saves; returns what it said.
fn run_and_kill(folder: &Path, child: &str, after: u64) -> Vec<u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", child, "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = Vec::new();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines {
        let Ok(line) = line else { break };
        // The last line may be torn, and then it is no acknowledgement.
        if let Some(id) = line.split("saved ").nth(1).and_then(|id| id.parse().ok()) {
            said.push(id);
        }
        if said.len() as u64 == after {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(said.len() as u64 >= after, "the child stopped by itself");
    said
}
