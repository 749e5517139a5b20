//! The folder over its life, with made-up lists.

use super::*;

const NOW: i64 = 1_700_000_000_000;

fn import<'a>(name: &'a str, text: &'a str) -> Import<'a> {
    Import {
        kind: Kind::Vpn,
        name,
        file: "exits.txt",
        bytes: text.as_bytes(),
        version: None,
        licence: None,
        expires_at: None,
        force: false,
        now: NOW,
    }
}

fn vpn(store: &IntelStore, ip: &str) -> bool {
    let loaded = store.load(NOW).unwrap();
    assert_eq!(loaded.problems, Vec::<String>::new());
    let facts = loaded.tables.lookup(ip.parse().unwrap());
    facts.mark(assay_model::facts::MarkKind::Vpn).is_some()
}

#[test]
fn the_same_name_replaces_another_name_adds_and_rollback_returns() {
    let dir = tempfile::tempdir().unwrap();
    let store = IntelStore::open(dir.path()).unwrap();
    store.import(&import("a", "2.0.0.1\n")).unwrap();
    store.import(&import("b", "2.0.0.2\n")).unwrap();
    store.import(&import("a", "2.0.0.3\n")).unwrap();
    let seen = |s: &IntelStore| ["2.0.0.1", "2.0.0.2", "2.0.0.3"].map(|ip| vpn(s, ip));
    assert_eq!(seen(&store), [false, true, true]);
    store.rollback(Kind::Vpn, "a").unwrap();
    assert_eq!(seen(&store), [true, true, false]);
    store.remove(Kind::Vpn, "a").unwrap();
    assert_eq!(seen(&store), [false, true, false]);
    assert!(matches!(
        store.rollback(Kind::Vpn, "a"),
        Err(StoreError::NoSource { .. })
    ));
    assert!(matches!(
        store.rollback(Kind::Vpn, "b"),
        Err(StoreError::NoPrevious { .. })
    ));
    let files = std::fs::read_dir(dir.path().join("intel")).unwrap().count();
    assert_eq!(files, 3, "lock, manifest and one list");
}

#[test]
fn suspect_files_are_refused_unless_forced() {
    let dir = tempfile::tempdir().unwrap();
    let store = IntelStore::open(dir.path()).unwrap();
    store
        .import(&import("a", "2.0.0.1\n2.0.0.2\n2.0.0.3\n2.0.0.4\n"))
        .unwrap();
    let shrunk = store
        .import(&import("a", "2.0.0.1\n2.0.0.2\n"))
        .unwrap_err();
    assert!(shrunk.to_string().contains("shrunk over 30 %"), "{shrunk}");
    store
        .import(&Import {
            force: true,
            ..import("a", "2.0.0.1\n2.0.0.2\n")
        })
        .unwrap();
    let cases = [
        (Kind::Tor, "8.8.8.0/24\n"),
        (Kind::Residential, "1.1.1.1\n"),
        (Kind::Vpn, "0.0.0.0/1\n"),
        (Kind::Asn, "8.8.8.0,8.8.8.255,64500,Acme\n"),
    ];
    for (kind, text) in cases {
        let refused = store.import(&Import {
            kind,
            ..import("x", text)
        });
        assert!(
            matches!(refused, Err(StoreError::Suspect { .. })),
            "{kind} {text}"
        );
    }
    assert!(matches!(
        store.import(&import("../x", "2.0.0.1\n")),
        Err(StoreError::Name { .. })
    ));
    assert!(matches!(
        store.import(&import("x", "what\n")),
        Err(StoreError::Refused(_))
    ));
}

#[test]
fn a_damaged_manifest_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let store = IntelStore::open(dir.path()).unwrap();
    store.import(&import("a", "2.0.0.1\n")).unwrap();
    std::fs::write(dir.path().join("intel/manifest.json"), "{bad").unwrap();
    let error = store.load(NOW).map(|_| ()).unwrap_err().to_string();
    for part in ["manifest.json", "line 1", "import the lists again"] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_damaged_file_is_named_and_its_previous_version_used() {
    let dir = tempfile::tempdir().unwrap();
    let store = IntelStore::open(dir.path()).unwrap();
    store.import(&import("a", "2.0.0.1\n")).unwrap();
    let stored = store.import(&import("a", "2.0.0.2\n")).unwrap();
    let (handle, _) = IntelHandle::open(store.clone(), NOW).unwrap();
    assert!(store.damaged().unwrap().is_empty() && handle.problems().is_empty());
    std::fs::write(
        dir.path().join("intel").join(&stored.current.file),
        "2.0.0.9\n",
    )
    .unwrap();
    assert_eq!(store.damaged().unwrap()[0].1, "a");
    handle.reload(NOW).unwrap();
    assert!(handle.problems()[0].contains("changed on disk"));
    let loaded = store.load(NOW).unwrap();
    assert!(
        loaded.problems[0].contains("changed on disk"),
        "{:?}",
        loaded.problems
    );
    assert_eq!(
        loaded.tables.lookup("2.0.0.1".parse().unwrap()).marks.len(),
        1
    );
}

#[test]
fn the_handle_swaps_and_sees_changes_of_other_processes() {
    let dir = tempfile::tempdir().unwrap();
    let store = IntelStore::open(dir.path()).unwrap();
    let (handle, problems) = IntelHandle::open(store.clone(), NOW).unwrap();
    assert!(problems.is_empty() && !handle.changed_on_disk());
    store.import(&import("a", "2.0.0.1\n")).unwrap();
    assert!(handle.changed_on_disk());
    let before = handle.generation();
    let old = handle.reload(NOW).unwrap().old;
    assert!(handle.generation() > before && !handle.changed_on_disk());
    let ip = "2.0.0.1".parse().unwrap();
    assert!(old.lookup(ip).marks.is_empty());
    assert_eq!(
        handle.tables().lookup(ip).marks[0].list.split('@').next(),
        Some("a")
    );
}

#[test]
fn status_shows_age_staleness_and_expiry() {
    let dir = tempfile::tempdir().unwrap();
    let store = IntelStore::open(dir.path()).unwrap();
    let expires_at = Some(NOW + 5_000);
    store
        .import(&Import {
            expires_at,
            version: Some("2026-08-22"),
            ..import("a", "2.0.0.1\n")
        })
        .unwrap();
    let at = |now| store.status(now).unwrap().pop().unwrap();
    assert_eq!(
        (at(NOW + 4_000).age_s, at(NOW + 4_000).stale),
        (Some(4), false)
    );
    assert!(at(NOW + 5_000).stale);
    assert_eq!(at(NOW).version, "2026-08-22");
    assert!(store.load(NOW + 5_000).unwrap().problems[0].contains("expired"));
    assert!(store.status(NOW).unwrap()[0].licence.is_some());
}

#[test]
fn a_file_names_its_source() {
    assert_eq!(name_of_file(Path::new("/x/Tor Exits.TXT.gz")), "tor-exits");
    assert_eq!(name_of_file(Path::new("asn.mmdb")), "asn");
    assert_eq!(name_of_file(Path::new("")), "list");
}
