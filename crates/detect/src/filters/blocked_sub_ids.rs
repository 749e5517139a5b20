//! Flags sub ids that a person has blocked, for a publisher, an offer, or wherever they come.
//!
//! Reads: the rule's sub id, `publisher`, `offer`. Emits: `SOURCE_BLOCKED`.
//! Source: facts.md 1.A.6 (publisher + offer + sub id + note, a list kept by hand).

use std::collections::HashMap;

use assay_model::Timestamp;
use assay_model::document::Problem;
use assay_model::facts::Facts;
use assay_model::hit::Field;
use assay_model::reason::Reason;
use assay_model::verdict::{Check, Finding, Missing};
use serde::Deserialize;

use super::{BuildContext, Settings};
use crate::filter::{Filter, Readings};

/// Most entries.
const ENTRIES_MAX: usize = 10_000;

/// One blocked sub id.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    sub_id: Box<str>,
    /// None = of any publisher.
    #[serde(default)]
    publisher: Option<Box<str>>,
    /// None = for any offer.
    #[serde(default)]
    offer: Option<Box<str>>,
    #[serde(default)]
    note: Box<str>,
    /// When it stops counting.
    #[serde(default)]
    expires: Option<Timestamp>,
}

impl Entry {
    fn is_for(&self, facts: &Facts<'_>) -> bool {
        let fits = |own: &Option<Box<str>>, field| {
            own.as_deref()
                .is_none_or(|own| facts.hit.get(field) == Some(own))
        };
        fits(&self.publisher, Field::Publisher)
            && fits(&self.offer, Field::Offer)
            && self.expires.is_none_or(|until| facts.hit.time < until)
    }

    /// The entry as evidence names it: publisher, offer, sub id.
    fn name(&self) -> String {
        let part = |own: &Option<Box<str>>| own.as_deref().unwrap_or("*").to_owned();
        let (publisher, offer) = (part(&self.publisher), part(&self.offer));
        format!("{publisher}/{offer}/{}", self.sub_id)
    }
}

/// Settings of `blocked_sub_ids`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BlockedSubIdsSettings {
    entries: Vec<Entry>,
}

impl Settings for BlockedSubIdsSettings {
    fn check(&self, out: &mut Vec<Problem>) {
        if self.entries.len() > ENTRIES_MAX {
            let detail = format!("holds more than {ENTRIES_MAX} entries");
            out.push(Problem::new("entries", detail));
        }
        for (at, entry) in self.entries.iter().enumerate() {
            if entry.sub_id.is_empty() {
                let detail = "is empty: use data_validation for sub ids that are missing";
                out.push(Problem::new(format!("entries[{at}].sub_id"), detail));
            }
        }
    }
}

pub struct BlockedSubIds {
    by_sub_id: HashMap<Box<str>, Vec<Entry>>,
    sub_id: Field,
}

impl BlockedSubIds {
    pub fn new(settings: BlockedSubIdsSettings, context: BuildContext) -> Self {
        let mut by_sub_id: HashMap<Box<str>, Vec<Entry>> = HashMap::new();
        for entry in settings.entries {
            by_sub_id
                .entry(entry.sub_id.clone())
                .or_default()
                .push(entry);
        }
        Self {
            by_sub_id,
            sub_id: context.sub_id,
        }
    }
}

impl Filter for BlockedSubIds {
    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        _: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        let Some(sub_id) = facts.hit.get(self.sub_id) else {
            return Check::Skipped(Missing::Values);
        };
        let entries = self.by_sub_id.get(sub_id);
        let entry = entries.and_then(|all| all.iter().find(|entry| entry.is_for(facts)));
        let Some(entry) = entry else {
            return Check::Clean;
        };
        let finding = Finding::new(Reason::SourceBlocked)
            .with("entry", entry.name())
            .with_some("note", Some(&entry.note));
        found.push(match entry.expires {
            Some(until) => finding.with("expires", until.to_string()),
            None => finding,
        });
        Check::Flagged
    }
}
