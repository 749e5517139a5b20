//! The why of an event: its verdict, how every filter answered, and whether the stored
//! evidence alone comes to the same verdict.

use assay_model::record::EventRecord;
use assay_model::render;
use assay_model::{Reason, Risk, Verdict};
use serde_json::{Value, json};

/// Filter keys in the order of a verdict's checks.
#[must_use]
pub fn filter_keys() -> &'static [&'static str] {
    &[]
}

/// The event of SPEC §9 with `filters` and `recomputed`.
#[must_use]
pub fn json(record: &EventRecord<'_>) -> Value {
    let mut out = render::event_json(record);
    let again = recompute(&record.verdict);
    if let Some(map) = out.as_object_mut() {
        map.insert(
            "filters".into(),
            render::filters_json(&record.verdict, filter_keys()),
        );
        map.insert("recomputed".into(), again.json());
    }
    out
}

/// What the evidence alone comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recomputed {
    /// Whether it is the stored verdict.
    pub same: bool,
    /// Reasons whose observed values do not break their threshold.
    pub broken: Vec<Reason>,
    /// Highest risk of the evidence.
    pub risk: Risk,
}

impl Recomputed {
    fn json(&self) -> Value {
        let broken: Vec<&str> = self.broken.iter().map(|reason| reason.code()).collect();
        json!({"same": self.same, "risk": self.risk.as_str(), "broken": broken})
    }
}

/// Comes to the verdict again from its stored evidence.
#[must_use]
pub fn recompute(verdict: &Verdict<'_>) -> Recomputed {
    let broken: Vec<Reason> = verdict
        .findings
        .iter()
        .filter(|finding| !finding.holds())
        .map(|finding| finding.reason)
        .collect();
    let risk = verdict
        .findings
        .iter()
        .map(|finding| finding.risk)
        .max()
        .unwrap_or(Risk::Clean);
    Recomputed {
        same: broken.is_empty() && risk == verdict.risk,
        broken,
        risk,
    }
}
