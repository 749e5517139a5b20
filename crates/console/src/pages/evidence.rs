//! Evidence in words: the value and its limit side by side.

use assay_model::verdict::{Effect, Finding, Value};
use assay_model::{Span, Test};

use super::words::{self, Chip};

/// One reason in the evidence table.
pub struct EvidenceRow {
    /// Reason code.
    pub code: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// Observed values by name.
    pub observed: Vec<(&'static str, String)>,
    /// The value held against the limit.
    pub seen: String,
    /// The limit.
    pub limit: String,
    /// Width of the value's bar; empty = nothing to draw.
    pub seen_width: String,
    /// Where the limit's mark stands.
    pub limit_at: String,
    /// Length of the window.
    pub window: String,
    /// Provenance.
    pub list: String,
    /// Why it did not block; empty = it did.
    pub effect: &'static str,
    /// Its risk.
    pub risk: Chip,
    /// Its class.
    pub class: &'static str,
    /// Its swatch.
    pub css: &'static str,
}

/// "count 501 in 1h, limit 500": the value and its limit side by side.
#[must_use]
pub fn numbers(finding: &Finding<'_>) -> String {
    let (seen, limit) = (seen(finding), limit(finding));
    if limit.is_empty() {
        return String::new();
    }
    let window = match finding.window_s {
        0 => String::new(),
        seconds => format!(" in {}", Span(seconds)),
    };
    let name = compared(finding).unwrap_or("value");
    format!("{name} {seen}{window}, limit {limit}")
}

/// Code, class and swatch of a reason beside the main one.
#[must_use]
pub fn other(finding: &Finding<'_>) -> (&'static str, &'static str, &'static str) {
    let info = finding.reason.info();
    (info.code, info.class.as_str(), words::class_css(info.class))
}

/// Name of the observed value that is held against the threshold.
fn compared(finding: &Finding<'_>) -> Option<&'static str> {
    match finding.reason.info().test {
        Test::Fact => None,
        Test::Above(name) | Test::Below(name) => Some(name),
    }
}

fn seen(finding: &Finding<'_>) -> String {
    let value = compared(finding).and_then(|name| finding.value(name));
    value.map_or_else(String::new, said)
}

fn limit(finding: &Finding<'_>) -> String {
    finding.threshold.as_ref().map_or_else(String::new, said)
}

fn said(value: &Value<'_>) -> String {
    match value {
        Value::Int(n) => u64::try_from(*n).map_or_else(|_| n.to_string(), words::count),
        Value::Float(n) => format!("{n:.2}"),
        Value::Text(text) => text.to_string(),
    }
}

/// A finding as a row.
#[must_use]
pub fn evidence_row(finding: &Finding<'_>) -> EvidenceRow {
    let info = finding.reason.info();
    let (seen_width, limit_at) = bar(finding);
    EvidenceRow {
        code: info.code,
        meaning: info.meaning,
        observed: finding
            .observed
            .iter()
            .filter_map(|(at, value)| Some((*info.fields.get(usize::from(*at))?, said(value))))
            .collect(),
        seen: seen(finding),
        limit: limit(finding),
        seen_width,
        limit_at,
        window: match finding.window_s {
            0 => String::new(),
            seconds => Span(seconds).to_string(),
        },
        list: finding.list.to_string(),
        effect: match finding.effect {
            Effect::Block => "",
            Effect::Flag => "only flagged by the rule",
            Effect::Allowed => "let through by an allow list",
            Effect::Offer => "a limit of the offer itself",
        },
        risk: words::risk(finding.risk),
        class: info.class.as_str(),
        css: words::class_css(info.class),
    }
}

/// Widths of the bar and of its limit mark, the longer one at four fifths; empty = nothing to draw.
fn bar(finding: &Finding<'_>) -> (String, String) {
    let value = compared(finding).and_then(|name| finding.value(name)?.number());
    let limit = finding.threshold.as_ref().and_then(Value::number);
    match (value, limit) {
        (Some(value), Some(limit)) if value >= 0.0 && limit >= 0.0 && value.max(limit) > 0.0 => {
            let full = value.max(limit) / 80.0;
            (
                format!("{:.1}%", value / full),
                format!("{:.1}%", limit / full),
            )
        }
        _ => (String::new(), String::new()),
    }
}
