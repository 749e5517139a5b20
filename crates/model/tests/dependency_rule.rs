//! The dependency rule: seven crates, one direction, and a core that knows no runtime.
//!
//! It stands at the bottom of the tree, where it runs even while the crates above are
//! being changed. Source: docs/adr/0001-seven-crates-one-direction.md.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the failure")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Each crate and the only ones of ours it may name, in any kind of dependency.
const RULE: [(&str, &[&str]); 7] = [
    ("assay-model", &[]),
    ("assay-detect", &["assay-model"]),
    ("assay-intel", &["assay-model"]),
    ("assay-store", &["assay-model"]),
    (
        "assay-gateway",
        &["assay-detect", "assay-intel", "assay-model"],
    ),
    ("assay-console", &["assay-detect", "assay-model"]),
    (
        "assay-server",
        &[
            "assay-console",
            "assay-detect",
            "assay-gateway",
            "assay-intel",
            "assay-model",
            "assay-store",
        ],
    ),
];

/// Crates that stay pure: same input, same output, wherever they run.
const PURE: [&str; 2] = ["assay-model", "assay-detect"];

/// What no pure crate may reach, directly or through others: runtimes, HTTP, SQL, clients.
const OUTSIDE: [&str; 24] = [
    "async-std",
    "axum",
    "clickhouse",
    "diesel",
    "h2",
    "http",
    "hyper",
    "hyper-util",
    "libsqlite3-sys",
    "mio",
    "parquet",
    "postgres",
    "redis",
    "reqwest",
    "rusqlite",
    "rustls",
    "smol",
    "socket2",
    "sqlx",
    "tokio",
    "tokio-postgres",
    "tower",
    "tungstenite",
    "ureq",
];

/// The resolved packages of a workspace, as far as the rule needs them.
struct Graph {
    /// Package id → name.
    names: BTreeMap<String, String>,
    /// Package id → packages it needs, each with whether it is an ordinary dependency.
    edges: BTreeMap<String, Vec<(String, bool)>>,
    /// Ids of the workspace's own packages.
    own: BTreeSet<String>,
}

impl Graph {
    fn read(metadata: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let names = list(&metadata["packages"])
            .iter()
            .map(|package| (text(&package["id"]), text(&package["name"])))
            .collect();
        let edges = list(&metadata["resolve"]["nodes"])
            .iter()
            .map(|node| {
                let needs = list(&node["deps"]).iter().map(edge).collect();
                (text(&node["id"]), needs)
            })
            .collect();
        let own = list(&metadata["workspace_members"])
            .iter()
            .map(text)
            .collect();
        Self { names, edges, own }
    }

    fn name(&self, id: &str) -> &str {
        self.names.get(id).map_or("?", String::as_str)
    }

    fn needs(&self, id: &str) -> &[(String, bool)] {
        self.edges.get(id).map_or(&[], Vec::as_slice)
    }

    /// Everything that breaks the rule, each in one line.
    fn violations(&self) -> Vec<String> {
        let mut found = Vec::new();
        let members: BTreeSet<&str> = self.own.iter().map(|id| self.name(id)).collect();
        for missing in RULE.iter().filter(|(name, _)| !members.contains(name)) {
            found.push(format!("{} is not in the workspace", missing.0));
        }
        for id in &self.own {
            let name = self.name(id);
            let Some((_, allowed)) = RULE.iter().find(|(own, _)| *own == name) else {
                found.push(format!("{name} is an eighth crate"));
                continue;
            };
            for (needed, _) in self.needs(id) {
                let needed_name = self.name(needed);
                if self.own.contains(needed) && !allowed.contains(&needed_name) {
                    found.push(format!("{name} must not know {needed_name}"));
                }
            }
            if PURE.contains(&name) {
                found.extend(self.ways_outside(id));
            }
        }
        found
    }

    /// The chains of ordinary dependencies that lead from a crate to the outside world.
    fn ways_outside(&self, from: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut seen = BTreeSet::from([from.to_owned()]);
        let mut open = vec![(from.to_owned(), self.name(from).to_owned())];
        while let Some((id, way)) = open.pop() {
            for (needed, ordinary) in self.needs(&id) {
                if !ordinary || !seen.insert(needed.clone()) {
                    continue;
                }
                let way = format!("{way} → {}", self.name(needed));
                if OUTSIDE.contains(&self.name(needed)) {
                    found.push(format!("{way}: no runtime, HTTP or SQL below `decide`"));
                } else {
                    open.push((needed.clone(), way));
                }
            }
        }
        found
    }
}

fn edge(dependency: &Value) -> (String, bool) {
    let kinds = dependency["dep_kinds"].as_array();
    let ordinary = kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind["kind"].is_null()));
    let id = dependency["pkg"].as_str().unwrap_or_default();
    (id.to_owned(), ordinary)
}

/// The workspace as cargo resolves it for this machine.
fn metadata() -> Value {
    let cargo = env!("CARGO");
    let version = Command::new(cargo).arg("-vV").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .unwrap();
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--filter-platform"])
        .arg(host)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo metadata: {problem}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn crates_depend_in_one_direction_and_the_core_is_pure() {
    let violations = Graph::read(&metadata()).violations();
    assert!(violations.is_empty(), "\n{}", violations.join("\n"));
}

#[test]
fn each_way_of_breaking_the_rule_is_named() {
    let mut graph = Graph::read(&metadata());
    let id_of = |graph: &Graph, name: &str| {
        let found = graph.names.iter().find(|(_, own)| *own == name);
        found.map(|(id, _)| id.clone()).unwrap()
    };
    let [gateway, store, console, detect, tokio, async_trait] = [
        "assay-gateway",
        "assay-store",
        "assay-console",
        "assay-detect",
        "tokio",
        "async-trait",
    ]
    .map(|name| id_of(&graph, name));
    let mut add = |from: &str, to: &str, ordinary| {
        let needs = graph.edges.get_mut(from).unwrap();
        needs.push((to.to_owned(), ordinary));
    };
    // A test-only dependency on a backend is one all the same.
    add(&gateway, &store, false);
    add(&console, &gateway, true);
    // Two steps away is as bad as one; what only tests of the pure crate use is not.
    add(&async_trait, &tokio, true);
    add(&detect, &tokio, false);
    let eighth = "path+file:///utils#0.1.0".to_owned();
    graph.own.insert(eighth.clone());
    graph.names.insert(eighth, "assay-utils".to_owned());

    let mut violations = graph.violations();
    violations.sort();
    let detect_way = violations.iter().any(|line| {
        line.starts_with("assay-detect → assay-model") && line.contains("async-trait → tokio: ")
    });
    assert!(detect_way, "{violations:#?}");
    violations.retain(|line| !line.contains('→'));
    assert_eq!(
        violations,
        [
            "assay-console must not know assay-gateway",
            "assay-gateway must not know assay-store",
            "assay-utils is an eighth crate",
        ]
    );
}
