//! Click-to-conversion times of a source beside the offer's others: how early, how late, and
//! how alike.

use assay_model::recall::Family;

use super::ctit;
use super::peers::Peers;
use super::stats;
use super::tally::{Part, Tally};

const BINS: usize = ctit::BINS as usize;

/// How much longer a stretch of the others may ordinarily be than one of a source.
const USUAL_WIDTH: f64 = 1.4;

/// The times of a source and of the others, as shares of bins.
#[derive(Clone, Debug)]
pub struct Times {
    own: Vec<f64>,
    others: Vec<f64>,
    /// Conversions of the source.
    pub n: u32,
    /// Conversions of the others.
    behind: f64,
}

/// A time that more of a source lies beyond than of the others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Apart {
    /// The time, in seconds.
    pub at_s: f64,
    /// Share of the source beyond it.
    pub share: f64,
    /// Share of the others beyond it.
    pub baseline: f64,
    /// Chance of so large a difference, whatever the time.
    pub p: f64,
}

/// The shortest stretch of time that holds a given part of a source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dense {
    /// Standard deviation of the source within its densest stretch, in seconds.
    pub sd_s: f64,
    /// The same of the others, at the source's place in time.
    pub expected_sd_s: f64,
    /// Chance that an ordinary source has so much in so short a stretch.
    pub p: f64,
}

impl Times {
    /// The times of a source with enough conversions whose offer has others.
    #[must_use]
    pub fn of(own: &Tally, peers: &Peers<'_, '_>, n_min: u32) -> Option<Self> {
        let n = own.sum(Family::Conversions, Part::Ctit);
        if n == 0 || n < n_min {
            return None;
        }
        let spread = peers.spread(Family::Conversions, Part::Ctit, 16)?;
        let mut times = Self {
            own: vec![0.0; BINS],
            others: vec![0.0; BINS],
            n,
            behind: spread.n.get(&0).copied()?,
        };
        for (bin, count) in own.bins(Family::Conversions, Part::Ctit) {
            times.own[usize::from(bin)] = f64::from(count) / f64::from(n);
        }
        for (bin, share) in spread.strata.get(&0)? {
            times.others[usize::from(*bin)] = *share;
        }
        Some(times)
    }

    fn both(&self) -> f64 {
        stats::together(f64::from(self.n), self.behind)
    }

    /// The time from which on the source has most more than the others.
    #[must_use]
    pub fn late(&self, usual: f64) -> Apart {
        self.apart(true, usual)
    }

    /// The time below which the source has most more than the others.
    #[must_use]
    pub fn early(&self, usual: f64) -> Apart {
        self.apart(false, usual)
    }

    /// `usual` is how far apart publishers may ordinarily be.
    fn apart(&self, late: bool, usual: f64) -> Apart {
        let (mut own, mut others) = (0.0, 0.0);
        let mut best = Apart {
            at_s: 0.0,
            share: 0.0,
            baseline: 0.0,
            p: 1.0,
        };
        for at in 0..BINS {
            let seen = if late {
                (1.0 - own, 1.0 - others)
            } else {
                (own, others)
            };
            if seen.0 - seen.1 > best.share - best.baseline {
                best.at_s = ctit::start_s(at as u16);
                (best.share, best.baseline) = seen;
            }
            own += self.own[at];
            others += self.others[at];
        }
        best.p = stats::ks_at_least(best.share - best.baseline - usual, self.both());
        best
    }

    /// The time that this part of the others lies below.
    #[must_use]
    pub fn quantile(&self, part: f64) -> u16 {
        let mut sum = 0.0;
        let below = self.others.iter().take_while(|share| {
            sum += **share;
            sum <= part
        });
        below.count() as u16
    }

    /// How many of the source's conversions, and which share of the others, lie below a bin.
    #[must_use]
    pub fn below(&self, bin: u16) -> (u32, f64) {
        let own: f64 = self.own[..usize::from(bin)].iter().sum();
        let others = self.others[..usize::from(bin)].iter().sum();
        ((own * f64::from(self.n)).round() as u32, others)
    }

    /// The shortest stretch with this part of the source, against the others' own.
    #[must_use]
    pub fn densest(&self, part: f64) -> Option<Dense> {
        let own = shortest(&self.own, part)?;
        let others = shortest(&self.others, part)?;
        let centre_s = ctit::start_s(u16::midpoint(own.0 as u16, own.1 as u16)) + 1.0;
        let width = own.1 - own.0;
        let inside: f64 = self.own[own.0..own.1].iter().sum();
        let wider = ((width as f64 * USUAL_WIDTH).ceil() as usize).min(BINS);
        let most = (0..=BINS - wider)
            .map(|at| self.others[at..at + wider].iter().sum::<f64>())
            .fold(0.0, f64::max);
        let k = (inside * f64::from(self.n)).round() as u32;
        // Any stretch of this length could have been it.
        let places = (BINS - width + 1) as f64;
        Some(Dense {
            sd_s: centre_s * log_sd(&self.own[own.0..own.1]),
            expected_sd_s: centre_s * log_sd(&self.others[others.0..others.1]),
            p: (stats::at_least(k, self.n, most) * places).min(1.0),
        })
    }
}

/// The shortest run of bins that holds `part`: its start and end.
fn shortest(shares: &[f64], part: f64) -> Option<(usize, usize)> {
    let (mut from, mut sum) = (0, 0.0);
    let mut best: Option<(usize, usize)> = None;
    for to in 0..shares.len() {
        sum += shares[to];
        while sum - shares[from] >= part - 1e-9 && from < to {
            sum -= shares[from];
            from += 1;
        }
        let shorter = best.is_none_or(|best| to + 1 - from < best.1 - best.0);
        if sum >= part - 1e-9 && shorter {
            best = Some((from, to + 1));
        }
    }
    best
}

/// Standard deviation of the logarithm within some bins; a bin's own width counts.
fn log_sd(shares: &[f64]) -> f64 {
    let whole: f64 = shares.iter().sum();
    let at = |index: usize| index as f64;
    let mean = shares
        .iter()
        .enumerate()
        .map(|(i, s)| at(i) * s)
        .sum::<f64>()
        / whole;
    let square = |(i, s): (usize, &f64)| (at(i) - mean).powi(2) * s;
    let variance = shares.iter().enumerate().map(square).sum::<f64>() / whole + 1.0 / 12.0;
    ctit::log_length(variance.sqrt())
}
