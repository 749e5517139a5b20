//! The conformance suite on SQLite, and what only an embedded store promises.

use std::path::Path;
use std::sync::Arc;

use assay_model::AccountId;
use assay_model::ports::{ControlStore, DocKind, KeyStore, NewDoc};
use assay_model::testing::NOW;
use assay_model::transaction::{Key, KeyRing};
use rusqlite::Connection;
use serde_json::json;

use super::{ControlOptions, KEY_FILE, MIGRATIONS, SqliteControlStore};
use crate::conformance;
use crate::secrets::KeyFile;

#[tokio::test]
async fn conforms() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("control.db");
    conformance::control::suite(|| -> Arc<dyn ControlStore> {
        Arc::new(SqliteControlStore::open(&path, ControlOptions::default()).unwrap())
    })
    .await;
}

#[tokio::test]
async fn keys_conform() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("control.db");
    conformance::keys::suite(|| {
        let store = SqliteControlStore::open(&path, ControlOptions::default()).unwrap();
        let store = Arc::new(store);
        (Arc::clone(&store) as Arc<dyn KeyStore>, store)
    })
    .await;
}

#[test]
fn every_migration_of_the_folder_runs_in_order() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/control");
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

const PLANTED: [&str; 4] = [
    "whsec_planted",
    "token-planted",
    "key-planted",
    "Bearer planted",
];

fn ring() -> KeyRing {
    let key = Key {
        id: 1,
        made: NOW,
        secret: [0xab; 32],
    };
    KeyRing::new(vec![key]).unwrap()
}

fn open(folder: &Path) -> Result<SqliteControlStore, String> {
    let path = folder.join("control.db");
    SqliteControlStore::open(&path, ControlOptions::default()).map_err(|error| error.to_string())
}

/// Stores documents with secrets in them, and a ring.
async fn plant(store: &SqliteControlStore) {
    let made = store.create_account(json!({"name": "one"}), "test", NOW);
    let account = made.await.unwrap().account;
    let [signing, token, key, header] = PLANTED;
    let integration = json!({"access_key": key, "conversions": {"secure_token": token}});
    let postback = json!({"signing_secret": signing, "headers": {"Authorization": header}});
    for (kind, body) in [
        (DocKind::Integration, integration),
        (DocKind::Postback, postback),
    ] {
        let unique = None;
        let doc = NewDoc { kind, unique, body };
        store.insert(account, doc, "test", NOW).await.unwrap();
    }
    assert!(store.replace_transaction_keys(None, &ring()).await.unwrap());
}

/// What [`plant`] has stored is there.
async fn assert_planted(store: &SqliteControlStore) {
    let account = AccountId(1);
    let of = |kind| store.get(account, kind, 1);
    let integration = of(DocKind::Integration).await.unwrap().unwrap().body;
    assert_eq!(integration["access_key"], PLANTED[2]);
    let listed = store.list(account, DocKind::Postback, 0, 10).await.unwrap();
    assert_eq!(listed[0].body["signing_secret"], PLANTED[0]);
    let versions = store.versions(account, DocKind::Postback, 1).await.unwrap();
    assert_eq!(versions[0].body, listed[0].body);
    assert_eq!(store.transaction_keys().await.unwrap(), Some(ring()));
}

/// Secrets that stand in any file of the folder but the key file.
fn in_the_open(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let file = file.unwrap();
        if file.file_name() == KEY_FILE {
            continue;
        }
        let bytes = std::fs::read(file.path()).unwrap();
        let ring = "ab".repeat(32);
        for secret in PLANTED.into_iter().chain([&*ring]) {
            if memchr::memmem::find(&bytes, secret.as_bytes()).is_some() {
                found.push(format!("{secret} in {:?}", file.file_name()));
            }
        }
    }
    found
}

#[tokio::test]
async fn no_secret_stands_in_any_file() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    plant(&store).await;
    assert_eq!(in_the_open(dir.path()), [""; 0], "while it is open");
    drop(store);
    assert_eq!(in_the_open(dir.path()), [""; 0], "and after it was closed");
    assert_planted(&open(dir.path()).unwrap()).await;
}

/// As an older version of the program has left it: plain, with a document that was removed.
async fn plain(folder: &Path) {
    let store = open(folder).unwrap();
    plant(&store).await;
    let text = |doc: &assay_model::ports::Doc| doc.body.to_string();
    let mut bodies = Vec::new();
    for kind in [DocKind::Account, DocKind::Integration, DocKind::Postback] {
        let doc = store.get(AccountId(1), kind, 1).await.unwrap().unwrap();
        bodies.push((kind.as_str(), text(&doc)));
    }
    drop(store);
    let db = Connection::open(folder.join("control.db")).unwrap();
    for (kind, body) in bodies {
        let sql = "UPDATE doc_versions SET body = ?2 WHERE kind = ?1";
        db.execute(sql, (kind, body)).unwrap();
    }
    let keys = serde_json::to_string(ring().keys()).unwrap();
    let sql = "UPDATE transaction_keys SET ring = ?1";
    db.execute(sql, [keys]).unwrap();
    db.execute_batch(
        "DROP TABLE sealed_with; PRAGMA user_version = 2;
         INSERT INTO doc_versions SELECT kind, 2, version, account, updated, actor, body
             FROM doc_versions WHERE kind = 'postback';
         DELETE FROM doc_versions WHERE kind = 'postback' AND id = 2;",
    )
    .unwrap();
    drop(db);
    std::fs::remove_file(folder.join(KEY_FILE)).unwrap();
}

#[tokio::test]
async fn a_file_of_an_older_version_is_sealed_at_its_next_start() {
    let dir = tempfile::tempdir().unwrap();
    plain(dir.path()).await;
    assert!(in_the_open(dir.path()).len() >= PLANTED.len());
    let store = open(dir.path()).unwrap();
    assert_planted(&store).await;
    assert_eq!(in_the_open(dir.path()), [""; 0]);
    drop(store);
    assert_planted(&open(dir.path()).unwrap()).await;
}

#[tokio::test]
async fn a_new_key_seals_from_the_next_start_and_the_old_one_can_go() {
    let dir = tempfile::tempdir().unwrap();
    plant(&open(dir.path()).unwrap()).await;
    let keys = dir.path().join(KEY_FILE);
    let first = std::fs::read_to_string(&keys).unwrap();
    assert_eq!(KeyFile::own(keys.clone()).add().unwrap(), 2);
    assert_planted(&open(dir.path()).unwrap()).await;
    let both = std::fs::read_to_string(&keys).unwrap();
    let newest: String = both.lines().filter(|line| line.starts_with("2 ")).collect();
    std::fs::write(&keys, newest).unwrap();
    assert_planted(&open(dir.path()).unwrap()).await;
    std::fs::write(&keys, first).unwrap();
    let refused = open(dir.path()).unwrap_err();
    assert!(refused.contains("sealed with master key 2"), "{refused}");
}

#[tokio::test]
async fn without_its_key_the_file_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    plant(&open(dir.path()).unwrap()).await;
    let keys = dir.path().join(KEY_FILE);
    let own = std::fs::read(&keys).unwrap();
    std::fs::remove_file(&keys).unwrap();
    let refused = open(dir.path()).unwrap_err();
    assert!(refused.contains("restore it"), "{refused}");
    assert!(!keys.exists(), "no other key is made in its place");
    KeyFile::own(keys.clone()).add().unwrap();
    let refused = open(dir.path()).unwrap_err();
    assert!(refused.contains("another installation's key"), "{refused}");
    std::fs::write(&keys, own).unwrap();
    assert_planted(&open(dir.path()).unwrap()).await;
}

#[tokio::test]
async fn a_body_put_in_another_s_place_does_not_open() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    plant(&store).await;
    let db = Connection::open(dir.path().join("control.db")).unwrap();
    let sql = "UPDATE doc_versions SET body = \
               (SELECT body FROM doc_versions WHERE kind = 'postback') WHERE kind = 'integration'";
    db.execute(sql, []).unwrap();
    let read = store.get(AccountId(1), DocKind::Integration, 1).await;
    let refused = read.unwrap_err().to_string();
    assert!(refused.contains("integration 1 version 1"), "{refused}");
}
