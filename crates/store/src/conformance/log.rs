//! What every event log must do: keep what it acknowledged, cut only a torn tail.

#![expect(
    clippy::unwrap_used,
    reason = "a test suite: a backend that fails must stop it"
)]

use std::path::Path;

use assay_model::EventId;
use assay_model::ports::{EventLog, LogPosition};
use assay_model::testing::NOW;

/// A log under test: opened in a folder, closed by dropping, read from its files.
pub trait LogUnderTest {
    /// Its writing end; it holds whatever must live as long.
    type Log: EventLog;

    /// Opens, after recovery, the log that lives in `folder`.
    fn open(&self, folder: &Path) -> Self::Log;
    /// All records from `from` on, in order.
    fn records(&self, folder: &Path, from: LogPosition) -> Vec<Vec<u8>>;
    /// The file that the first small batches are in.
    fn first_file(&self, folder: &Path) -> std::path::PathBuf;
}

/// A record as logs know it: version, event id, bytes.
#[must_use]
pub fn record(n: u32) -> Vec<u8> {
    let mut record = vec![1];
    record.extend(EventId::new(NOW, 0, 0, n).0);
    record.extend((0..n % 23).map(|i| (n + i) as u8));
    record
}

/// A batch of the records `from..to`.
#[must_use]
pub fn batch(from: u32, to: u32) -> Vec<u8> {
    (from..to)
        .flat_map(|n| {
            let record = record(n);
            [(record.len() as u32).to_le_bytes().to_vec(), record].concat()
        })
        .collect()
}

fn expected(ranges: impl IntoIterator<Item = u32>) -> Vec<Vec<u8>> {
    ranges.into_iter().map(record).collect()
}

/// What was appended is read back, before and after a restart, and from any position.
pub fn keeps_what_it_acknowledged(under_test: &impl LogUnderTest, folder: &Path) {
    let mut log = under_test.open(folder);
    let mut ends = vec![LogPosition::default()];
    for n in 0..50 {
        ends.push(log.append(&batch(n * 3, n * 3 + 3), 3).unwrap());
    }
    assert!(ends.is_sorted());
    assert_eq!(
        under_test.records(folder, LogPosition::default()),
        expected(0..150)
    );
    drop(log);
    let mut log = under_test.open(folder);
    log.append(&batch(150, 152), 2).unwrap();
    for (n, end) in ends.into_iter().enumerate() {
        let from = n as u32 * 3;
        assert_eq!(
            under_test.records(folder, end),
            expected(from..152),
            "from batch {n}"
        );
    }
}

/// Whatever part of the last write reached the disk, the ones before it are kept, and the log goes on.
pub fn cuts_a_torn_tail_at_every_byte(under_test: &impl LogUnderTest, folder: &Path) {
    let whole = folder.join("whole");
    let mut log = under_test.open(&whole);
    let first = log.append(&batch(0, 2), 2).unwrap().offset as usize;
    let last = log.append(&batch(2, 5), 3).unwrap().offset as usize;
    drop(log);
    let file = under_test.first_file(&whole);
    let bytes = std::fs::read(&file).unwrap();
    for kept in first..=last {
        let torn = folder.join(format!("torn-{kept}"));
        drop(under_test.open(&torn));
        let mut cut = bytes.clone();
        cut[kept..last].fill(0);
        std::fs::write(under_test.first_file(&torn), &cut).unwrap();
        let mut log = under_test.open(&torn);
        log.append(&batch(5, 6), 1).unwrap();
        let whole_tail = cut == bytes;
        let kept_records = if whole_tail { 0..5 } else { 0..2 };
        assert_eq!(
            under_test.records(&torn, LogPosition::default()),
            expected(kept_records.chain(5..6)),
            "{kept} of {last} bytes"
        );
        drop(log);
        std::fs::remove_dir_all(&torn).unwrap();
    }
}

/// A damaged batch is left out; every valid one after it is kept.
pub fn damage_costs_one_batch(under_test: &impl LogUnderTest, folder: &Path) {
    let whole = folder.join("whole");
    let mut log = under_test.open(&whole);
    let first = log.append(&batch(0, 2), 2).unwrap().offset as usize;
    let second = log.append(&batch(2, 5), 3).unwrap().offset as usize;
    log.append(&batch(5, 9), 4).unwrap();
    drop(log);
    let bytes = std::fs::read(under_test.first_file(&whole)).unwrap();
    for at in first..second {
        let damaged = folder.join(format!("damaged-{at}"));
        drop(under_test.open(&damaged));
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x10;
        std::fs::write(under_test.first_file(&damaged), &flipped).unwrap();
        let mut log = under_test.open(&damaged);
        log.append(&batch(9, 10), 1).unwrap();
        assert_eq!(
            under_test.records(&damaged, LogPosition::default()),
            expected((0..2).chain(5..10)),
            "byte {at}"
        );
        drop(log);
        std::fs::remove_dir_all(&damaged).unwrap();
    }
}
