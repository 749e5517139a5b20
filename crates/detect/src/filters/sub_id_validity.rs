//! Flags sub ids that break the agreed form, and publishers that make up too many of them.
//!
//! Beyond `max_unique_sub_ids` every further event of the publisher is caught: which of its
//! sub ids are the real ones cannot be told any more. The real value stays in the evidence
//! beside the name that reports show instead.
//!
//! Reads: the rule's sub id, different sub ids per publisher.
//! Emits: `SUBID_INVALID`, `SUBID_CARDINALITY`; medium.
//! Source: facts.md 1.A.6 (parameters, report value).

use assay_model::Span;
use assay_model::document::Problem;
use assay_model::facts::Facts;
use assay_model::hit::Field;
use assay_model::reason::Reason;
use assay_model::recall::{CounterSpec, Subject};
use assay_model::verdict::{Check, Finding, Missing};
use serde::Deserialize;

use super::limit::{self, Limit};
use super::{BuildContext, Settings, in_range, span_in_range};
use crate::filter::{Filter, Readings};

/// Settings of `sub_id_validity`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SubIdValiditySettings {
    only_numbers: bool,
    /// In characters; 0 = any.
    min_length: u32,
    /// In characters; 0 = any.
    max_length: u32,
    /// Different sub ids that a publisher may have within the window; 0 = any number.
    max_unique_sub_ids: u32,
    lookback_time: Span,
    /// What reports show in place of one sub id too many.
    unified_sub_id_name: Box<str>,
}

impl Default for SubIdValiditySettings {
    fn default() -> Self {
        Self {
            only_numbers: false,
            min_length: 0,
            max_length: 0,
            max_unique_sub_ids: 0,
            lookback_time: Span(86_400),
            unified_sub_id_name: "TOO_MANY_UNIQUE_SUB_ID".into(),
        }
    }
}

impl Settings for SubIdValiditySettings {
    fn check(&self, out: &mut Vec<Problem>) {
        in_range("min_length", self.min_length, 0..=1024, "", out);
        in_range("max_length", self.max_length, 0..=1024, "", out);
        if self.max_length > 0 && self.min_length > self.max_length {
            out.push(Problem::new("min_length", "must not be over max_length"));
        }
        let unique = self.max_unique_sub_ids;
        in_range("max_unique_sub_ids", unique, 0..=1_000_000, "", out);
        span_in_range("lookback_time", self.lookback_time, 3600..=30 * 86_400, out);
        let name = self.unified_sub_id_name.len();
        if !(1..=100).contains(&name) {
            out.push(Problem::new(
                "unified_sub_id_name",
                "needs 1 to 100 characters",
            ));
        }
    }
}

pub struct SubIdValidity {
    settings: SubIdValiditySettings,
    unique: Option<Limit>,
    sub_id: Field,
}

impl SubIdValidity {
    pub fn new(settings: SubIdValiditySettings, context: BuildContext) -> Self {
        let window = settings.lookback_time;
        let spec = limit::members(Subject::Publisher, Subject::SubId, window, context);
        let most = settings.max_unique_sub_ids;
        Self {
            unique: (most > 0).then(|| Limit::new(Reason::SubidCardinality, most, spec)),
            sub_id: context.sub_id,
            settings,
        }
    }

    /// The rule of form that a sub id breaks.
    fn broken(&self, sub_id: &str) -> Option<&'static str> {
        let length = sub_id.chars().count();
        let is_number = || sub_id.bytes().all(|c| c.is_ascii_digit());
        let (min, max) = (self.settings.min_length, self.settings.max_length);
        match () {
            () if self.settings.only_numbers && !is_number() => Some("only_numbers"),
            () if length < min as usize => Some("min_length"),
            () if max > 0 && length > max as usize => Some("max_length"),
            () => None,
        }
    }

    fn too_many<'a>(
        &'a self,
        sub_id: &'a str,
        readings: Readings<'_>,
    ) -> Result<Finding<'a>, Check> {
        let limit = self.unique.ok_or(Check::Clean)?;
        let finding = limit.broken(readings, 0)?;
        Ok(finding
            .with("value", &*self.settings.unified_sub_id_name)
            .with("invalid_sub_id", sub_id))
    }
}

impl Filter for SubIdValidity {
    fn needs(&self) -> Vec<CounterSpec> {
        self.unique.iter().map(Limit::spec).collect()
    }

    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        readings: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        let Some(sub_id) = facts.hit.get(self.sub_id) else {
            return Check::Skipped(Missing::Values);
        };
        let broken = self.broken(sub_id);
        if let Some(rule) = broken {
            found.push(
                Finding::new(Reason::SubidInvalid)
                    .with("value", sub_id)
                    .with("rule", rule),
            );
        }
        match limit::answer(self.too_many(sub_id, readings), found) {
            _ if broken.is_some() => Check::Flagged,
            check => check,
        }
    }
}
