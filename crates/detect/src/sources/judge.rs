//! From profiles to what is held against whom.

mod survey;

use std::collections::{BTreeMap, HashMap, HashSet};

use assay_model::Timestamp;
use assay_model::reason::Reason;
use assay_model::sources::{SourceLevel, SourceName, Standing, StandingSpec, Standings};
use assay_model::verdict::Value;

use super::peers::Panel;
use super::profiles::Profiles;
use super::stats;
use super::tally::Tally;
use super::{SourceTest, Tested};
use crate::rules::CompiledRule;

pub use survey::{Surveyed, survey};

/// What is held against one source by one filter of one rule, with what lifts it.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// The rule.
    pub rule: u64,
    /// The filter, by its place in [`crate::filter_keys`].
    pub filter: u8,
    /// Whom.
    pub source: SourceName,
    /// What the hot path reads.
    pub standing: Standing,
    /// What lifts it.
    pub recovery: Recovery,
    /// How sure it is.
    pub explanation: Explanation,
}

/// What lifts a hold, whichever comes first. A manager's own decision aside.
#[derive(Clone, Debug, PartialEq)]
pub struct Recovery {
    /// The compared value.
    pub value: &'static str,
    /// It must come back to this.
    pub release: f64,
    /// Whether it must fall to it, or rise.
    pub falls: bool,
    /// With fewer events than this in the window, nobody is judged.
    pub n_min: u32,
    /// The window, in seconds: without traffic it is over after that.
    pub window_s: u32,
}

/// The arithmetic behind a decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The test.
    pub test: &'static str,
    /// The compared value.
    pub seen: f64,
    /// Its limit.
    pub limit: f64,
    /// Sample size.
    pub n: u32,
    /// Chance of the value, or a worse one, in an ordinary source.
    pub p: f64,
    /// The largest chance that was still an accusation in this judgement.
    pub p_limit: f64,
    /// How many tests the judgement made.
    pub tests: u32,
    /// Share of wrong accusations that it allows among its accusations.
    pub false_discovery_rate: f64,
}

/// What happened to a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Something is held against it now.
    Held,
    /// Something else than before.
    Changed,
    /// No longer: the value came back, the volume is gone, or the rule is.
    Lifted,
}

impl What {
    /// Stable text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Changed => "changed",
            Self::Lifted => "lifted",
        }
    }
}

/// A change of what is held: a record like any other.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceChange {
    /// What happened.
    pub what: What,
    /// The state after it; of a lifted one, the last.
    pub held: Held,
    /// Of a lifted one: the numbers that freed it; `None` = too few events, or the filter no
    /// longer runs.
    pub freed_by: Option<Explanation>,
}

/// What a judgement came to.
#[derive(Clone, Debug, Default)]
pub struct Judgement {
    /// The snapshot for the hot path.
    pub standings: Standings,
    /// The same by name: what the next judgement takes as `before`.
    pub held: Vec<Held>,
    /// What is new.
    pub changes: Vec<SourceChange>,
    /// How many tests were made.
    pub tests: u32,
}

/// One source under one filter, with everything that was asked.
struct Case {
    rule: u64,
    filter: u8,
    source: SourceName,
    window_s: u32,
    tested: Vec<Tested>,
}

/// Judges every source of every rule. `before` is what the last judgement held; a rule that
/// is given twice (once per kind of integration) is judged once.
#[must_use]
pub fn judge<'r>(
    rules: impl IntoIterator<Item = &'r CompiledRule>,
    profiles: &Profiles,
    before: &[Held],
    number: u64,
    now: Timestamp,
) -> Judgement {
    let mut cases = Vec::new();
    let mut done = HashSet::new();
    for rule in rules {
        let tests: Vec<_> = rule
            .source_tests()
            .filter(|(spec, _)| done.insert((rule.rule.id, spec.filter)))
            .collect();
        ask(rule, &tests, profiles, now, &mut cases);
    }
    cases.sort_by(|a, b| (a.rule, a.filter, &a.source).cmp(&(b.rule, b.filter, &b.source)));
    decide(&cases, before, number, now)
}

type Test<'r> = (StandingSpec, &'r dyn SourceTest);

/// Asks all filters of a rule about all its sources.
fn ask(
    rule: &CompiledRule,
    tests: &[Test<'_>],
    profiles: &Profiles,
    now: Timestamp,
    out: &mut Vec<Case>,
) {
    let mut windows: BTreeMap<u32, Vec<&Test<'_>>> = BTreeMap::new();
    for test in tests {
        windows.entry(test.1.window_s()).or_default().push(test);
    }
    for (window_s, tests) in windows {
        let window = Window::new(rule.rule.id, profiles, now, window_s);
        for level in SourceLevel::ALL {
            let of_level = tests.iter().filter(|test| test.0.level == level);
            let of_level: Vec<_> = of_level.collect();
            if !of_level.is_empty() {
                window.ask(level, &of_level, out);
            }
        }
    }
}

/// All cells of a rule over one window.
struct Window {
    rule: u64,
    span_s: u32,
    cells: Vec<([String; 3], Tally)>,
}

impl Window {
    fn new(rule: u64, profiles: &Profiles, now: Timestamp, window_s: u32) -> Self {
        let from = profiles.window_from(now, window_s);
        let cells = profiles
            .cells(rule)
            .map(|cell| {
                let names = [&cell.publisher, &cell.sub_id, &cell.offer];
                (names.map(ToString::to_string), cell.window(from, now))
            })
            .filter(|(_, tally)| !tally.is_empty())
            .collect();
        Self {
            rule,
            span_s: u32::try_from(now.ms_since(from) / 1000).unwrap_or(window_s),
            cells,
        }
    }

    /// Cells added up to sources of a level; whoever lacks what the level tells apart is nobody.
    fn rolled(&self, level: SourceLevel) -> BTreeMap<SourceName, Tally> {
        let mut sources: BTreeMap<SourceName, Tally> = BTreeMap::new();
        for ([publisher, sub_id, offer], tally) in &self.cells {
            if (level.by_sub_id() && sub_id.is_empty()) || (level.by_offer() && offer.is_empty()) {
                continue;
            }
            let part = |told: bool, text: &String| if told { text.clone() } else { String::new() };
            let name = SourceName {
                level,
                publisher: publisher.clone(),
                sub_id: part(level.by_sub_id(), sub_id),
                offer: part(level.by_offer(), offer),
            };
            sources.entry(name).or_default().merge(tally);
        }
        sources
    }

    fn ask(&self, level: SourceLevel, tests: &[&&Test<'_>], out: &mut Vec<Case>) {
        let peers_level = match level.by_offer() {
            true => SourceLevel::PublisherOffer,
            false => SourceLevel::Publisher,
        };
        let publishers = self.rolled(peers_level);
        let mut by_offer: HashMap<&str, Vec<(&str, &Tally)>> = HashMap::new();
        for (name, tally) in &publishers {
            let member = (&*name.publisher, tally);
            by_offer.entry(&name.offer).or_default().push(member);
        }
        let panels: HashMap<&str, Panel<'_>> = by_offer
            .into_iter()
            .map(|(offer, members)| (offer, Panel::new(members)))
            .collect();
        for (source, tally) in &self.rolled(level) {
            let Some(panel) = panels.get(&*source.offer) else {
                continue;
            };
            let peers = panel.without(&source.publisher);
            for (spec, test) in tests.iter().map(|test| **test) {
                let mut tested = Vec::new();
                test.test(tally, &peers, spec.filter, &mut tested);
                if !tested.is_empty() {
                    out.push(Case {
                        rule: self.rule,
                        filter: spec.filter,
                        source: source.clone(),
                        window_s: self.span_s,
                        tested,
                    });
                }
            }
        }
    }
}

/// Who is held: what is broken beyond chance, and what was held and has not come back.
fn decide(cases: &[Case], before: &[Held], number: u64, now: Timestamp) -> Judgement {
    let mut p_values: Vec<f64> = cases
        .iter()
        .flat_map(|case| case.tested.iter().map(|tested| tested.p))
        .collect();
    let p_limit = stats::significant(&mut p_values, stats::FALSE_DISCOVERY_RATE);
    let tests = u32::try_from(p_values.len()).unwrap_or(u32::MAX);
    let mut was: HashMap<(u64, u8, &SourceName), &Held> = before
        .iter()
        .map(|held| ((held.rule, held.filter, &held.source), held))
        .collect();
    let mut judgement = Judgement {
        standings: Standings::new(number, now),
        tests,
        ..Judgement::default()
    };
    for case in cases {
        let old = was.remove(&(case.rule, case.filter, &case.source));
        let say = |tested: &Tested| explain(tested, p_limit, tests);
        match case.verdict(old, p_limit) {
            Some((tested, limit)) => {
                let held = case.held(tested, limit, old, now, say(tested));
                judgement.keep(held, old);
            }
            None => {
                let freed_by = case.tested.first().map(say);
                judgement.lift(old, freed_by);
            }
        }
    }
    let mut gone: Vec<&Held> = was.into_values().collect();
    gone.sort_by(|a, b| (a.rule, a.filter, &a.source).cmp(&(b.rule, b.filter, &b.source)));
    for old in gone {
        judgement.lift(Some(old), None);
    }
    judgement
}

impl Judgement {
    fn keep(&mut self, held: Held, old: Option<&Held>) {
        let key = held.source.key();
        self.standings
            .hold(held.rule, held.filter, key, held.standing.clone());
        let what = match old {
            None => Some(What::Held),
            Some(old) if old.standing.reason != held.standing.reason => Some(What::Changed),
            Some(_) => None,
        };
        if let Some(what) = what {
            self.changes.push(SourceChange {
                what,
                held: held.clone(),
                freed_by: None,
            });
        }
        self.held.push(held);
    }

    fn lift(&mut self, old: Option<&Held>, freed_by: Option<Explanation>) {
        if let Some(old) = old {
            self.changes.push(SourceChange {
                what: What::Lifted,
                held: old.clone(),
                freed_by,
            });
        }
    }
}

impl Case {
    /// The answer that condemns, with the limit that it breaks: the surest of those beyond
    /// chance; else one that was held before and has not come back to its release.
    fn verdict(&self, old: Option<&Held>, p_limit: f64) -> Option<(&Tested, f64)> {
        let condemned = self
            .tested
            .iter()
            .filter(|tested| tested.breaks(tested.limit) && tested.p <= p_limit)
            .min_by(|a, b| a.p.total_cmp(&b.p));
        if let Some(tested) = condemned {
            return Some((tested, tested.limit));
        }
        let old = old?;
        self.tested
            .iter()
            .find(|tested| tested.continues(old) && tested.breaks(tested.release))
            .map(|tested| {
                let broken = tested.breaks(tested.limit);
                (tested, if broken { tested.limit } else { tested.release })
            })
    }

    fn held(
        &self,
        tested: &Tested,
        limit: f64,
        old: Option<&Held>,
        now: Timestamp,
        explanation: Explanation,
    ) -> Held {
        let same = old.filter(|old| old.standing.reason == tested.reason);
        let standing = Standing {
            reason: tested.reason,
            observed: places(tested.reason, &tested.observed),
            threshold: Value::Float(limit),
            window_s: self.window_s,
            n: tested.n,
            since: same.map_or(now, |old| old.standing.since),
            as_of: now,
        };
        Held {
            rule: self.rule,
            filter: self.filter,
            source: self.source.clone(),
            standing,
            recovery: Recovery {
                value: tested.observed.first().map_or("", |(name, _)| name),
                release: tested.release,
                falls: tested.above,
                n_min: tested.n_min,
                window_s: self.window_s,
            },
            explanation,
        }
    }
}

impl Tested {
    /// Whether this answers the question for which a source was held: the same reason, and
    /// the same texts (which attribute).
    fn continues(&self, old: &Held) -> bool {
        let text = |(_, value): &(u8, Value<'static>)| match value {
            Value::Text(text) => Some(text.to_string()),
            _ => None,
        };
        let own = places(self.reason, &self.observed);
        self.reason == old.standing.reason
            && own
                .iter()
                .filter_map(text)
                .eq(old.standing.observed.iter().filter_map(text))
    }
}

fn explain(tested: &Tested, p_limit: f64, tests: u32) -> Explanation {
    Explanation {
        test: tested.test,
        seen: tested.seen,
        limit: tested.limit,
        n: tested.n,
        p: tested.p,
        p_limit,
        tests,
        false_discovery_rate: stats::FALSE_DISCOVERY_RATE,
    }
}

/// Values by their place in the catalogue; what the row does not name is left out.
fn places(
    reason: Reason,
    observed: &[(&'static str, Value<'static>)],
) -> Vec<(u8, Value<'static>)> {
    let fields = reason.info().fields;
    observed
        .iter()
        .filter_map(|(name, value)| {
            let place = fields.iter().position(|field| field == name)?;
            Some((u8::try_from(place).ok()?, value.clone()))
        })
        .collect()
}
