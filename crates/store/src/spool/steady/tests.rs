//! A disk that stalls, fails and comes back, as the test tells it to.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use assay_model::FakeClock;
use assay_model::testing::NOW;

use super::*;

/// What the disk does at a write.
enum Disk {
    Write,
    /// Takes this long by the clock, then writes.
    Slow(i64),
    Full,
    /// Waits until the test says so, then writes.
    Hang(Receiver<()>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Batch(Vec<u8>),
    Lost(u32),
    Refused,
}

/// A log of which the test knows everything.
#[derive(Clone)]
struct Script {
    clock: Arc<FakeClock>,
    disk: Arc<Mutex<VecDeque<Disk>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl EventLog for Script {
    fn append(&mut self, batch: &[u8], _: u32) -> Result<LogPosition, LogError> {
        let next = self.disk.lock().unwrap().pop_front();
        match next.unwrap_or(Disk::Write) {
            Disk::Write => {}
            Disk::Slow(ms) => self.clock.advance_ms(ms),
            Disk::Hang(go) => go.recv().unwrap(),
            Disk::Full => {
                self.seen.lock().unwrap().push(Seen::Refused);
                return Err(LogError::Full);
            }
        }
        self.seen.lock().unwrap().push(Seen::Batch(batch.to_vec()));
        Ok(LogPosition::default())
    }

    fn lose(&mut self, records: u32) {
        if records > 0 {
            self.seen.lock().unwrap().push(Seen::Lost(records));
        }
    }
}

struct World {
    script: Script,
    stats: Arc<SteadyStats>,
    log: SteadyLog<Script>,
}

impl World {
    /// A log on this disk; it comes back once the test lets ten calm milliseconds pass.
    fn on(disk: impl IntoIterator<Item = Disk>) -> Self {
        let script = Script {
            clock: Arc::new(FakeClock::at(NOW)),
            disk: Arc::new(Mutex::new(disk.into_iter().collect())),
            seen: Arc::default(),
        };
        let options = SteadyOptions {
            calm_us: 10_000,
            buffer_bytes: 4,
            ..SteadyOptions::default()
        };
        let stats = Arc::new(SteadyStats::default());
        let clock: Arc<dyn Clock> = script.clock.clone();
        let log = SteadyLog::new(script.clone(), clock, options, Arc::clone(&stats));
        Self { script, stats, log }
    }

    fn write(&mut self, byte: u8) -> bool {
        self.log.append(&[byte], 1).is_ok()
    }

    fn seen(&self) -> Vec<Seen> {
        self.script.seen.lock().unwrap().clone()
    }

    fn is_away(&self) -> bool {
        matches!(self.log.place, Place::Away(_))
    }

    fn wait_until_back(&self) {
        while self.count(|s| &s.bytes_buffered) > 0 {
            std::thread::yield_now();
        }
        self.script.clock.advance_ms(10);
        while matches!(&self.log.place, Place::Away(away) if !away.is_back()) {
            std::thread::yield_now();
        }
    }

    fn count(&self, of: impl Fn(&SteadyStats) -> &AtomicU64) -> u64 {
        of(&self.stats).load(Ordering::Relaxed)
    }
}

fn batches(bytes: &[u8]) -> Vec<Seen> {
    bytes.iter().map(|byte| Seen::Batch(vec![*byte])).collect()
}

fn hang() -> (Sender<()>, Disk) {
    let (go, wait) = channel();
    (go, Disk::Hang(wait))
}

#[test]
fn a_write_within_the_limit_stays_with_the_lane() {
    let mut world = World::on([Disk::Slow(5), Disk::Write]);
    assert!(world.write(1) && world.write(2));
    assert!(!world.is_away());
    assert_eq!(world.seen(), batches(&[1, 2]));
    assert_eq!(world.count(|s| &s.stalls), 0);
}

#[test]
fn a_stall_moves_the_log_and_the_lane_waits_no_more() {
    let (go, hanging) = hang();
    let mut world = World::on([Disk::Slow(6), hanging]);
    assert!(world.write(1));
    assert!(world.is_away());
    assert_eq!(
        (
            world.count(|s| &s.stalls),
            world.count(|s| &s.lanes_buffered)
        ),
        (1, 1)
    );
    // The disk hangs at the second batch: the lane's calls return all the same.
    for byte in 2..=4 {
        world.write(byte);
    }
    go.send(()).unwrap();
    world.wait_until_back();
    assert!(world.write(5));
    assert!(!world.is_away());
    assert_eq!(
        world.seen(),
        batches(&[1, 2, 3, 4, 5]),
        "none lost, in order"
    );
    assert_eq!(
        (
            world.count(|s| &s.lanes_buffered),
            world.count(|s| &s.bytes_buffered)
        ),
        (0, 0)
    );
}

#[test]
fn what_waits_is_bounded_and_the_rest_is_a_gap() {
    let (go, hanging) = hang();
    let mut world = World::on([Disk::Slow(6), hanging]);
    assert!(world.write(1));
    let kept = (2..=11).filter(|byte| world.write(*byte)).count();
    assert!(
        (4..=5).contains(&kept),
        "four bytes wait, one more when the thread has taken one: {kept}"
    );
    go.send(()).unwrap();
    world.wait_until_back();
    assert!(world.write(12));
    let seen = world.seen();
    let lost: u32 = seen
        .iter()
        .map(|seen| match seen {
            Seen::Lost(records) => *records,
            _ => 0,
        })
        .sum();
    assert_eq!(lost, 10 - kept as u32);
    let written = seen.iter().filter(|seen| matches!(seen, Seen::Batch(_)));
    assert_eq!(written.count(), kept + 2);
    let last = seen.iter().rposition(|seen| matches!(seen, Seen::Lost(_)));
    assert!(last < Some(seen.len() - 1), "a gap stands before a batch");
}

#[test]
fn a_full_disk_is_tried_again_after_a_while_and_the_loss_is_told() {
    let mut world = World::on([Disk::Full, Disk::Full, Disk::Write]);
    assert!(!world.write(1));
    assert_eq!(world.count(|s| &s.lanes_failing), 1);
    for byte in 2..=100 {
        assert!(!world.write(byte));
    }
    let refused = |world: &World| {
        let seen = world.seen();
        seen.iter().filter(|seen| **seen == Seen::Refused).count()
    };
    assert_eq!(refused(&world), 1, "not tried at every batch");
    world.script.clock.advance_ms(250);
    assert!(!world.write(101));
    assert_eq!(refused(&world), 2);
    world.script.clock.advance_ms(250);
    assert!(world.write(102) && world.write(103));
    assert_eq!(world.count(|s| &s.lanes_failing), 0);
    let seen = world.seen();
    let lost = seen.iter().filter(|seen| **seen == Seen::Lost(1)).count();
    assert_eq!(
        lost, 99,
        "those that the log itself refused it counts itself"
    );
    assert_eq!(seen[seen.len() - 2..], batches(&[102, 103]));
}

#[test]
fn a_disk_that_fails_while_the_log_is_away_keeps_what_waits() {
    let (go, hanging) = hang();
    let mut world = World::on([Disk::Slow(6), hanging, Disk::Full]);
    assert!(world.write(1) && world.write(2) && world.write(3));
    assert!(world.write(4));
    go.send(()).unwrap();
    while world.count(|s| &s.lanes_failing) == 0 {
        std::thread::yield_now();
    }
    assert_eq!(world.count(|s| &s.lost_late), 1);
    assert_eq!(world.seen().last(), Some(&Seen::Refused));
    world.script.clock.advance_ms(250);
    assert!(world.write(5));
    world.wait_until_back();
    assert!(world.write(6));
    let seen = world.seen();
    assert_eq!(seen[..3], [batches(&[1, 2]), vec![Seen::Refused]].concat());
    assert_eq!(seen[3..], batches(&[4, 5, 6]));
    assert_eq!(world.count(|s| &s.lanes_failing), 0);
}

#[test]
fn the_end_waits_for_what_waits() {
    let (go, hanging) = hang();
    let mut world = World::on([Disk::Slow(6), hanging]);
    assert!(world.write(1) && world.write(2) && world.write(3));
    let seen = Arc::clone(&world.script.seen);
    let stats = Arc::clone(&world.stats);
    go.send(()).unwrap();
    drop(world);
    assert_eq!(*seen.lock().unwrap(), batches(&[1, 2, 3]));
    assert_eq!(stats.lanes_buffered.load(Ordering::Relaxed), 0);
}
