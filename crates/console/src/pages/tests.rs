//! Tests of the pages, against the whole router in process.

use assay_model::ports::{DoorError, ErrorLog as _, Ledger as _};
use assay_model::testing::NOW;
use assay_model::{AccountId, IntegrationId};
use axum::http::StatusCode;
use serde_json::json;

use crate::conversions::tests::{approved as approved_conversion, id as conversion_id};
use crate::events::tests::{approved, rejected};
use crate::testing::TestApp;

#[tokio::test]
async fn pages_ask_to_sign_in() {
    let app = TestApp::start().await;
    for path in [
        "/",
        "/events",
        "/events/aaaaaaaaaaaaaaaa",
        "/integrations/1",
        "/errors",
        "/conversions",
        "/conversions/aaaaaaaaaaaaaaaa",
    ] {
        let answer = app.browse(path, "assay=nonsense").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}");
        assert_eq!(answer.header("location"), "/login", "{path}");
    }
    let live = app.browse("/live", "").await;
    assert_eq!(live.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_overview_counts_and_links_events_to_their_why() {
    let app = TestApp::start().await;
    let cookie = app.sign_in().await;
    app.post(
        "/integrations",
        &json!({"name": "Search <S2S>", "kind": "s2s"}),
    )
    .await;
    let event = rejected(2);
    app.add_event(&approved(1));
    app.add_event(&event);
    app.errors.note(DoorError {
        account: Some(AccountId(1)),
        integration: Some(IntegrationId(1)),
        at: NOW,
        door: "s2s",
        code: "missing",
        field: "s6".into(),
        cause: "s6 is missing <x>".into(),
        sample: "/ic3.php".into(),
    });
    let page = app.browse("/", &cookie).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    for part in [
        "CLICK_FLOODING",
        "50.0%",
        "Search &#60;S2S&#62;",
        "https://eu.example/ic3.php?m=AF&#38;src=s2s&#38;b=1&#38;s=1&#38;cid=CIDMACRO",
        "https://us.example/ic3.php",
        "tor: exits",
        "1 stale",
        "2 clicks and views in the last hour",
        "00:00: 2 clicks",
        &format!("/events/{}", event.event_id),
    ] {
        let text = page.text.replace(" (still counting)", "");
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!page.text.contains("<script>alert"));
    assert!(
        !page.text.contains("style="),
        "no style attribute under our policy"
    );
    let why = app
        .browse(&format!("/events/{}", event.event_id), &cookie)
        .await;
    assert_eq!(why.status, StatusCode::OK);
    assert!(
        why.text.contains("count 501 in 1h, limit 500"),
        "{}",
        why.text
    );
    assert!(
        why.text.contains("Default, rule 1 version 1"),
        "{}",
        why.text
    );
    let live = app.browse("/live", &cookie).await;
    assert_eq!(live.status, StatusCode::OK);
    assert!(!live.text.contains("<html"));
    let integration = app.browse("/integrations/1", &cookie).await;
    assert!(integration.text.contains("s6 is missing &#60;x&#62;"));
}

#[tokio::test]
async fn numbers_are_counted_once_a_second_and_missing_ones_are_said() {
    let app = TestApp::start().await;
    let cookie = app.sign_in().await;
    let asked = || app.reports.asked.lock().unwrap().len();
    app.browse("/live", &cookie).await;
    let first = asked();
    app.browse("/live", &cookie).await;
    assert_eq!(asked(), first);
    app.clock.advance_ms(1000);
    app.browse("/live", &cookie).await;
    assert!(asked() > first);
    app.reports
        .broken
        .store(true, std::sync::atomic::Ordering::Relaxed);
    app.clock.advance_ms(1000);
    let page = app.browse("/", &cookie).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.text.contains("numbers cannot be read"),
        "{}",
        page.text
    );
}

#[tokio::test]
async fn an_empty_account_is_taught_what_to_do_and_can_do_it() {
    let app = TestApp::start().await;
    let cookie = app.sign_in().await;
    let page = app.browse("/", &cookie).await;
    assert!(page.text.contains("Connect your first source"));
    assert!(page.text.contains("Waiting for your first event"));
    let (_, rest) = page.text.split_once("name=\"csrf\" value=\"").unwrap();
    let csrf = rest.split('"').next().unwrap();
    let refused = app
        .submit(
            "/integrations",
            &cookie,
            &[("name", "x"), ("csrf", "wrong")],
        )
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let made = app
        .submit(
            "/integrations",
            &cookie,
            &[("name", "Search"), ("csrf", csrf)],
        )
        .await;
    assert_eq!(made.header("location"), "/integrations/1", "{}", made.text);
    let named = app.get("/integrations/1").await.json();
    assert_eq!(
        (&named["name"], &named["kind"]),
        (&json!("Search"), &json!("s2s"))
    );
}

#[tokio::test]
async fn events_are_filtered_found_and_paged() {
    let app = TestApp::start().await;
    let cookie = app.sign_in().await;
    for number in 0..60 {
        app.add_event(&approved(number));
    }
    let event = rejected(60);
    app.add_event(&event);
    let all = app.browse("/events", &cookie).await;
    assert!(all.text.contains("/events?before="), "{}", all.text);
    let some = app.browse("/events?filter[action]=rejected", &cookie).await;
    assert_eq!(some.text.matches("scope=\"row\"").count(), 1);
    let none = app
        .browse("/events?filter[publisher]=nobody", &cookie)
        .await;
    assert!(none.text.contains("No events match"));
    let found = app
        .browse(&format!("/events?q={}", event.event_id), &cookie)
        .await;
    assert_eq!(
        found.header("location"),
        format!("/events/{}", event.event_id)
    );
    let lost = app.browse("/events?q=%3Ci%3E", &cookie).await;
    assert!(lost.text.contains("&#60;i&#62;"), "{}", lost.text);
    let wrong = app.browse("/events?filter[colour]=1", &cookie).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.header("content-type").starts_with("text/html"));
}

#[tokio::test]
async fn another_accounts_pages_are_not_there() {
    let app = TestApp::start().await;
    let cookie = app.sign_in().await;
    let mut event = rejected(1);
    event.facts.hit.account = AccountId(2);
    app.add_event(&event);
    let theirs = app
        .browse(&format!("/events/{}", event.event_id), &cookie)
        .await;
    assert_eq!(theirs.status, StatusCode::NOT_FOUND);
    assert!(theirs.text.contains("No event with this id in account 1"));
    let page = app.browse("/", &cookie).await;
    assert!(!page.text.contains(&event.event_id.to_string()));
}

#[tokio::test]
async fn no_link_of_a_page_leads_nowhere() {
    let app = TestApp::start().await;
    let cookie = app.sign_in().await;
    app.post("/integrations", &json!({"name": "n", "kind": "s2s"}))
        .await;
    let event = rejected(1);
    app.add_event(&event);
    let pages = [
        "/".to_owned(),
        "/events".to_owned(),
        format!("/events/{}", event.event_id),
        "/integrations/1".to_owned(),
        "/errors".to_owned(),
        "/login".to_owned(),
    ];
    let mut tried = std::collections::BTreeSet::new();
    for page in pages {
        let text = app.browse(&page, &cookie).await.text;
        for attribute in ["href=\"/", "src=\"/", "data-live=\"/"] {
            for part in text.split(attribute).skip(1) {
                let path = part.split(['"', '#']).next().unwrap();
                let path = format!("/{}", path.replace("&#38;", "&"));
                if !tried.insert(path.clone()) {
                    continue;
                }
                let answer = app.browse(&path, &cookie).await;
                assert_eq!(answer.status, StatusCode::OK, "{page} links to {path}");
            }
        }
    }
    assert!(tried.len() > 12, "{tried:?}");
}

#[tokio::test]
async fn assets_are_cached_for_ever_under_their_hash() {
    let app = TestApp::empty();
    let css = app.browse(&super::ASSETS.css, "").await;
    assert_eq!(css.status, StatusCode::OK);
    assert_eq!(css.header("content-type"), "text/css; charset=utf-8");
    assert!(css.header("cache-control").contains("immutable"));
    let old = app.browse("/assets/console.aaaa.css", "").await;
    assert_eq!(old.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_theme_cookie_is_rendered_by_the_server() {
    let app = TestApp::start().await;
    let cookie = app.sign_in().await;
    let page = app.browse("/", &format!("{cookie}; theme=dark")).await;
    assert!(page.text.contains("data-theme=\"dark\""));
    let page = app.browse("/", &format!("{cookie}; theme=\"><x")).await;
    assert!(!page.text.contains("data-theme="));
}

#[tokio::test]
async fn conversions_are_approved_and_rejected_by_a_form_of_our_own() {
    let app = TestApp::start().await;
    let cookie = app.sign_in().await;
    for number in 1..=2 {
        let made = app
            .ledger
            .append(AccountId(1), approved_conversion(number), Vec::new());
        made.await.unwrap();
    }
    let (one, two) = (conversion_id(1).to_string(), conversion_id(2).to_string());
    let page = app
        .browse("/conversions?filter[publisher]=p%3C1%3E", &cookie)
        .await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert!(
        page.text.contains(&format!("/conversions/{one}")),
        "{}",
        page.text
    );
    assert!(!page.text.contains("style="));
    let csrf = page.text.split("name=\"csrf\" value=\"").nth(2).unwrap();
    let csrf = csrf.split('"').next().unwrap().to_owned();
    let form = [
        ("csrf", csrf.as_str()),
        ("back", "/conversions?status=approved"),
        ("id", &one),
        ("id", &two),
        ("reason", "low <quality>"),
        ("status", "rejected"),
    ];
    let answer = app.submit("/conversions/status", &cookie, &form).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let to = "/conversions?status=approved&changed=2&unchanged=0";
    assert_eq!(answer.header("location"), to);
    let page = app.browse(to, &cookie).await;
    assert!(page.text.contains("2 changed.") && page.text.contains("No conversions match"));
    let page = app.browse(&format!("/conversions/{one}"), &cookie).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    for part in [
        "MANUAL_REJECTED",
        "low &#60;quality&#62;",
        "user:",
        "engine",
        ">Approve<",
    ] {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
    // Without the token, or with a status that is none, nothing changes.
    let forged = [("csrf", "x"), ("id", one.as_str()), ("status", "approved")];
    let answer = app.submit("/conversions/status", &cookie, &forged).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let wrong = [("csrf", csrf.as_str()), ("id", &one), ("status", "pending")];
    let answer = app.submit("/conversions/status", &cookie, &wrong).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let now = app
        .ledger
        .get(AccountId(1), conversion_id(1))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(now.state.status, assay_model::ledger::Status::Rejected);
    let missing = app.browse("/conversions/aaaaaaaaaaaaaaaa", &cookie).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}
