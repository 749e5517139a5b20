//! Starting, asking, stopping and killing the real binary.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Call, Client, Response};

/// The first account's token, with every scope.
pub const ADMIN: &str = "test-token-0123456789-0123456789-0123456789";

/// Longest a start may take: past it "ready again in under 5 s" is broken. A debug build
/// takes ten times the processor for the built-in tables, and shares it with other tests.
const START_MAX: Duration = Duration::from_secs(if cfg!(debug_assertions) { 30 } else { 5 });

/// The command with an environment of its own.
pub fn assay() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
    for (name, _) in
        std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("ASSAY"))
    {
        command.env_remove(name);
    }
    command
        .env("ASSAY__GATEWAY__COUNTER_SLOTS", "100000")
        .env("ASSAY__GATEWAY__LANES", "2")
        // A debug build on a busy machine is no measure of the budget.
        .env("ASSAY__GATEWAY__BUDGET_US", "1000000");
    command
}

/// Runs a command to its end.
#[track_caller]
pub fn run(args: &[&str]) -> Output {
    assay().args(args).stdin(Stdio::null()).output().unwrap()
}

/// Runs a command with something on its standard input.
#[track_caller]
pub fn run_with_input(args: &[&str], input: &[u8]) -> Output {
    let mut child = assay()
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input));
        child.wait_with_output().unwrap()
    })
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Asks again and again until there is an answer.
#[track_caller]
pub fn wait_until<T>(what: &str, longest: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(
            started.elapsed() < longest,
            "{what}: not within {longest:?}"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A running server; killed when dropped.
pub struct Server {
    child: Child,
    pub data: SocketAddr,
    pub console: SocketAddr,
    pub dir: PathBuf,
    /// From spawn to ready.
    pub started_in: Duration,
    home: Option<TempDir>,
}

impl Server {
    /// On a fresh data folder.
    #[track_caller]
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// On a fresh data folder, with more environment.
    #[track_caller]
    pub fn start_with(environment: &[(&str, &str)]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut server = Self::start_on(home.path(), environment);
        server.home = Some(home);
        server
    }

    /// On a folder that outlives the server.
    #[track_caller]
    pub fn start_on(home: &Path, environment: &[(&str, &str)]) -> Self {
        Self::start_within(home, environment, START_MAX)
    }

    /// As [`Self::start_on`], where the machine is so busy that a start may take longer.
    #[track_caller]
    pub fn start_within(home: &Path, environment: &[(&str, &str)], longest: Duration) -> Self {
        let started = Instant::now();
        let dir = home.join("data");
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(home.join("stderr.log"))
            .unwrap();
        let mut child = assay()
            .args([
                "serve",
                "--data-listen",
                "127.0.0.1:0",
                "--console-listen",
                "127.0.0.1:0",
                "--data",
            ])
            .arg(&dir)
            .env("ASSAY_BOOTSTRAP_TOKEN", ADMIN)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (found, addresses) = mpsc::channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = found.send(line);
            }
        });
        let mut address = |name: &str| loop {
            let Ok(line) = addresses.recv_timeout(longest.saturating_sub(started.elapsed())) else {
                let _ = child.kill();
                let log = std::fs::read_to_string(home.join("stderr.log")).unwrap_or_default();
                panic!("no {name} address within {longest:?}: {log}");
            };
            if let Some(address) = line
                .strip_prefix(name)
                .and_then(|rest| rest.strip_prefix(": http://"))
            {
                break address.parse().unwrap();
            }
        };
        let (data, console) = (address("data"), address("console"));
        let mut server = Self {
            child,
            data,
            console,
            dir,
            started_in: Duration::ZERO,
            home: None,
        };
        wait_until("ready", longest.saturating_sub(started.elapsed()), || {
            let ready = |to| Client::try_connect(to)?.try_send("GET", "/readyz", &[], b"");
            let both = [server.data, server.console].map(ready);
            both.iter()
                .all(|answer| answer.as_ref().is_ok_and(|answer| answer.status == 200))
                .then_some(())
        });
        server.started_in = started.elapsed();
        server
    }

    /// A new connection to the data plane.
    #[track_caller]
    pub fn client(&self) -> Client {
        Client::connect(self.data)
    }

    /// Asks the management API as the owner.
    #[track_caller]
    pub fn api(&self, method: &str, path: &str, body: Option<&Value>) -> Response {
        let bearer = format!("Bearer {ADMIN}");
        let headers = [
            ("Authorization", bearer.as_str()),
            ("Content-Type", "application/json"),
            ("Connection", "close"),
        ];
        let body = body.map(Value::to_string).unwrap_or_default();
        Client::connect(self.console).send(
            method,
            &format!("/api/v1{path}"),
            &headers,
            body.as_bytes(),
        )
    }

    /// What a `GET` of the API shows.
    #[track_caller]
    pub fn show(&self, path: &str) -> Value {
        let answer = self.api("GET", path, None);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    /// Makes a document and gives it back as it was saved.
    #[track_caller]
    pub fn make(&self, path: &str, body: &Value) -> Value {
        let answer = self.api("POST", path, Some(body));
        assert_eq!(answer.status, 201, "{path} {body}: {}", answer.text());
        answer.json()
    }

    /// Changes a document.
    #[track_caller]
    pub fn change(&self, path: &str, body: &Value) -> Value {
        let answer = self.api("PATCH", path, Some(body));
        assert_eq!(answer.status, 200, "{path} {body}: {}", answer.text());
        answer.json()
    }

    /// Deletes a document.
    #[track_caller]
    pub fn delete(&self, path: &str) {
        let answer = self.api("DELETE", path, None);
        assert_eq!(answer.status, 204, "{path}: {}", answer.text());
    }

    /// Makes an S2S integration; its id.
    #[track_caller]
    pub fn integration(&self, more: &Value) -> u64 {
        let mut body = json!({"name": "tracker", "kind": "s2s"});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        self.make("/integrations", &body)["id"].as_u64().unwrap()
    }

    /// The S2S answer to a call, on a connection of its own.
    #[track_caller]
    pub fn score(&self, call: &Call) -> Response {
        let answer = self.client().get(&call.target());
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer
    }

    /// The totals of the click report of the last and the next day.
    #[track_caller]
    pub fn totals(&self) -> Value {
        self.show("/reports/clicks?from=2020-01-01&to=2100-01-01")["totals"].clone()
    }

    /// All events, newest first.
    #[track_caller]
    pub fn all_events(&self) -> Vec<Value> {
        let (mut events, mut before) = (Vec::new(), String::new());
        loop {
            let page = self.show(&format!("/events?limit=500{before}"));
            events.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next"].as_str() {
                Some(next) => before = format!("&before={next}"),
                None => return events,
            }
        }
    }

    /// Resident memory in MiB.
    pub fn rss_mib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        line.split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<u64>()
            .unwrap()
            / 1024
    }

    #[track_caller]
    pub fn assert_alive(&mut self) {
        assert_eq!(self.child.try_wait().unwrap(), None, "the process ended");
        assert_eq!(self.client().get("/readyz").status, 200);
    }

    /// `kill -9`: nothing of the process's own can run any more.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks the process to end.
    pub fn terminate(&self) {
        let done = Command::new("sh")
            .arg("-c")
            .arg(format!("kill -TERM {}", self.child.id()))
            .status();
        assert!(done.unwrap().success());
    }

    /// Waits for the end that was asked for.
    #[track_caller]
    pub fn wait(&mut self, longest: Duration) {
        let status = wait_until("the end of the process", longest, || {
            self.child.try_wait().unwrap()
        });
        assert!(status.success(), "{status}");
    }

    /// Ends in order.
    #[track_caller]
    pub fn stop(&mut self) {
        self.terminate();
        self.wait(Duration::from_secs(25));
    }

    /// What the process has said on standard error.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.with_file_name("stderr.log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- standard error of the server:\n{}", self.log());
        }
    }
}
