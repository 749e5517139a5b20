//! Every source as it stands, for people to look at: also those that nothing is held against,
//! and those too small to be judged.

use std::collections::{BTreeMap, HashSet};

use assay_model::Timestamp;
use assay_model::recall::Family;
use assay_model::sources::{SourceLevel, SourceName};

use super::super::tally::{Part, Tally};
use super::super::{Profiles, Tested, ctit};
use super::{Window, ask};
use crate::rules::CompiledRule;

/// One source of one rule.
#[derive(Clone, Debug)]
pub struct Surveyed {
    /// The rule.
    pub rule: u64,
    /// Whom.
    pub source: SourceName,
    /// The longest window of the rule's filters, in which events are counted here.
    pub window_s: u32,
    /// Clicks and views.
    pub clicks: u32,
    /// Impressions.
    pub impressions: u32,
    /// Conversions.
    pub conversions: u32,
    /// Middle of the times from click to conversion, in seconds.
    pub ctit_median_s: Option<f64>,
    /// What was asked, by filter; empty = too little volume for every filter.
    pub tests: Vec<(u8, Tested)>,
}

impl Surveyed {
    fn new(rule: u64, source: SourceName, window_s: u32, tally: &Tally) -> Self {
        let of = |family| tally.total(family, Part::Events);
        Self {
            rule,
            source,
            window_s,
            clicks: of(Family::Clicks),
            impressions: of(Family::Impressions),
            conversions: of(Family::Conversions),
            ctit_median_s: median_s(tally),
            tests: Vec::new(),
        }
    }
}

/// Looks at every source of every rule; a rule that is given twice is looked at once.
#[must_use]
pub fn survey<'r>(
    rules: impl IntoIterator<Item = &'r CompiledRule>,
    profiles: &Profiles,
    now: Timestamp,
) -> Vec<Surveyed> {
    let mut out = Vec::new();
    let mut done = HashSet::new();
    for rule in rules {
        let tests: Vec<_> = rule
            .source_tests()
            .filter(|(spec, _)| done.insert((rule.rule.id, spec.filter)))
            .collect();
        let Some(window_s) = tests.iter().map(|(_, test)| test.window_s()).max() else {
            continue;
        };
        let mut sources: BTreeMap<SourceName, Surveyed> = BTreeMap::new();
        let window = Window::new(rule.rule.id, profiles, now, window_s);
        let asked = |level: &SourceLevel| tests.iter().any(|(spec, _)| spec.level == *level);
        for level in SourceLevel::ALL.into_iter().filter(asked) {
            for (name, tally) in window.rolled(level) {
                let row = Surveyed::new(rule.rule.id, name.clone(), window_s, &tally);
                sources.insert(name, row);
            }
        }
        let mut cases = Vec::new();
        ask(rule, &tests, profiles, now, &mut cases);
        for case in cases {
            if let Some(row) = sources.get_mut(&case.source) {
                let own = case.tested.into_iter().map(|tested| (case.filter, tested));
                row.tests.extend(own);
            }
        }
        out.extend(sources.into_values());
    }
    out
}

fn median_s(tally: &Tally) -> Option<f64> {
    let bins = tally.bins(Family::Conversions, Part::Ctit);
    let all: u32 = bins.clone().map(|(_, n)| n).sum();
    let mut below = 0;
    let middle = bins.map(|(bin, n)| {
        below += n;
        (bin, below)
    });
    let (bin, _) = middle.into_iter().find(|(_, below)| *below * 2 >= all)?;
    Some((ctit::start_s(bin) * 10.0).round() / 10.0)
}
