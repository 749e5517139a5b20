//! Time inside a counter: ticks of 16 ms in 32 bits, and windows cut into parts.
//!
//! 32 bits of ticks come around after 2.2 years; a stored time is read back as the one
//! nearest to the event at hand, so a wrap is never seen.

use assay_model::Timestamp;

/// Milliseconds of a tick.
pub(super) const TICK_MS: i64 = 16;
/// Ticks of a unit of expiry: 131 s, so that 16 bits come around after 99 days.
const EXPIRY_SHIFT: u32 = 13;
/// Longest time an expiry is put ahead; half of what 16 bits can tell apart, less a little.
const EXPIRY_AHEAD_MAX: i64 = 30_000;
/// A stored time further ahead of an event than this is a wrap, not disorder: 200 days.
const GHOST_TICKS: i64 = 200 * 86_400_000 / TICK_MS;

/// A moment in ticks since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tick(pub i64);

impl Tick {
    pub fn of(at: Timestamp) -> Self {
        Self(at.0.div_euclid(TICK_MS))
    }

    /// As stored; 0 is kept for "none" and costs its neighbour 16 ms.
    pub fn stored(self) -> u32 {
        (self.0 as u32).max(1)
    }

    /// The stored moment nearest to this one.
    pub fn near(self, stored: u32) -> Self {
        let behind = (self.0 as u32).wrapping_sub(stored).cast_signed();
        Self(self.0 - i64::from(behind))
    }

    pub fn ms_since(self, earlier: Self) -> i64 {
        (self.0 - earlier.0) * TICK_MS
    }

    /// Whether a newest time so far ahead can only be a wrap.
    pub fn is_ghost(self, newest: Self) -> bool {
        newest.0 - self.0 > GHOST_TICKS
    }

    /// The unit of expiry this moment lies in.
    pub fn expiry_unit(self) -> u16 {
        (self.0 >> EXPIRY_SHIFT) as u16
    }
}

/// A window, cut into equal parts that lie fixed in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    ms: i64,
}

impl Window {
    pub fn of_s(seconds: u32) -> Self {
        Self {
            ms: i64::from(seconds.max(1)) * 1000,
        }
    }

    pub fn whole_s(self) -> u32 {
        (self.ms / 1000) as u32
    }

    /// Whether `earlier` is within the window that ends at `newest`.
    pub fn holds(self, newest: Tick, earlier: Tick) -> bool {
        newest.ms_since(earlier) < self.ms
    }

    /// Number of the part, of `parts` a window, that a moment lies in.
    pub fn part(self, at: Tick, parts: i64) -> i64 {
        (at.0 * (TICK_MS * parts)).div_euclid(self.ms)
    }

    /// Seconds from the start of a part to `newest`, rounded up, never over the window.
    pub fn span_from_part(self, part: i64, parts: i64, newest: Tick) -> u32 {
        let start_ms = (part * self.ms).div_euclid(parts);
        self.span_of_ms(newest.0 * TICK_MS - start_ms)
    }

    /// Seconds of some milliseconds, rounded up, never over the window.
    ///
    /// Rounding up makes a rate smaller, so it cannot accuse.
    pub fn span_of_ms(self, ms: i64) -> u32 {
        ((ms.clamp(0, self.ms) + 999) / 1000) as u32
    }

    /// The unit of expiry from which nothing seen at `newest` counts any more.
    pub fn expiry_unit(self, newest: Tick) -> u16 {
        let ahead = ((self.ms / TICK_MS) >> EXPIRY_SHIFT) + 1;
        newest
            .expiry_unit()
            .wrapping_add(ahead.min(EXPIRY_AHEAD_MAX) as u16)
    }
}

/// An event's time, seen by one window; its part is worked out once for all keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub at: Tick,
    pub window: Window,
    /// Parts of the window.
    parts: i64,
    /// Number of the part that `at` lies in.
    pub part: i64,
}

impl Moment {
    pub fn new(at: Tick, window: Window, parts: i64) -> Self {
        Self {
            at,
            window,
            parts,
            part: window.part(at, parts),
        }
    }

    /// Part of another time; a division only when it is not the event's own.
    pub fn part_of(&self, time: Tick) -> i64 {
        match time == self.at {
            true => self.part,
            false => self.window.part(time, self.parts),
        }
    }

    pub fn span_from_part(&self, part: i64, newest: Tick) -> u32 {
        self.window.span_from_part(part, self.parts, newest)
    }
}

/// Units until `expiry`, negative once it is past.
pub(super) fn life_left(expiry: u16, now: u16) -> i16 {
    expiry.wrapping_sub(now).cast_signed()
}

/// The gap between two sights as reported; disorder gives the distance, never less than
/// the true gap to the nearest sight.
pub(super) fn gap_ms(a: Tick, b: Tick) -> u32 {
    u32::try_from(a.ms_since(b).unsigned_abs()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_times_read_back_across_a_wrap() {
        for start in [0, (1 << 32) - 3, -5, (7 << 32) + 2] {
            for distance in [-1_000_000, -1, 0, 1, 1_000_000_000] {
                let stored = Tick(start).stored();
                let now = Tick(start + distance);
                assert!(
                    (now.near(stored).0 - start).abs() <= 1,
                    "{start} {distance}"
                );
            }
        }
    }

    #[test]
    fn parts_are_an_exact_share_of_the_window() {
        for seconds in [1, 7, 60, 86_400, 90 * 86_400] {
            let window = Window::of_s(seconds);
            let now = Tick::of(Timestamp(1_767_225_600_000));
            let later = Tick(now.0 + i64::from(seconds) * 1000 / TICK_MS);
            let passed = window.part(later, 8) - window.part(now, 8);
            assert!((7..=8).contains(&passed), "{seconds}: {passed}");
        }
    }

    #[test]
    fn expiry_orders_windows_of_a_month() {
        let now = Tick::of(Timestamp(1_767_225_600_000));
        let short = Window::of_s(60).expiry_unit(now);
        let long = Window::of_s(30 * 86_400).expiry_unit(now);
        let unit = now.expiry_unit();
        assert!(life_left(short, unit) > 0);
        assert!(life_left(long, unit) > life_left(short, unit));
        let tomorrow = Tick(now.0 + 86_400_000 / TICK_MS).expiry_unit();
        assert!(life_left(short, tomorrow) < 0);
        assert!(life_left(long, tomorrow) > 0);
    }
}
