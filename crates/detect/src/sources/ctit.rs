//! The time from click to conversion as a histogram: fine steps of its logarithm.
//!
//! Sixteen steps for each doubling (4.4 %), from a second to three months. Times are told
//! apart by their ratio: what separates people from machines is the shape, and a shape on
//! the logarithm is the same for an offer of minutes and one of days.

const STEPS_PER_DOUBLING: f64 = 16.0;

/// Number of bins.
pub const BINS: u16 = 23 * 16;

/// The bin of a time in milliseconds; what is longer is in the last.
#[must_use]
pub fn bin_of(ctit_ms: i64) -> u16 {
    let seconds = ctit_ms.max(0) as f64 / 1000.0;
    let step = ((1.0 + seconds).log2() * STEPS_PER_DOUBLING) as u16;
    step.min(BINS - 1)
}

/// The first bin that starts at a time or after it.
#[must_use]
pub fn bin_from(seconds: u32) -> u16 {
    let step = ((1.0 + f64::from(seconds)).log2() * STEPS_PER_DOUBLING).ceil() as u16;
    step.min(BINS)
}

/// The time at which a bin starts, in seconds.
#[must_use]
pub fn start_s(bin: u16) -> f64 {
    (f64::from(bin) / STEPS_PER_DOUBLING).exp2() - 1.0
}

/// The length of some bins on the natural logarithm of time.
#[must_use]
pub fn log_length(bins: f64) -> f64 {
    bins / STEPS_PER_DOUBLING * std::f64::consts::LN_2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_ascend_and_hold_what_they_say() {
        let mut last = 0;
        for seconds in [0, 1, 10, 11, 60, 3600, 86_400, 30 * 86_400, 100 * 86_400] {
            let bin = bin_of(i64::from(seconds) * 1000);
            assert!(bin >= last);
            last = bin;
            assert!(start_s(bin) <= f64::from(seconds));
            assert!(start_s(bin_from(seconds)) + 1e-6 >= f64::from(seconds) || bin == BINS - 1);
        }
        assert!(bin_of(-5) == 0 && last == BINS - 1);
        assert!(
            bin_of(30_000) < bin_of(32_000),
            "half-minutes are told apart"
        );
    }
}
