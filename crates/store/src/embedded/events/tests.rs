//! Conformance over the real spool and files, and crashes between any two steps of sealing.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use assay_model::hit::EventKind;
use assay_model::ports::{Dimension, EventLog, EventQuery, EventReader, ReportQuery, ReportReader};
use assay_model::record::peek_event_id;
use assay_model::testing::NOW;
use assay_model::{AccountId, EventId, EventRecord, Timestamp};
use tempfile::TempDir;

use super::*;
use crate::conformance::events::EventBackend;
use crate::conformance::sample::{ACCOUNTS, Sample};
use crate::conformance::{events, reports};
use crate::spool::{FolderLock, LaneLog, Spool, SpoolOptions};

/// The embedded store, as `serve` wires it.
pub struct Embedded {
    pub log: LaneLog,
    pub spool: Spool,
    pub store: EventStore,
    pub sealer: Sealer,
    _folder: Option<TempDir>,
}

pub fn batch(records: &[Vec<u8>]) -> Vec<u8> {
    let mut batch = Vec::new();
    for record in records {
        batch.extend((record.len() as u32).to_le_bytes());
        batch.extend(record);
    }
    batch
}

impl Embedded {
    pub fn open(folder: &Path, options: EventsOptions) -> Self {
        let lock = Arc::new(FolderLock::take(folder).unwrap());
        let segments = SpoolOptions {
            segment_bytes: 1 << 20,
            ..SpoolOptions::new(1, 5)
        };
        let (spool, mut logs) = Spool::open(&lock, segments).unwrap();
        let store = EventStore::open(folder, &spool, options).unwrap();
        Self {
            log: logs.remove(0),
            sealer: store.sealer(),
            store,
            spool,
            _folder: None,
        }
    }

    pub fn scratch(options: EventsOptions) -> Self {
        let folder = TempDir::new().unwrap();
        let mut embedded = Self::open(folder.path(), options);
        embedded._folder = Some(folder);
        embedded
    }
}

impl EventBackend for Embedded {
    fn append(&mut self, records: &[Vec<u8>]) {
        for records in records.chunks(16) {
            self.log
                .append(&batch(records), records.len() as u32)
                .unwrap();
        }
    }

    fn settle(&mut self, now: Timestamp) {
        self.sealer.seal().unwrap();
        self.spool.release(0, self.store.sealed(0)).unwrap();
        self.store.maintain(now, &keep(90)).unwrap();
    }

    fn events(&self) -> Arc<dyn EventReader> {
        Arc::new(self.store.reader())
    }

    fn reports(&self) -> Arc<dyn ReportReader> {
        Arc::new(self.store.reports())
    }
}

pub fn all_options() -> Vec<EventsOptions> {
    vec![
        EventsOptions::default(),
        // Hardly anything is kept decoded, and a seal takes several rounds.
        EventsOptions {
            tail_bytes: 40_000,
            seal_bytes: 30_000,
            ..EventsOptions::default()
        },
    ]
}

#[tokio::test]
async fn finds_every_event() {
    for options in all_options() {
        events::finds_every_event(&mut Embedded::scratch(options)).await;
    }
}

#[tokio::test]
async fn lists_the_newest_first() {
    for options in all_options() {
        events::lists_the_newest_first(&mut Embedded::scratch(options)).await;
    }
}

#[tokio::test]
async fn reports_agree_with_the_model() {
    for options in all_options() {
        reports::agree_with_the_model(&mut Embedded::scratch(options)).await;
    }
}

#[tokio::test]
async fn reports_refuse_wrong_questions() {
    reports::refuse_wrong_questions(&Embedded::scratch(EventsOptions::default())).await;
}

fn keep(days: u32) -> impl Fn(AccountId) -> u32 {
    move |_| days
}

/// Ids of all events of all accounts, through the reader.
async fn all_ids(store: &EventStore) -> Vec<EventId> {
    let mut ids = Vec::new();
    for account in ACCOUNTS {
        let mut query = EventQuery {
            limit: 1000,
            ..EventQuery::default()
        };
        loop {
            let page = store.reader().list(account, &query).await.unwrap();
            ids.extend(page.events.iter().map(|e| e.decode().unwrap().event_id));
            query.before = page.next;
            if query.before.is_none() {
                break;
            }
        }
    }
    ids.sort_unstable();
    ids
}

fn ids_of(records: &[Vec<u8>]) -> Vec<EventId> {
    let mut ids: Vec<_> = records.iter().map(|r| peek_event_id(r).unwrap()).collect();
    ids.sort_unstable();
    ids
}

fn parquet_files(folder: &Path) -> usize {
    let days = std::fs::read_dir(folder.join("events")).unwrap();
    let days = days
        .map(|day| day.unwrap().path())
        .filter(|day| day.is_dir());
    let files = days.flat_map(|day| std::fs::read_dir(day).unwrap());
    let (indexes, files): (Vec<_>, Vec<_>) = files
        .map(|file| file.unwrap().path())
        .partition(|path| path.extension() == Some("clicks".as_ref()));
    for index in indexes {
        let of = index.with_extension("parquet");
        assert!(files.contains(&of), "{} is left over", index.display());
    }
    files.len()
}

#[tokio::test]
async fn a_crash_between_any_two_steps_loses_and_doubles_nothing() {
    for step in SealStep::ALL {
        for nth in 0..3 {
            let folder = TempDir::new().unwrap();
            let mut sample = Sample::new(0, 11, 3_000_000);
            let records = sample.records(300);
            let mut embedded = Embedded::open(folder.path(), EventsOptions::default());
            embedded.append(&records);
            let seen = AtomicUsize::new(0);
            let stop = move |at| at == step && seen.fetch_add(1, Ordering::Relaxed) == nth;
            let stopped = embedded.store.sealer().stopping(stop).seal();
            let stops = nth == 0 || !matches!(step, SealStep::Read | SealStep::Committed);
            assert_eq!(stopped.is_err(), stops, "{step:?} {nth}");
            assert_eq!(
                all_ids(&embedded.store).await,
                ids_of(&records),
                "running on, {step:?}"
            );
            drop(embedded);
            let mut embedded = Embedded::open(folder.path(), EventsOptions::default());
            assert_eq!(
                all_ids(&embedded.store).await,
                ids_of(&records),
                "after {step:?} {nth}"
            );
            embedded.settle(sample.now());
            assert_eq!(all_ids(&embedded.store).await, ids_of(&records));
            let known = embedded.store.0.files().len();
            assert_eq!(parquet_files(folder.path()), known, "no file is left over");
        }
    }
}

#[tokio::test]
async fn compaction_leaves_few_files_and_every_event() {
    let folder = TempDir::new().unwrap();
    let mut sample = Sample::new(0, 12, 2_000);
    let mut embedded = Embedded::open(folder.path(), EventsOptions::default());
    let mut all = Vec::new();
    for _ in 0..20 {
        let records = sample.records(50);
        embedded.append(&records);
        embedded.sealer.seal().unwrap();
        all.extend(records);
    }
    let reader = embedded.store.snapshot().unwrap();
    let done = embedded.store.maintain(sample.now(), &keep(90)).unwrap();
    assert!(done.replaced > 10 && done.expired == 0, "{done:?}");
    assert!(
        parquet_files(folder.path()) > 30,
        "an open reader keeps the old files"
    );
    drop(reader);
    let mut days = std::collections::BTreeMap::<i64, usize>::new();
    for file in embedded.store.0.files() {
        *days.entry(file.row.day).or_default() += 1;
    }
    assert!(days.values().all(|count| *count <= 8), "{days:?}");
    assert_eq!(parquet_files(folder.path()), days.values().sum::<usize>());
    assert_eq!(all_ids(&embedded.store).await, ids_of(&all));
    let later = sample.now().plus_ms(2 * 86_400_000);
    embedded.store.maintain(later, &keep(90)).unwrap();
    assert_eq!(
        parquet_files(folder.path()),
        days.len(),
        "a closed day is one file"
    );
    assert_eq!(all_ids(&embedded.store).await, ids_of(&all));
    let again = embedded.store.maintain(later, &keep(90)).unwrap();
    assert_eq!(again, Maintained::default(), "nothing is left to do");
}

#[tokio::test]
async fn events_go_when_their_accounts_days_are_over() {
    let folder = TempDir::new().unwrap();
    let mut sample = Sample::new(0, 13, 1_000).on_time();
    let mut embedded = Embedded::open(folder.path(), EventsOptions::default());
    let records = sample.records(500);
    embedded.append(&records);
    embedded.settle(sample.now());
    let days = |account: AccountId| if account == ACCOUNTS[1] { 3 } else { 90 };
    let at = |days: i64| sample.now().plus_ms(days * 86_400_000);
    assert_eq!(embedded.store.maintain(at(3), &days).unwrap().expired, 0);
    let expired = embedded.store.maintain(at(4), &days).unwrap().expired;
    let of = |account: AccountId, bytes: &&Vec<u8>| {
        EventRecord::decode(bytes).unwrap().facts.hit.account == account
    };
    let gone = records
        .iter()
        .filter(|bytes| of(ACCOUNTS[1], bytes))
        .count();
    assert_eq!(expired, gone as u64);
    let left: Vec<_> = records
        .iter()
        .filter(|r| !of(ACCOUNTS[1], r))
        .cloned()
        .collect();
    assert_eq!(all_ids(&embedded.store).await, ids_of(&left));
    embedded.store.maintain(at(91), &days).unwrap();
    assert_eq!(all_ids(&embedded.store).await, []);
    assert_eq!(parquet_files(folder.path()), 0);
}

#[tokio::test]
async fn a_reader_beside_the_writer_sees_the_same() {
    let folder = TempDir::new().unwrap();
    let mut sample = Sample::new(0, 14, 1_000);
    let mut embedded = Embedded::open(folder.path(), EventsOptions::default());
    let beside = EmbeddedEvents::open_read_only(folder.path());
    let mut all = Vec::new();
    for _ in 0..3 {
        let records = sample.records(100);
        embedded.append(&records);
        all.extend(records);
        for bytes in all.iter().step_by(9) {
            let record = EventRecord::decode(bytes).unwrap();
            let account = record.facts.hit.account;
            let found = beside.get(account, record.event_id).await.unwrap();
            assert_eq!(found.unwrap().0, *bytes);
        }
        embedded.settle(sample.now());
    }
}

#[tokio::test]
async fn a_power_cut_that_takes_the_spool_hides_nothing_new() {
    let folder = TempDir::new().unwrap();
    let mut sample = Sample::new(0, 15, 1_000);
    let first = sample.records(100);
    let mut embedded = Embedded::open(folder.path(), EventsOptions::default());
    embedded.append(&first);
    embedded.settle(sample.now());
    drop(embedded);
    std::fs::remove_dir_all(folder.path().join("spool")).unwrap();
    let mut embedded = Embedded::open(folder.path(), EventsOptions::default());
    assert_eq!(embedded.store.newest_id(), ids_of(&first).last().copied());
    let second = sample.records(20);
    embedded.append(&second);
    let all = ids_of(&[first, second].concat());
    assert_eq!(all_ids(&embedded.store).await, all);
    embedded.settle(sample.now());
    assert_eq!(all_ids(&embedded.store).await, all);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_beside_a_running_sealer_count_every_event_once() {
    let folder = TempDir::new().unwrap();
    let mut sample = Sample::new(0, 16, 10).on_time();
    let embedded = Embedded::open(folder.path(), EventsOptions::default());
    let (store, mut sealer, mut log) = (embedded.store.clone(), embedded.sealer, embedded.log);
    let running = Arc::new(AtomicBool::new(true));
    let stop = Arc::clone(&running);
    let (sealed, spool) = (store.clone(), embedded.spool.clone());
    let sealing = std::thread::spawn(move || {
        while stop.load(Ordering::Relaxed) {
            sealer.seal().unwrap();
            spool.release(0, sealed.sealed(0)).unwrap();
            sealed.maintain(NOW, &keep(90)).unwrap();
        }
    });
    let mut model = 0;
    for _ in 0..60 {
        let records = sample.records(20);
        log.append(&batch(&records), 20).unwrap();
        model += records.iter().filter(|bytes| counted(bytes)).count() as u64;
        let query = ReportQuery {
            from: NOW,
            to: NOW.plus_ms(86_400_000),
            tz: "UTC".to_owned(),
            group_by: vec![Dimension::Country],
            filters: Vec::new(),
            offset: 0,
            limit: 100,
        };
        let report = store.reports().clicks(ACCOUNTS[0], &query).await.unwrap();
        assert_eq!(report.totals.clicks, model);
    }
    running.store(false, Ordering::Relaxed);
    sealing.join().unwrap();
}

fn counted(bytes: &[u8]) -> bool {
    let record = EventRecord::decode(bytes).unwrap();
    let hit = &record.facts.hit;
    hit.account == ACCOUNTS[0]
        && matches!(
            hit.event,
            EventKind::Click | EventKind::PageView | EventKind::AppView
        )
        && !fixed::is_test(&record)
}

#[test]
fn columns_hold_what_the_shared_definition_says() {
    let mut sample = Sample::new(0, 17, 1_000);
    let records = sample.records(200);
    let mut rows = rows::Rows::default();
    for bytes in &records {
        rows.extend(&[rows::Decoded::of(bytes).unwrap()]);
    }
    let batch = rows.finish().unwrap();
    for dimension in columns::dimensions() {
        let (keys, texts) = dictionary(&batch, dimension.as_str()).unwrap();
        for (bytes, key) in records.iter().zip(keys) {
            let record = EventRecord::decode(bytes).unwrap();
            assert_eq!(
                texts.value(*key as usize),
                dimension.value(&record).to_string(),
                "{dimension:?}"
            );
        }
    }
}

#[tokio::test]
async fn made_up_event_times_do_not_make_a_file_each() {
    let folder = TempDir::new().unwrap();
    let mut sample = Sample::new(0, 18, 2 * 86_400_000);
    let records = sample.records(200);
    let mut embedded = Embedded::open(folder.path(), EventsOptions::default());
    embedded.append(&records);
    let sealed = embedded.sealer.seal().unwrap();
    assert_eq!((sealed.events, sealed.files), (200, 32));
    assert_eq!(all_ids(&embedded.store).await, ids_of(&records));
}

#[test]
fn sealing_waits_for_time_or_size() {
    let options = EventsOptions {
        seal_bytes: 20_000,
        ..EventsOptions::default()
    };
    let mut embedded = Embedded::scratch(options);
    let mut sample = Sample::new(0, 19, 10);
    embedded.append(&sample.records(10));
    let at = |seconds: i64| NOW.plus_ms(seconds * 1000);
    let sealed =
        |embedded: &mut Embedded, seconds| embedded.sealer.seal_due(at(seconds)).unwrap().events;
    assert_eq!(sealed(&mut embedded, 0), 0);
    assert_eq!(sealed(&mut embedded, 59), 0);
    assert_eq!(sealed(&mut embedded, 60), 10, "after a minute");
    embedded.append(&sample.records(100));
    assert_eq!(
        sealed(&mut embedded, 61),
        100,
        "or when enough has gathered"
    );
}

#[test]
fn texts_that_never_repeat_leave_the_dictionary_and_come_back_the_same() {
    let folder = TempDir::new().unwrap();
    let mut sample = Sample::new(0, 20, 1).on_time();
    // More than a page of ids after the dictionary is full, and an end in the middle of one.
    let records = sample.records(80_000);
    let mut file = file::FileWriter::create(folder.path(), 20_454, 1, 80_000).unwrap();
    for records in records.chunks(rows::AT_ONCE) {
        let events: Vec<_> = records
            .iter()
            .filter_map(|r| rows::Decoded::of(r))
            .collect();
        file.extend(&events).unwrap();
    }
    let written = file.finish().unwrap();
    written.rename().unwrap();
    let stored = snapshot::StoredFile::new(written.row.clone(), written.path.clone());
    let footer = parquet_file::Footers::default().of(&stored).unwrap();
    assert!(footer.may_have(0, "external_transaction_id", "").unwrap());
    assert!(
        !footer
            .may_have(0, "external_transaction_id", "none")
            .unwrap()
    );
    for text in columns::texts() {
        let batch = footer.read_whole(0, [text.name()]).unwrap().unwrap();
        let (keys, texts) = dictionary(&batch, text.name()).unwrap();
        assert_eq!(keys.len(), records.len());
        for (bytes, key) in records.iter().zip(keys).step_by(37) {
            let record = EventRecord::decode(bytes).unwrap();
            let value = text.value(&record);
            assert_eq!(texts.value(*key as usize), value.text(), "{text:?}");
        }
    }
}

#[test]
fn files_that_the_parquet_crate_wrote_read_the_same() {
    let folder = TempDir::new().unwrap();
    let records = Sample::new(0, 21, 1).records(500);
    let mut all = rows::Rows::default();
    for bytes in &records {
        all.extend(&[rows::Decoded::of(bytes).unwrap()]);
    }
    let batch = all.finish().unwrap();
    let path = folder.path().join("old.parquet");
    let file = std::fs::File::create(&path).unwrap();
    let mut old = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    old.write(&batch).unwrap();
    old.close().unwrap();
    let row = manifest::FileRow {
        id: 1,
        day: 0,
        rows: 500,
        bytes: 0,
        time: Default::default(),
        received: Default::default(),
        ids: (EventId([0; 10]), EventId([0; 10])),
        clicks: None,
        accounts: Vec::new(),
    };
    let stored = snapshot::StoredFile::new(row, path);
    let footer = parquet_file::Footers::default().of(&stored).unwrap();
    let names: Vec<_> = columns::dimensions().map(Dimension::as_str).collect();
    let read = footer
        .read_whole(0, names.iter().copied())
        .unwrap()
        .unwrap();
    for name in names {
        let (keys, texts) = dictionary(&read, name).unwrap();
        let (old_keys, old_texts) = dictionary(&batch, name).unwrap();
        for (key, old) in keys.iter().zip(old_keys) {
            assert_eq!(
                texts.value(*key as usize),
                old_texts.value(*old as usize),
                "{name}"
            );
        }
    }
}

#[test]
fn decoded_rows_take_about_what_they_are_counted_as() {
    let mut all = rows::Rows::default();
    for bytes in &Sample::new(0, 22, 1).records(4000) {
        all.extend(&[rows::Decoded::of(bytes).unwrap()]);
    }
    let counted = all.bytes();
    let batch = all.finish().unwrap();
    let columns = batch.columns().iter().map(|column| column.to_data());
    // Columns of one value share their keys with all others.
    let own = columns.filter(|data| {
        data.child_data()
            .first()
            .is_none_or(|texts| texts.len() > 1)
    });
    let taken: usize = own.map(|data| data.get_slice_memory_size().unwrap()).sum();
    assert!(
        counted * 9 < taken * 10 && taken * 9 < counted * 10,
        "{counted} counted, {taken} taken"
    );
}
