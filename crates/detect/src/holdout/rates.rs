//! Two conversion rates and how far apart they are, with intervals.
//!
//! Wilson's score interval for each rate; for the difference, Newcombe's hybrid of the two
//! (method 10 of Newcombe 1998). Both hold their 95 % at small counts and at rates near zero,
//! where conversions live. Assumption: visitors convert independently of each other.

/// Quantile of the standard normal distribution for 95 %, two-sided.
const Z: f64 = 1.959_963_984_540_054;

/// So many of so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// Those that converted.
    pub hits: u64,
    /// All.
    pub of: u64,
}

impl Rate {
    /// The rate; `None` = of nothing.
    #[must_use]
    pub fn value(self) -> Option<f64> {
        (self.of > 0).then(|| self.hits as f64 / self.of as f64)
    }

    /// Wilson's score interval at 95 %; of nothing it is everything.
    #[must_use]
    pub fn interval(self) -> (f64, f64) {
        let Some(p) = self.value() else {
            return (0.0, 1.0);
        };
        let n = self.of as f64;
        let middle = p + Z * Z / (2.0 * n);
        let reach = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        let scale = 1.0 + Z * Z / n;
        (
            ((middle - reach) / scale).max(0.0),
            ((middle + reach) / scale).min(1.0),
        )
    }
}

/// One rate less another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// The difference.
    pub value: f64,
    /// Newcombe's interval at 95 %.
    pub interval: (f64, f64),
}

impl Difference {
    /// `one` less `other`; `None` = one of them is of nothing.
    #[must_use]
    pub fn of(one: Rate, other: Rate) -> Option<Self> {
        let (p, q) = (one.value()?, other.value()?);
        let ((low, high), (other_low, other_high)) = (one.interval(), other.interval());
        let value = p - q;
        let below = ((p - low).powi(2) + (other_high - q).powi(2)).sqrt();
        let above = ((high - p).powi(2) + (q - other_low).powi(2)).sqrt();
        Some(Self {
            value,
            interval: (value - below, value + above),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(seen: (f64, f64), expected: (f64, f64)) {
        let close = |a: f64, b: f64| (a - b).abs() < 5e-5;
        assert!(
            close(seen.0, expected.0) && close(seen.1, expected.1),
            "{seen:?}"
        );
    }

    #[test]
    fn intervals_are_the_published_ones() {
        // Newcombe 1998, Statistics in Medicine 17: single proportions, p. 861 (method 3), and
        // differences, p. 876 (method 10).
        let rate = |hits, of| Rate { hits, of };
        near(rate(81, 263).interval(), (0.2553, 0.3662));
        near(rate(15, 148).interval(), (0.0624, 0.1605));
        near(rate(0, 20).interval(), (0.0, 0.1611));
        let apart = |one, other| Difference::of(one, other).unwrap();
        near(apart(rate(56, 70), rate(48, 80)).interval, (0.0524, 0.3339));
        near(apart(rate(9, 10), rate(3, 10)).interval, (0.1705, 0.8090));
        near(apart(rate(10, 10), rate(0, 20)).interval, (0.6791, 1.0));
    }

    #[test]
    fn of_nothing_nothing_is_known() {
        assert_eq!(Rate::default().value(), None);
        assert_eq!(Rate::default().interval(), (0.0, 1.0));
        assert_eq!(
            Difference::of(Rate::default(), Rate { hits: 1, of: 2 }),
            None
        );
    }
}
