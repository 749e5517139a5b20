//! Flags more clicks from one source than people make.
//!
//! Reads: one counter per scope. Emits: `CLICK_FLOODING`, medium.
//! Source: facts.md 1.A.6 (names, defaults, ranges).

use assay_model::Span;
use assay_model::document::Problem;
use assay_model::facts::Facts;
use assay_model::hit::Field;
use assay_model::reason::Reason;
use assay_model::recall::{CounterSpec, Level, Subject};
use assay_model::verdict::{Check, Finding, Missing};
use serde::Deserialize;

use super::limit::{self, Limit};
use super::{BuildContext, Settings, in_range, span_in_range};
use crate::filter::{Filter, Readings};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Scope {
    Ip,
    SubId,
    Publisher,
}

/// Settings of `click_flooding`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClickFloodingSettings {
    click_threshold: u32,
    time_window: Span,
    scope: Scope,
}

impl Default for ClickFloodingSettings {
    fn default() -> Self {
        Self {
            click_threshold: 500,
            time_window: Span(3600),
            scope: Scope::Ip,
        }
    }
}

impl Settings for ClickFloodingSettings {
    fn check(&self, out: &mut Vec<Problem>) {
        in_range(
            "click_threshold",
            self.click_threshold,
            1..=100_000,
            "",
            out,
        );
        span_in_range("time_window", self.time_window, 60..=1440 * 60, out);
    }
}

pub struct ClickFlooding {
    limit: Limit,
    subject: Subject,
    context: BuildContext,
}

impl ClickFlooding {
    pub fn new(settings: ClickFloodingSettings, context: BuildContext) -> Self {
        let subject = match settings.scope {
            Scope::Ip => Subject::Ip,
            Scope::SubId => Subject::SubId,
            Scope::Publisher => Subject::Publisher,
        };
        let spec = limit::sights(subject, Level::Account, settings.time_window, context);
        Self {
            limit: Limit::new(Reason::ClickFlooding, settings.click_threshold, spec),
            subject,
            context,
        }
    }

    fn key(&self, facts: &Facts<'_>) -> String {
        match self.subject {
            Subject::Publisher => facts.hit.get(Field::Publisher).unwrap_or("").to_owned(),
            Subject::SubId => facts.hit.get(self.context.sub_id).unwrap_or("").to_owned(),
            _ => facts
                .ip
                .as_ref()
                .map_or_else(String::new, |ip| ip.ip.to_string()),
        }
    }
}

impl Filter for ClickFlooding {
    fn needs(&self) -> Vec<CounterSpec> {
        vec![self.limit.spec()]
    }

    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        readings: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        if facts.hit.event.is_conversion() {
            return Check::Skipped(Missing::EventKind);
        }
        let broken = self.limit.broken(readings, 0).map(|finding| {
            finding
                .with("scope", self.subject.as_str())
                .with("key", self.key(facts))
        });
        limit::answer(broken, found)
    }
}
