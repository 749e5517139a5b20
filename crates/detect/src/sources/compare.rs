//! Questions that several filters ask: a share, a spread over bins, a few bins that stand out.

use std::collections::BTreeMap;

use assay_model::reason::Reason;
use assay_model::recall::Family;

use super::Tested;
use super::peers::{Peers, Spread, stratum};
use super::stats;
use super::tally::{Part, Tally};

/// A share against a limit in percent. Chance is what the other publishers show, or half the
/// limit where they show less, or are too few to ask: a share just over its limit is then no
/// chance once the volume is there, and one that is ordinary everywhere stays a chance.
#[must_use]
pub fn share(
    (reason, name): (Reason, &'static str),
    counted: impl Fn(&Tally) -> (u32, u32),
    own: &Tally,
    peers: &Peers<'_, '_>,
    (limit_percent, n_min): (f64, u32),
) -> Option<Tested> {
    let (k, n) = counted(own);
    if n == 0 || n < n_min {
        return None;
    }
    let limit = limit_percent / 100.0;
    let usual = peers
        .share(counted)
        .unwrap_or(0.0)
        .clamp(limit / 2.0, limit);
    let seen = 100.0 * f64::from(k) / f64::from(n);
    let p = stats::at_least(k, n, usual);
    Some(Tested::above(reason, name, seen, limit_percent).by("exact binomial", p, n, n_min))
}

/// Conversions and the clicks that could have led to them.
#[must_use]
pub fn rate(tally: &Tally) -> (u32, u32) {
    let clicks = tally.total(Family::Clicks, Part::Passed);
    let conversions = tally.total(Family::Conversions, Part::Passed);
    (conversions.min(clicks), clicks)
}

/// Whether a source still has the clicks that its conversions take, by the others' rate: of
/// one that has stopped, only late conversions come, and that says nothing.
#[must_use]
pub fn still_clicks(own: &Tally, peers: &Peers<'_, '_>) -> bool {
    let conversions = f64::from(own.total(Family::Conversions, Part::Passed));
    let clicks = f64::from(own.total(Family::Clicks, Part::Passed));
    let usual = peers.share(rate);
    usual.is_none_or(|usual| conversions <= DRAINING * usual * clicks)
}

/// How many times the others' rate a source may convert that still has clicks.
const DRAINING: f64 = 2.0;

/// A share of a source beside what is ordinary for its own mix of strata.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Among {
    /// Events that are meant.
    pub k: u32,
    /// Events that could be compared.
    pub n: u32,
    /// The others' share, in the source's own mix.
    pub usual: f64,
}

/// How many of a source's events lie in the bins that `is` means (of their lowest `bits`),
/// and how many of the others' do in the same strata.
#[must_use]
pub fn among(
    own: &Tally,
    peers: &Peers<'_, '_>,
    (family, part, bits): (Family, Part, u32),
    is: impl Fn(u16) -> bool,
) -> Option<Among> {
    let spread = peers.spread(family, part, bits)?;
    let meant = |bin: u16| is(bin & ((1 << bits) - 1));
    let usual_of: BTreeMap<u16, f64> = spread
        .strata
        .iter()
        .map(|(stratum, bins)| {
            let shares = bins.iter().filter(|(bin, _)| meant(**bin));
            (*stratum, shares.map(|(_, share)| share).sum())
        })
        .collect();
    let (mut k, mut n, mut usual) = (0, 0, 0.0);
    for (bin, count) in own.bins(family, part) {
        // Only strata that others have too say what is ordinary.
        if let Some(theirs) = usual_of.get(&stratum(bin, bits)) {
            n += count;
            usual += f64::from(count) * theirs;
            k += if meant(bin) { count } else { 0 };
        }
    }
    let enough = n > 0 && n >= own.sum(family, part) / 2;
    enough.then(|| Among {
        k,
        n,
        usual: usual / f64::from(n),
    })
}

/// How far a source lies from the others in how it is spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distance {
    /// Half the sum of absolute differences of shares, less `by_chance`; 0 to 1.
    pub distance: f64,
    /// What a sample of this size shows by chance.
    pub by_chance: f64,
    /// Events that could be compared.
    pub n: u32,
    /// Chance of this distance in an ordinary source.
    pub p: f64,
}

/// How far a source's bins lie from the others', each stratum against the same stratum: a
/// source of other countries, or of one platform, is not for that unlike the others. `usual`
/// is how far apart publishers may ordinarily be.
#[must_use]
pub fn distance(
    own: &Tally,
    peers: &Peers<'_, '_>,
    (family, part, bits): (Family, Part, u32),
    (usual, n_min): (f64, u32),
) -> Option<Distance> {
    let all = own.sum(family, part);
    if all < n_min {
        return None;
    }
    let spread = peers.spread(family, part, bits)?;
    let mut sum = Sum::default();
    for (own_stratum, bins) in &spread.strata {
        let mine: Vec<(u16, u32)> = own
            .bins(family, part)
            .filter(|(bin, _)| stratum(*bin, bits) == *own_stratum)
            .collect();
        let n: u32 = mine.iter().map(|(_, n)| n).sum();
        if n > 0 {
            let behind = spread.n.get(own_stratum).copied().unwrap_or(0.0);
            sum.add(n, behind, &mine, bins);
        }
    }
    // What lies in strata that nobody else has cannot be compared.
    let n = sum.n as u32;
    if n < n_min || n < all / 2 {
        return None;
    }
    let (seen, by_chance) = (sum.distance / sum.n, sum.by_chance / sum.n);
    let beyond = seen - by_chance;
    Some(Distance {
        distance: beyond.max(0.0),
        by_chance,
        n,
        p: stats::tv_at_least(beyond - usual, stats::together(sum.n, sum.behind)),
    })
}

/// Sums over strata, each weighted by the source's own events.
#[derive(Default)]
struct Sum {
    n: f64,
    behind: f64,
    distance: f64,
    by_chance: f64,
}

impl Sum {
    fn add(&mut self, n: u32, behind: f64, mine: &[(u16, u32)], theirs: &BTreeMap<u16, f64>) {
        let n = f64::from(n);
        let both = stats::together(n, behind);
        let mut left: f64 = theirs.values().sum();
        let (mut apart, mut by_chance) = (0.0, 0.0);
        for (bin, count) in mine {
            let q = theirs.get(bin).copied().unwrap_or(0.0);
            left -= q;
            apart += (f64::from(*count) / n - q).abs();
        }
        apart += left.max(0.0);
        for q in theirs.values() {
            by_chance += stats::noise(*q, both);
        }
        self.n += n;
        self.behind += behind;
        self.distance += n * apart / 2.0;
        self.by_chance += n * by_chance / 2.0;
    }
}

/// Bins that hold far more of a source than of the others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hot {
    /// Their share of the source, of all its events.
    pub share: f64,
    /// Their share of the others.
    pub baseline: f64,
    /// Shannon entropy of the source over all bins, in bits.
    pub entropy: f64,
    /// Events.
    pub n: u32,
    /// Chance of so large a share in an ordinary source, whichever bins it be in.
    pub p: f64,
}

/// Least part of a source that makes a bin stand out.
const HOT_SHARE: f64 = 0.01;
/// How many times the others' share it must be.
const HOT_FACTOR: f64 = 4.0;
/// Least events in it.
const HOT_EVENTS: f64 = 4.0;
/// Share of a bin that is ordinary even where the others have nothing in it.
const ORDINARY_BIN: f64 = 1.0 / 256.0;
/// How many bins there are to choose from.
const BINS: f64 = 1024.0;

/// Which bins stand out among the others' of the same stratum, and how much of the source is
/// in them. What lies in strata that nobody else has cannot stand out.
#[must_use]
pub fn hot(
    own: &Tally,
    spread: &Spread,
    (family, part, bits): (Family, Part, u32),
    n_min: u32,
) -> Option<Hot> {
    let n = own.total(family, Part::Events);
    if n < n_min || own.sum(family, part) == 0 {
        return None;
    }
    let told = f64::from(own.sum(family, part));
    let whole = f64::from(n);
    let mut strata: BTreeMap<u16, u32> = BTreeMap::new();
    for (bin, k) in own.bins(family, part) {
        *strata.entry(stratum(bin, bits)).or_default() += k;
    }
    let (mut count, mut bins, mut usual, mut baseline, mut entropy) = (0, 0.0, 0.0, 0.0, 0.0);
    for (bin, k) in own.bins(family, part) {
        let seen = f64::from(k) / whole;
        let of_told = f64::from(k) / told;
        entropy -= of_told * of_told.log2();
        let own_stratum = stratum(bin, bits);
        if !spread.strata.contains_key(&own_stratum) {
            continue;
        }
        let part_of = f64::from(strata.get(&own_stratum).copied().unwrap_or(n)) / whole;
        let theirs = part_of * spread.share(own_stratum, bin);
        let limit = (HOT_FACTOR * theirs).max(HOT_SHARE);
        if seen > limit && f64::from(k) >= HOT_EVENTS {
            count += k;
            bins += 1.0;
            usual += (HOT_FACTOR * theirs).max(ORDINARY_BIN);
            baseline += theirs;
        }
    }
    // A bound on the ways to choose so many bins: (e · all / chosen) ^ chosen.
    let ways = if bins > 0.0 {
        bins * (1.0 + (BINS / bins).ln())
    } else {
        0.0
    };
    let p = stats::at_least(count, n, usual.min(1.0)).max(f64::MIN_POSITIVE);
    Some(Hot {
        share: f64::from(count) / whole,
        baseline,
        entropy,
        n,
        p: (p.ln() + ways).exp().min(1.0),
    })
}
