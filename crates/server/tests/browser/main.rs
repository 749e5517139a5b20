//! The browser collector in a real Chromium: a visitor passes, the same browser driven by
//! WebDriver is caught, with and without a window.
//!
//! Needs `chromium`, `chromedriver` and `xvfb-run`; `./test` installs them.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "in a test a panic is the failure"
)]

#[allow(
    dead_code,
    unused_imports,
    reason = "the other tests use the rest of it"
)]
#[path = "../harness/mod.rs"]
mod harness;

mod driver;

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use driver::Driver;
use harness::{Server, wait_until};

/// A browser takes its time on a busy machine.
const LONGEST: Duration = Duration::from_secs(60);

/// A server with one integration whose visitors stay on the server itself. Loopback is no
/// visitor's address, so the filter that says so is off; every other one is as by default.
fn landing() -> (Server, u64) {
    let server = Server::start();
    let land = |path: &str| format!("http://{}{path}", server.data);
    let integration = server.make(
        "/integrations",
        &json!({"name": "landing", "kind": "custom", "clicks": {
            "approved_url": land("/healthz?cid={transaction_id}"),
            "fallback_url": land("/readyz"),
        }}),
    );
    let id = integration["id"].as_u64().unwrap();
    server.make(
        "/rules",
        &json!({"name": "loopback", "status": "active", "protection": "both", "sub_id_mapping": "sub_id",
                "integration_id": id, "filters": {"unroutable": {"enabled": false},
                "duplicate_user": {"enabled": true, "allowed_duplicates": 1000}}}),
    );
    (server, id)
}

/// The click of an offer, once it is there.
fn click_of(server: &Server, offer: &str) -> Value {
    let id = wait_until("the click", LONGEST, || {
        let events = server.all_events();
        let found = events.iter().find(|event| event["facts"]["offer"] == offer);
        found.map(|event| event["event_id"].as_str().unwrap().to_owned())
    });
    server.show(&format!("/events/{id}"))
}

fn has_reason(event: &Value, reason: &str) -> bool {
    let reasons = event["reasons"].as_array().unwrap();
    reasons.iter().any(|own| own == reason)
}

/// A browser as a person starts it, on a screen of its own; ended when dropped.
struct Visitor {
    child: Child,
    _profile: tempfile::TempDir,
}

impl Visitor {
    fn open(url: &str) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let child = Command::new("xvfb-run")
            .args(["-a", "-s", "-screen 0 1280x900x24", "chromium"])
            .args([
                "--no-sandbox",
                "--no-first-run",
                "--disable-background-networking",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("xvfb-run is installed by ./test");
        Self {
            child,
            _profile: profile,
        }
    }
}

impl Drop for Visitor {
    fn drop(&mut self) {
        // The screen ends with the shell around it, and the browser with its screen.
        let parent = self.child.id().to_string();
        let _ = Command::new("pkill").args(["-P", &parent]).status();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_visitor_passes_and_the_same_browser_driven_is_caught() {
    let (server, id) = landing();
    let link = |offer: &str| format!("http://{}/jsp/{id}?offer={offer}&publisher=p1", server.data);

    let visitor = Visitor::open(&link("person"));
    let person = click_of(&server, "person");
    drop(visitor);
    assert_eq!(person["action"], "approved", "{person:#}");
    let signals = person["facts"]["signals"].as_str().unwrap();
    let signals: Value = serde_json::from_str(signals).unwrap();
    assert_eq!(signals["webdriver"], false, "{signals:#}");

    for (offer, headless) in [("driven", false), ("headless", true)] {
        let mut driver = Driver::start(headless);
        driver.open(&link(offer));
        let caught = click_of(&server, offer);
        assert!(has_reason(&caught, "AUTOMATION"), "{offer}: {caught:#}");
        assert_eq!(caught["action"], "rejected", "{offer}");
        let landed = wait_until("the fallback", LONGEST, || {
            Some(driver.url()).filter(|url| !url.contains("/jsp/"))
        });
        assert!(landed.ends_with("/readyz"), "{offer} is at {landed}");
    }
}

#[test]
fn pages_of_others_call_the_sdk_and_stay_as_they_are_when_it_fails() {
    let (server, id) = landing();
    let mut driver = Driver::start(true);
    // Another origin than the engine's: the page is on a name, the script on an address.
    driver.open(&format!(
        "http://localhost:{}/healthz?transaction_id=t9",
        server.data.port()
    ));
    let loaded = driver.run(&format!(
        "const s = document.createElement('script'); s.src = 'http://{}/sdk.js';
         s.onload = () => done(Object.keys(ASP).sort()); s.onerror = () => done('failed');
         document.head.append(s);",
        server.data
    ));
    let names = [
        "get24metricsData",
        "getQueryParam",
        "pageClick",
        "trackClick",
        "trackConversion",
        "trackImpression",
    ];
    for name in names {
        assert!(
            loaded.as_array().unwrap().contains(&json!(name)),
            "{name}: {loaded}"
        );
    }
    assert_eq!(
        driver.run("done(ASP.getQueryParam('transaction_id'))"),
        "t9"
    );
    let answer = driver.run(&format!(
        "ASP.trackClick({{integration_id: {id}, offer: 'sdk', timeout_ms: 20000}}).then(done)"
    ));
    assert_eq!(answer["status"], 200, "{answer:#}");
    assert_eq!(answer["data"]["status"], "rejected", "{answer:#}");
    assert!(has_reason(&click_of(&server, "sdk"), "AUTOMATION"));

    let nobody =
        driver.run("ASP.trackClick({host: 'http://127.0.0.1:9', integration_id: 1}).then(done)");
    assert_eq!(nobody, json!({"status": 0, "data": {"status": "approved"}}));
}
