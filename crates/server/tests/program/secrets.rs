//! Secrets at rest: none stands in a file of the data folder, and without its keys a folder
//! is refused.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{IPHONE, Server, assay, run, stderr, wait_until};

const ACCESS_KEY: &str = "planted-access-key";
const TOKEN: &str = "planted-secure-token";
const SIGNING: &str = "planted-signing-key-of-thirty-two-bytes";
const HEADER: &str = "planted-header-value";
/// "planted-webhook-secret-of-thirty-two-byt" in base64.
const WEBHOOK: &str = "cGxhbnRlZC13ZWJob29rLXNlY3JldC1vZi10aGlydHktdHdvLWJ5dA==";

/// An integration and a postback full of secrets.
fn plant(server: &Server) -> u64 {
    let own = server.integration(&json!({
        "kind": "custom", "access_key": ACCESS_KEY,
        "conversions": {"secure_token": TOKEN, "clickless": true},
        "signing": {"mode": "report", "keys": [{"id": "k1", "secret": SIGNING}]},
    }));
    server.make(
        "/postbacks",
        &json!({"name": "p", "type": "conversion", "fire_on": "any", "method": "POST",
                "url": "http://127.0.0.1:9/pb", "body": "{}", "secret": format!("whsec_{WEBHOOK}"),
                "headers": {"Authorization": HEADER}}),
    );
    own
}

/// Uses them, rightly and wrongly.
fn traffic(server: &Server, own: u64) {
    let mut client = server.client();
    let mut call = |target: String| {
        client
            .send("GET", &target, &[("User-Agent", IPHONE)], b"")
            .status
    };
    let click = format!("/click/{own}?no_redirect=true&click_ip=86.129.4.7");
    assert_eq!(call(format!("{click}&key={ACCESS_KEY}")), 200);
    assert_eq!(call(format!("{click}&key=wrong")), 401);
    let postback = format!("/postback/{own}?external_transaction_id=c1&key={ACCESS_KEY}");
    assert_eq!(call(format!("{postback}&secure=wrong")), 401);
    assert_eq!(call(format!("{postback}&secure={TOKEN}")), 200);
    wait_until("the postback was tried", Duration::from_secs(20), || {
        let page = server.show("/deliveries?limit=10");
        page["items"][0]["state"]
            .as_str()
            .filter(|state| *state != "pending")
            .map(drop)
    });
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, found),
            false => found.push(path),
        }
    }
}

/// Secrets in files beside the key file.
fn in_the_open(home: &Path) -> Vec<String> {
    let mut all = Vec::new();
    files(home, &mut all);
    let mut found = Vec::new();
    for path in all.iter().filter(|path| !path.ends_with("secrets.key")) {
        let bytes = std::fs::read(path).unwrap();
        for secret in [ACCESS_KEY, TOKEN, SIGNING, HEADER, WEBHOOK] {
            if memchr::memmem::find(&bytes, secret.as_bytes()).is_some() {
                found.push(format!("{secret} in {}", path.display()));
            }
        }
    }
    found
}

#[test]
fn no_secret_stands_in_the_data_folder_and_all_work_after_a_kill() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::start_on(home.path(), &[]);
    let own = plant(&server);
    traffic(&server, own);
    server.kill();
    assert_eq!(in_the_open(home.path()), [""; 0]);
    let server = Server::start_on(home.path(), &[]);
    traffic(&server, own);
    let shown: Value = server.show(&format!("/integrations/{own}"));
    assert_eq!(shown["access_key"], ACCESS_KEY);
}

#[test]
fn keys_can_be_kept_elsewhere_replaced_and_not_be_done_without() {
    let home = tempfile::tempdir().unwrap();
    let keys = home.path().join("elsewhere").join("master.key");
    let environment = [("ASSAY__SECRETS__KEY_FILE", keys.to_str().unwrap())];
    let data = home.path().join("data");
    let command = |args: &[&str]| {
        let mut command = assay();
        command.args(args).arg("--data").arg(&data);
        command.envs(environment).output().unwrap()
    };
    let serve = [
        "serve",
        "--data-listen",
        "127.0.0.1:0",
        "--console-listen",
        "127.0.0.1:0",
    ];
    let without = command(&serve);
    assert!(
        stderr(&without).contains("assay secrets add-key"),
        "{}",
        stderr(&without)
    );
    assert!(command(&["secrets", "add-key"]).status.success());
    let mut server = Server::start_on(home.path(), &environment);
    let own = plant(&server);
    assert!(!data.join("secrets.key").exists());
    // The next start seals with the new key; then the old one is not needed any more.
    assert!(command(&["secrets", "add-key"]).status.success());
    server.stop();
    Server::start_on(home.path(), &environment).stop();
    let both = std::fs::read_to_string(&keys).unwrap();
    let newest: String = both
        .lines()
        .filter(|line| !line.starts_with("1 "))
        .map(|l| format!("{l}\n"))
        .collect();
    std::fs::write(&keys, newest).unwrap();
    let mut server = Server::start_on(home.path(), &environment);
    assert_eq!(
        server.show(&format!("/integrations/{own}"))["access_key"],
        ACCESS_KEY
    );
    server.stop();
    // Another installation's key, and none at all.
    let data = data.to_str().unwrap();
    let own_key = [&serve[..], &["--data", data]].concat();
    let refused = run(&own_key);
    assert!(!refused.status.success());
    assert!(
        stderr(&refused).contains("restore it"),
        "{}",
        stderr(&refused)
    );
    std::fs::remove_file(&keys).unwrap();
    for _ in 0..2 {
        assert!(command(&["secrets", "add-key"]).status.success());
    }
    let refused = command(&serve);
    assert!(
        stderr(&refused).contains("another installation's key"),
        "{}",
        stderr(&refused)
    );
}
