//! Tests of the folder, against the whole router in process.

use crate::testing::TestApp;

#[tokio::test]
async fn intelligence_is_shown_and_looked_up() {
    let app = TestApp::start().await;
    assert_eq!(app.get("/intel/status").await.json()["version"], 3);
    let found = app.get("/intel/lookup?ip=2001:db8::1").await.json();
    assert_eq!(found["ip"], "2001:db8::1");
    for query in ["", "?ip=", "?ip=x"] {
        let answer = app.get(&format!("/intel/lookup{query}")).await;
        assert_eq!(answer.fields(), ["ip"], "{query}");
    }
}

#[tokio::test]
async fn the_catalogue_is_the_catalogue() {
    let app = TestApp::start().await;
    let all = app.get("/reasons").await.json();
    let items = all["items"].as_array().unwrap();
    assert_eq!(items.len(), assay_model::CATALOGUE.len());
    assert_eq!(items[15]["code"], "VPN");
    assert_eq!(items[15]["class"], "SIVT");
}
