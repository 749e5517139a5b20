//! The rules that a replay tries.

use assay_model::document::{IntegrationKind, Problem, Rule};
use assay_model::facts::Facts;
use assay_model::verdict::RuleRef;

use crate::{AccountRules, CompiledRule};

/// Every kind of integration: rules are compiled once for each.
const KINDS: [IntegrationKind; 3] = [
    IntegrationKind::S2s,
    IntegrationKind::Custom,
    IntegrationKind::Network,
];

/// A rule set as it would be in force.
///
/// A rule that no store has carries version 0, so that it is never taken for a recorded one.
#[derive(Debug)]
pub struct Candidate {
    by_kind: Vec<(IntegrationKind, AccountRules)>,
    window_s: u32,
}

impl Candidate {
    /// Compiles a rule set; without a default rule, the built-in one is last.
    ///
    /// # Errors
    /// The problems of the first rule that does not compile, with its id.
    pub fn compile(rules: &[(RuleRef, Rule)]) -> Result<Self, (u64, Vec<Problem>)> {
        let compile = |kind| Ok((kind, AccountRules::compile(rules, kind)?));
        let by_kind: Vec<_> = KINDS.into_iter().map(compile).collect::<Result<_, _>>()?;
        let needs = by_kind
            .iter()
            .flat_map(|(_, rules)| rules.iter())
            .flat_map(CompiledRule::needs);
        let window_s = needs.map(|spec| spec.window_s).max().unwrap_or(0);
        Ok(Self { by_kind, window_s })
    }

    /// The longest window of its counters: the warm-up of a replay that makes them anew.
    #[must_use]
    pub const fn window_s(&self) -> u32 {
        self.window_s
    }

    /// The rule that would have judged an event. One that was called by its id, whatever its
    /// scope (`recorded` does not match the event), stays called.
    pub(super) fn rule_for(
        &self,
        kind: IntegrationKind,
        facts: &Facts<'_>,
        recorded: Option<&CompiledRule>,
    ) -> Option<&CompiledRule> {
        let (_, rules) = self.by_kind.iter().find(|(own, _)| *own == kind)?;
        let called = recorded
            .filter(|rule| !rule.matches(facts))
            .and_then(|rule| rules.by_id(rule.rule.id, facts.hit.integration.0));
        Some(called.unwrap_or_else(|| rules.rule_for(facts)))
    }
}
