//! Flags values that stand on one of the account's own deny lists.
//!
//! The lists were looked up while facts were gathered; a filter sees matches, never a list.
//!
//! Reads: `facts.lists`. Emits: `LIST_DENIED`, high.

use assay_model::facts::Facts;
use assay_model::reason::Reason;
use assay_model::verdict::{Check, Finding};

use crate::filter::{Filter, Readings};

pub struct Lists;

impl Filter for Lists {
    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        _: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        let mut check = Check::Clean;
        for matched in facts.lists.iter().filter(|m| m.deny) {
            found.push(
                Finding::new(Reason::ListDenied)
                    .with("field", matched.field)
                    .with("value", matched.value)
                    .with("entry", matched.entry)
                    .with_some("note", Some(matched.note))
                    .from_list(matched.list),
            );
            check = Check::Flagged;
        }
        check
    }
}
