//! Shapes of sources, of the log about them, and of lifting.

use assay_model::ports::SourceStep;
use assay_model::sources::SourceLevel;
use serde_json::{Value, json};

use super::reference;
use super::schemas::{many, maybe_text, number, object, one_of, text, time};

/// The schemas by name.
pub fn shapes() -> [(&'static str, Value); 6] {
    [
        ("SourceTest", test()),
        ("SourceHeld", held()),
        ("Source", source()),
        ("Sources", sources()),
        ("SourceDecision", decision()),
        ("SourceLift", lift()),
    ]
}

fn amount() -> Value {
    json!({"type": "number"})
}

fn anything() -> Value {
    json!({"type": "object", "additionalProperties": true})
}

fn maybe(mut shape: Value) -> Value {
    shape["type"] = json!([shape["type"], "null"]);
    shape
}

fn level() -> Value {
    one_of(&SourceLevel::ALL.map(SourceLevel::as_str))
}

fn name() -> [(&'static str, Value); 4] {
    [
        ("level", level()),
        ("publisher", text()),
        ("sub_id", text()),
        ("offer", text()),
    ]
}

fn test() -> Value {
    object(&[
        ("filter", text()),
        ("reason", reference("ReasonCode")),
        ("test", text()),
        ("value", amount()),
        ("limit", amount()),
        ("worse", one_of(&["above", "below"])),
        ("release", amount()),
        ("n", number()),
        ("n_min", number()),
        ("p", amount()),
        ("observed", anything()),
    ])
}

fn held() -> Value {
    let mut fields = vec![
        ("rule", number()),
        ("filter", text()),
        ("reason", reference("ReasonCode")),
        ("since", time()),
        ("as_of", time()),
        ("observed", anything()),
        ("threshold", json!({"type": ["number", "string"]})),
        ("window_s", number()),
        ("n", number()),
        ("recovery", anything()),
        ("test", anything()),
    ];
    fields.extend(name());
    object(&fields)
}

fn source() -> Value {
    let mut fields = name().to_vec();
    fields.extend([
        ("rule", number()),
        ("state", one_of(&["held", "clean", "too_little_volume"])),
        ("since", maybe(time())),
        ("tests", many(&reference("SourceTest"))),
        ("held", many(&reference("SourceHeld"))),
        ("window_s?", number()),
        ("clicks?", number()),
        ("impressions?", number()),
        ("conversions?", number()),
        ("ctit_median_s?", maybe(amount())),
    ]);
    object(&fields)
}

fn sources() -> Value {
    object(&[
        ("snapshot", number()),
        ("as_of", maybe(time())),
        ("age_s", maybe(number())),
        ("items", many(&reference("Source"))),
        ("next", maybe(number())),
    ])
}

fn decision() -> Value {
    let mut fields = vec![
        ("id", number()),
        ("time", time()),
        ("snapshot", number()),
        ("what", one_of(&SourceStep::ALL.map(SourceStep::as_str))),
        ("rule", maybe(number())),
        ("filter", text()),
        ("reason", text()),
        ("actor", text()),
        ("detail", anything()),
    ];
    fields.extend(name());
    object(&fields)
}

fn lift() -> Value {
    object(&[
        ("publisher", text()),
        ("sub_id?", maybe_text()),
        ("offer?", maybe_text()),
        ("rule?", maybe(number())),
        ("filter?", maybe_text()),
        ("until", time()),
        ("note", text()),
    ])
}
