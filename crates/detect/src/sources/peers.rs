//! What is ordinary: the other publishers on the same offer, or of the account.
//!
//! A source is held against the others, never against itself: its whole publisher is left
//! out. Every publisher has one voice, whatever its volume, and of their shares the highest
//! and lowest fifth are left out, so that a few bad ones do not make the ordinary.

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
/// Part of the voices that is left out at either end.
const TRIMMED: f64 = 0.2;

/// The publishers of one offer, or of the account.
pub struct Panel<'t> {
    members: Vec<(&'t str, &'t Tally)>,
    /// What all of them come to: the same for every source outside the panel.
    whole: RefCell<HashMap<(u8, u8, u32), Option<Rc<Spread>>>>,
}

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
                let n: u32 = voices.iter().map(|bins| total(bins)).sum();
                spread.n.insert(stratum, f64::from(n));
                spread.strata.insert(stratum, trimmed(&voices));
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

/// Each bin's share without the highest and lowest voices, made to sum to one again.
fn trimmed(voices: &[Vec<(u16, u32)>]) -> BTreeMap<u16, f64> {
    let mut shares: Vec<(u16, f64)> = Vec::new();
    for bins in voices {
        let n = f64::from(total(bins));
        shares.extend(
            bins.iter()
                .map(|(bin, count)| (*bin, f64::from(*count) / n)),
        );
    }
    shares.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let cut = (voices.len() as f64 * TRIMMED).ceil() as usize;
    let kept = (voices.len() - 2 * cut.min((voices.len() - 1) / 2)).max(1);
    // Of the voices that have nothing in a bin, as many as there are stand before the others.
    let low = (voices.len() - kept) / 2;
    let mut means: BTreeMap<u16, f64> = BTreeMap::new();
    for own in shares.chunk_by(|a, b| a.0 == b.0) {
        let none = voices.len() - own.len();
        let inside = own[low.saturating_sub(none)..(low + kept).saturating_sub(none)].iter();
        let mean = inside.map(|(_, share)| share).sum::<f64>() / kept as f64;
        if mean > 0.0 {
            means.insert(own[0].0, mean);
        }
    }
    let sum: f64 = means.values().sum();
    for mean in means.values_mut() {
        *mean /= sum;
    }
    means
}
