//! When a message is tried again, and when it is given up.

use std::time::{Duration, SystemTime};

use assay_model::Timestamp;
use assay_model::ports::After;
use sha2::{Digest as _, Sha256};

/// Wait after the first failure; each later one waits three times as long…
const FIRST_MS: i64 = 5_000;
const FACTOR: i64 = 3;
/// …up to three hours.
const LONGEST_MS: i64 = 3 * 3_600_000;
/// Share of a wait that chance moves it by, either way.
const JITTER: f64 = 0.2;
/// How long a message is tried, from when it was first due.
pub const GIVE_UP_MS: i64 = 24 * 3_600_000;

/// What becomes of a message that failed at `now`, its `attempt`th time.
///
/// The last try falls on the end of the 24 hours, so that a receiver which is back by then
/// gets everything. `retry_after` is the receiver's own wish: never sooner than that, unless
/// it wishes for later than we keep trying.
#[must_use]
pub fn after_failure(
    id: &str,
    attempt: u32,
    due: Timestamp,
    now: Timestamp,
    retry_after: Option<Duration>,
) -> After {
    let end = due.plus_ms(GIVE_UP_MS);
    if now >= end {
        return After::Dead;
    }
    let wished = retry_after.map_or(0, |wish| {
        i64::try_from(wish.as_millis()).unwrap_or(i64::MAX)
    });
    let wait = jittered(backoff_ms(attempt), id, attempt).max(wished);
    After::Retry(now.plus_ms(wait).min(end))
}

/// The wait after the `attempt`th failure, before chance.
#[must_use]
pub fn backoff_ms(attempt: u32) -> i64 {
    let steps = attempt.saturating_sub(1).min(16);
    FIRST_MS
        .saturating_mul(FACTOR.saturating_pow(steps))
        .min(LONGEST_MS)
}

/// Moved by chance, so that what failed together does not come back together. The chance is
/// a hash of message and attempt: spread like dice, and the same in every run of a test.
fn jittered(wait_ms: i64, id: &str, attempt: u32) -> i64 {
    let digest = Sha256::new()
        .chain_update(id)
        .chain_update(attempt.to_be_bytes())
        .finalize();
    let dice = f64::from(u16::from_be_bytes([digest[0], digest[1]])) / f64::from(u16::MAX);
    let factor = 1.0 + JITTER * (2.0 * dice - 1.0);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "at most three hours in milliseconds"
    )]
    let moved = (wait_ms as f64 * factor) as i64;
    moved
}

/// How long a receiver that asked for less is left alone, after so many such answers in a row.
#[must_use]
pub fn slow_ms(strikes: u32) -> i64 {
    // Never longer than the message's own wait: it would be late for its schedule.
    (4_000_i64 << strikes.saturating_sub(1).min(8)).min(600_000)
}

/// Reads `Retry-After`: seconds, or a date.
#[must_use]
pub fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(value).ok()?;
    let now = SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(now.0).ok()?);
    Some(at.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use assay_model::testing::NOW;

    use super::*;

    /// Every try of a message that never succeeds, in milliseconds after it was due.
    fn tries(id: &str) -> Vec<i64> {
        let mut at = NOW;
        let mut out = vec![0];
        for attempt in 1.. {
            match after_failure(id, attempt, NOW, at, None) {
                After::Retry(next) => at = next,
                _ => break,
            }
            out.push(at.ms_since(NOW));
        }
        out
    }

    #[test]
    fn waits_grow_and_end_with_the_day() {
        for id in ["pb_1_a_1", "pb_1_b_1", "pb_2_c_7"] {
            let tries = tries(id);
            assert!((12..=18).contains(&tries.len()), "{tries:?}");
            assert_eq!(tries.last(), Some(&GIVE_UP_MS));
            for (n, pair) in tries[..tries.len() - 1].windows(2).enumerate() {
                let (wait, plan) = (pair[1] - pair[0], backoff_ms(n as u32 + 1));
                assert!((wait - plan).abs() * 5 <= plan, "{wait} against {plan}");
            }
        }
        assert_ne!(tries("pb_1_a_1"), tries("pb_1_b_1"));
        assert_eq!(
            [1, 2, 3, 4, 8, 40].map(backoff_ms),
            [5_000, 15_000, 45_000, 135_000, LONGEST_MS, LONGEST_MS]
        );
    }

    #[test]
    fn a_receivers_wish_is_kept_within_the_day() {
        let wish = |s| after_failure("m", 1, NOW, NOW, Some(Duration::from_secs(s)));
        assert_eq!(wish(600), After::Retry(NOW.plus_ms(600_000)));
        assert_eq!(wish(90_000_000), After::Retry(NOW.plus_ms(GIVE_UP_MS)));
        assert!(matches!(wish(0), After::Retry(at) if at.ms_since(NOW) >= 4_000));
    }

    #[test]
    fn a_slowed_receiver_is_never_late_for_a_messages_own_schedule() {
        for attempt in 1..12 {
            let soonest = backoff_ms(attempt) * 4 / 5;
            assert!(slow_ms(attempt) <= soonest, "{attempt}");
        }
    }

    #[test]
    fn both_forms_of_retry_after_are_read() {
        assert_eq!(retry_after(" 120 ", NOW), Some(Duration::from_secs(120)));
        // NOW is 2026-01-01 00:00 UTC.
        let date = "Thu, 01 Jan 2026 00:01:30 GMT";
        assert_eq!(retry_after(date, NOW), Some(Duration::from_secs(90)));
        let past = "Wed, 31 Dec 2025 00:00:00 GMT";
        assert_eq!(retry_after(past, NOW), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", NOW), None);
    }
}
