//! The table against its promises: a naive model, many threads, a restart, a full table.

use std::collections::HashSet;

use assay_model::recall::{Measure, key_hash};
use assay_model::testing::NOW;
use proptest::prelude::*;

use super::*;
use crate::conformance;

const US: AccountId = AccountId(1);

fn table(slots: usize) -> CounterTable {
    CounterTable::new(CounterOptions {
        slots,
        account_slots_max: None,
    })
}

fn sight(key: u64, window_s: u32) -> Bump {
    Bump {
        key,
        measure: Measure::Count,
        window_s,
        member: 0,
    }
}

fn one(table: &CounterTable, account: AccountId, at: Timestamp, bump: Bump) -> Reading {
    let mut out = Vec::new();
    table.bump(account, at, &[bump], &mut out).unwrap();
    out[0]
}

#[tokio::test]
async fn conforms() {
    conformance::counters::suite(|| table(100_000)).await;
}

/// Every sight of a key, kept.
#[derive(Default)]
struct Naive {
    seen: Vec<(i64, u32)>,
}

impl Naive {
    /// Ticks as the table has them: rounding is no error of counting.
    fn add(&mut self, at: Timestamp, member: u32, window_ms: i64) -> bool {
        let at = at.0.div_euclid(16) * 16;
        let counts = self.seen.is_empty() || self.newest() - at < window_ms;
        if counts {
            self.seen.push((at, member));
        }
        counts
    }

    /// More than half a year back is a wrap of time, and another test.
    fn not_ages_ago(&self, at: Timestamp, window_ms: i64) -> Timestamp {
        match self.seen.is_empty() {
            true => at,
            false => Timestamp(at.0.max(self.newest() - 2 * window_ms)),
        }
    }

    fn newest(&self) -> i64 {
        self.seen.iter().map(|seen| seen.0).max().unwrap_or(0)
    }

    /// Sights less than so old.
    fn within(&self, ms: i64) -> impl Iterator<Item = &(i64, u32)> {
        let newest = self.newest();
        self.seen.iter().filter(move |seen| newest - seen.0 < ms)
    }

    fn members(&self, ms: i64) -> usize {
        self.within(ms).map(|s| s.1).collect::<HashSet<_>>().len()
    }
}

/// Steps in time: mostly forward, sometimes back, sometimes far.
fn steps(window_ms: i64) -> impl Strategy<Value = Vec<(i64, u32)>> {
    let step = prop_oneof![
        6 => 0..window_ms / 20,
        2 => -(window_ms / 10)..window_ms / 5,
        1 => -window_ms..window_ms * 2,
    ];
    prop::collection::vec((step, 0_u32..12), 1..80)
}

fn trace() -> impl Strategy<Value = (u32, i64, Vec<(i64, u32)>)> {
    let windows = prop_oneof![1_u32..5, 30_u32..100, 3600_u32..90 * 86_400];
    let starts = prop_oneof![Just(NOW.0), -1_000_000_000_000..4_000_000_000_000_i64];
    (windows, starts).prop_flat_map(|(window_s, start)| {
        (
            Just(window_s),
            Just(start),
            steps(i64::from(window_s) * 1000),
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn counts_are_exact_up_to_five_and_an_eighth_of_the_window_off_beyond(
        (window_s, start, steps) in trace()
    ) {
        let table = table(1);
        let window_ms = i64::from(window_s) * 1000;
        let mut naive = Naive::default();
        let mut was_exact = true;
        let mut at = Timestamp(start);
        for (step, _) in steps {
            at = naive.not_ages_ago(at.plus_ms(step), window_ms);
            let reading = one(&table, US, at, sight(9, window_s));
            if !naive.add(at, 0, window_ms) {
                prop_assert_eq!((reading.count, reading.span_s, reading.gap_ms), (1, 0, None));
                continue;
            }
            let count = reading.count as usize;
            let most = naive.within(window_ms).count();
            let least = naive.within(window_ms * 7 / 8).count();
            prop_assert!(least <= count && count <= most, "{least} <= {count} <= {most}");
            was_exact = (was_exact && most <= 5) || most == 1;
            if was_exact {
                prop_assert_eq!(count, most);
            }
            // What was counted is what the span says, to a part and a second.
            let span_ms = i64::from(reading.span_s) * 1000;
            prop_assert!(span_ms <= window_ms);
            prop_assert!(count <= naive.within(span_ms + window_ms / 8 + 1000).count());
            let first = naive.seen.first().map_or(0, |seen| seen.0);
            if naive.newest() - first > window_ms * 2 && !was_exact {
                prop_assert!(span_ms >= window_ms * 3 / 4 || count < 6);
            }
        }
    }

    #[test]
    fn members_are_exact_up_to_five_but_for_a_twelfth_of_the_window(
        (window_s, start, steps) in trace()
    ) {
        let table = table(1);
        let window_ms = i64::from(window_s) * 1000;
        let mut naive = Naive::default();
        let mut was_exact = true;
        let mut at = Timestamp(start);
        for (step, member) in steps {
            at = naive.not_ages_ago(at.plus_ms(step), window_ms);
            let bump = Bump { measure: Measure::Distinct, member: member + 1, ..sight(9, window_s) };
            let reading = one(&table, US, at, bump);
            if !naive.add(at, member, window_ms) {
                prop_assert_eq!(reading.count, 1);
                continue;
            }
            let count = reading.count as usize;
            let most = naive.members(window_ms);
            was_exact &= most <= 5;
            if was_exact {
                let least = naive.members(window_ms * 11 / 12);
                prop_assert!(least <= count && count <= most, "{least} <= {count} <= {most}");
            } else {
                // Few members in 78 cells: two may meet, and one meeting is one less.
                let least = naive.members(window_ms * 2 / 3);
                prop_assert!(count <= most + 2 && count + 4 >= least, "{least} ~ {count} ~ {most}");
            }
            prop_assert!(i64::from(reading.span_s) * 1000 <= window_ms);
        }
    }
}

#[test]
fn distinct_counts_are_within_their_stated_error() {
    let mut worst = [0.0_f64; 3];
    for (size, (members, stated)) in [(20, 0.09), (80, 0.10), (240, 0.16)]
        .into_iter()
        .enumerate()
    {
        let table = table(100_000);
        let mut squares = 0.0;
        for key in 0..400_u64 {
            let mut last = Reading::default();
            for number in 0..members {
                let member = key_hash(&(key * 1000 + number).to_le_bytes()) as u32;
                let bump = Bump {
                    measure: Measure::Distinct,
                    member,
                    ..sight(key, 3600)
                };
                last = one(&table, US, NOW, bump);
            }
            squares += (f64::from(last.count) / members as f64 - 1.0).powi(2);
        }
        worst[size] = (squares / 400.0).sqrt() / stated;
    }
    assert!(worst.iter().all(|ratio| *ratio < 1.1), "{worst:?}");
}

#[test]
fn lanes_together_lose_no_sight() {
    let table = table(1000);
    std::thread::scope(|scope| {
        for lane in 0..4 {
            let table = &table;
            scope.spawn(move || {
                let mut out = Vec::new();
                for step in 0..5000_u64 {
                    // One key of all lanes, one of each lane, and some of a crowd.
                    let bumps = [1, 10 + lane, 100 + step % 50].map(|key| sight(key, 3600));
                    table.bump(US, NOW, &bumps, &mut out).unwrap();
                }
            });
        }
    });
    assert_eq!(one(&table, US, NOW, sight(1, 3600)).count, 20_001);
    for lane in 0..4 {
        assert_eq!(one(&table, US, NOW, sight(10 + lane, 3600)).count, 5001);
    }
    assert_eq!(one(&table, US, NOW, sight(120, 3600)).count, 401);
    assert_eq!(table.stats().used, 55);
    assert_eq!(table.live_keys(NOW), 55);
}

#[test]
fn a_full_table_forgets_what_is_coldest() {
    let table = table(1);
    let slots = table.stats().slots;
    let later = NOW.plus_ms(1_000_000);
    for key in 0..slots * 4 {
        one(&table, US, NOW, sight(key, 86_400));
    }
    let full = table.stats();
    assert!(full.used > slots * 9 / 10);
    assert_eq!(full.evicted, slots * 4 - full.used);
    // Keys seen later push out those of before, not each other.
    for key in 0..slots / 4 {
        one(&table, US, later, sight(1_000_000 + key, 86_400));
    }
    let kept = (0..slots / 4)
        .filter(|key| one(&table, US, later, sight(1_000_000 + key, 86_400)).count == 2)
        .count() as u64;
    assert_eq!(kept, slots / 4);
    // Once the window is over, room is made without a loss.
    let evicted = table.stats().evicted;
    let tomorrow = later.plus_ms(2 * 86_400_000);
    assert_eq!(table.live_keys(tomorrow), 0);
    for key in 0..slots / 4 {
        one(&table, US, tomorrow, sight(2_000_000 + key, 86_400));
    }
    assert_eq!(table.stats().evicted, evicted);
}

#[test]
fn an_account_over_its_share_makes_room_for_others() {
    let table = CounterTable::new(CounterOptions {
        slots: 1024,
        account_slots_max: Some(512),
    });
    let (noisy, quiet) = (AccountId(1), AccountId(2));
    for key in 0..2000 {
        one(&table, noisy, NOW, sight(key, 86_400));
    }
    let ours: Vec<u64> = (10_000..10_400).collect();
    for &key in &ours {
        one(&table, quiet, NOW, sight(key, 60));
    }
    // Ours would be forgotten first, but the noisy one's own go before.
    let mut out = Vec::new();
    for key in 2000..6000 {
        let _ = table.bump(noisy, NOW, &[sight(key, 86_400)], &mut out);
    }
    let kept = ours
        .iter()
        .filter(|&&key| one(&table, quiet, NOW, sight(key, 60)).count == 2)
        .count();
    assert_eq!(kept, ours.len());
}

#[test]
fn an_account_without_a_share_left_is_told() {
    let table = CounterTable::new(CounterOptions {
        slots: 1024,
        account_slots_max: Some(1),
    });
    let mut out = Vec::new();
    for account in 1..1000 {
        for key in 0..4 {
            let key = u64::from(account) * 10 + key;
            let _ = table.bump(AccountId(account), NOW, &[sight(key, 60)], &mut out);
        }
    }
    assert_eq!(table.stats().refused, 0, "others over their share gave way");
    let modest = CounterTable::new(CounterOptions {
        slots: 1024,
        account_slots_max: Some(30),
    });
    for account in 1..400 {
        for key in 0..20 {
            let key = u64::from(account) * 100 + key;
            let _ = modest.bump(AccountId(account), NOW, &[sight(key, 60)], &mut out);
        }
    }
    let greedy = |key| modest.bump(AccountId(999), NOW, &[sight(key, 60)], &mut Vec::new());
    let answers: Vec<_> = (100_000..100_400).map(greedy).collect();
    assert!(answers[..30].iter().all(Result::is_ok));
    assert!(answers.contains(&Err(RecallError::Quota)));
    assert!(modest.stats().refused > 0);
}

#[test]
fn a_restart_goes_on_counting_and_counts_nothing_twice() {
    let dir = tempfile::tempdir().unwrap();
    let events: Vec<(Timestamp, u64)> = (0..3000)
        .map(|step| (NOW.plus_ms(step * 100), step as u64 * 7 % 200))
        .collect();
    let before = table(10_000);
    // Slices are written in turn while events go on: each stands at its own position.
    for (position, (at, key)) in events.iter().enumerate() {
        one(&before, US, *at, sight(*key, 3600));
        let turn = position / 40;
        if position % 40 == 39 && turn < SLICE_COUNT {
            let bytes = (position as u64 + 1).to_le_bytes();
            before.checkpoint_slice(turn, dir.path(), &bytes).unwrap();
        }
    }
    let after = table(10_000);
    after.set_warming(true);
    let restored = after.load(dir.path());
    for (position, (at, key)) in events.iter().enumerate() {
        let mut behind = Slices::NONE;
        for (slice, restored) in restored.iter().enumerate() {
            let stands = u64::from_le_bytes(restored.position().unwrap().try_into().unwrap());
            if position as u64 >= stands {
                behind.insert(slice);
            }
        }
        after.replay(US, *at, &[sight(*key, 3600)], behind);
    }
    let end = NOW.plus_ms(400_000);
    let mut out = Vec::new();
    let warming = after.bump(US, end, &[sight(1, 3600)], &mut out);
    assert_eq!(warming, Err(RecallError::Warming));
    after.set_warming(false);
    one(&before, US, end, sight(1, 3600));
    for key in 0..200 {
        let expected = one(&before, US, end, sight(key, 3600));
        assert_eq!(one(&after, US, end, sight(key, 3600)), expected, "{key}");
    }
    assert_eq!(after.stats().used, before.stats().used);
    assert_eq!(after.stats().generation, 1);
}

#[test]
fn a_file_that_cannot_be_used_is_named_and_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let full = table(2000);
    for key in 0..1000 {
        one(&full, US, NOW, sight(key, 3600));
    }
    for slice in 0..SLICE_COUNT {
        full.checkpoint_slice(slice, dir.path(), &[7; POSITION_MAX])
            .unwrap();
    }
    let path = |slice: usize| dir.path().join(format!("counters-{slice:02}"));
    let change = |slice, change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = std::fs::read(path(slice)).unwrap();
        change(&mut bytes);
        std::fs::write(path(slice), bytes).unwrap();
    };
    change(0, &|bytes| bytes.truncate(bytes.len() / 2));
    change(1, &|bytes| bytes[POSITION_MAX + 100] ^= 1);
    change(2, &|bytes| bytes[12] = 99);
    change(3, &|bytes| bytes.clear());
    change(4, &|bytes| bytes.extend([0; 100_000]));
    std::fs::copy(path(6), path(5)).unwrap();
    std::fs::remove_file(path(7)).unwrap();
    let restored = table(2000).load(dir.path());
    for (slice, restored) in restored.iter().enumerate() {
        match slice {
            0..=5 => assert!(matches!(restored, Restored::Refused(_)), "{slice}"),
            7 => assert_eq!(restored, &Restored::Missing),
            _ => assert_eq!(restored, &Restored::At(vec![7; POSITION_MAX])),
        }
    }
    // Another size: keys would lie elsewhere.
    let other = table(50_000).load(dir.path());
    assert!(other.iter().all(|slice| slice.position().is_none()));
    let too_long = full.checkpoint_slice(0, dir.path(), &[0; POSITION_MAX + 1]);
    assert!(matches!(too_long, Err(CheckpointError::Position(_))));
    let no_slice = full.checkpoint_slice(SLICE_COUNT, dir.path(), &[]);
    assert!(matches!(no_slice, Err(CheckpointError::NoSlice(_))));
}

#[test]
fn a_key_lies_in_the_slice_it_is_said_to() {
    let table = table(10_000);
    for key in 0..200 {
        let slice = table.slice_of(key);
        let mut only = Slices::NONE;
        only.insert(slice);
        table.replay(US, NOW, &[sight(key, 60)], only);
        let mut others = Slices::ALL;
        others.0 &= !(1 << slice);
        table.replay(US, NOW, &[sight(key, 60)], others);
        assert_eq!(one(&table, US, NOW, sight(key, 60)).count, 2);
    }
}
