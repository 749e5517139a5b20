//! The tests by name, each with what it assumes.
//!
//! - **Exact binomial** ([`at_least`], [`at_most`]): events are independent and alike; no
//!   approximation, so small samples cannot accuse.
//! - **Kolmogorov–Smirnov**, one-sided, by Massart's bound ([`ks_at_least`]): independent
//!   times, nothing about their shape; binned times can only weaken it.
//! - **Total variation** by McDiarmid's bound ([`tv_at_least`]): independent events, nothing
//!   about the spread over bins, so rare bins need no pooling as in a chi-square test.
//! - **Benjamini–Yekutieli** ([`significant`]): the share of wrong accusations among all,
//!   over every test of a judgement. Its tests share baselines and events in ways that are
//!   not all positive, so Benjamini–Hochberg's own condition does not hold.

/// Share of wrong accusations that is allowed. Sources are looked at again and again, by the
/// hour for a month: so it is a thousandth, where a single look might take a twentieth.
pub const FALSE_DISCOVERY_RATE: f64 = 0.001;

/// The natural logarithm of the gamma function, for x > 0 (Lanczos; error below 1e-10).
#[must_use]
pub fn ln_gamma(x: f64) -> f64 {
    const LANCZOS: [f64; 8] = [
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    let x = x - 1.0;
    let series: f64 = (1_u8..)
        .zip(LANCZOS)
        .map(|(at, c)| c / (x + f64::from(at)))
        .sum();
    let t = x + 7.5;
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * t.ln() - t
        + (0.999_999_999_999_809_9 + series).ln()
}

/// The regularised incomplete beta function (continued fraction, Lentz).
#[must_use]
pub fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(b, a, 1.0 - x);
    }
    let front = ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (1.0 - x).ln();
    front.exp() * beta_fraction(a, b, x) / a
}

fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let no_zero = |v: f64| if v.abs() < TINY { TINY } else { v };
    let mut c = 1.0;
    let mut d = 1.0 / no_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    for step in 1..2000_u16 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / no_zero(1.0 + even * d);
        c = no_zero(1.0 + even / c);
        value *= d * c;
        d = 1.0 / no_zero(1.0 + odd * d);
        c = no_zero(1.0 + odd / c);
        let factor = d * c;
        value *= factor;
        if (factor - 1.0).abs() < 1e-13 {
            break;
        }
    }
    value
}

/// Exact binomial: the chance of `k` or more of `n` where each comes with chance `p`.
#[must_use]
pub fn at_least(k: u32, n: u32, p: f64) -> f64 {
    if k == 0 {
        return 1.0;
    }
    if k > n {
        return 0.0;
    }
    incomplete_beta(f64::from(k), f64::from(n - k) + 1.0, p)
}

/// Exact binomial: the chance of `k` or fewer of `n`.
#[must_use]
pub fn at_most(k: u32, n: u32, p: f64) -> f64 {
    at_least(n.saturating_sub(k), n, 1.0 - p)
}

/// Clopper and Pearson's interval of a share, at 95 %.
#[must_use]
pub fn interval(k: u32, n: u32) -> (f64, f64) {
    let solve = |tail: &dyn Fn(f64) -> f64, rising: bool| {
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if (tail(middle) < 0.025) == rising {
                low = middle;
            } else {
                high = middle;
            }
        }
        f64::midpoint(low, high)
    };
    let low = if k == 0 {
        0.0
    } else {
        solve(&|p| at_least(k, n, p), true)
    };
    let high = if k >= n {
        1.0
    } else {
        solve(&|p| at_most(k, n, p), false)
    };
    (low, high)
}

/// The size of two samples together, for a difference of their shares.
#[must_use]
pub fn together(n: f64, m: f64) -> f64 {
    if n + m > 0.0 { n * m / (n + m) } else { 0.0 }
}

/// One-sided Kolmogorov–Smirnov: a bound on the chance that a sample lies further by `d` or
/// more from where it was drawn than that lies from the others.
#[must_use]
pub fn ks_at_least(d: f64, n: f64) -> f64 {
    if d <= 0.0 {
        return 1.0;
    }
    (-2.0 * n * d * d).exp()
}

/// A bound on the chance that a sample lies `beyond` or more further from where it was drawn
/// than samples of its size do on average; distance is half the sum of absolute differences,
/// which one event of `n` can change by 1/n at most (McDiarmid).
#[must_use]
pub fn tv_at_least(beyond: f64, n: f64) -> f64 {
    if beyond <= 0.0 {
        return 1.0;
    }
    (-2.0 * n * beyond * beyond).exp()
}

/// How far, on average, a sample of `n` lies from where it was drawn in a bin of share `q`.
#[must_use]
pub fn noise(q: f64, n: f64) -> f64 {
    let wide = (2.0 * q * (1.0 - q) / (std::f64::consts::PI * n.max(1.0))).sqrt();
    wide.min(2.0 * q)
}

/// Benjamini and Yekutieli: the largest p that is still an accusation, of all of a judgement.
#[must_use]
pub fn significant(p_values: &mut [f64], rate: f64) -> f64 {
    p_values.sort_by(f64::total_cmp);
    let m = p_values.len() as f64;
    let harmonic: f64 = (1..=p_values.len()).map(|k| 1.0 / k as f64).sum();
    let mut limit = 0.0;
    for (rank, p) in (1_u32..).zip(p_values.iter()) {
        if *p <= rate * f64::from(rank) / (m * harmonic) {
            limit = *p;
        }
    }
    limit
}

/// The middle of some values; the mean of the two middle ones where there are two.
#[must_use]
pub fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        n if n % 2 == 1 => values.get(middle).copied(),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(seen: f64, known: f64, relative: f64) {
        assert!(
            (seen - known).abs() <= relative * known.abs().max(1e-300),
            "{seen} is not {known}"
        );
    }

    #[test]
    fn the_gamma_function_is_that_of_the_tables() {
        near(ln_gamma(5.0), 24.0_f64.ln(), 1e-12);
        near(ln_gamma(0.5), std::f64::consts::PI.sqrt().ln(), 1e-12);
        // ln(99!)
        near(ln_gamma(100.0), 359.134_205_369_575_4, 1e-12);
    }

    #[test]
    fn binomial_tails_are_sums_of_their_terms() {
        // Ten fair coins: 45 + 10 + 1 of 1024 ways to eight or more.
        near(at_least(8, 10, 0.5), 56.0 / 1024.0, 1e-12);
        near(at_most(2, 10, 0.5), 56.0 / 1024.0, 1e-12);
        near(at_least(1, 20, 0.05), 1.0 - 0.95_f64.powi(20), 1e-12);
        near(at_least(20, 20, 0.9), 0.9_f64.powi(20), 1e-12);
        assert!(at_least(0, 5, 0.1) >= 1.0 && at_least(6, 5, 0.1) <= 0.0);
        for (k, n, p) in [(3_u32, 17_u32, 0.2), (30, 100, 0.25), (700, 1000, 0.66)] {
            let term = |i: u32| {
                let (i, n) = (f64::from(i), f64::from(n));
                (ln_gamma(n + 1.0) - ln_gamma(i + 1.0) - ln_gamma(n - i + 1.0)
                    + i * f64::ln(p)
                    + (n - i) * f64::ln(1.0 - p))
                .exp()
            };
            near(at_least(k, n, p), (k..=n).map(term).sum(), 1e-9);
            near(at_most(k, n, p), (0..=k).map(term).sum(), 1e-9);
        }
    }

    #[test]
    fn intervals_are_clopper_and_pearson_s() {
        // Published tables: 5 of 10 is 0.187 to 0.813; 0 of 10 is 0 to 0.308.
        let (low, high) = interval(5, 10);
        near(low, 0.187_086, 1e-5);
        near(high, 0.812_914, 1e-5);
        near(interval(0, 10).1, 0.308_497, 1e-5);
        near(interval(10, 10).0, 0.691_503, 1e-5);
    }

    #[test]
    fn bounds_bound() {
        assert!(ks_at_least(0.0, 100.0) >= 1.0);
        near(ks_at_least(0.2, 100.0), (-8.0_f64).exp(), 1e-12);
        assert!(tv_at_least(-0.1, 100.0) >= 1.0 && tv_at_least(0.3, 1000.0) < 1e-9);
        // The mean absolute deviation of 100 fair coins' share is 0.0398.
        near(noise(0.5, 100.0), 0.0398, 0.01);
        near(together(100.0, 100.0), 50.0, 1e-12);
    }

    #[test]
    fn yekutieli_is_stricter_than_each_alone() {
        // Of ten tests: harmonic sum 2.929; rank 1 must be at most 0.05/29.29 = 0.0017.
        let mut p = [0.0016, 0.0030, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0];
        near(significant(&mut p, 0.05), 0.0030, 1e-12);
        let mut p = [0.0018, 0.0050, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0];
        assert!(significant(&mut p, 0.05) <= 0.0);
        assert!(significant(&mut [], 0.05) <= 0.0);
    }

    #[test]
    fn medians() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&mut []), None);
    }
}
