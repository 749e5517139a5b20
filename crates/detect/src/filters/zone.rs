//! Wall clocks: what a moment is called in a named zone.

use assay_model::Timestamp;
use assay_model::document::Problem;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The zone with this IANA name, from the rules that are built in.
pub(super) fn named(name: &str) -> Option<TimeZone> {
    TimeZone::get(name).ok()
}

/// Pushes a problem unless the zone exists.
pub(super) fn check(field: &str, name: &str, out: &mut Vec<Problem>) {
    if named(name).is_none() {
        let detail = format!("{name:?} is not an IANA time zone like Europe/Berlin");
        out.push(Problem::new(field, detail));
    }
}

/// A moment as a clock on a wall shows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wall(DateTime);

impl Wall {
    /// `None` = beyond what a calendar holds.
    pub fn of(at: Timestamp, zone: &TimeZone) -> Option<Self> {
        let moment = jiff::Timestamp::from_millisecond(at.0).ok()?;
        Some(Self(zone.to_datetime(moment)))
    }

    /// Monday is 0.
    pub fn weekday(self) -> usize {
        self.0
            .weekday()
            .to_monday_zero_offset()
            .unsigned_abs()
            .into()
    }

    pub fn hour(self) -> u32 {
        u32::from(self.0.hour().unsigned_abs())
    }

    /// The hour, the day or the month as a number that no other has.
    pub fn number_of_hour(self) -> u64 {
        self.number_of_day() * 100 + u64::from(self.0.hour().unsigned_abs())
    }

    pub fn number_of_day(self) -> u64 {
        self.number_of_month() * 100 + u64::from(self.0.day().unsigned_abs())
    }

    pub fn number_of_month(self) -> u64 {
        u64::from(self.0.year().unsigned_abs()) * 100 + u64::from(self.0.month().unsigned_abs())
    }

    /// Like `2026-01-05 23:30`.
    pub fn text(self) -> String {
        self.0.strftime("%Y-%m-%d %H:%M").to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_shows_local_time_on_both_sides_of_a_turned_clock() {
        let zone = named("Europe/Berlin").unwrap();
        // 2026-03-29 00:59:59 and 01:00:00 UTC: two o'clock is skipped.
        for (ms, hour) in [(1_774_745_999_000, 1), (1_774_746_000_000, 3)] {
            let wall = Wall::of(Timestamp(ms), &zone).unwrap();
            assert_eq!((wall.hour(), wall.weekday()), (hour, 6));
        }
        let wall = Wall::of(Timestamp(1_767_225_600_000), &zone).unwrap();
        assert_eq!(wall.text(), "2026-01-01 01:00");
        assert_eq!(wall.number_of_hour(), 2_026_010_101);
        assert!(named("Europe/Nowhere").is_none());
        assert!(Wall::of(Timestamp(i64::MAX), &zone).is_none());
    }
}
