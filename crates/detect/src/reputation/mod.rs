//! Reputation: what outcomes have taught about publishers, placements, devices and networks.
//!
//! Every outcome teaches the keys of its event ([`Learning::learn`]). A key holds the odds of
//! a bad outcome against what it starts from: the account's base rate, or for a sub id and a
//! placement its publisher's. The start counts as `prior_weight` outcomes
//! (empirical Bayes), old outcomes fade by half each half-life.
//!
//! Assumptions, stated: outcomes of one key are exchangeable within a half-life; key kinds that
//! tell nearly the same twice (model and system, carrier and network) count half each; a key
//! with fewer outcomes than the prior weighs is unproven, and everything it says is counted as
//! uncertain, so it can move points and never reject.

mod evidence;
mod learning;

#[cfg(test)]
mod tests;

pub use evidence::{finding, summed};
pub use learning::{Learning, Tally};

/// Half of a normal distribution's 95 % interval, in standard deviations.
const INTERVAL_SD: f64 = 1.96;

/// Outcomes of the whole account below which nothing is said of any key.
pub const BASE_MIN: f64 = 20.0;

/// Most keys of one account; the ones with the least behind them go first.
pub const KEYS_MAX: usize = 200_000;
