//! What is counted, and what it says.

use std::collections::HashMap;

use assay_model::Timestamp;
use assay_model::document::Reputations;
use assay_model::facts::Facts;
use assay_model::hit::Field;
use assay_model::reputation::{
    EventKeys, KeyKind, KeyPrint, Learned, LearnedKeys, Reputation, Reputed, Use, keys_of,
};

use super::{BASE_MIN, KEYS_MAX};

/// Good and bad outcomes, as they weigh at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Tally {
    /// Bad ones.
    pub bad: f64,
    /// Good ones.
    pub good: f64,
    /// The moment.
    pub at: Timestamp,
}

impl Tally {
    /// All of them.
    #[must_use]
    pub fn n(&self) -> f64 {
        self.bad + self.good
    }

    /// As they weigh at `at`, whose half-life is `half_life_ms`.
    #[must_use]
    pub fn seen_at(&self, at: Timestamp, half_life_ms: f64) -> Self {
        let fade = fade(at.ms_since(self.at), half_life_ms);
        Self {
            bad: self.bad * fade,
            good: self.good * fade,
            at,
        }
    }

    /// Adds what happened at `at`, before or after the moment; a negative weight takes back.
    fn add(&mut self, bad: bool, weight: f64, at: Timestamp, half_life_ms: f64) {
        let mut own = weight;
        if at > self.at {
            *self = self.seen_at(at, half_life_ms);
        } else {
            own *= fade(self.at.ms_since(at), half_life_ms);
        }
        let side = if bad { &mut self.bad } else { &mut self.good };
        *side = (*side + own).max(0.0);
    }
}

/// What is left of an outcome after a time.
fn fade(ms: i64, half_life_ms: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "ages stay far below 2^53 ms")]
    let ms = ms as f64;
    (-ms / half_life_ms).exp2()
}

/// One key with what it is a part of.
#[derive(Clone, Copy, Debug)]
struct Entry {
    tally: Tally,
    /// Print of its publisher.
    parent: Option<u64>,
}

/// What one account has learned so far.
#[derive(Clone, Debug)]
pub struct Learning {
    settings: Reputations,
    base: Tally,
    keys: HashMap<KeyPrint, Entry>,
}

impl Learning {
    /// Nothing learned.
    #[must_use]
    pub fn new(settings: Reputations) -> Self {
        Self {
            settings,
            base: Tally::default(),
            keys: HashMap::new(),
        }
    }

    /// Other settings from now on; what was counted stays, and fades at the new pace.
    pub fn set(&mut self, settings: Reputations) {
        self.settings = settings;
    }

    /// The settings.
    #[must_use]
    pub const fn settings(&self) -> &Reputations {
        &self.settings
    }

    fn half_life_ms(&self) -> f64 {
        f64::from(self.settings.half_life.0) * 1000.0
    }

    /// Learns that an event of `at` ended badly or well; a negative weight takes it back.
    pub fn learn(&mut self, keys: &EventKeys, bad: bool, weight: f64, at: Timestamp) {
        let half_life = self.half_life_ms();
        let publisher = publisher_of(keys);
        for key in keys {
            let parent = publisher.filter(|_| key.kind.within_publisher());
            let entry = self.keys.entry(*key).or_insert(Entry {
                tally: Tally {
                    at,
                    ..Tally::default()
                },
                parent,
            });
            entry.tally.add(bad, weight, at, half_life);
        }
        if self.base.n() == 0.0 {
            self.base.at = at;
        }
        self.base.add(bad, weight, at, half_life);
        if self.keys.len() > KEYS_MAX {
            self.forget();
        }
    }

    /// What was counted, for keeping: each key with its publisher's print.
    pub fn counted(&self) -> impl Iterator<Item = (KeyPrint, Option<u64>, Tally)> + '_ {
        let row = |(key, entry): (&KeyPrint, &Entry)| (*key, entry.parent, entry.tally);
        self.keys.iter().map(row)
    }

    /// What was counted of the whole account.
    #[must_use]
    pub const fn base(&self) -> Tally {
        self.base
    }

    /// Puts back what was kept.
    pub fn put(&mut self, key: KeyPrint, parent: Option<u64>, tally: Tally) {
        self.keys.insert(key, Entry { tally, parent });
    }

    /// Puts back what was kept of the whole account.
    pub fn put_base(&mut self, tally: Tally) {
        self.base = tally;
    }

    /// Drops the half of the keys that have the least behind them.
    fn forget(&mut self) {
        let (now, half_life) = (self.base.at, self.half_life_ms());
        let weight = |entry: &Entry| entry.tally.seen_at(now, half_life).n();
        let mut weights: Vec<f64> = self.keys.values().map(weight).collect();
        let middle = weights.len() / 2;
        let (_, limit, _) = weights.select_nth_unstable_by(middle, f64::total_cmp);
        let limit = *limit;
        self.keys.retain(|_, entry| weight(entry) > limit);
    }

    /// What is known of an event's keys at `now`; `None` = nothing.
    #[must_use]
    pub fn look_up(
        &self,
        facts: &Facts<'_>,
        sub_id: Field,
        now: Timestamp,
    ) -> Option<Box<Reputed>> {
        let base = self.base_at(now)?;
        let known = |key: &KeyPrint| {
            let entry = self.keys.get(key)?;
            Some((key.kind, self.learned(key.kind, entry, base, now)?))
        };
        let keys: smallvec::SmallVec<_> = keys_of(facts, sub_id).iter().filter_map(known).collect();
        (!keys.is_empty()).then(|| {
            Box::new(Reputed {
                as_of: now,
                base: logit(base) as f32,
                settings: self.in_use(),
                keys,
            })
        })
    }

    /// Everything that is known, for looking up without a sum.
    #[must_use]
    pub fn snapshot(&self, now: Timestamp) -> Reputation {
        let n = self.base.seen_at(now, self.half_life_ms()).n() as f32;
        let Some(base) = self.base_at(now) else {
            return Reputation::new(now, 0.0, n, self.in_use(), LearnedKeys::default());
        };
        let known = |(key, entry): (&KeyPrint, &Entry)| {
            Some((*key, self.learned(key.kind, entry, base, now)?))
        };
        let keys = self.keys.iter().filter_map(known).collect();
        Reputation::new(now, logit(base) as f32, n, self.in_use(), keys)
    }

    fn in_use(&self) -> Use {
        Use {
            margin: self.settings.margin.ln() as f32,
            blocks: self.settings.blocks(),
        }
    }

    /// Share of bad outcomes over the account; `None` = switched off, or too few to say.
    fn base_at(&self, now: Timestamp) -> Option<f64> {
        if !self.settings.enabled {
            return None;
        }
        let base = self.base.seen_at(now, self.half_life_ms());
        // Half an outcome on each side: an account without a bad one has a rate all the same.
        (base.n() >= BASE_MIN).then(|| (base.bad + 0.5) / (base.n() + 1.0))
    }

    fn learned(&self, kind: KeyKind, entry: &Entry, base: f64, now: Timestamp) -> Option<Learned> {
        let parent = entry.parent.and_then(|print| {
            let kind = KeyKind::Publisher;
            self.keys.get(&KeyPrint { kind, print })
        });
        let from = match parent.filter(|_| kind.within_publisher()) {
            Some(publisher) => self.posterior(publisher, base, now).rate(),
            None => base,
        };
        let posterior = self.posterior(entry, from, now);
        (posterior.n > 0.01).then(|| posterior.learned(from))
    }

    fn posterior(&self, entry: &Entry, from: f64, now: Timestamp) -> Posterior {
        let seen = entry.tally.seen_at(now, self.half_life_ms());
        let prior = self.settings.prior_weight;
        Posterior {
            bad: seen.bad + prior * from,
            good: seen.good + prior * (1.0 - from),
            n: seen.n(),
            prior,
        }
    }
}

fn publisher_of(keys: &EventKeys) -> Option<u64> {
    let publisher = keys.iter().find(|key| key.kind == KeyKind::Publisher)?;
    Some(publisher.print)
}

/// A Beta distribution of a key's share of bad outcomes.
#[derive(Clone, Copy, Debug)]
struct Posterior {
    bad: f64,
    good: f64,
    n: f64,
    prior: f64,
}

impl Posterior {
    fn rate(self) -> f64 {
        self.bad / (self.bad + self.good)
    }

    fn learned(self, from: f64) -> Learned {
        let log_odds = logit(self.rate()) - logit(from);
        let variance = if self.n < self.prior {
            log_odds * log_odds
        } else {
            trigamma(self.bad) + trigamma(self.good)
        };
        Learned {
            log_odds: log_odds as f32,
            variance: variance as f32,
            n: self.n as f32,
        }
    }
}

fn logit(rate: f64) -> f64 {
    (rate / (1.0 - rate)).ln()
}

/// Variance of the logarithm of a gamma variable: of a Beta's log-odds it is the sum of two.
fn trigamma(mut x: f64) -> f64 {
    let mut sum = 0.0;
    while x < 6.0 {
        sum += 1.0 / (x * x);
        x += 1.0;
    }
    let square = 1.0 / (x * x);
    sum + 1.0 / x + square / 2.0 + square / x * (1.0 / 6.0 - square * (1.0 / 30.0 - square / 42.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variance_is_that_of_the_tables() {
        // Abramowitz and Stegun, table 6.1: trigamma(1) = pi²/6, trigamma(1/2) = pi²/2.
        let pi2 = std::f64::consts::PI.powi(2);
        assert!((trigamma(1.0) - pi2 / 6.0).abs() < 1e-7);
        assert!((trigamma(0.5) - pi2 / 2.0).abs() < 1e-7);
    }

    #[test]
    fn half_is_left_after_a_half_life_in_whatever_order_it_is_told() {
        let day = 86_400_000.0;
        let (early, late) = (Timestamp(0), Timestamp(86_400_000));
        let (mut one, mut other) = (Tally::default(), Tally::default());
        one.add(true, 1.0, early, day);
        one.add(true, 1.0, late, day);
        other.at = late;
        other.add(true, 1.0, late, day);
        other.add(true, 1.0, early, day);
        assert!((one.bad - 1.5).abs() < 1e-9);
        assert_eq!(one, other);
        other.add(true, -1.0, early, day);
        assert!((other.bad - 1.0).abs() < 1e-9, "taken back");
    }
}
