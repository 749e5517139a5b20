//! Accounts and the people in them.

use serde::{Deserialize, Serialize};

use super::{Problem, check_name};
use crate::Span;

/// A tenant's own settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Name shown in the console.
    pub name: String,
    /// IANA time zone of reports.
    #[serde(default = "utc")]
    pub time_zone: String,
    /// ISO 4217 code of amounts that name none.
    #[serde(default = "usd")]
    pub currency: String,
    /// How long things are kept.
    #[serde(default)]
    pub retention: Retention,
    /// What is done with what outcomes teach.
    #[serde(default)]
    pub reputation: Reputations,
}

fn utc() -> String {
    "UTC".to_owned()
}

fn usd() -> String {
    "USD".to_owned()
}

/// How long each class of data is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Days that events are kept; 1 to 3650.
    pub events_d: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { events_d: 400 }
    }
}

/// What is done with what outcomes teach about sources, devices and networks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reputations {
    /// Whether events are judged by it at all; outcomes are learned either way.
    pub enabled: bool,
    /// Whether it may reject, once its interval is clear, or is only reported.
    pub block_mode: ReputationMode,
    /// After which time an outcome counts half.
    pub half_life: Span,
    /// Outcomes that the base rate counts as in every key; 1 to 1000.
    pub prior_weight: f64,
    /// How many times the base rate's odds the whole interval must be above before it may
    /// reject; 1.25 to 100.
    pub margin: f64,
}

/// Whether a reputation may reject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReputationMode {
    /// It is shown, and moves points and risk.
    Flag,
    /// It rejects too, where the rule rejects its risk.
    Block,
}

impl Default for Reputations {
    fn default() -> Self {
        Self {
            enabled: true,
            block_mode: ReputationMode::Flag,
            half_life: Span(30 * 86_400),
            prior_weight: 10.0,
            margin: 2.0,
        }
    }
}

impl Reputations {
    /// Whether it may reject at all.
    #[must_use]
    pub const fn blocks(&self) -> bool {
        matches!(self.block_mode, ReputationMode::Block)
    }

    fn check(&self, out: &mut Vec<Problem>) {
        let mut wrong = |field: &str, detail: &str| {
            out.push(Problem::new(format!("reputation.{field}"), detail));
        };
        if !(86_400..=400 * 86_400).contains(&self.half_life.0) {
            wrong("half_life", "must be 1d to 400d");
        }
        if !(1.0..=1000.0).contains(&self.prior_weight) {
            wrong("prior_weight", "must be 1 to 1000 outcomes");
        }
        if !(1.25..=100.0).contains(&self.margin) {
            wrong("margin", "must be 1.25 to 100 times the odds");
        }
    }
}

impl Account {
    /// Everything wrong with the document.
    #[must_use]
    pub fn check(&self) -> Vec<Problem> {
        let mut out = Vec::new();
        check_name("name", &self.name, 100, &mut out);
        if self.currency.len() != 3 || !self.currency.bytes().all(|c| c.is_ascii_uppercase()) {
            out.push(Problem::new(
                "currency",
                "must be three capital letters, like EUR",
            ));
        }
        if !(1..=3650).contains(&self.retention.events_d) {
            out.push(Problem::new("retention.events_d", "must be 1 to 3650 days"));
        }
        self.reputation.check(&mut out);
        out
    }
}

/// What a person may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees its own traffic only.
    Publisher,
    /// Sees everything, changes nothing.
    Analyst,
    /// Changes integrations, rules, lists.
    Manager,
    /// Everything, people and tokens too.
    Owner,
}

/// A person who signs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// E-mail address, lower case; unique over all accounts.
    pub email: String,
    /// Name shown in the console.
    pub name: String,
    /// What the person may do.
    pub role: Role,
    /// argon2id hash in PHC form; never leaves the store.
    pub password_hash: String,
}
