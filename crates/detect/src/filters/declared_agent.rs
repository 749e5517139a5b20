//! Says what is done with an agent that proves by signature that it acts for a person.
//!
//! Its class is its own, `AGENT`: never invalid traffic. Allowed (the default), what its
//! kind of client and network would be rejected for does not count; unpaid, its clicks go on
//! and their conversions are rejected; blocked, neither goes on.
//!
//! Reads: `agent_state`, a conversion's click. Emits: `DECLARED_AGENT`; clean, high where
//! the rule turns the agent away.

use assay_model::facts::Facts;
use assay_model::hit::Field;
use assay_model::reason::{Reason, Risk};
use assay_model::verdict::{Check, Finding, Missing};
use serde::Deserialize;

use super::Settings;
use crate::filter::{Filter, Readings};

/// What is done with declared agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// They are visitors like others.
    #[default]
    Allow,
    /// Their clicks go on, their conversions are not paid.
    Unpaid,
    /// They are turned away.
    Block,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeclaredAgentSettings {
    policy: Policy,
}

impl Settings for DeclaredAgentSettings {}

pub struct DeclaredAgent {
    policy: Policy,
}

impl DeclaredAgent {
    pub const fn new(settings: &DeclaredAgentSettings) -> Self {
        Self {
            policy: settings.policy,
        }
    }
}

impl Filter for DeclaredAgent {
    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        readings: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        if facts.hit.event.is_conversion() {
            let of_agent = readings.click().map(|c| c.reason == Reason::DeclaredAgent);
            return match of_agent {
                None => Check::Skipped(Missing::Click),
                Some(true) if self.policy != Policy::Allow => {
                    let finding =
                        Finding::new(Reason::DeclaredAgent).with("signature", "of the click");
                    found.push(turned_away(finding));
                    Check::Flagged
                }
                Some(_) => Check::Clean,
            };
        }
        let Some((agent, key_id)) = proven(facts) else {
            return Check::Clean;
        };
        let finding = Finding::new(Reason::DeclaredAgent)
            .with("agent", agent)
            .with("key_id", key_id)
            .with("signature", "verified");
        found.push(match self.policy {
            Policy::Allow | Policy::Unpaid => finding,
            Policy::Block => turned_away(finding),
        });
        Check::Flagged
    }
}

/// The one reason that a rule raises: the visitor is no fraud, the rule does not want it.
fn turned_away(finding: Finding<'_>) -> Finding<'_> {
    Finding {
        risk: Risk::High,
        ..finding
    }
}

/// The agent and its key, where its signature was verified (`verified {key id} {agent}`).
fn proven<'a>(facts: &'a Facts<'_>) -> Option<(&'a str, &'a str)> {
    let told = facts.hit.get(Field::AgentState)?;
    let (key_id, agent) = told.strip_prefix("verified ")?.split_once(' ')?;
    Some((agent, key_id))
}
