//! Shapes of the holdout.

use serde_json::{Value, json};

use super::reference;
use super::schemas::{many, number, object, text, time};

/// The schemas by name.
pub fn shapes() -> [(&'static str, Value); 4] {
    [
        ("Holdout", holdout()),
        ("HoldoutRow", row(&[])),
        ("HoldoutSource", row(&["publisher", "sub_id"])),
        ("HoldoutSide", side()),
    ]
}

fn holdout() -> Value {
    object(&[
        ("from", time()),
        ("to", time()),
        ("method", text()),
        ("totals", reference("HoldoutRow")),
        ("sources", many(&reference("HoldoutSource"))),
        ("source_count", number()),
        ("complete", json!({"type": "boolean"})),
    ])
}

fn interval() -> Value {
    json!({"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2,
           "description": "Lower and upper end, at 95 %."})
}

fn side() -> Value {
    object(&[
        ("clicks", number()),
        ("converted", number()),
        ("rate", json!({"type": ["number", "null"]})),
        ("interval", interval()),
    ])
}

fn row(names: &[&str]) -> Value {
    let mut difference = object(&[
        ("value", json!({"type": "number"})),
        ("interval", interval()),
    ]);
    difference["type"] = json!(["object", "null"]);
    difference["description"] =
        "Rate of what was let through less rate of what was approved; null where one is of nothing.".into();
    let reasons = object(&[("reason", reference("ReasonCode")), ("clicks", number())]);
    let mut fields: Vec<(&str, Value)> = names.iter().map(|name| (*name, text())).collect();
    fields.extend([
        ("held_out", reference("HoldoutSide")),
        ("approved", reference("HoldoutSide")),
        ("difference", difference),
        ("reasons", many(&reasons)),
    ]);
    object(&fields)
}
