//! The smallest WebDriver client: a chromedriver process with one session.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

/// A driven browser; ended when dropped.
pub struct Driver {
    child: Child,
    session: String,
}

impl Driver {
    /// Starts chromedriver on a free port and a browser, on a screen of its own or without.
    pub fn start(headless: bool) -> Self {
        let mut child = Command::new("xvfb-run")
            .args([
                "-a",
                "-s",
                "-screen 0 1280x900x24",
                "chromedriver",
                "--port=0",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("xvfb-run and chromedriver are installed by ./test");
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port: u16 = lines
            .map_while(Result::ok)
            .find_map(|line| {
                let (_, port) = line.split_once("started successfully on port ")?;
                port.trim_end_matches('.').parse().ok()
            })
            .expect("chromedriver names its port");
        let mut args = vec![
            "--no-sandbox",
            "--no-first-run",
            "--disable-background-networking",
        ];
        if headless {
            args.push("--headless=new");
        }
        let wanted =
            json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": {"args": args}}}});
        let mut driver = Self {
            child,
            session: format!("http://127.0.0.1:{port}/session"),
        };
        let made = driver.post("", &wanted);
        let id = made["sessionId"].as_str().expect("a session").to_owned();
        driver.session = format!("{}/{id}", driver.session);
        driver
    }

    /// Goes to a page.
    pub fn open(&mut self, url: &str) {
        self.post("/url", &json!({"url": url}));
    }

    /// Where the browser is.
    pub fn url(&mut self) -> String {
        let text = ureq::get(format!("{}/url", self.session)).call().unwrap();
        let answer: Value =
            serde_json::from_str(&text.into_body().read_to_string().unwrap()).unwrap();
        answer["value"].as_str().unwrap().to_owned()
    }

    /// Runs a script that ends by calling `done` with its result.
    pub fn run(&mut self, script: &str) -> Value {
        let script = format!("const done = arguments[arguments.length - 1]; {script}");
        self.post("/execute/async", &json!({"script": script, "args": []}))
    }

    fn post(&mut self, path: &str, body: &Value) -> Value {
        let text = ureq::post(format!("{}{path}", self.session))
            .config()
            .http_status_as_error(false)
            .build()
            .header("Content-Type", "application/json")
            .send(body.to_string())
            .unwrap()
            .into_body()
            .read_to_string()
            .unwrap();
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert!(answer["value"]["error"].is_null(), "{path}: {text}");
        answer["value"].clone()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = ureq::delete(&self.session).call();
        let parent = self.child.id().to_string();
        let _ = Command::new("pkill").args(["-P", &parent]).status();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
