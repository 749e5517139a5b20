//! What the documents name exists: paths, ADRs and the links between the files.
//!
//! A map that names files which are gone is worse than none (STYLE: what can drift is
//! generated or checked).

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "in a test a panic is the failure"
)]

use std::path::{Path, PathBuf};

const DOCUMENTS: [&str; 6] = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/ARCHITECTURE.md",
    "docs/OPERATIONS.md",
    "bench/RESULTS.md",
];

/// Beginnings that make a text between backticks a path of this repository.
const ROOTS: [&str; 6] = ["crates/", "docs/", "bench/", ".ci/", ".config/", "e2e/"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The documents and all ADRs.
fn documents() -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = DOCUMENTS.iter().map(|name| root().join(name)).collect();
    let adrs = std::fs::read_dir(root().join("docs/adr")).unwrap();
    all.extend(adrs.map(|entry| entry.unwrap().path()));
    all
}

/// Paths that stand between backticks; a name ending in `*` or holding a placeholder is none.
fn named_paths(text: &str) -> impl Iterator<Item = &str> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .filter(|code| ROOTS.iter().any(|root| code.starts_with(root)))
        .filter(|code| !code.contains(['*', '<', '{', ' ', '…', '\n']))
}

/// Targets of links to files of this repository.
fn linked_paths(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.split('#').next().unwrap_or(target))
        .filter(|target| !target.is_empty() && !target.contains("://"))
}

#[test]
fn every_path_and_link_in_the_documents_exists() {
    let mut missing = Vec::new();
    for document in documents() {
        let text = read(&document);
        let beside = document.parent().unwrap();
        let named = named_paths(&text).map(|path| root().join(path));
        let linked = linked_paths(&text).map(|path| beside.join(path));
        for path in named.chain(linked) {
            if !path.exists() {
                missing.push(format!("{}: {}", document.display(), path.display()));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "named, but not there:\n{}",
        missing.join("\n")
    );
}

#[test]
fn the_map_names_every_crate_and_every_adr_is_listed() {
    let map = read(&root().join("docs/ARCHITECTURE.md"));
    for entry in std::fs::read_dir(root().join("crates")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(map.contains(&format!("`crates/{name}`")), "{name}");
    }
    for entry in std::fs::read_dir(root().join("docs/adr")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(map.contains(&format!("adr/{name}")), "{name}");
    }
}

#[test]
fn paths_and_links_are_found() {
    let text = "see `crates/model/src`, `cargo test`, `crates/*/src` and [x](docs/a.md#part), [y](https://a.example/)";
    assert!(named_paths(text).eq(["crates/model/src"]));
    assert!(linked_paths(text).eq(["docs/a.md"]));
}
