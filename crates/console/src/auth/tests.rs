//! Tests of signing in and of the first start, against the whole router in process.

use assay_model::document::{Role, User};
use assay_model::ports::{ControlStore as _, DocKind};
use assay_model::testing::NOW;
use assay_model::{AccountId, Clock as _};
use axum::body::Body;
use axum::http::{Request, StatusCode};

use super::{bootstrap, one_time_setup_link};
use crate::testing::{OWNER, PASSWORD, TestApp};

const EMAIL: &str = "owner@one.example";

fn csrf_of(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"csrf\" value=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_bootstrap_happens_once_and_gives_every_scope() {
    let app = TestApp::empty();
    let control = &*app.control;
    assert!(bootstrap(control, "too short", NOW).await.is_err());
    assert!(control.accounts().await.unwrap().is_empty());
    let made = bootstrap(control, OWNER, NOW).await.unwrap().unwrap();
    assert_eq!(made.account, AccountId(1));
    let again = bootstrap(control, "another-token-0123456789-0123456789", NOW).await;
    assert_eq!(again.unwrap(), None);
    let rules = app.get("/rules").await.json();
    assert_eq!(rules["items"][0]["is_default"], true);
    assert_eq!(rules["items"].as_array().unwrap().len(), 1);
    assert_eq!(app.get("/tokens").await.status, StatusCode::OK);
    let stored = control
        .list(AccountId(1), DocKind::Token, 0, 9)
        .await
        .unwrap();
    assert!(!stored[0].body.to_string().contains(OWNER));
}

#[tokio::test]
async fn a_bootstrap_that_was_cut_is_finished_by_the_next_start() {
    let app = TestApp::empty();
    super::create_account(&*app.control, "Main", NOW)
        .await
        .unwrap();
    let made = bootstrap(&*app.control, OWNER, NOW).await.unwrap();
    assert_eq!(made.unwrap().account, AccountId(1));
    assert_eq!(app.get("/rules/1").await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_set_up_link_works_once_and_signs_the_owner_in() {
    let app = TestApp::empty();
    let link = one_time_setup_link(&app.state).await.unwrap().unwrap();
    let token = link.strip_prefix("/setup?token=").unwrap();
    let login = app.browse("/login", "").await;
    assert!(login.text.contains("set-up link"), "{}", login.text);
    assert_eq!(app.browse(&link, "").await.status, StatusCode::OK);
    let wrong = app.browse("/setup?token=nonsense", "").await;
    assert_eq!(wrong.status, StatusCode::NOT_FOUND);
    let weak = [
        ("token", token),
        ("email", "no address"),
        ("password", "1234567"),
    ];
    let refused = app.submit("/setup", "", &weak).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.text.contains("needs 8 characters"),
        "{}",
        refused.text
    );
    assert!(app.control.accounts().await.unwrap().is_empty());
    let form = [
        ("token", token),
        ("account", "North <lane>"),
        ("email", "Mara@North.example"),
        ("password", "a long sentence"),
    ];
    let done = app.submit("/setup", "", &form).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    assert!(
        done.text.contains("North &#60;lane&#62; is ready"),
        "{}",
        done.text
    );
    let (_, rest) = done.text.split_once("id=\"token\">").unwrap();
    let secret = rest.split('<').next().unwrap();
    assert_eq!(app.call("GET", "/tokens", secret, "").await.status, 200);
    let cookie = done
        .header("set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    assert_eq!(app.browse("/", &cookie).await.status, StatusCode::OK);
    let again = app.submit("/setup", "", &form).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    assert_eq!(one_time_setup_link(&app.state).await.unwrap(), None);
    let user = app
        .control
        .find_unique(DocKind::User, "mara@north.example")
        .await;
    let user: User = serde_json::from_value(user.unwrap().unwrap().body).unwrap();
    assert_eq!(user.role, Role::Owner);
    assert!(user.password_hash.starts_with("$argon2id$"));
}

#[tokio::test]
async fn signing_in_and_out() {
    let app = TestApp::start().await;
    let cookie = app.sign_in().await;
    let page = app.browse("/", &cookie).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("Mara &#60;b&#62;"));
    assert_eq!(app.browse("/login", &cookie).await.header("location"), "/");
    let forged = app.submit("/logout", &cookie, &[("csrf", "x")]).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    let csrf = csrf_of(&page.text);
    let out = app.submit("/logout", &cookie, &[("csrf", &csrf)]).await;
    assert_eq!(out.header("location"), "/login");
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(app.browse("/", &cookie).await.header("location"), "/login");
}

#[tokio::test]
async fn a_new_sign_in_gives_a_new_session_and_ends_the_old_one() {
    let app = TestApp::start().await;
    let first = app.sign_in().await;
    let form = [("email", EMAIL), ("password", PASSWORD)];
    let second = app.submit("/login", &first, &form).await;
    let second = second
        .header("set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    assert_ne!(first, second);
    assert_eq!(app.browse("/", &first).await.status, StatusCode::SEE_OTHER);
    assert_eq!(app.browse("/", &second).await.status, StatusCode::OK);
    app.clock.advance_ms(13 * 3_600_000);
    assert_eq!(app.browse("/", &second).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn unknown_people_and_wrong_passwords_are_told_the_same() {
    let app = TestApp::start().await;
    let wrong = app
        .submit("/login", "", &[("email", EMAIL), ("password", "wrong")])
        .await;
    let app = TestApp::start().await;
    let unknown = app
        .submit(
            "/login",
            "",
            &[
                ("email", EMAIL.replace("one", "two").as_str()),
                ("password", "wrong"),
            ],
        )
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(wrong.text.replace("one", "two"), unknown.text);
    assert!(wrong.text.contains("9 tries left"), "{}", wrong.text);
}

#[tokio::test]
async fn the_eleventh_try_waits_even_with_the_right_password() {
    let app = TestApp::start().await;
    for _ in 0..10 {
        app.submit("/login", "", &[("email", EMAIL), ("password", "wrong")])
            .await;
    }
    let right = [("email", EMAIL), ("password", PASSWORD)];
    let paused = app.submit("/login", "", &right).await;
    assert_eq!(paused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(paused.header("retry-after"), "900");
    app.clock.advance_ms(15 * 60_000);
    assert!(app.clock.now() > NOW);
    assert_eq!(
        app.submit("/login", "", &right).await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn forms_from_elsewhere_are_refused() {
    let app = TestApp::start().await;
    let cookie = app.sign_in().await;
    let csrf = csrf_of(&app.browse("/", &cookie).await.text);
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "cross-site"),
    ] {
        for path in ["/login", "/logout", "/integrations", "/setup"] {
            let request = Request::builder()
                .method("POST")
                .uri(path)
                .header("host", "console.example")
                .header("cookie", &cookie)
                .header(name, value);
            let body = Body::from(format!("csrf={csrf}&name=x&email={EMAIL}&password=x"));
            let answer = app.send(request.body(body).unwrap()).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {name}");
        }
    }
}

#[tokio::test]
async fn roles_see_and_do_what_they_may() {
    let app = TestApp::start().await;
    for (email, role, page, write) in [
        ("analyst@one.example", Role::Analyst, 200, false),
        ("manager@one.example", Role::Manager, 200, true),
        ("publisher@one.example", Role::Publisher, 403, false),
    ] {
        app.add_user(email, role).await;
        let form = [("email", email), ("password", PASSWORD)];
        let answer = app.submit("/login", "", &form).await;
        let cookie = answer
            .header("set-cookie")
            .split(';')
            .next()
            .unwrap()
            .to_owned();
        let shown = app.browse("/", &cookie).await;
        assert_eq!(shown.status.as_u16(), page, "{email}");
        if page != 200 {
            continue;
        }
        let csrf = csrf_of(&shown.text);
        let form = [("name", "x"), ("csrf", csrf.as_str())];
        let made = app.submit("/integrations", &cookie, &form).await;
        let expected = if write {
            StatusCode::SEE_OTHER
        } else {
            StatusCode::FORBIDDEN
        };
        assert_eq!(made.status, expected, "{email}");
    }
}
