//! Stretches of time in a zone: where a minute, hour, day or month begins and what it is called.

use std::cell::Cell;

use assay_model::ports::Dimension;
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

/// What jiff can hold, with room to step over a month: years 1 to 9998.
const RANGE_MS: std::ops::RangeInclusive<i64> = -62_135_500_000_000..=253_370_000_000_000;

/// Cuts time into stretches of one length.
#[derive(Clone, Debug)]
pub struct Cutter {
    zone: TimeZone,
    unit: Dimension,
}

/// A stretch of time, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Its first moment.
    pub start: i64,
    /// The first moment after it.
    pub end: i64,
}

impl Stretch {
    /// Whether the moment is in it.
    pub const fn has(&self, ms: i64) -> bool {
        self.start <= ms && ms < self.end
    }
}

impl Cutter {
    /// Cuts by `unit`, a dimension of time.
    pub const fn new(zone: TimeZone, unit: Dimension) -> Self {
        Self { zone, unit }
    }

    /// The stretch that a moment is in.
    pub fn cut(&self, ms: i64) -> Stretch {
        let ms = clamp(ms);
        let stretch = match self.unit {
            Dimension::Minute => self.clock(ms, 60_000),
            Dimension::Hour => self.clock(ms, 3_600_000),
            unit => self.calendar(ms, unit == Dimension::Month),
        };
        // Out of jiff's range there is no zone to speak of.
        stretch.unwrap_or(Stretch {
            start: ms,
            end: ms + 1,
        })
    }

    /// Hours and minutes as the clock on the wall shows them: where it is turned, a new one begins.
    fn clock(&self, ms: i64, unit_ms: i64) -> Option<Stretch> {
        let at = moment(ms)?;
        let offset = self.zone.to_offset(at);
        let shift = i64::from(offset.seconds()) * 1000;
        let start = (ms + shift).div_euclid(unit_ms) * unit_ms - shift;
        let end = start + unit_ms;
        let turned = |from: i64| {
            let mut turns = self.zone.following(moment(from)?);
            turns.next().map(|turn| turn.timestamp().as_millisecond())
        };
        let start = match self.zone.to_offset(moment(start)?) {
            same if same == offset => start,
            _ => turned(start).unwrap_or(start),
        };
        let end = match self.zone.to_offset(moment(end - 1)?) {
            same if same == offset => end,
            _ => turned(ms).unwrap_or(end),
        };
        Some(Stretch { start, end })
    }

    fn calendar(&self, ms: i64, month: bool) -> Option<Stretch> {
        let date = self.zone.to_datetime(moment(ms)?).date();
        let first = if month { date.first_of_month() } else { date };
        let next = if month {
            date.last_of_month().tomorrow().ok()?
        } else {
            date.tomorrow().ok()?
        };
        // A day that begins in a gap begins when the gap ends.
        let start = |date: jiff::civil::Date| {
            let zoned = date.to_zoned(self.zone.clone()).ok()?;
            Some(zoned.timestamp().as_millisecond())
        };
        Some(Stretch {
            start: start(first)?,
            end: start(next)?,
        })
    }

    /// What the stretch that begins at `start` is called: `2026-01`, `2026-01-31`, or the clock's
    /// time with its offset, so that an hour that comes twice has two names.
    pub fn name(&self, start: i64) -> String {
        let Some(at) = moment(start) else {
            return String::new();
        };
        let local = self.zone.to_datetime(at);
        match self.unit {
            Dimension::Month => format!("{:04}-{:02}", local.year(), local.month()),
            Dimension::Hour => {
                let offset = offset_text(self.zone.to_offset(at));
                format!("{}T{:02}:00:00{offset}", local.date(), local.hour())
            }
            Dimension::Minute => {
                let offset = offset_text(self.zone.to_offset(at));
                let (hour, minute) = (local.hour(), local.minute());
                format!("{}T{hour:02}:{minute:02}:00{offset}", local.date())
            }
            _ => local.date().to_string(),
        }
    }
}

fn clamp(ms: i64) -> i64 {
    ms.clamp(*RANGE_MS.start(), *RANGE_MS.end())
}

fn moment(ms: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(ms).ok()
}

fn offset_text(offset: Offset) -> String {
    let seconds = offset.seconds();
    if seconds == 0 {
        return "Z".to_owned();
    }
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.abs() / 60;
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

/// Moments whose stretch has one of some names.
#[derive(Debug)]
pub struct TimeFilter {
    cutter: Cutter,
    names: Vec<String>,
    /// The last stretch, and whether it was wanted: rows of a stretch come together.
    last: Cell<(Stretch, bool)>,
}

impl TimeFilter {
    /// Stretches cut by `cutter`.
    pub fn new(cutter: Cutter, names: &[String]) -> Self {
        Self {
            cutter,
            names: names.to_vec(),
            last: Cell::new((Stretch { start: 0, end: 0 }, false)),
        }
    }

    /// Stretches in UTC.
    pub fn utc(unit: Dimension, names: &[String]) -> Self {
        Self::new(Cutter::new(TimeZone::UTC, unit), names)
    }

    /// Whether the moment is in a wanted stretch.
    pub fn matches(&self, ms: i64) -> bool {
        let (stretch, wanted) = self.last.get();
        if stretch.has(ms) {
            return wanted;
        }
        let stretch = self.cutter.cut(ms);
        let wanted = self.names.contains(&self.cutter.name(stretch.start));
        self.last.set((stretch, wanted));
        wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cutter(zone: &str, unit: Dimension) -> Cutter {
        Cutter::new(TimeZone::get(zone).unwrap(), unit)
    }

    fn ms(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn days_are_as_long_as_the_zone_says() {
        let berlin = cutter("Europe/Berlin", Dimension::Day);
        for (at, name, hours) in [
            ("2026-03-29T12:00:00Z", "2026-03-29", 23),
            ("2026-10-25T12:00:00Z", "2026-10-25", 25),
            ("2026-10-25T22:59:59Z", "2026-10-25", 25),
            ("2026-10-25T23:00:00Z", "2026-10-26", 24),
        ] {
            let day = berlin.cut(ms(at));
            assert_eq!(berlin.name(day.start), name);
            assert_eq!((day.end - day.start) / 3_600_000, hours, "{at}");
        }
    }

    #[test]
    fn an_hour_that_comes_twice_has_two_names() {
        let berlin = cutter("Europe/Berlin", Dimension::Hour);
        let name = |at: &str| berlin.name(berlin.cut(ms(at)).start);
        assert_eq!(name("2026-10-25T00:30:00Z"), "2026-10-25T02:00:00+02:00");
        assert_eq!(name("2026-10-25T01:30:00Z"), "2026-10-25T02:00:00+01:00");
        let kathmandu = cutter("Asia/Kathmandu", Dimension::Hour);
        let hour = kathmandu.cut(ms("2026-01-01T00:20:00Z"));
        assert_eq!(kathmandu.name(hour.start), "2026-01-01T06:00:00+05:45");
        assert_eq!(hour.start, ms("2026-01-01T00:15:00Z"));
    }

    #[test]
    fn every_moment_is_in_its_own_stretch_and_stretches_do_not_overlap() {
        for zone in [
            "Australia/Lord_Howe",
            "America/Sao_Paulo",
            "Asia/Beirut",
            "UTC",
        ] {
            for unit in [
                Dimension::Minute,
                Dimension::Hour,
                Dimension::Day,
                Dimension::Month,
            ] {
                let cutter = cutter(zone, unit);
                let mut last = cutter.cut(ms("2018-01-01T00:00:00Z"));
                let mut at = last.start;
                while at < ms("2018-12-31T00:00:00Z") {
                    let stretch = cutter.cut(at);
                    assert!(stretch.has(at), "{zone} {unit:?} {at}");
                    assert!(
                        stretch == last || stretch.start >= last.end,
                        "{zone} {unit:?} {at}"
                    );
                    last = stretch;
                    at += 1_234_567 * if unit == Dimension::Month { 100 } else { 3 };
                }
            }
        }
    }

    #[test]
    fn times_out_of_range_do_not_fail() {
        let cutter = cutter("UTC", Dimension::Month);
        for at in [i64::MIN, i64::MAX] {
            let stretch = cutter.cut(at);
            assert!(stretch.start < stretch.end);
            cutter.name(stretch.start);
        }
    }
}
