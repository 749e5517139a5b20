//! The conformance suite on SQLite, and what only an embedded store promises.

use std::sync::Arc;

use assay_model::ports::{ControlStore, KeyStore};

use super::{ControlOptions, MIGRATIONS, SqliteControlStore};
use crate::conformance;

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
