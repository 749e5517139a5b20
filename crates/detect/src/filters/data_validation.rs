//! Flags values that were not agreed, and values that are missing though they were.
//!
//! Reads: `advertiser`, `publisher`, `offer`, the rule's sub id.
//! Emits: `VALUE_NOT_ALLOWED`, `MISSING_REQUIRED`; medium.
//! Source: facts.md 1.A.6 (allow, block and empty policy per field).

use std::collections::HashSet;

use assay_model::document::Problem;
use assay_model::facts::Facts;
use assay_model::hit::Field;
use assay_model::reason::Reason;
use assay_model::verdict::{Check, Finding};
use serde::Deserialize;

use super::{BuildContext, Settings};
use crate::filter::{Filter, Readings};

/// Most values of one list.
const VALUES_MAX: usize = 10_000;

/// What is done with a field that was not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
enum Empty {
    #[default]
    Allow,
    Block,
}

/// What one field may hold; compared exactly.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Policy {
    /// Only these; none = any.
    allow: HashSet<Box<str>>,
    /// Not these.
    block: HashSet<Box<str>>,
    empty: Empty,
}

impl Policy {
    fn check(&self, field: &str, out: &mut Vec<Problem>) {
        for (name, values) in [("allow", &self.allow), ("block", &self.block)] {
            if values.len() > VALUES_MAX {
                let detail = format!("holds more than {VALUES_MAX} values");
                out.push(Problem::new(format!("{field}.{name}"), detail));
            }
        }
        if let Some(both) = self.allow.intersection(&self.block).next() {
            let detail = format!("{both:?} is allowed and blocked");
            out.push(Problem::new(format!("{field}.block"), detail));
        }
    }

    fn admits(&self, value: &str) -> bool {
        (self.allow.is_empty() || self.allow.contains(value)) && !self.block.contains(value)
    }
}

/// Settings of `data_validation`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataValidationSettings {
    advertiser: Policy,
    publisher: Policy,
    offer: Policy,
    sub_id: Policy,
}

impl Settings for DataValidationSettings {
    fn check(&self, out: &mut Vec<Problem>) {
        self.advertiser.check("advertiser", out);
        self.publisher.check("publisher", out);
        self.offer.check("offer", out);
        self.sub_id.check("sub_id", out);
    }
}

pub struct DataValidation {
    policies: [(Field, Policy); 4],
}

impl DataValidation {
    pub fn new(settings: DataValidationSettings, context: BuildContext) -> Self {
        Self {
            policies: [
                (Field::Advertiser, settings.advertiser),
                (Field::Publisher, settings.publisher),
                (Field::Offer, settings.offer),
                (context.sub_id, settings.sub_id),
            ],
        }
    }
}

impl Filter for DataValidation {
    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        _: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        let before = found.len();
        for (field, policy) in &self.policies {
            match facts.hit.get(*field) {
                None if policy.empty == Empty::Block => {
                    found.push(Finding::new(Reason::MissingRequired).with("field", field.as_str()))
                }
                Some(value) if !policy.admits(value) => found.push(
                    Finding::new(Reason::ValueNotAllowed)
                        .with("field", field.as_str())
                        .with("value", value),
                ),
                _ => {}
            }
        }
        if found.len() > before {
            Check::Flagged
        } else {
            Check::Clean
        }
    }
}
