//! Which rules a replay tries: a stored version, or documents, laid over the rules in force.

use assay_detect::replay::Candidate;
use assay_model::AccountId;
use assay_model::document::{Problem, Rule, Status};
use assay_model::ports::{ControlStore, DocKind, StoreError};
use assay_model::verdict::RuleRef;
use serde_json::Value;

use super::ReplayError;

/// Rules of one page when all are read.
const PAGE: u32 = 500;
/// Ids of rules that have none: above every stored one, so that they are told apart.
const NEW_IDS: u64 = 1 << 62;

/// What to try.
#[derive(Clone, Debug)]
pub enum Rules {
    /// The rules in force.
    InForce,
    /// These, with one rule as it was, or would be, in this version; active, if it is paused.
    Version(RuleRef),
    /// Documents.
    Given {
        /// The rules.
        rules: Vec<Given>,
        /// Whether they are all there is, but for the default rule in force; else they are
        /// laid over the rules in force.
        only: bool,
    },
}

/// A rule as it was sent.
#[derive(Clone, Debug)]
pub struct Given {
    /// The rule in force that it stands for.
    pub id: Option<u64>,
    /// The document; `priority` is its place, 1 first, 0 = its old one, or by specificity.
    pub rule: Rule,
}

impl Given {
    /// Reads rules as the API shows them; their `version` says nothing here.
    ///
    /// # Errors
    /// Every rule that does not read, with its field.
    pub fn read_all(values: Vec<Value>) -> Result<Vec<Self>, ReplayError> {
        let mut problems = Vec::new();
        let mut rules = Vec::new();
        for (at, mut value) in values.into_iter().enumerate() {
            let id = value.as_object_mut().and_then(|fields| {
                fields.remove("version");
                fields.remove("id")?.as_u64()
            });
            match serde_path_to_error::deserialize(value) {
                Ok(rule) => rules.push(Self { id, rule }),
                Err(error) => {
                    let field = format!("rules[{at}].{}", error.path());
                    problems.push(Problem::new(field, error.into_inner().to_string()));
                }
            }
        }
        match problems.is_empty() {
            true => Ok(rules),
            false => Err(ReplayError::Invalid(problems)),
        }
    }
}

impl Rules {
    /// Reads `ID@VERSION`.
    #[must_use]
    pub fn parse_version(text: &str) -> Option<Self> {
        let (id, version) = text.split_once('@')?;
        Some(Self::Version(RuleRef {
            id: id.parse().ok().filter(|id| *id > 0)?,
            version: version.parse().ok().filter(|version| *version > 0)?,
        }))
    }

    /// The rule set as it would be in force.
    ///
    /// # Errors
    /// [`ReplayError`]: there is no such version, or a rule does not compile.
    pub async fn candidate(
        &self,
        control: &dyn ControlStore,
        account: AccountId,
    ) -> Result<Candidate, ReplayError> {
        let mut order = Order::in_force(control, account).await?;
        match self {
            Self::InForce => {}
            Self::Version(wanted) => {
                order.set(stored(control, account, *wanted).await?, *wanted);
            }
            Self::Given { rules, only } => order.lay(rules, *only)?,
        }
        let compiled = Candidate::compile(&order.into_rules());
        compiled.map_err(|(id, problems)| {
            let of_rule = |p: Problem| Problem::new(format!("rules.{id}.{}", p.field), p.detail);
            ReplayError::Invalid(problems.into_iter().map(of_rule).collect())
        })
    }
}

async fn stored(
    control: &dyn ControlStore,
    account: AccountId,
    wanted: RuleRef,
) -> Result<Rule, ReplayError> {
    let RuleRef { id, version } = wanted;
    let versions = control.versions(account, DocKind::Rule, id).await?;
    let found = versions.into_iter().find(|doc| doc.version == version);
    let doc = found.ok_or_else(|| {
        ReplayError::NotFound(format!(
            "this account has no version {version} of rule {id}"
        ))
    })?;
    read(doc.body)
}

fn read(body: Value) -> Result<Rule, ReplayError> {
    serde_json::from_value(body)
        .map_err(|error| ReplayError::Storage(format!("a stored rule does not read: {error}")))
}

/// Rules from first to last, the default rule apart.
struct Order {
    rules: Vec<(RuleRef, Rule)>,
    default: Option<(RuleRef, Rule)>,
}

impl Order {
    async fn in_force(control: &dyn ControlStore, account: AccountId) -> Result<Self, ReplayError> {
        let (mut rules, mut default, mut after) = (Vec::new(), None, 0);
        loop {
            let docs = control.list(account, DocKind::Rule, after, PAGE).await?;
            let last = docs.len() < PAGE as usize;
            for doc in docs {
                after = doc.id;
                let id = RuleRef {
                    id: doc.id,
                    version: doc.version,
                };
                match read(doc.body)? {
                    rule if rule.is_default => default = Some((id, rule)),
                    rule => rules.push((id, rule)),
                }
            }
            if last {
                break;
            }
        }
        rules.sort_by_key(|(id, rule): &(RuleRef, Rule)| (rule.priority, id.id));
        Ok(Self { rules, default })
    }

    /// Puts a rule in the place of the one with its id; where there is none (any more), by
    /// its specificity.
    fn set(&mut self, mut rule: Rule, id: RuleRef) {
        if rule.is_default {
            self.default = Some((id, rule));
            return;
        }
        rule.status = Status::Active;
        let place = self.take(id.id).unwrap_or_else(|| self.place_of(&rule));
        self.rules.insert(place, (id, rule));
    }

    fn lay(&mut self, given: &[Given], only: bool) -> Result<(), ReplayError> {
        let mut problems = Vec::new();
        for (at, one) in given.iter().enumerate() {
            let found = assay_detect::check_rule(&one.rule);
            let of_rule = |p: Problem| Problem::new(format!("rules[{at}].{}", p.field), p.detail);
            problems.extend(found.into_iter().map(of_rule));
            if one.id.is_some() && given[..at].iter().any(|other| other.id == one.id) {
                problems.push(Problem::new(format!("rules[{at}].id"), "stands here twice"));
            }
        }
        if !problems.is_empty() {
            return Err(ReplayError::Invalid(problems));
        }
        if only {
            self.rules.clear();
        }
        let mut by_place: Vec<(u64, &Given)> = (NEW_IDS..).zip(given).collect();
        // Places that were given are filled from the top; the others find their own after.
        by_place.sort_by_key(|(_, one)| one.rule.priority.wrapping_sub(1));
        for (new, one) in by_place {
            self.lay_one(one, new);
        }
        Ok(())
    }

    fn lay_one(&mut self, one: &Given, new: u64) {
        let id = RuleRef {
            id: one.id.unwrap_or(new),
            version: 0,
        };
        let mut rule = one.rule.clone();
        let of_default = self.default.as_ref().map(|(own, _)| own.id);
        if rule.is_default || one.id.is_some() && one.id == of_default {
            rule.is_default = true;
            self.default = Some((id, rule));
            return;
        }
        let old = self.take(id.id);
        let place = match rule.priority {
            0 => old.unwrap_or_else(|| self.place_of(&rule)),
            place => (place as usize - 1).min(self.rules.len()),
        };
        self.rules.insert(place, (id, rule));
    }

    /// Takes a rule out; where it stood.
    fn take(&mut self, id: u64) -> Option<usize> {
        let place = self.rules.iter().position(|(own, _)| own.id == id)?;
        self.rules.remove(place);
        Some(place)
    }

    /// Above the first rule that is less specific.
    fn place_of(&self, rule: &Rule) -> usize {
        let specificity = rule.scope.specificity();
        let lower = |(_, other): &(RuleRef, Rule)| other.scope.specificity() < specificity;
        self.rules
            .iter()
            .position(lower)
            .unwrap_or(self.rules.len())
    }

    fn into_rules(self) -> Vec<(RuleRef, Rule)> {
        let numbered = (1..).zip(self.rules).map(|(place, (id, mut rule))| {
            rule.priority = place;
            (id, rule)
        });
        numbered.chain(self.default).collect()
    }
}

impl From<StoreError> for ReplayError {
    fn from(error: StoreError) -> Self {
        Self::Storage(error.to_string())
    }
}
