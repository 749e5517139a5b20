//! Conformance beside the real indexer, and what only files and memory can get wrong.

use std::collections::HashSet;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use assay_model::ports::{ClickIndex, EventReader, Lookup, ReportReader};
use assay_model::record::{peek_external_id, peek_frame};
use assay_model::testing::NOW;
use assay_model::{AccountId, EventKind, EventRecord, IntegrationId, Timestamp};
use tempfile::TempDir;

use super::super::EventsOptions;
use super::super::tests::{Embedded, all_options};
use super::*;
use crate::conformance::clicks::{self as suite, ClickBackend, Clicks as Made};
use crate::conformance::events::EventBackend;
use crate::conformance::sample::{ACCOUNTS, Sample};

const WITHIN: Duration = Duration::from_secs(30);

/// The embedded store with its indexer running.
struct Indexed {
    embedded: Embedded,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Indexed {
    fn over(embedded: Embedded) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (mut indexer, told) = (embedded.store.click_indexer(), Arc::clone(&stop));
        let run = move || indexer.run(&told, |error| panic!("{error}"));
        Self {
            thread: Some(std::thread::spawn(run)),
            embedded,
            stop,
        }
    }

    fn open(folder: &Path) -> Self {
        Self::over(Embedded::open(folder, EventsOptions::default()))
    }
}

impl Drop for Indexed {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            thread.join().unwrap();
        }
    }
}

impl EventBackend for Indexed {
    fn append(&mut self, records: &[Vec<u8>]) {
        self.embedded.append(records);
    }

    fn settle(&mut self, now: Timestamp) {
        self.embedded.settle(now);
    }

    fn events(&self) -> Arc<dyn EventReader> {
        self.embedded.events()
    }

    fn reports(&self) -> Arc<dyn ReportReader> {
        self.embedded.reports()
    }
}

impl ClickBackend for Indexed {
    fn clicks(&self) -> Arc<dyn ClickIndex> {
        Arc::new(self.embedded.store.clicks())
    }
}

#[tokio::test]
async fn finds_every_click() {
    for options in all_options() {
        suite::finds_every_click(&mut Indexed::over(Embedded::scratch(options))).await;
    }
}

#[tokio::test]
async fn the_newest_click_counts() {
    for options in all_options() {
        suite::the_newest_click_counts(&mut Indexed::over(Embedded::scratch(options))).await;
    }
}

#[tokio::test]
async fn tells_of_clicks_that_were_waited_for() {
    let options = EventsOptions::default();
    suite::tells_of_clicks_that_were_waited_for(&mut Indexed::over(Embedded::scratch(options)))
        .await;
}

async fn find(index: &dyn ClickIndex, id: &str) -> Result<Lookup, assay_model::ports::StoreError> {
    index
        .find_by_external_id(ACCOUNTS[0], IntegrationId(1), id, Timestamp(0))
        .await
}

#[tokio::test]
async fn an_index_that_nobody_feeds_says_that_it_is_behind() {
    let mut embedded = Embedded::scratch(EventsOptions::default());
    let index = embedded.store.clicks();
    let mut clicks = Made::new(41);
    embedded.append(&[clicks.record(EventKind::Click, 1, "a", NOW)]);
    assert!(!index.caught_up(Duration::from_millis(1)).await);
    let mut indexer = embedded.store.click_indexer();
    indexer.step().unwrap();
    assert!(index.caught_up(Duration::ZERO).await);
    assert!(find(&index, "a").await.unwrap().found().is_some());
}

#[tokio::test]
async fn an_unsealed_click_is_found_after_a_restart_and_while_segments_go() {
    let folder = TempDir::new().unwrap();
    let mut clicks = Made::new(42);
    let mut indexed = Indexed::open(folder.path());
    indexed.append(&[clicks.record(EventKind::Click, 1, "a", NOW)]);
    drop(indexed);
    let mut indexed = Indexed::open(folder.path());
    let index = indexed.clicks();
    assert!(index.caught_up(WITHIN).await);
    assert!(find(&*index, "a").await.unwrap().found().is_some());
    // Memory still points into segments that are gone.
    let mut sample = Sample::new(0, 43, 1);
    for _ in 0..3 {
        indexed.append(&sample.records(4000));
        indexed.embedded.sealer.seal().unwrap();
        let sealed = indexed.embedded.store.sealed(0);
        indexed.embedded.spool.release(0, sealed).unwrap();
        assert!(find(&*index, "a").await.unwrap().found().is_some());
    }
}

/// Events files and click indexes in the folder.
fn count(folder: &Path, extension: &str) -> usize {
    let days = std::fs::read_dir(folder.join("events")).unwrap();
    let files = days
        .map(|day| day.unwrap().path())
        .filter(|day| day.is_dir());
    let files = files.flat_map(|day| std::fs::read_dir(day).unwrap());
    files
        .filter(|file| file.as_ref().unwrap().path().extension() == Some(extension.as_ref()))
        .count()
}

#[tokio::test]
async fn a_click_goes_with_its_file() {
    let folder = TempDir::new().unwrap();
    let mut indexed = Indexed::open(folder.path());
    let mut clicks = Made::new(44);
    for round in 0..12 {
        let id = format!("tx-{round}");
        indexed.append(&[clicks.record(EventKind::Click, 1, &id, NOW)]);
        indexed.embedded.sealer.seal().unwrap();
    }
    let index = indexed.clicks();
    assert_eq!(count(folder.path(), "clicks"), 12);
    let keep = |days| move |_: AccountId| days;
    let store = indexed.embedded.store.clone();
    store
        .maintain(NOW.plus_ms(2 * 86_400_000), &keep(90))
        .unwrap();
    assert_eq!(count(folder.path(), "parquet"), 1);
    assert_eq!(count(folder.path(), "clicks"), 1, "merged as the files are");
    assert!(index.caught_up(WITHIN).await);
    for round in 0..12 {
        let found = find(&*index, &format!("tx-{round}")).await.unwrap();
        assert!(found.found().is_some(), "{round}");
    }
    store
        .maintain(NOW.plus_ms(99 * 86_400_000), &keep(90))
        .unwrap();
    assert_eq!(count(folder.path(), "clicks"), 0);
    // What was unsealed and is forgotten by memory is in no file any more.
    let mut indexer = store.click_indexer();
    indexer.step().unwrap();
    assert_eq!(find(&*index, "tx-3").await.unwrap(), Lookup::NotFound);
}

#[tokio::test]
async fn a_damaged_or_missing_index_is_not_an_absent_click() {
    let folder = TempDir::new().unwrap();
    let mut indexed = Indexed::open(folder.path());
    let mut clicks = Made::new(45);
    indexed.append(&[clicks.record(EventKind::Click, 1, "a", NOW)]);
    indexed.settle(NOW);
    drop(indexed);
    let file = path_of(&only_file(folder.path()));
    let whole = std::fs::read(&file).unwrap();
    for damage in ["missing", "cut", "flipped"] {
        match damage {
            "missing" => std::fs::remove_file(&file).unwrap(),
            "cut" => std::fs::write(&file, &whole[..5000]).unwrap(),
            _ => {
                let open = std::fs::OpenOptions::new().write(true).open(&file).unwrap();
                open.write_all_at(b"x", 8192 + 3).unwrap();
            }
        }
        let embedded = Embedded::open(folder.path(), EventsOptions::default());
        let index = embedded.store.clicks();
        let mut indexer = embedded.store.click_indexer();
        indexer.step().unwrap();
        assert!(find(&index, "a").await.is_err(), "{damage}");
        indexer.step().unwrap();
        let found = find(&index, "a").await.unwrap().found();
        assert!(found.is_some(), "{damage}, made again");
        assert_eq!(std::fs::read(&file).unwrap(), whole);
    }
}

fn only_file(folder: &Path) -> std::path::PathBuf {
    let store = Embedded::open(folder, EventsOptions::default()).store;
    store.0.files()[0].path.clone()
}

#[tokio::test]
async fn files_of_a_build_without_an_index_get_one() {
    let folder = TempDir::new().unwrap();
    let mut embedded = Embedded::open(folder.path(), EventsOptions::default());
    let mut clicks = Made::new(46);
    embedded.append(&[clicks.record(EventKind::Click, 1, "a", NOW)]);
    embedded.settle(NOW);
    drop(embedded);
    let file = only_file(folder.path());
    let manifest = folder.path().join("events/manifest.db");
    let db = rusqlite::Connection::open(&manifest).unwrap();
    db.execute_batch("ALTER TABLE files DROP COLUMN clicks; PRAGMA user_version = 1;")
        .unwrap();
    drop(db);
    std::fs::remove_file(path_of(&file)).unwrap();
    let embedded = Embedded::open(folder.path(), EventsOptions::default());
    let index = embedded.store.clicks();
    assert!(find(&index, "a").await.is_err(), "not looked is not absent");
    embedded.store.click_indexer().step().unwrap();
    assert!(find(&index, "a").await.unwrap().found().is_some());
    drop((embedded, index));
    let embedded = Embedded::open(folder.path(), EventsOptions::default());
    let found = find(&embedded.store.clicks(), "a").await.unwrap();
    assert!(found.found().is_some(), "and the manifest knows");
}

#[test]
fn every_hash_of_a_large_sidecar_is_found_and_no_other() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("1.clicks");
    let mut writer = SidecarWriter::default();
    let records = Sample::new(0, 47, 1).records(20_000);
    let mut frames = Vec::new();
    for (row, bytes) in records.iter().enumerate() {
        let (frame, id) = peek_external_id(bytes).unwrap();
        writer.add(row as u32, &frame, id);
        if keys::is_indexed(frame.event) {
            frames.push((row, frame));
        }
    }
    // More of one hash than a block has, clicks and impressions.
    let mut frame = peek_frame(&records[0]).unwrap();
    for row in 20_000..21_000 {
        frame.event = EventKind::ALL[row as usize % 2];
        writer.add(row, &frame, "again");
    }
    writer.write(&path).unwrap();
    let sidecar = Sidecar::open(&path).unwrap();
    let mut known = HashSet::new();
    for (row, frame) in frames {
        let hash = keys::own(frame.account, frame.event_id);
        known.insert(hash);
        let places = sidecar.own(hash).unwrap();
        assert!(places.iter().any(|place| place.row() == row));
    }
    for other in 0..2000 {
        let hash = keys::external(ACCOUNTS[0], IntegrationId(other), "none");
        assert_eq!(
            sidecar.own(hash).unwrap().is_empty(),
            !known.contains(&hash)
        );
    }
    for edge in [0, u64::MAX] {
        assert_eq!(sidecar.external(edge).unwrap(), []);
    }
    let again = keys::external(frame.account, frame.integration, "again");
    let places = sidecar.external(again).unwrap();
    let order: Vec<_> = places
        .iter()
        .map(|p| (p.is_impression(), p.row()))
        .collect();
    let rows = |odd: usize| (20_000..21_000).rev().filter(move |row| row % 2 == odd);
    let expected: Vec<_> = rows(0)
        .map(|row| (false, row))
        .chain(rows(1).map(|row| (true, row)))
        .collect();
    assert_eq!(order, expected);
}

#[test]
fn an_id_that_comes_often_takes_the_room_of_one() {
    let mut recent = recent::Recent::default();
    let entry = |hash, minute: i64| recent::Spooled {
        hash,
        impression: false,
        time: NOW.plus_ms(minute * 60_000),
        from: assay_model::ports::LogPosition::default(),
        nth: 0,
    };
    let end = |offset| assay_model::ports::LogPosition { segment: 1, offset };
    for n in 0..1000 {
        recent.add(0, &[entry(7, n % 10)], end(n as u64));
    }
    assert_eq!(recent.len(), 1);
    assert_eq!(recent.find(7)[0].1.time, NOW.plus_ms(9 * 60_000));
    recent.forget(0, end(998));
    assert_eq!(recent.len(), 1, "not all of it is sealed");
    recent.forget(0, end(999));
    assert_eq!(recent.len(), 0);
    assert_eq!(recent.indexed(0), end(999));
}

#[test]
fn test_and_other_events_stay_what_they_are() {
    // The index reads the start of a record only: it must say what the whole does.
    for bytes in Sample::new(0, 48, 1).records(300) {
        let record = EventRecord::decode(&bytes).unwrap();
        let (mut own, mut whole) = (SidecarWriter::default(), SidecarWriter::default());
        let (frame, id) = peek_external_id(&bytes).unwrap();
        own.add(3, &frame, id);
        whole.add_event(3, &record);
        assert_eq!(format!("{own:?}"), format!("{whole:?}"));
    }
}
