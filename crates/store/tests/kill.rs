//! `kill -9` at any moment loses no acknowledged save of control data.
//!
//! The test starts itself as a child that saves and says so, and kills it.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use assay_model::AccountId;
use assay_model::ports::{ControlStore, DocKind, NewDoc};
use assay_model::testing::NOW;
use assay_store::embedded::SqliteControlStore;
use assay_store::embedded::control::ControlOptions;
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
        saved.extend(run_and_kill(folder.path(), 1 + round * 7));
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

/// Kills the child once it has said `after` saves; returns what it said.
fn run_and_kill(folder: &Path, after: u64) -> Vec<u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "saves_until_killed", "--ignored", "--nocapture"])
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
