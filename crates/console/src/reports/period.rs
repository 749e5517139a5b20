//! Moments and periods in a time zone: `from` is inside, `to` is not, a date is its midnight.

use assay_model::document::Account;
use assay_model::{TimeError, Timestamp};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::api::Query;
use crate::error::ApiError;

/// The time zone with this IANA name.
///
/// # Errors
/// What is wrong with the name.
pub fn zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| format!("{name:?} is no IANA time zone like Europe/Berlin"))
}

/// The account's time zone.
///
/// # Errors
/// 503 when what is stored is no time zone.
pub fn zone_of(account: &Account) -> Result<TimeZone, ApiError> {
    zone(&account.time_zone).map_err(|detail| ApiError::unavailable("storage", detail))
}

/// Reads a moment: a date is its midnight in `zone`, a time without a zone is UTC.
///
/// # Errors
/// [`TimeError`].
pub fn moment(text: &str, zone: &TimeZone) -> Result<Timestamp, TimeError> {
    if let Ok(date) = text.parse::<Date>()
        && text.len() == 10
    {
        return midnight(date, zone).ok_or(TimeError);
    }
    // `+` in a query means a blank; after a time it can only have been the zone's sign.
    match text.rsplit_once(' ') {
        Some((time, offset)) if time.contains('T') => Timestamp::parse(&format!("{time}+{offset}")),
        _ => Timestamp::parse(text),
    }
}

/// The first moment of a date in a zone.
#[must_use]
pub fn midnight(date: Date, zone: &TimeZone) -> Option<Timestamp> {
    let start = date.to_zoned(zone.clone()).ok()?.start_of_day().ok()?;
    Some(Timestamp(start.timestamp().as_millisecond()))
}

/// The first moment of the day that `now` lies in.
#[must_use]
pub fn today(now: Timestamp, zone: &TimeZone) -> Timestamp {
    local(now, zone)
        .and_then(|zoned| midnight(zoned.date(), zone))
        .unwrap_or(now)
}

/// A moment on the wall clock of a zone.
#[must_use]
pub fn local(at: Timestamp, zone: &TimeZone) -> Option<jiff::Zoned> {
    let at = jiff::Timestamp::from_millisecond(at.0).ok()?;
    Some(at.to_zoned(zone.clone()))
}

/// Takes a moment out of a query.
pub fn take_moment(query: &mut Query, name: &str, zone: &TimeZone) -> Option<Timestamp> {
    let text = query.take(name)?;
    match moment(&text, zone) {
        Ok(at) => Some(at),
        Err(error) => {
            query.refuse(name, format!("{text:?} {error}"));
            None
        }
    }
}

/// Takes `from` and `to`; left out they are today's midnight and now.
pub fn take_period(query: &mut Query, zone: &TimeZone, now: Timestamp) -> (Timestamp, Timestamp) {
    let from = take_moment(query, "from", zone);
    let to = take_moment(query, "to", zone).unwrap_or(now.plus_ms(1));
    let from = from.unwrap_or_else(|| today(to.min(now), zone));
    check_order(query, from, to);
    (from, to)
}

/// Takes `from` and `to`, each of which may be left out.
pub fn take_open_period(
    query: &mut Query,
    zone: &TimeZone,
) -> (Option<Timestamp>, Option<Timestamp>) {
    let from = take_moment(query, "from", zone);
    let to = take_moment(query, "to", zone);
    if let (Some(from), Some(to)) = (from, to) {
        check_order(query, from, to);
    }
    (from, to)
}

fn check_order(query: &mut Query, from: Timestamp, to: Timestamp) {
    if from >= to {
        query.refuse("to", "must be after from");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_its_midnight_in_the_zone_and_a_time_is_utc() {
        let berlin = zone("Europe/Berlin").unwrap();
        for (text, utc) in [
            ("2026-01-15", "2026-01-14T23:00:00.000Z"),
            ("2026-07-15", "2026-07-14T22:00:00.000Z"),
            ("2026-07-15T10:00:00Z", "2026-07-15T10:00:00.000Z"),
            ("2026-07-15 10:00:00", "2026-07-15T10:00:00.000Z"),
            ("2026-07-15T10:00:00+02:00", "2026-07-15T08:00:00.000Z"),
            ("2026-07-15T10:00:00 02:00", "2026-07-15T08:00:00.000Z"),
        ] {
            assert_eq!(moment(text, &berlin).unwrap().to_string(), utc, "{text}");
        }
        assert!(moment("2026-02-30", &berlin).is_err());
        assert!(zone("Europe/Nowhere").is_err());
    }

    #[test]
    fn a_midnight_that_the_clock_change_leaves_out_is_the_next_moment() {
        // Havana 2026-03-08: the clock goes from 00:00 to 01:00.
        let havana = zone("America/Havana").unwrap();
        let at = moment("2026-03-08", &havana).unwrap();
        assert_eq!(at.to_string(), "2026-03-08T05:00:00.000Z");
    }
}
