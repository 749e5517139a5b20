//! Flags blocked search words, and the same word too often.
//!
//! Only `keyword` is looked at. How often a word may come is nobody's to guess: duplicates
//! are judged once `allowed_duplicates` is set.
//!
//! Reads: `keyword`, a counter per keyword. Emits: `KEYWORD_BLOCKED`, `KEYWORD_DUPLICATE`.
//! Source: facts.md 1.A.6 (parameters); ranges as `duplicate_user`.

use assay_model::Span;
use assay_model::document::Problem;
use assay_model::facts::Facts;
use assay_model::hit::Field;
use assay_model::reason::Reason;
use assay_model::recall::{CounterSpec, Subject};
use assay_model::verdict::{Check, Finding, Missing};
use serde::Deserialize;

use super::level::DetectionLevel;
use super::limit::{self, Limit};
use super::words::{self, Words};
use super::{BuildContext, Settings, in_range, span_in_range};
use crate::filter::{Filter, Readings};

/// Most blocked keywords.
const WORDS_MAX: usize = 10_000;

/// Settings of `keyword`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeywordSettings {
    /// How often a word may come again; 0 = never, none = not judged.
    allowed_duplicates: Option<u32>,
    lookback_time: Span,
    detection_level: DetectionLevel,
    /// Words that are looked for inside the keyword.
    blocked_keywords: Vec<Box<str>>,
}

impl Default for KeywordSettings {
    fn default() -> Self {
        Self {
            allowed_duplicates: None,
            lookback_time: Span(86_400),
            detection_level: DetectionLevel::Offer,
            blocked_keywords: Vec::new(),
        }
    }
}

impl Settings for KeywordSettings {
    fn check(&self, out: &mut Vec<Problem>) {
        let allowed = self.allowed_duplicates.unwrap_or(0);
        in_range("allowed_duplicates", allowed, 0..=100_000, "", out);
        span_in_range("lookback_time", self.lookback_time, 3600..=30 * 86_400, out);
        words::check("blocked_keywords", &self.blocked_keywords, WORDS_MAX, out);
    }
}

pub struct Keyword {
    duplicates: Option<Limit>,
    blocked: Words,
}

impl Keyword {
    pub fn new(settings: KeywordSettings, context: BuildContext) -> Self {
        let level = settings.detection_level.level();
        let spec = limit::sights(Subject::Keyword, level, settings.lookback_time, context);
        Self {
            duplicates: settings
                .allowed_duplicates
                .map(|allowed| Limit::new(Reason::KeywordDuplicate, allowed, spec)),
            blocked: Words::new(settings.blocked_keywords),
        }
    }

    /// The first sight is no duplicate.
    fn too_often<'a>(&self, readings: Readings<'_>) -> Result<Finding<'a>, Check> {
        let limit = self.duplicates.ok_or(Check::Clean)?;
        let duplicates = limit::read(readings, 0)?.count.saturating_sub(1);
        limit.broken_by(duplicates)
    }
}

impl Filter for Keyword {
    fn needs(&self) -> Vec<CounterSpec> {
        self.duplicates.iter().map(Limit::spec).collect()
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
        let keyword = facts.hit.get(Field::Keyword).map(str::trim);
        let Some(keyword) = keyword.filter(|keyword| !keyword.is_empty()) else {
            return Check::Skipped(Missing::Values);
        };
        let blocked = self.blocked.find(keyword);
        if let Some(place) = blocked {
            found.push(
                Finding::new(Reason::KeywordBlocked)
                    .with("keyword", keyword)
                    .with("match", self.blocked.get(place)),
            );
        }
        let broken = self.too_often(readings);
        match limit::answer(
            broken.map(|finding| finding.with("keyword", keyword)),
            found,
        ) {
            _ if blocked.is_some() => Check::Flagged,
            check => check,
        }
    }
}
