//! Rules compiled when they are saved, and run on facts and recall.
//!
//! A rule that does not compile is refused with the field and the cause; nothing is
//! skipped silently (golden rule 6).

mod attribution;
mod compile;
mod index;
mod limits;
mod presets;
mod print;
mod proof;

use std::hash::Hasher;

use assay_model::document::{
    IntegrationKind, Problem, Protection, Rule, Scope, ScopeSubject, Status,
};
use assay_model::facts::{Benign, Facts};
use assay_model::hit::{EventKind, Field};
use assay_model::reason::{Class, Reason, Risk};
use assay_model::recall::{Bump, CounterSpec, Degraded, KeyHasher, Measure, Prints, Recall};
use assay_model::sources::StandingSpec;
use assay_model::verdict::{
    Action, Check, Effect, Finding, OnDegraded, RuleRef, Verdict, Weighing,
};

pub use compile::{FilterState, filter_states};
pub use limits::{OfferLimits, check_offer};

use crate::filter::{Filter, Readings, Turn};
use crate::filters::BlockMode;
use crate::holdout;
use crate::sources::SourceTest;
use crate::verdict::weigh;

/// What of an event a scope looks at.
fn scope_subject<'a>(facts: &'a Facts<'_>) -> ScopeSubject<'a> {
    let hit = &facts.hit;
    ScopeSubject {
        offer: hit.get(Field::Offer),
        advertiser: hit.get(Field::Advertiser),
        publisher: hit.get(Field::Publisher),
        country: facts.ip.as_ref().and_then(|ip| ip.country),
    }
}

/// Everything wrong with a rule, the settings of its filters included.
#[must_use]
pub fn check_rule(rule: &Rule) -> Vec<Problem> {
    let mut problems = rule.check();
    for kind in [IntegrationKind::S2s, IntegrationKind::Custom] {
        let id = RuleRef { id: 0, version: 0 };
        if let Err(more) = CompiledRule::compile(rule, id, kind) {
            problems.extend(more);
        }
    }
    let mut unique: Vec<Problem> = Vec::new();
    problems.retain(|problem| {
        let new = !unique.contains(problem);
        if new {
            unique.push(problem.clone());
        }
        new
    });
    problems
}

/// A filter as one rule runs it.
struct RuleFilter {
    filter: Box<dyn Filter>,
    block_mode: BlockMode,
    /// Where its counters stand among the rule's.
    places: Vec<u16>,
    /// Where its question stands among the rule's, if it judges sources.
    asks: Option<u16>,
    /// Its place in [`crate::filter_keys`].
    key: u8,
}

/// A rule ready to judge, for one kind of integration.
pub struct CompiledRule {
    /// Id and version.
    pub rule: RuleRef,
    /// Only this integration; `None` = all.
    pub integration: Option<u32>,
    /// `None` = screens nothing.
    protection: Option<Protection>,
    scope: Scope,
    weighing: Weighing,
    /// Share of would-be rejects that is let through.
    holdout_percent: u8,
    /// The field that is "the sub id".
    pub sub_id: Field,
    filters: Vec<RuleFilter>,
    needs: Vec<CounterSpec>,
    standings: Vec<StandingSpec>,
}

impl std::fmt::Debug for CompiledRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CompiledRule")
            .field("rule", &self.rule)
            .field("filters", &self.filters.len())
            .finish_non_exhaustive()
    }
}

impl CompiledRule {
    /// Whether the rule is for this event.
    #[must_use]
    pub fn matches(&self, facts: &Facts<'_>) -> bool {
        let own = facts.hit.integration.0;
        self.integration.is_none_or(|id| id == own) && self.scope.matches(&scope_subject(facts))
    }

    /// Whether the rule screens this kind of event at all.
    #[must_use]
    pub fn screens(&self, event: EventKind) -> bool {
        self.protection.is_some_and(|own| own.covers(event))
    }

    /// Whether what outcomes taught counts: a rule that runs no filter wants no judgement.
    #[must_use]
    pub fn asks_reputation(&self) -> bool {
        !self.filters.is_empty()
    }

    /// Counters that recall must read, in the order [`Recall::readings`] has.
    #[must_use]
    pub fn needs(&self) -> &[CounterSpec] {
        &self.needs
    }

    /// What its filters ask about the event's sources; the order is that of the places in
    /// [`Recall::standings`].
    #[must_use]
    pub fn standings(&self) -> &[StandingSpec] {
        &self.standings
    }

    /// Its filters that judge sources, in the same order.
    pub fn source_tests(&self) -> impl Iterator<Item = (StandingSpec, &dyn SourceTest)> {
        let tests = self.filters.iter().filter_map(|own| own.filter.source());
        self.standings.iter().copied().zip(tests)
    }

    /// The bumps of an event, with the place of each among [`Self::needs`]; keys that the
    /// event lacks are left out. A rule that does not screen the event counts nothing.
    pub fn bumps(&self, facts: &Facts<'_>, out: &mut Vec<(u16, Bump)>) {
        out.clear();
        if !self.screens(facts.hit.event) {
            return;
        }
        let mut prints = Prints::new(facts);
        for (place, spec) in (0u16..).zip(&self.needs) {
            if let Some(mut bump) = spec.bump(&mut prints)
                && (bump.measure != Measure::Total || self.turn(place, facts, &mut bump))
            {
                out.push((place, bump));
            }
        }
    }

    /// Moves a total to the key that the event counts under; false = it counts nowhere.
    fn turn(&self, place: u16, facts: &Facts<'_>, bump: &mut Bump) -> bool {
        let turns = self.filters.iter().filter_map(|own| {
            let nth = own.places.iter().position(|at| *at == place)?;
            Some(own.filter.turn(nth, facts))
        });
        for turn in turns {
            if let Turn::Of(numbers) = turn {
                let mut hash = KeyHasher::default();
                hash.write_u64(bump.key);
                numbers.into_iter().for_each(|own| hash.write_u64(own));
                bump.key = hash.finish();
                return true;
            }
        }
        false
    }

    /// What an event that was rejected gives back of the totals it added to, so that bad
    /// traffic cannot use up what was meant for good; `bumps` are its own.
    pub fn given_back(&self, action: Action, bumps: &[(u16, Bump)], out: &mut Vec<Bump>) {
        out.clear();
        if action != Action::Rejected {
            return;
        }
        let totals = bumps
            .iter()
            .filter(|(_, bump)| bump.measure == Measure::Total);
        out.extend(totals.map(|(_, bump)| Bump {
            member: bump.member.wrapping_neg(),
            ..*bump
        }));
    }

    /// Runs every filter and weighs what they found.
    #[must_use]
    pub fn judge<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        recall: &Recall,
        on_degraded: OnDegraded,
    ) -> Verdict<'a> {
        let weighing = Weighing {
            on_degraded,
            ..self.weighing
        };
        let mut verdict = Verdict {
            risk: Risk::Clean,
            points: 0,
            class: Class::Valid,
            reason: Reason::Clean,
            findings: notes(facts),
            action: Action::Approved,
            rule: self.rule,
            weighing,
            degraded: None,
            checks: smallvec::SmallVec::new(),
        };
        let degraded = recall
            .degraded
            .filter(|_| !self.needs.is_empty() || recall.degraded == Some(Degraded::BudgetSpent));
        proof::signature(facts, &mut verdict.findings);
        attribution::missing_click(facts, recall, &mut verdict.findings);
        let limits = recall.limits.iter().cloned();
        verdict.findings.extend(limits);
        if self.screens(facts.hit.event) {
            attribution::caught_click(facts, recall, &mut verdict.findings);
            self.run(facts, recall, &mut verdict);
            if let Some(reputed) = recall
                .reputation
                .as_deref()
                .filter(|_| self.asks_reputation())
            {
                verdict.findings.extend(crate::reputation::finding(reputed));
            }
            allow(facts, &mut verdict.findings);
            allow_agent(&mut verdict.findings);
            if let Some(cause) = degraded {
                verdict.degraded = degraded;
                verdict
                    .findings
                    .push(Finding::new(Reason::FailOpenTimeout).with("stage", cause.as_str()));
            } else {
                let (rule, percent) = (self.rule.id, self.holdout_percent);
                holdout::sample(facts, rule, percent, weighing, &mut verdict.findings);
            }
        }
        let outcome = weigh(
            &mut verdict.findings,
            facts.hit.event,
            weighing,
            verdict.degraded,
        );
        verdict.risk = outcome.risk;
        verdict.points = outcome.points;
        verdict.class = outcome.class;
        verdict.reason = outcome.reason;
        verdict.action = outcome.action;
        verdict
    }

    fn run<'a>(&'a self, facts: &'a Facts<'_>, recall: &Recall, verdict: &mut Verdict<'a>) {
        verdict.checks.extend_from_slice(&ALL_OFF);
        for rule_filter in &self.filters {
            let before = verdict.findings.len();
            let readings =
                Readings::new(recall, &rule_filter.places).asking(recall, rule_filter.asks);
            let check = rule_filter
                .filter
                .check(facts, readings, &mut verdict.findings);
            debug_assert_eq!(check == Check::Flagged, verdict.findings.len() > before);
            if rule_filter.block_mode == BlockMode::Flag {
                for finding in &mut verdict.findings[before..] {
                    finding.effect = Effect::Flag;
                }
            }
            verdict.checks[usize::from(rule_filter.key)] = check;
        }
    }

    /// The keys of the filters that run, in the order of [`Verdict::checks`].
    pub fn filter_keys(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.filters
            .iter()
            .map(|f| crate::filter_keys()[usize::from(f.key)])
    }
}

/// How filters answer that were not asked.
const ALL_OFF: [Check; crate::filters::KEYS.len()] = [Check::Off; crate::filters::KEYS.len()];

/// What is noted about every event, whatever the rule: never a risk.
fn notes<'a>(facts: &'a Facts<'_>) -> Vec<Finding<'a>> {
    let mut found = Vec::new();
    for (parameter, literal) in &facts.hit.unreplaced {
        found.push(
            Finding::new(Reason::MacroUnreplaced)
                .with("parameter", *parameter)
                .with("literal", *literal),
        );
    }
    if let Some(ip) = &facts.ip
        && matches!(ip.benign, Some(Benign::Relay | Benign::Satellite))
    {
        found.push(
            Finding::new(Reason::RelayBenign)
                .with("network", ip.benign.map_or("", Benign::as_str))
                .with_some("operator", ip.operator),
        );
    }
    found
}

/// An allow list of the account lets through what intelligence and statistics found; the
/// account's own deny lists, policy and integrity stand.
fn allow(facts: &Facts<'_>, findings: &mut [Finding<'_>]) {
    let allowed = facts.lists.iter().any(|m| !m.deny);
    if !allowed {
        return;
    }
    for finding in findings {
        let class = finding.reason.info().class;
        if matches!(class, Class::Givt | Class::Sivt) && finding.reason != Reason::ListDenied {
            finding.effect = Effect::Allowed;
        }
    }
}

/// A declared agent that the rule lets in is no person's browser on a person's line, and
/// need not look like one.
fn allow_agent(findings: &mut [Finding<'_>]) {
    let welcome = |f: &Finding<'_>| {
        f.reason == Reason::DeclaredAgent && f.risk == Risk::Clean && f.effect == Effect::Block
    };
    if !findings.iter().any(welcome) {
        return;
    }
    for finding in findings {
        if matches!(
            finding.reason,
            Reason::DatacenterIp
                | Reason::KnownCrawler
                | Reason::NonBrowserUa
                | Reason::BlankUa
                | Reason::Automation
                | Reason::UaSpoofed
                | Reason::LocaleMismatch
        ) {
            finding.effect = Effect::Allowed;
        }
    }
}

/// An account's rules in order, for one kind of integration.
#[derive(Debug)]
pub struct AccountRules {
    rules: Vec<CompiledRule>,
    index: index::ScopeIndex,
    default: CompiledRule,
    unscreened: CompiledRule,
}

impl AccountRules {
    /// Compiles rules; `rules` may come in any order and holds the default rule, or the
    /// built-in default is used.
    ///
    /// # Errors
    /// The problems of the first rule that does not compile, with its id.
    pub fn compile(
        rules: &[(RuleRef, Rule)],
        kind: IntegrationKind,
    ) -> Result<Self, (u64, Vec<Problem>)> {
        let mut ordered: Vec<&(RuleRef, Rule)> =
            rules.iter().filter(|(_, rule)| !rule.is_default).collect();
        ordered.sort_by_key(|(id, rule)| (rule.priority, id.id));
        let mut compiled = Vec::new();
        for (id, rule) in ordered {
            if rule.status == Status::Active {
                compiled.push(CompiledRule::compile(rule, *id, kind).map_err(|p| (id.id, p))?);
            }
        }
        let built_in = (
            RuleRef {
                id: 0,
                version: crate::REVISION,
            },
            Rule::default_rule(),
        );
        let (id, rule) = rules
            .iter()
            .find(|(_, rule)| rule.is_default)
            .unwrap_or(&built_in);
        let default = CompiledRule::compile(rule, *id, kind).map_err(|p| (id.id, p))?;
        let scopes = compiled.iter().map(|rule| (rule.integration, &rule.scope));
        Ok(Self {
            index: index::ScopeIndex::new(scopes),
            rules: compiled,
            default,
            unscreened: CompiledRule::unscreened(),
        })
    }

    /// The rule that decides: the first whose scope matches, else the default rule.
    #[must_use]
    pub fn rule_for(&self, facts: &Facts<'_>) -> &CompiledRule {
        if self.rules.is_empty() {
            return &self.default;
        }
        let first = self
            .index
            .first(facts.hit.integration.0, &scope_subject(facts));
        first.map_or(&self.default, |place| &self.rules[place])
    }

    /// The rule with this id, if it is for the integration at all; paused ones are not there.
    #[must_use]
    pub fn by_id(&self, id: u64, integration: u32) -> Option<&CompiledRule> {
        self.iter().find(|rule| {
            rule.rule.id == id && rule.integration.is_none_or(|own| own == integration)
        })
    }

    /// The rule of events that nobody screens: it approves, looks at nothing, and has no id.
    #[must_use]
    pub const fn unscreened(&self) -> &CompiledRule {
        &self.unscreened
    }

    /// Every rule, the default last.
    pub fn iter(&self) -> impl Iterator<Item = &CompiledRule> {
        self.rules.iter().chain([&self.default])
    }
}

#[cfg(test)]
mod tests;
