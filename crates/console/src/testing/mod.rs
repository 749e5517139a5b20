//! The console in process, over ports that live in memory.

mod control;
mod deliveries;
mod ledger;
mod ports;
mod scan;
mod sources;

use std::net::SocketAddr;
use std::sync::Arc;

use assay_model::document::{Role, Token, TokenScope};
use assay_model::testing::{MemoryLedger, NOW};
use assay_model::{AccountId, EventRecord, FakeClock};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

pub use control::MemoryControl;
pub use deliveries::FakeDeliveries;
pub use ledger::FakeConversions;
pub use ports::{
    FakeClickIds, FakeErrors, FakeHealth, FakeIntel, FakePublisher, FakeReports, MemoryEvents,
};
pub use sources::FakeSources;

use crate::auth::{
    NewUser, PasswordCost, bootstrap, create_account, create_user, ensure_default_rule,
};
use crate::state::{ConsoleState, Settings, SystemRandom};
use crate::tokens::new_token;

/// Owner token of the first account.
pub const OWNER: &str = "owner-token-of-the-first-account-0123456789";

/// Owner token of another account.
pub const STRANGER: &str = "owner-token-of-another-account-0123456789ab";

/// Password of `owner@one.example`.
pub const PASSWORD: &str = "correct horse";

/// A running console.
pub struct TestApp {
    pub router: Router,
    pub state: ConsoleState,
    pub clock: Arc<FakeClock>,
    pub control: Arc<MemoryControl>,
    pub events: Arc<MemoryEvents>,
    pub reports: Arc<FakeReports>,
    pub ledger: Arc<MemoryLedger>,
    pub deliveries: Arc<FakeDeliveries>,
    pub sources: Arc<FakeSources>,
    pub errors: Arc<FakeErrors>,
    pub publisher: Arc<FakePublisher>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The faulty fields of a problem document.
    pub fn fields(&self) -> Vec<String> {
        let errors = self.json()["errors"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        errors
            .iter()
            .map(|e| e["field"].as_str().unwrap().to_owned())
            .collect()
    }
}

impl TestApp {
    /// An empty store.
    pub fn empty() -> Self {
        Self::with(Self::settings())
    }

    /// Settings of tests: small bodies, cheap passwords.
    pub fn settings() -> Settings {
        Settings {
            data_urls: vec!["https://eu.example".into(), "https://us.example".into()],
            body_bytes_max: 4096,
            passwords: PasswordCost {
                memory_kib: 64,
                passes: 1,
            },
            ..Settings::default()
        }
    }

    pub fn with(settings: Settings) -> Self {
        let clock = Arc::new(FakeClock::at(NOW));
        let control = Arc::new(MemoryControl::default());
        let events = Arc::new(MemoryEvents::default());
        let reports = Arc::new(FakeReports::new(Arc::clone(&events)));
        let ledger = Arc::new(MemoryLedger::default());
        let deliveries = Arc::new(FakeDeliveries::default());
        let sources = Arc::new(FakeSources::default());
        let errors = Arc::new(FakeErrors::default());
        let publisher = Arc::new(FakePublisher::default());
        let state = ConsoleState {
            control: control.clone(),
            events: events.clone(),
            click_ids: Arc::new(FakeClickIds),
            scan: Arc::new(scan::MemoryScan(events.clone())),
            reports: reports.clone(),
            ledger: ledger.clone(),
            conversions: Arc::new(FakeConversions(ledger.clone())),
            postbacks: deliveries.clone(),
            sources: sources.clone(),
            errors: errors.clone(),
            intel: Arc::new(FakeIntel),
            publisher: publisher.clone(),
            health: Arc::new(FakeHealth),
            clock: clock.clone(),
            random: Arc::new(SystemRandom),
            setup: Arc::default(),
            settings,
        };
        Self {
            router: crate::router(state.clone()),
            state,
            clock,
            control,
            events,
            reports,
            ledger,
            deliveries,
            sources,
            errors,
            publisher,
        }
    }

    /// Two accounts: ours (1) with [`OWNER`] and a person, another (2) with [`STRANGER`].
    pub async fn start() -> Self {
        let app = Self::empty();
        app.found_two_accounts().await;
        app
    }

    pub async fn found_two_accounts(&self) {
        let control = &*self.control;
        let made = bootstrap(control, OWNER, NOW).await.unwrap().unwrap();
        assert_eq!(made.account, AccountId(1));
        self.add_user("owner@one.example", Role::Owner).await;
        let other = create_account(control, "Other", NOW).await.unwrap();
        ensure_default_rule(control, other, NOW).await.unwrap();
        self.add_token(other, STRANGER, &TokenScope::ALL).await;
    }

    pub async fn add_user(&self, email: &str, role: Role) {
        let user = NewUser {
            email,
            name: "Mara <b>",
            password: PASSWORD,
            role,
        };
        let cost = self.state.settings.passwords;
        create_user(&*self.control, &SystemRandom, cost, AccountId(1), user, NOW)
            .await
            .unwrap();
    }

    pub async fn add_token(&self, account: AccountId, secret: &str, scopes: &[TokenScope]) {
        use assay_model::ports::ControlStore as _;
        let token = Token {
            name: "t".into(),
            scopes: scopes.to_vec(),
            expires: None,
            hint: String::new(),
        };
        self.control
            .insert(account, new_token(token, secret), "test", NOW)
            .await
            .unwrap();
    }

    pub fn add_event(&self, record: &EventRecord<'_>) {
        self.events.add(record);
    }

    /// Sends a request.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    /// A call of the API with a token.
    pub async fn call(&self, method: &str, path: &str, token: &str, body: &str) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"));
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap())
            .await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, OWNER, "").await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path, OWNER, &body.to_string()).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.call("PUT", path, OWNER, &body.to_string()).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.call("PATCH", path, OWNER, &body.to_string()).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, OWNER, "").await
    }

    /// A page, as a browser with this cookie asks for it.
    pub async fn browse(&self, path: &str, cookie: &str) -> Answer {
        let request = Request::builder().uri(path).header("cookie", cookie);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// A form, as a browser sends it from our own page.
    pub async fn submit(&self, path: &str, cookie: &str, form: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let address: SocketAddr = "203.0.113.5:4000".parse().unwrap();
        let request = Request::builder()
            .method("POST")
            .uri(path)
            .header("cookie", cookie)
            .header("host", "console.example")
            .header("origin", "http://console.example")
            .header("content-type", "application/x-www-form-urlencoded")
            .extension(ConnectInfo(address));
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// Signs the owner in; returns the cookie to send.
    pub async fn sign_in(&self) -> String {
        let form = [("email", "owner@one.example"), ("password", PASSWORD)];
        let answer = self.submit("/login", "", &form).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        let cookie = answer.header("set-cookie");
        cookie.split(';').next().unwrap().to_owned()
    }
}
