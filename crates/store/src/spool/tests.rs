//! What only this implementation promises: the lock, quotas, segments, read-only readers.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use assay_model::EventId;
use assay_model::ports::{EventLog, LogError, LogPosition};
use assay_model::testing::NOW;
use tempfile::TempDir;

use super::*;

fn open(folder: &Path, options: SpoolOptions) -> (Spool, Vec<LaneLog>) {
    let lock = Arc::new(FolderLock::take(folder).unwrap());
    Spool::open(&lock, options).unwrap()
}

fn small() -> SpoolOptions {
    SpoolOptions {
        segment_bytes: 4096,
        quota_bytes: 1 << 20,
        ..SpoolOptions::new(1, 7)
    }
}

/// A batch of one record: version, event id, and a text.
fn batch(n: u32, text: &str) -> Vec<u8> {
    let mut record = vec![1];
    record.extend(EventId::new(NOW, 0, 0, n).0);
    record.extend(text.as_bytes());
    let mut batch = (record.len() as u32).to_le_bytes().to_vec();
    batch.extend(record);
    batch
}

fn texts(mut reader: SpoolReader) -> Vec<String> {
    let mut texts = Vec::new();
    while let Some(batch) = reader.next_batch().unwrap() {
        for record in batch.records {
            texts.push(String::from_utf8(record[11..].to_vec()).unwrap());
        }
    }
    texts
}

#[test]
fn a_second_process_is_told_who_has_the_folder() {
    let dir = TempDir::new().unwrap();
    let _first = FolderLock::take(dir.path()).unwrap();
    let second = FolderLock::take(dir.path()).unwrap_err().to_string();
    let me = format!("in use by process {}", std::process::id());
    assert!(second.contains(&me), "{second}");
}

#[test]
fn segments_follow_each_other_and_go_when_released() {
    let dir = TempDir::new().unwrap();
    let (spool, mut logs) = open(dir.path(), small());
    let mut last = LogPosition::default();
    for n in 0..40 {
        last = logs[0].append(&batch(n, &"x".repeat(400)), 1).unwrap();
        if n % 3 == 0 {
            spool.flush().unwrap();
        }
    }
    assert!(last.segment > 4);
    let reader = spool.reader(0, LogPosition::default()).unwrap();
    assert_eq!(texts(reader).len(), 40);
    let before = spool.disk_bytes();
    spool.release(0, last).unwrap();
    assert!(spool.disk_bytes() < before);
    drop((spool, logs));
    let (spool, _logs) = open(dir.path(), small());
    let found = &spool.recovered()[0];
    assert_eq!(found.last_event_id, Some(EventId::new(NOW, 0, 0, 39)));
    assert_eq!(found.end, last);
    let on_disk = fs::read_dir(dir.path().join("spool/lane-00"))
        .unwrap()
        .count() as u64;
    assert_eq!(spool.disk_bytes(), on_disk * 4096);
}

#[test]
fn a_full_log_says_so_and_counts_the_loss() {
    let dir = TempDir::new().unwrap();
    let options = SpoolOptions {
        quota_bytes: 2 * 4096,
        ..small()
    };
    let (spool, mut logs) = open(dir.path(), options.clone());
    let one = batch(1, &"x".repeat(1000));
    let mut kept = 0;
    let full = loop {
        match logs[0].append(&one, 1) {
            Ok(_) => kept += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(full, LogError::Full), "{full}");
    logs[0].append(&one, 1).unwrap_err();
    assert_eq!(spool.stats()[0].lost_records, 2);
    let end = spool.written(0);
    spool.release(0, end).unwrap();
    logs[0].append(&one, 1).unwrap();
    let mut reader = spool.reader(0, end).unwrap();
    assert_eq!(reader.next_batch().unwrap().unwrap().count, 1);
    assert_eq!(reader.lost_records(), 2, "a gap frame tells of the loss");
    assert_eq!(kept, 6, "three in each segment");
}

#[test]
fn a_full_log_is_left_alone_for_a_while_and_the_gap_has_the_whole_loss() {
    let dir = TempDir::new().unwrap();
    let options = SpoolOptions {
        quota_bytes: 2 * 4096,
        ..small()
    };
    let (spool, mut logs) = open(dir.path(), options);
    let clock = Arc::new(assay_model::FakeClock::at(NOW));
    let stats = Arc::new(SteadyStats::default());
    let mut log = SteadyLog::new(
        logs.remove(0),
        Arc::clone(&clock) as _,
        SteadyOptions::default(),
        Arc::clone(&stats),
    );
    let one = batch(1, &"x".repeat(1000));
    while log.append(&one, 1).is_ok() {}
    let end = spool.written(0);
    spool.release(0, end).unwrap();
    for _ in 0..9 {
        log.append(&one, 3).unwrap_err();
    }
    assert_eq!(stats.lanes_failing.load(Ordering::Relaxed), 1);
    clock.advance_ms(250);
    log.append(&one, 1).unwrap();
    let mut reader = spool.reader(0, end).unwrap();
    assert_eq!(reader.next_batch().unwrap().unwrap().count, 1);
    assert_eq!(reader.lost_records(), 28);
    assert_eq!(spool.stats()[0].lost_records, 28);
    assert_eq!(stats.lanes_failing.load(Ordering::Relaxed), 0);
}

#[test]
fn a_reader_of_another_process_follows_the_writer() {
    let dir = TempDir::new().unwrap();
    let (_spool, mut logs) = open(dir.path(), small());
    let mut reader = read_only(dir.path(), 0, LogPosition::default());
    assert!(reader.next_batch().unwrap().is_none());
    for n in 0..30 {
        logs[0].append(&batch(n, &"y".repeat(300)), 1).unwrap();
        assert_eq!(reader.next_batch().unwrap().unwrap().count, 1, "{n}");
        assert!(reader.next_batch().unwrap().is_none());
    }
    assert_eq!(lanes_of(dir.path()).unwrap(), [0]);
}

#[test]
fn a_record_that_imitates_a_frame_is_not_taken_for_one() {
    let dir = TempDir::new().unwrap();
    let forged = {
        let other = TempDir::new().unwrap();
        let salt = SpoolOptions { salt: 8, ..small() };
        let (_spool, mut logs) = open(other.path(), salt);
        logs[0].append(&batch(9, "forged"), 1).unwrap();
        fs::read(other.path().join("spool/lane-00/000000000001.seg")).unwrap()[64..160].to_vec()
    };
    let path = dir.path().join("spool/lane-00/000000000001.seg");
    let (spool, mut logs) = open(dir.path(), small());
    let mut around = (forged.len() as u32).to_le_bytes().to_vec();
    around.extend(forged);
    logs[0].append(&around, 1).unwrap();
    drop((spool, logs));
    let mut bytes = fs::read(&path).unwrap();
    bytes[66] ^= 1; // the real frame's magic
    fs::write(&path, bytes).unwrap();
    let (spool, _logs) = open(dir.path(), small());
    assert_eq!(spool.recovered()[0].records, 0);
    assert!(spool.recovered()[0].cut_bytes > 0);
}

#[test]
fn fewer_lanes_than_before_leave_nothing_behind() {
    let dir = TempDir::new().unwrap();
    let two = SpoolOptions {
        lanes: 2,
        ..small()
    };
    let (spool, mut logs) = open(dir.path(), two);
    logs[1].append(&batch(1, "of lane 1"), 1).unwrap();
    drop((spool, logs));
    let (spool, logs) = open(dir.path(), small());
    assert_eq!(logs.len(), 1);
    assert_eq!(
        texts(spool.reader(1, LogPosition::default()).unwrap()),
        ["of lane 1"]
    );
}

#[test]
fn readers_on_other_threads_see_only_whole_batches() {
    let dir = TempDir::new().unwrap();
    let (spool, mut logs) = open(
        dir.path(),
        SpoolOptions {
            quota_bytes: 64 << 20,
            segment_bytes: 65_536,
            ..small()
        },
    );
    let _flusher = spool.start_flusher(Duration::from_millis(1)).unwrap();
    let count = 20_000;
    let seen = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut reader = spool.reader(0, LogPosition::default()).unwrap();
            let mut seen = 0;
            while seen < count {
                match reader.next_batch().unwrap() {
                    Some(batch) => seen += batch.records.count() as u32,
                    None => std::thread::yield_now(),
                }
            }
            (seen, reader.damaged_bytes())
        });
        for n in 0..count {
            logs[0].append(&batch(n, "abcdefgh"), 1).unwrap();
        }
        reader.join().unwrap()
    });
    assert_eq!(seen.0, count);
    assert!(spool.healthy());
}

mod conformance {
    use std::path::PathBuf;

    use super::*;
    use crate::conformance::log::{self, LogUnderTest};

    struct Embedded;

    impl LogUnderTest for Embedded {
        type Log = LaneLog;

        fn open(&self, folder: &Path) -> LaneLog {
            open(folder, small()).1.remove(0)
        }

        fn records(&self, folder: &Path, from: LogPosition) -> Vec<Vec<u8>> {
            let mut reader = read_only(folder, 0, from);
            let mut records = Vec::new();
            while let Some(batch) = reader.next_batch().unwrap() {
                records.extend(batch.records.map(<[u8]>::to_vec));
            }
            records
        }

        fn first_file(&self, folder: &Path) -> PathBuf {
            folder.join("spool/lane-00/000000000001.seg")
        }
    }

    #[test]
    fn keeps_what_it_acknowledged() {
        log::keeps_what_it_acknowledged(&Embedded, TempDir::new().unwrap().path());
    }

    #[test]
    fn cuts_a_torn_tail_at_every_byte() {
        log::cuts_a_torn_tail_at_every_byte(&Embedded, TempDir::new().unwrap().path());
    }

    #[test]
    fn damage_costs_one_batch() {
        log::damage_costs_one_batch(&Embedded, TempDir::new().unwrap().path());
    }
}
