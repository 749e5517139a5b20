//! Limits that an offer has of its own, whatever rule judges: caps, targeting, hours.
//!
//! They are what the offer's buyer takes and not what a rule thinks of traffic. So they apply
//! beside every rule, one that only monitors or does not screen the event included, and what
//! they find is kept as found when a rule is replayed. They count under keys of their own: a
//! rule's cap of the same kind adds to none of theirs.
//!
//! Who comes and when is asked of clicks: a conversion follows hours later, from elsewhere.

use std::hash::Hasher;

use assay_model::document::{IntegrationKind, Offer, Problem};
use assay_model::facts::Facts;
use assay_model::hit::Field;
use assay_model::recall::{Bump, CounterSpec, KeyHasher, Measure, Prints, Reading};
use assay_model::verdict::{Effect, Finding};
use serde_json::Value;

use super::compile::take;
use crate::filter::{Filter, Readings, Turn};
use crate::filters::{BlockMode, BuildContext, TABLE};

/// The filter of caps, which is asked of conversions too.
const CAPS: &str = "caps";

/// Keeps an offer's totals apart from those of rules.
const OWN: u64 = 0x6f66_6665_7200_0001;

/// One filter of an offer.
struct Limit {
    filter: Box<dyn Filter>,
    effect: Effect,
    /// Where its counters stand among the offer's.
    places: Vec<u16>,
    of_conversions: bool,
}

/// An offer's limits, ready to judge.
pub struct OfferLimits {
    limits: Vec<Limit>,
    needs: Vec<CounterSpec>,
    /// The offer and its version, for the evidence.
    whose: Box<str>,
}

impl std::fmt::Debug for OfferLimits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("OfferLimits").field(&self.whose).finish()
    }
}

/// Everything wrong with an offer, the settings of its limits included.
#[must_use]
pub fn check_offer(offer: &Offer) -> Vec<Problem> {
    let mut problems = offer.check();
    if let Err(more) = OfferLimits::compile(offer, "") {
        problems.extend(more);
    }
    problems
}

impl OfferLimits {
    /// Compiles the limits of an offer; `None` = it has none.
    ///
    /// # Errors
    /// Every problem, each with the path of its field.
    pub fn compile(offer: &Offer, whose: &str) -> Result<Option<Self>, Vec<Problem>> {
        let mut own = Self {
            limits: Vec::new(),
            needs: Vec::new(),
            whose: whose.into(),
        };
        let mut problems = Vec::new();
        for (key, settings) in offer.limits() {
            match build(key, settings) {
                Ok(None) => {}
                Ok(Some((filter, effect))) => own.add(key, filter, effect),
                Err(more) => problems.extend(more),
            }
        }
        match problems.is_empty() {
            true => Ok(Some(own).filter(|own| !own.limits.is_empty())),
            false => Err(problems),
        }
    }

    fn add(&mut self, key: &str, filter: Box<dyn Filter>, effect: Effect) {
        let first = self.needs.len();
        self.needs.extend(filter.needs());
        self.limits.push(Limit {
            places: (first..self.needs.len()).map(|at| at as u16).collect(),
            filter,
            effect,
            of_conversions: key == CAPS,
        });
    }

    /// How many counters they read.
    #[must_use]
    pub fn needs(&self) -> usize {
        self.needs.len()
    }

    /// Adds the bumps of an event to those of its rule, whose counters end before `first`.
    pub fn bumps(&self, facts: &Facts<'_>, first: usize, out: &mut Vec<(u16, Bump)>) {
        let mut prints = Prints::new(facts);
        for limit in &self.limits {
            for (nth, place) in limit.places.iter().enumerate() {
                let place = usize::from(*place);
                let spec = self.needs.get(place);
                let Some(mut bump) = spec.and_then(|spec| spec.bump(&mut prints)) else {
                    continue;
                };
                if bump.measure == Measure::Total {
                    let Turn::Of(numbers) = limit.filter.turn(nth, facts) else {
                        continue;
                    };
                    bump.key = own_key(bump.key, numbers);
                }
                out.push(((first + place) as u16, bump));
            }
        }
    }

    /// Judges an event by readings of [`Self::needs`] counters.
    pub fn check(
        &self,
        facts: &Facts<'_>,
        readings: &[Option<Reading>],
        found: &mut Vec<Finding<'static>>,
    ) {
        for limit in &self.limits {
            if facts.hit.event.is_conversion() && !limit.of_conversions {
                continue;
            }
            let mut own = Vec::new();
            let readings = Readings::beside(readings, &limit.places);
            limit.filter.check(facts, readings, &mut own);
            found.extend(own.into_iter().map(|finding| Finding {
                effect: limit.effect,
                list: self.whose.to_string().into(),
                ..finding.into_owned()
            }));
        }
    }
}

fn own_key(key: u64, numbers: [u64; 2]) -> u64 {
    let mut hash = KeyHasher::default();
    hash.write_u64(OWN);
    hash.write_u64(key);
    numbers
        .into_iter()
        .for_each(|number| hash.write_u64(number));
    hash.finish()
}

type Built = Option<(Box<dyn Filter>, Effect)>;

fn build(key: &'static str, settings: &Value) -> Result<Built, Vec<Problem>> {
    let Value::Object(settings) = settings else {
        return Err(vec![Problem::new(key, "must be an object of settings")]);
    };
    let Some(row) = TABLE.iter().find(|row| row.key == key) else {
        return Err(vec![Problem::new(key, "this version does not have it")]);
    };
    let mut settings = settings.clone();
    let enabled = take(&mut settings, "enabled", true, key)?;
    let effect = match take(&mut settings, "block_mode", BlockMode::Block, key)? {
        BlockMode::Block => Effect::Offer,
        BlockMode::Flag => Effect::Flag,
    };
    // An offer names no sub id, and its clicks are clicks of a network.
    let context = BuildContext {
        sub_id: Field::SubId,
        kind: IntegrationKind::Network,
    };
    let built = (row.build)(Value::Object(settings), context).map_err(|problems| {
        let within = |p: Problem| match p.field.as_str() {
            "" => Problem::new(key, p.detail),
            field => Problem::new(format!("{key}.{field}"), p.detail),
        };
        problems.into_iter().map(within).collect::<Vec<_>>()
    })?;
    Ok(enabled.then_some((built, effect)))
}

#[cfg(test)]
mod tests {
    use assay_model::document::{Protection, Rule};
    use assay_model::hit::EventKind;
    use assay_model::recall::Recall;
    use assay_model::testing::facts_of;
    use assay_model::verdict::{Mode, OnDegraded, RuleRef};
    use assay_model::{Action, Reason};
    use serde_json::json;

    use super::*;
    use crate::CompiledRule;

    fn limits(settings: Value) -> OfferLimits {
        let mut offer = json!({"name": "Shoes", "external_id": "o1"});
        offer
            .as_object_mut()
            .unwrap()
            .extend(settings.as_object().unwrap().clone());
        let offer = serde_json::from_value(offer).unwrap();
        OfferLimits::compile(&offer, "offer o1@3").unwrap().unwrap()
    }

    fn of_offer(event: EventKind) -> Facts<'static> {
        facts_of(|hit| {
            hit.event = event;
            hit.set(Field::Offer, Some("o1"));
        })
    }

    fn found(limits: &OfferLimits, event: EventKind, counts: &[u32]) -> Vec<Finding<'static>> {
        let readings: Vec<_> = counts
            .iter()
            .map(|count| {
                Some(Reading {
                    count: *count,
                    ..Reading::default()
                })
            })
            .collect();
        let mut out = Vec::new();
        limits.check(&of_offer(event), &readings, &mut out);
        out
    }

    #[test]
    fn a_full_cap_rejects_under_every_mode_and_protection() {
        let own = limits(json!({"caps": {"caps": [{"of": "clicks", "per": "day", "max": 2}]}}));
        assert!(found(&own, EventKind::Click, &[2]).is_empty());
        let recall = Recall {
            limits: found(&own, EventKind::Click, &[3]),
            ..Recall::default()
        };
        assert_eq!(recall.limits[0].list, "offer o1@3");
        for mode in [Mode::Enforce, Mode::Monitor, Mode::Hold] {
            for protection in [Protection::Click, Protection::Conversion] {
                let rule = Rule {
                    mode,
                    protection,
                    ..Rule::default_rule()
                };
                let id = RuleRef { id: 1, version: 1 };
                let rule = CompiledRule::compile(&rule, id, IntegrationKind::Network).unwrap();
                let facts = of_offer(EventKind::Click);
                let verdict = rule.judge(&facts, &recall, OnDegraded::Allow);
                assert_eq!(
                    (verdict.action, verdict.reason),
                    (Action::Rejected, Reason::CapClick),
                    "{mode:?} {protection:?}"
                );
                assert!(crate::verdict::agrees(&verdict, EventKind::Click));
            }
        }
    }

    #[test]
    fn what_is_only_flagged_rejects_nothing() {
        let own = limits(json!({"caps": {"block_mode": "flag",
            "caps": [{"of": "clicks", "per": "day", "max": 0}]}}));
        assert_eq!(found(&own, EventKind::Click, &[1])[0].effect, Effect::Flag);
    }

    #[test]
    fn hours_are_asked_of_clicks_only() {
        // The test's moment is a Thursday.
        let own = limits(json!({"day_parting": {"parts": [{"days": ["monday"]}]}}));
        let at = |event| found(&own, event, &[]).len();
        assert_eq!((at(EventKind::Click), at(EventKind::Conversion)), (1, 0));
    }

    #[test]
    fn an_offers_totals_are_no_rules_and_no_other_offers() {
        let caps = json!({"caps": [{"of": "clicks", "per": "day", "max": 5}]});
        let own = limits(json!({"caps": caps}));
        let mut rule = Rule::default_rule();
        rule.filters.insert("caps".into(), caps);
        let id = RuleRef { id: 1, version: 1 };
        let rule = CompiledRule::compile(&rule, id, IntegrationKind::Network).unwrap();
        let total = |bumps: &[(u16, Bump)]| {
            let mut totals = bumps.iter().filter(|(_, b)| b.measure == Measure::Total);
            totals.next().map(|(_, bump)| bump.key)
        };
        let facts = of_offer(EventKind::Click);
        let (mut of_rule, mut of_own, mut of_other) = (Vec::new(), Vec::new(), Vec::new());
        rule.bumps(&facts, &mut of_rule);
        own.bumps(&facts, 4, &mut of_own);
        assert_eq!(of_own[0].0, 4);
        own.bumps(
            &facts_of(|hit| hit.set(Field::Offer, Some("o2"))),
            0,
            &mut of_other,
        );
        let keys = [total(&of_rule), total(&of_own), total(&of_other)];
        assert!(keys.iter().all(Option::is_some), "{keys:?}");
        assert!(keys[0] != keys[1] && keys[1] != keys[2]);
        let mut of_conversion = Vec::new();
        own.bumps(&of_offer(EventKind::Conversion), 0, &mut of_conversion);
        assert!(of_conversion.is_empty(), "a cap of clicks counts clicks");
    }

    #[test]
    fn problems_name_the_offers_own_fields() {
        let offer = json!({"name": "x", "url": "ftp://x", "caps": {"caps": [{"of": "x"}]},
            "targeting": [], "day_parting": {"zone": "Mars/Base", "enabled": false}});
        let offer: Offer = serde_json::from_value(offer).unwrap();
        let fields: Vec<_> = check_offer(&offer).into_iter().map(|p| p.field).collect();
        assert_eq!(
            fields,
            ["url", "caps.caps[0].of", "targeting", "day_parting.zone"]
        );
        let off: Offer =
            serde_json::from_value(json!({"name": "x", "caps": {"enabled": false}})).unwrap();
        assert!(OfferLimits::compile(&off, "").unwrap().is_none());
    }
}
