//! How things are said and drawn: chips, numbers, times. Never colour alone.

use assay_model::ledger::Status;
use assay_model::{Action, Class, Risk, Timestamp};
use jiff::tz::TimeZone;

use crate::reports::period::local;

/// A word with its colour class and icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chip {
    /// CSS class.
    pub css: &'static str,
    /// Icon of the sprite.
    pub icon: &'static str,
    /// The word.
    pub word: &'static str,
}

const fn chip(css: &'static str, icon: &'static str, word: &'static str) -> Chip {
    Chip { css, icon, word }
}

/// The chip of a risk.
#[must_use]
pub const fn risk(risk: Risk) -> Chip {
    match risk {
        Risk::Clean => chip("r-clean", "i-g0", "Clean"),
        Risk::Low => chip("r-low", "i-g1", "Low"),
        Risk::Medium => chip("r-medium", "i-g2", "Medium"),
        Risk::High => chip("r-high", "i-g3", "High"),
    }
}

/// The chip of an action.
#[must_use]
pub const fn action(action: Action) -> Chip {
    match action {
        Action::Approved => chip("st-ok", "i-g0", "Approved"),
        Action::Rejected => chip("st-bad", "i-x", "Rejected"),
        Action::Monitored => chip("st-mid", "i-eye", "Would reject"),
        Action::OnHold => chip("st-info", "i-hold", "On hold"),
    }
}

/// The chip of a conversion's status.
#[must_use]
pub const fn status(status: Status) -> Chip {
    match status {
        Status::Processing => chip("st-info", "i-hold", "Processing"),
        Status::Pending => chip("st-info", "i-hold", "Pending"),
        Status::Approved => chip("st-ok", "i-g0", "Approved"),
        Status::Rejected => chip("st-bad", "i-x", "Rejected"),
        Status::Invalid => chip("st-bad", "i-x", "Invalid"),
    }
}

/// The swatch of a class.
#[must_use]
pub const fn class_css(class: Class) -> &'static str {
    match class {
        Class::Givt => "k-givt",
        Class::Sivt => "k-sivt",
        Class::Policy => "k-policy",
        _ => "",
    }
}

/// A count with separators: 1,913,194.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A share with one decimal: 11.0%; a dot where there is nothing to share.
#[must_use]
pub fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "·".to_owned();
    }
    let tenths = (u128::from(part) * 2000 / u128::from(whole)).div_ceil(2);
    format!("{}.{}%", tenths / 10, tenths % 10)
}

/// Percent of a bar's width, for SVG: 0 to 100 with one decimal.
#[must_use]
pub fn width(part: u64, whole: u64) -> String {
    let tenths = u128::from(part.min(whole)) * 1000 / u128::from(whole.max(1));
    format!("{}.{}%", tenths / 10, tenths % 10)
}

/// The time of day: 14:32:07.
#[must_use]
pub fn clock(at: Timestamp, zone: &TimeZone) -> String {
    local(at, zone).map_or_else(String::new, |t| t.strftime("%H:%M:%S").to_string())
}

/// Date and time: Fri 20 Nov 2026, 14:32:07.418.
#[must_use]
pub fn moment(at: Timestamp, zone: &TimeZone) -> String {
    local(at, zone).map_or_else(String::new, |t| {
        t.strftime("%a %d %b %Y, %H:%M:%S.%3f").to_string()
    })
}

/// Day and time, for rows: 20 Nov 14:32:07.
#[must_use]
pub fn day_and_clock(at: Timestamp, zone: &TimeZone) -> String {
    local(at, zone).map_or_else(String::new, |t| t.strftime("%d %b %H:%M:%S").to_string())
}

/// An age: 40 s, 12 min, 5 h 10 min, 3 d.
#[must_use]
pub fn age(seconds: u64) -> String {
    match seconds {
        s if s < 60 => format!("{s} s"),
        s if s < 3600 => format!("{} min", s / 60),
        s if s < 2 * 86_400 => format!("{} h {} min", s / 3600, s / 60 % 60),
        s => format!("{} d", s / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_in_full() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_913_194, "1,913,194"),
        ] {
            assert_eq!(count(number), text);
        }
        assert_eq!(share(1, 9), "11.1%");
        assert_eq!(share(2, 3), "66.7%");
        assert_eq!(share(5, 0), "·");
        assert_eq!(share(5, 5), "100.0%");
        assert_eq!(width(1, 8), "12.5%");
        assert_eq!(width(9, 8), "100.0%");
    }

    #[test]
    fn times_are_on_the_accounts_clock() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let at = Timestamp(1_763_645_527_418);
        assert_eq!(clock(at, &zone), "14:32:07");
        assert_eq!(moment(at, &zone), "Thu 20 Nov 2025, 14:32:07.418");
        assert_eq!(day_and_clock(at, &zone), "20 Nov 14:32:07");
        assert_eq!(age(40), "40 s");
        assert_eq!(age(18_600), "5 h 10 min");
        assert_eq!(age(300_000), "3 d");
    }
}
