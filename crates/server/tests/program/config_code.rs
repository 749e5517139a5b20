//! Rules and lists as a file, beside the running server.

use std::process::Output;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{CURL, Call, Server, run, stderr, stdout, wait_until};

fn config(server: &Server, command: &str, args: &[&str]) -> Output {
    let data = server.dir.to_str().unwrap();
    let mut all = vec!["config", command, "--data", data];
    all.extend(args);
    run(&all)
}

#[track_caller]
fn exported(server: &Server) -> String {
    let output = config(server, "export", &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    stdout(&output)
}

fn write(server: &Server, text: &str) -> String {
    let path = server.dir.join("rules.toml");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn names(server: &Server) -> Vec<String> {
    let rules = server.show("/rules");
    let mut rules: Vec<&Value> = rules["items"].as_array().unwrap().iter().collect();
    rules.sort_by_key(|rule| rule["priority"].as_u64());
    let name = |rule: &&Value| rule["name"].as_str().unwrap().to_owned();
    rules.iter().map(name).collect()
}

fn server_with_rules() -> Server {
    let server = Server::start();
    let rule = |name: &str, publisher: &str| {
        json!({"name": name, "status": "active", "protection": "both", "sub_id_mapping": "sub_id",
               "scope": {"publishers": {"include": [publisher]}},
               "filters": {"click_flooding": {"click_threshold": 300}}})
    };
    server.make("/rules", &rule("one", "p1"));
    server.make("/rules", &rule("two", "p2"));
    let entry = json!({"value": "203.0.113.0/24", "note": "tests"});
    server.make(
        "/lists",
        &json!({"name": "own", "field": "ip", "entries": [entry]}),
    );
    server
}

#[test]
fn what_is_exported_changes_nothing_and_comes_out_the_same() {
    let server = server_with_rules();
    let text = exported(&server);
    assert!(text.contains("mode = \"enforce\""), "{text}");
    assert!(
        !text.contains("scope.offers"),
        "what is empty is not told: {text}"
    );
    let file = write(&server, &text);
    let diff = config(&server, "diff", &[&file]);
    assert!(diff.status.success(), "{}{}", stdout(&diff), stderr(&diff));
    assert_eq!(stdout(&diff), "");
    let applied = config(&server, "apply", &[&file]);
    assert!(stdout(&applied).contains("the store is as the file says"));
    assert_eq!(exported(&server), text);
}

#[test]
fn a_changed_file_is_shown_then_applied_and_in_force_within_a_second() {
    let server = server_with_rules();
    let own = server.integration(&json!({}));
    let call = Call::web(own).with("s1", "p2").with("s6", CURL);
    assert_eq!(server.score(&call).tqs(), "1 BN");
    let text = exported(&server)
        .replace(
            "name = \"two\"",
            "name = \"zwei\"\npreset = \"disable_all\"",
        )
        .replace("203.0.113.0/24", "198.51.100.0/24");
    let added = "\n[[rules]]\nname = \"last\"\nstatus = \"active\"\nprotection = \"click\"\n\
                 sub_id_mapping = \"sub_id_2\"\n";
    let file = write(&server, &format!("{text}{added}"));
    let diff = config(&server, "diff", &[&file]);
    let shown = stdout(&diff);
    assert_eq!(diff.status.code(), Some(1));
    for line in [
        "name: \"two\" -> \"zwei\"",
        "+ rule \"last\"",
        "~ list 1 \"own\", version 1",
    ] {
        assert!(shown.contains(line), "{line} in\n{shown}");
    }
    let dry = config(&server, "apply", &["--dry-run", &file]);
    assert!(stdout(&dry).contains("none was made"));
    assert_eq!(names(&server), ["one", "two", "Default"]);
    let applied = config(&server, "apply", &[&file]);
    assert!(applied.status.success(), "{}", stderr(&applied));
    assert_eq!(names(&server), ["one", "zwei", "last", "Default"]);
    let lenient = || (server.score(&call).tqs() == "0 CL").then_some(());
    wait_until("the new rule", Duration::from_secs(5), lenient);
    let diff = config(&server, "diff", &[&file]);
    assert!(
        stdout(&diff).contains("made from version 1"),
        "{}",
        stdout(&diff)
    );
}

#[test]
fn what_is_stale_wrong_or_missing_changes_nothing() {
    let server = server_with_rules();
    let text = exported(&server);
    let file = write(&server, &text);
    server.change("/rules/2", &json!({"name": "meanwhile"}));
    let before = names(&server);
    let stale = config(&server, "apply", &[&file]);
    assert!(!stale.status.success());
    assert!(
        stdout(&stale).contains("made from version"),
        "{}",
        stdout(&stale)
    );
    let text = exported(&server);
    let cases = [
        (
            text.replace("click_threshold = 300", "click_threshold = 0"),
            "filters.click_flooding.click_threshold",
        ),
        (
            text.replace("[[lists]]", "[[listen]]"),
            "listen is not known here",
        ),
        (
            text.replace("protection = \"both\"", "protektion = \"both\""),
            "protektion",
        ),
    ];
    for (wrong, cause) in cases {
        let file = write(&server, &wrong);
        let output = config(&server, "apply", &[&file]);
        assert!(!output.status.success());
        assert!(
            stderr(&output).contains(cause),
            "{cause}: {}",
            stderr(&output)
        );
    }
    let short = &text[..text.find("[[lists]]").unwrap()];
    let file = write(&server, short);
    let output = config(&server, "apply", &[&file]);
    assert!(stderr(&output).contains("--remove"), "{}", stderr(&output));
    assert_eq!(server.show("/lists")["items"].as_array().unwrap().len(), 1);
    assert_eq!(names(&server), before);
    let output = config(&server, "apply", &["--remove", &file]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(server.show("/lists")["items"].as_array().unwrap().len(), 0);
}
