//! What is ordinary: the other publishers on the same offer, or of the account.
//!
//! A source is held against the others, never against itself: its whole publisher is left
//! out. Every publisher has one voice, whatever its volume. Of shares the middle is taken; of
//! spreads the fifth that lies furthest from the rest is left out, so that a few bad ones do
//! not make the ordinary.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use assay_model::recall::Family;

use super::stats;
use super::tally::{Part, Tally};

/// Publishers that are asked, the largest first.
const PANEL_MAX: usize = 32;
/// How many others it takes to say what is ordinary.
pub const PEERS_MIN: usize = 3;
/// Events that a publisher needs to have a voice.
const VOICE_MIN: u32 = 30;
/// Part of the voices that is left out.
const TRIMMED: f64 = 0.2;

/// The publishers of one offer, or of the account.
pub struct Panel<'t> {
    members: Vec<(&'t str, &'t Tally)>,
    /// What all of them come to: the same for every source outside the panel.
    whole: RefCell<HashMap<Asked, Option<Rc<Spread>>>>,
}

/// Family, part, and bits below the stratum.
type Asked = (u8, u8, u32);

/// The others, as one source sees them.
#[derive(Clone, Copy)]
pub struct Peers<'p, 't> {
    panel: &'p Panel<'t>,
    own: &'p str,
}

/// How others are spread over the bins of a part.
#[derive(Clone, Debug, Default)]
pub struct Spread {
    /// Share of each stratum's bins, within the stratum; sums to one in each.
    pub strata: BTreeMap<u16, BTreeMap<u16, f64>>,
    /// How many events stand behind a stratum.
    pub n: BTreeMap<u16, f64>,
}

impl<'t> Panel<'t> {
    /// The largest of these publishers.
    #[must_use]
    pub fn new(mut members: Vec<(&'t str, &'t Tally)>) -> Self {
        let size = |tally: &Tally| {
            let of = |family| u64::from(tally.total(family, Part::Events));
            of(Family::Clicks) + of(Family::Conversions) + of(Family::Impressions)
        };
        members.sort_by(|a, b| (size(b.1), b.0).cmp(&(size(a.1), a.0)));
        members.truncate(PANEL_MAX);
        Self {
            members,
            whole: RefCell::default(),
        }
    }

    /// The panel without a publisher.
    #[must_use]
    pub const fn without<'p>(&'p self, own: &'p str) -> Peers<'p, 't> {
        Peers { panel: self, own }
    }
}

impl Peers<'_, '_> {
    fn others(&self) -> impl Iterator<Item = &Tally> {
        let own = self.own;
        self.panel
            .members
            .iter()
            .filter(move |(publisher, _)| *publisher != own)
            .map(|(_, tally)| *tally)
    }

    /// The middle of the others' shares; `of` gives part and whole of one.
    #[must_use]
    pub fn share(&self, of: impl Fn(&Tally) -> (u32, u32)) -> Option<f64> {
        let mut shares: Vec<f64> = self
            .others()
            .map(of)
            .filter(|(_, n)| *n >= VOICE_MIN)
            .map(|(k, n)| f64::from(k) / f64::from(n))
            .collect();
        if shares.len() < PEERS_MIN {
            return None;
        }
        stats::median(&mut shares)
    }

    /// How the others are spread over a part; a stratum is what is left of a bin without its
    /// lowest `bits` (16 = all bins are one stratum).
    #[must_use]
    pub fn spread(&self, family: Family, part: Part, bits: u32) -> Option<Rc<Spread>> {
        let make = || {
            let spread = Spread::of(self.others(), family, part, bits);
            (!spread.strata.is_empty()).then(|| Rc::new(spread))
        };
        if self
            .panel
            .members
            .iter()
            .any(|(publisher, _)| *publisher == self.own)
        {
            return make();
        }
        let key = (family as u8, part as u8, bits);
        let mut whole = self.panel.whole.borrow_mut();
        whole.entry(key).or_insert_with(make).clone()
    }
}

impl Spread {
    fn of<'t>(
        members: impl Iterator<Item = &'t Tally>,
        family: Family,
        part: Part,
        bits: u32,
    ) -> Self {
        let mut voices: BTreeMap<u16, Vec<Vec<(u16, u32)>>> = BTreeMap::new();
        for member in members {
            let mut own: BTreeMap<u16, Vec<(u16, u32)>> = BTreeMap::new();
            for (bin, n) in member.bins(family, part) {
                own.entry(stratum(bin, bits)).or_default().push((bin, n));
            }
            for (stratum, bins) in own {
                if total(&bins) >= VOICE_MIN {
                    voices.entry(stratum).or_default().push(bins);
                }
            }
        }
        let mut spread = Self::default();
        for (stratum, voices) in voices {
            if voices.len() >= PEERS_MIN {
                let (bins, worth) = trimmed(&voices);
                spread.n.insert(stratum, worth);
                spread.strata.insert(stratum, bins);
            }
        }
        spread
    }

    /// The share of a bin within its stratum.
    #[must_use]
    pub fn share(&self, stratum: u16, bin: u16) -> f64 {
        let bins = self.strata.get(&stratum);
        bins.and_then(|bins| bins.get(&bin)).copied().unwrap_or(0.0)
    }
}

/// The stratum of a bin.
#[must_use]
pub fn stratum(bin: u16, bits: u32) -> u16 {
    bin.checked_shr(bits).unwrap_or(0)
}

fn total(bins: &[(u16, u32)]) -> u32 {
    bins.iter().map(|(_, n)| n).sum()
}

/// The mean of the voices without those that lie furthest from the mean of all, and how many
/// events that is worth: voices are alike in weight, and the smallest are the noisiest.
fn trimmed(voices: &[Vec<(u16, u32)>]) -> (BTreeMap<u16, f64>, f64) {
    let all: Vec<&Vec<(u16, u32)>> = voices.iter().collect();
    let mean = mean(&all);
    let mut by_distance: Vec<(f64, &Vec<(u16, u32)>)> = all
        .into_iter()
        .map(|voice| (distance(voice, &mean), voice))
        .collect();
    by_distance.sort_by(|a, b| a.0.total_cmp(&b.0));
    let cut = (voices.len() as f64 * TRIMMED).ceil() as usize;
    let kept = (voices.len() - cut).max(PEERS_MIN).min(voices.len());
    let kept: Vec<_> = by_distance[..kept].iter().map(|(_, own)| *own).collect();
    let noise: f64 = kept.iter().map(|own| 1.0 / f64::from(total(own))).sum();
    let worth = (kept.len() * kept.len()) as f64 / noise;
    (self::mean(&kept), worth)
}

fn mean(voices: &[&Vec<(u16, u32)>]) -> BTreeMap<u16, f64> {
    let mut mean = BTreeMap::new();
    for voice in voices {
        let n = f64::from(total(voice)) * voices.len() as f64;
        for (bin, count) in *voice {
            *mean.entry(*bin).or_default() += f64::from(*count) / n;
        }
    }
    mean
}

/// Half the sum of absolute differences.
fn distance(voice: &[(u16, u32)], mean: &BTreeMap<u16, f64>) -> f64 {
    let n = f64::from(total(voice));
    let shared = voice.iter().map(|(bin, count)| {
        let theirs = mean.get(bin).copied().unwrap_or(0.0);
        theirs.min(f64::from(*count) / n)
    });
    1.0 - shared.sum::<f64>()
}
