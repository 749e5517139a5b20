//! Detection: pure filters, compiled rules, and the verdict they come to.

use assay_model::document::{Problem, Rule};

/// Everything wrong with a rule, the settings of its filters included.
#[must_use]
pub fn check_rule(rule: &Rule) -> Vec<Problem> {
    rule.check()
}
