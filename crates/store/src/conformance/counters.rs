//! What every store of counters must do: the same traces give the same readings.
#![expect(clippy::unwrap_used, reason = "a failed check is a failed test")]

use assay_model::ports::CounterStore;
use assay_model::recall::{Bump, Measure, Reading};
use assay_model::testing::NOW;
use assay_model::{AccountId, Timestamp};

const MINUTE_MS: i64 = 60_000;
const HOUR_S: u32 = 3600;
const HOUR_MS: i64 = 3_600_000;

/// Runs every check, each on an empty store of its own from `make`.
pub async fn suite<C: CounterStore>(make: impl Fn() -> C) {
    a_batch_is_read_in_order(&make()).await;
    gaps_and_spans_are_told(&make()).await;
    five_sights_are_exact(&make()).await;
    more_are_counted_in_parts(&make()).await;
    what_is_older_than_the_window_does_not_count(&make()).await;
    disorder_counts_where_it_belongs(&make()).await;
    five_members_are_exact(&make()).await;
    more_members_are_estimated(&make()).await;
    keys_and_accounts_stay_apart(&make()).await;
    a_long_batch_is_read_whole(&make()).await;
    totals_add_up_whatever_the_time_and_can_be_taken_back(&make()).await;
}

fn sight(key: u64, window_s: u32) -> Bump {
    Bump {
        key,
        measure: Measure::Count,
        window_s,
        member: 0,
    }
}

fn member(key: u64, member: u32) -> Bump {
    Bump {
        key,
        measure: Measure::Distinct,
        window_s: HOUR_S,
        member,
    }
}

async fn totals_add_up_whatever_the_time_and_can_be_taken_back<C: CounterStore>(store: &C) {
    let add = |member: i32| Bump {
        key: 9,
        measure: Measure::Total,
        window_s: HOUR_S,
        member: member.cast_unsigned(),
    };
    for (at_ms, added, total) in [
        (0, 5, 5),
        (HOUR_MS / 2, 0, 5),
        (2 * HOUR_MS, 1_000_000, 1_000_005),
        (HOUR_MS, 1, 1_000_006),
        (2 * HOUR_MS, -6, 1_000_000),
        (2 * HOUR_MS, i32::MIN, 0),
    ] {
        assert_eq!(one(store, at_ms, add(added)).await.count, total, "{added}");
    }
}

async fn read<C: CounterStore>(store: &C, at: Timestamp, bumps: &[Bump]) -> Vec<Reading> {
    let mut out = vec![Reading::default(); 3];
    let recall = store.recall(AccountId(1), at, bumps, &mut out);
    recall.await.unwrap();
    assert_eq!(out.len(), bumps.len());
    out
}

async fn one<C: CounterStore>(store: &C, at_ms: i64, bump: Bump) -> Reading {
    read(store, NOW.plus_ms(at_ms), &[bump]).await[0]
}

async fn a_batch_is_read_in_order<C: CounterStore>(store: &C) {
    let out = read(store, NOW, &[sight(1, 60), sight(2, 60), sight(1, 60)]).await;
    let counts: Vec<_> = out.iter().map(|reading| reading.count).collect();
    assert_eq!(counts, [1, 1, 2]);
    assert!(read(store, NOW, &[]).await.is_empty());
}

async fn gaps_and_spans_are_told<C: CounterStore>(store: &C) {
    let key = sight(1, HOUR_S);
    let first = one(store, 0, key).await;
    let alone = Reading {
        count: 1,
        span_s: 0,
        gap_ms: None,
    };
    assert_eq!(first, alone);
    let second = one(store, 90_000, key).await;
    assert_eq!((second.count, second.span_s), (2, 90));
    near(second.gap_ms, 90_000);
    // Known for more than a window: the window is covered, and the gap is told still.
    let later = one(store, 90_000 + 2 * HOUR_MS, key).await;
    assert_eq!((later.count, later.span_s), (1, HOUR_S));
    near(later.gap_ms, 2 * HOUR_MS);
}

/// Times may be kept to 16 ms.
fn near(gap_ms: Option<u32>, expected: i64) {
    let gap = i64::from(gap_ms.unwrap());
    assert!((gap - expected).abs() <= 16, "{gap} is not {expected}");
}

async fn five_sights_are_exact<C: CounterStore>(store: &C) {
    let key = sight(1, 600);
    for minute in 0..30 {
        let reading = one(store, minute * 3 * MINUTE_MS, key).await;
        // Every three minutes: sights at 0, 3, 6 and 9 minutes' distance are in ten.
        assert_eq!(i64::from(reading.count), (minute + 1).min(4));
        assert_eq!(i64::from(reading.span_s), (minute * 180).min(600));
    }
}

async fn more_are_counted_in_parts<C: CounterStore>(store: &C) {
    let window_s = 800;
    let key = sight(1, window_s);
    for second in 0..3000_i64 {
        let reading = one(store, second * 1000, key).await;
        let (count, span) = (i64::from(reading.count), i64::from(reading.span_s));
        // One a second: the count tells what is covered, and so does the span.
        assert!((count - span - 1).abs() <= 101, "{second}: {reading:?}");
        if second >= 900 {
            assert!((700..=800).contains(&count), "{second}: {reading:?}");
            assert!((700..=800).contains(&span), "{second}: {reading:?}");
            assert!((count - span).abs() <= 1, "{second}: {reading:?}");
        } else if second < 700 {
            assert_eq!(count, second + 1);
        }
    }
}

async fn what_is_older_than_the_window_does_not_count<C: CounterStore>(store: &C) {
    let key = sight(1, 60);
    one(store, 0, key).await;
    let old = one(store, -MINUTE_MS, key).await;
    assert_eq!((old.count, old.span_s, old.gap_ms), (1, 0, None));
    let next = one(store, 1000, key).await;
    assert_eq!(next.count, 2);
    near(next.gap_ms, 1000);
    for step in 0..20 {
        one(store, 1000 + step, key).await;
    }
    let before = one(store, 2000, key).await.count;
    assert_eq!(one(store, -70_000, key).await.count, 1);
    assert_eq!(one(store, 2000, key).await.count, before + 1);
}

async fn disorder_counts_where_it_belongs<C: CounterStore>(store: &C) {
    let key = sight(1, 60);
    for at in [30_000, 10_000, 20_000] {
        one(store, at, key).await;
    }
    // All three are in the minute; then those at 10 and 20 seconds leave.
    assert_eq!(one(store, 40_000, key).await.count, 4);
    assert_eq!(one(store, 85_000, key).await.count, 3);
    // In parts too: forty in disorder count forty.
    let key = sight(2, 600);
    let mut last = Reading::default();
    for step in 0..40_i64 {
        last = one(store, (step * 17 % 40) * 1000, key).await;
    }
    assert_eq!(last.count, 40);
}

async fn five_members_are_exact<C: CounterStore>(store: &C) {
    for round in 0..4 {
        for name in 0..5_u32 {
            let reading = one(store, i64::from(round * 5 + name) * 1000, member(1, name)).await;
            let expected = if round == 0 { name + 1 } else { 5 };
            assert_eq!(reading.count, expected);
        }
    }
    // A member leaves an hour after its last sight, a twelfth early at most.
    let kept = one(store, 50 * MINUTE_MS, member(1, 0)).await;
    assert_eq!(kept.count, 5);
    let left = one(store, 62 * MINUTE_MS, member(1, 0)).await;
    assert_eq!((left.count, left.span_s >= 3300), (1, true));
    near(left.gap_ms, 12 * MINUTE_MS);
}

async fn more_members_are_estimated<C: CounterStore>(store: &C) {
    for key in 0..20 {
        for name in 0..80_u32 {
            let print = (name + 1000 * key as u32).wrapping_mul(0x9e37_79b1);
            let reading = one(store, i64::from(name), member(key, print)).await;
            // Four standard errors.
            let real = f64::from(name + 1);
            let error = (f64::from(reading.count) - real).abs();
            assert!(error <= 2.0 + 0.4 * real, "{real}: {reading:?}");
        }
        let again = one(store, 100, member(key, 1000 * key as u32)).await;
        // All are gone after the window.
        let later = one(store, 2 * HOUR_MS, member(key, 1)).await;
        assert!(again.count > 40);
        assert_eq!(later.count, 1);
    }
}

async fn keys_and_accounts_stay_apart<C: CounterStore>(store: &C) {
    for key in 0..1000 {
        assert_eq!(one(store, 0, sight(key, 60)).await.count, 1);
    }
    for key in 0..1000 {
        assert_eq!(one(store, 0, sight(key, 60)).await.count, 2);
        assert_eq!(one(store, 0, member(key, 7)).await.count, 1);
    }
}

async fn a_long_batch_is_read_whole<C: CounterStore>(store: &C) {
    let bumps: Vec<_> = (0..100).map(|key| sight(key % 50, 60)).collect();
    let out = read(store, NOW, &bumps).await;
    let expected = |at: usize| if at < 50 { 1 } else { 2 };
    for (at, reading) in out.iter().enumerate() {
        assert_eq!(reading.count, expected(at));
    }
}
