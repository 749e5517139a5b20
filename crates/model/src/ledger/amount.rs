//! Money: decimal text as it was sent, and whole micro units for sums. No floating point.

use std::fmt;
use std::iter::Sum;
use std::ops::AddAssign;

use serde::{Serialize, Serializer};

/// Digits after the point that sums keep.
const FRACTION_DIGITS: usize = 6;
/// Digits before the point: with these, ten million of the largest fit a sum many times over.
const WHOLE_DIGITS_MAX: usize = 12;
/// Longest text; what a program prints of a floating point number is shorter.
const TEXT_MAX: usize = 64;

/// An amount as it was sent, and what it counts as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount {
    text: String,
    micros: i64,
}

/// A text is no amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Anything but digits, one point and a sign in front.
    #[error(
        "is not an amount: expected a decimal number like 12.50, without currency or separators"
    )]
    Malformed,
    /// More digits than are taken before the point.
    #[error("is too large: at most 12 digits before the point")]
    TooLarge,
}

impl Amount {
    /// Reads a decimal number. Beyond six digits after the point it counts rounded (half away
    /// from zero), since trackers send what a floating point sum prints; the text stays.
    ///
    /// # Errors
    /// [`AmountError`] when it is none, or too large.
    pub fn parse(text: &str) -> Result<Self, AmountError> {
        let text = text.trim();
        Ok(Self {
            text: text.to_owned(),
            micros: Self::micros_in(text)?,
        })
    }

    /// What the amount in a text counts as, in millionths.
    ///
    /// # Errors
    /// As [`Amount::parse`].
    pub fn micros_in(text: &str) -> Result<i64, AmountError> {
        let text = text.trim();
        let (negative, digits) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|c| c.is_ascii_digit());
        let some = !whole.is_empty() || !fraction.is_empty();
        if !some || !all_digits(whole) || !all_digits(fraction) || text.len() > TEXT_MAX {
            return Err(AmountError::Malformed);
        }
        if whole.trim_start_matches('0').len() > WHOLE_DIGITS_MAX {
            return Err(AmountError::TooLarge);
        }
        let micros = number(whole) * 1_000_000 + micros_of(fraction);
        Ok(if negative { -micros } else { micros })
    }

    /// The amount with this stored text and value.
    #[must_use]
    pub const fn stored(text: String, micros: i64) -> Self {
        Self { text, micros }
    }

    /// As it was sent.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it counts as.
    #[must_use]
    pub const fn micros(&self) -> i64 {
        self.micros
    }
}

/// Digits as a number; the caller has checked that they are few enough.
fn number(digits: &str) -> i64 {
    digits.bytes().fold(0, |n, c| n * 10 + i64::from(c - b'0'))
}

fn micros_of(fraction: &str) -> i64 {
    let kept = &fraction[..fraction.len().min(FRACTION_DIGITS)];
    let missing = FRACTION_DIGITS - kept.len();
    let up = fraction.as_bytes().get(FRACTION_DIGITS) >= Some(&b'5');
    number(kept) * 10_i64.pow(missing as u32) + i64::from(up)
}

impl Serialize for Amount {
    /// As it was sent: a text, since a JSON number is a floating point number to most readers.
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.text)
    }
}

/// A sum of amounts in micro units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Money(pub i128);

impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        Self(all.map(|money| money.0).sum())
    }
}

impl fmt::Display for Money {
    /// Decimal, without trailing zeros.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, fraction) = (
            self.0.unsigned_abs() / 1_000_000,
            self.0.unsigned_abs() % 1_000_000,
        );
        if fraction == 0 {
            return write!(f, "{sign}{whole}");
        }
        let fraction = format!("{fraction:06}");
        write!(f, "{sign}{whole}.{}", fraction.trim_end_matches('0'))
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}
