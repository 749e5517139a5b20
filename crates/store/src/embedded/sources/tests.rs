//! The conformance suite on SQLite.

use std::sync::Arc;

use assay_model::ports::SourceStore;

use super::{SourcesOptions, SqliteSources};
use crate::conformance;

#[tokio::test]
async fn conforms() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sources.db");
    conformance::sources::suite(|| -> Arc<dyn SourceStore> {
        Arc::new(SqliteSources::open(&path, SourcesOptions::default()).unwrap())
    })
    .await;
}
