//! Runs the JSON cases of every filter: `cases/<filter>/{hit,clean,skip}/<name>.json`.
//!
//! A case gives settings, facts and counter readings of one event, and says how the one
//! filter that is on must answer, evidence included. What a case does not know it leaves
//! out; an unknown key is an error, so a misspelt one cannot pass for "not given".

#![expect(clippy::unwrap_used, reason = "in a test a panic is the failure")]

mod case;
#[path = "case/reasons.rs"]
mod reasons;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use case::Case;

/// Filters without `skip` cases, and why they have none.
const NEVER_SKIP: &[(&str, &str)] = &[
    (
        "lists",
        "an event that matches no list is clean: there is no input it could lack",
    ),
    (
        "data_validation",
        "that a field is not given is what it judges",
    ),
];

/// The folders of a filter, with the answer that their cases expect.
const FOLDERS: [(&str, &str); 3] = [("hit", "flagged"), ("clean", "clean"), ("skip", "skipped")];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cases")
}

fn names_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn every_filter_has_cases_of_each_answer() {
    let keys = assay_detect::filter_keys();
    for folder in names_in(&root()) {
        assert!(keys.contains(&folder.as_str()), "cases/{folder}: no filter");
    }
    let mut lacking = Vec::new();
    for key in keys {
        let own = names_in(&root().join(key));
        for folder in &own {
            assert!(
                FOLDERS.iter().any(|(name, _)| name == folder),
                "cases/{key}/{folder}: is none of hit, clean, skip"
            );
        }
        for (folder, _) in FOLDERS {
            let exempt = folder == "skip" && NEVER_SKIP.iter().any(|(name, _)| name == key);
            let some = !names_in(&root().join(key).join(folder)).is_empty();
            if some == exempt {
                lacking.push(format!("{key}/{folder}"));
            }
        }
    }
    assert!(lacking.is_empty(), "wrong set of cases: {lacking:?}");
}

#[test]
fn every_case_comes_out_as_it_says() {
    let mut failures = BTreeMap::new();
    let mut run = 0;
    for key in assay_detect::filter_keys() {
        for (folder, state) in FOLDERS {
            let path = root().join(key).join(folder);
            for name in names_in(&path) {
                run += 1;
                let text = fs::read_to_string(path.join(&name)).unwrap();
                let outcome = Case::read(&text).and_then(|case| case.run(key, state));
                if let Err(problem) = outcome {
                    failures.insert(format!("cases/{key}/{folder}/{name}"), problem);
                }
            }
        }
    }
    for (name, problem) in &failures {
        eprintln!("{name}: {problem}");
    }
    assert!(failures.is_empty(), "{} of {run} failed", failures.len());
}

#[test]
fn a_misspelt_key_is_an_error_wherever_it_stands() {
    let case = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut json = serde_json::json!({
            "about": "a test of the runner", "event": {"event": "click"},
            "ip": {"ip": "8.8.8.8", "marks": [{"kind": "tor", "basis": "address", "list": "t@1"}]},
            "ua": {"kind": "browser"}, "device": {"gaid": "valid"},
            "expect": {"check": "clean"}
        });
        change(&mut json);
        Case::read(&json.to_string()).and_then(|case| case.run("unroutable", "clean"))
    };
    assert_eq!(case(&|_| {}), Ok(()));
    for place in [
        "",
        "/event",
        "/ip",
        "/ip/marks/0",
        "/ua",
        "/device",
        "/expect",
    ] {
        let outcome = case(&|json| json.pointer_mut(place).unwrap()["mispelt"] = 1.into());
        assert!(outcome.is_err(), "at {place:?}");
    }
    let setting = case(&|json| json["settings"] = serde_json::json!({"mispelt": 1}));
    assert!(setting.is_err(), "in settings");
}
