//! Shapes of the rules seen as a matrix.

use assay_detect::filter_keys;
use serde_json::{Value, json};

use super::reference;
use super::schemas::{flag, many, number, object, one_of, text};

/// The schemas by name.
pub fn shapes() -> [(&'static str, Value); 3] {
    [
        ("Matrix", matrix()),
        ("MatrixRow", row()),
        ("MatrixCell", cell()),
    ]
}

fn matrix() -> Value {
    object(&[
        ("by", one_of(&["publisher", "advertiser"])),
        ("filters", many(&reference("FilterKey"))),
        ("rows", many(&reference("MatrixRow"))),
        ("more", flag()),
    ])
}

fn row() -> Value {
    let mut rule = object(&[("id", number()), ("version", number())]);
    rule["type"] = json!(["object", "null"]);
    let state = object(&[
        ("enabled", flag()),
        ("block_mode", one_of(&["block", "flag"])),
        ("named", flag()),
    ]);
    object(&[
        ("id", text()),
        ("rule", rule),
        (
            "own",
            json!({"type": "boolean", "description": "Whether the rule is for this one alone."}),
        ),
        (
            "cells",
            json!({"type": "object", "propertyNames": reference("FilterKey"),
                   "additionalProperties": state}),
        ),
    ])
}

fn cell() -> Value {
    object(&[
        ("by", one_of(&["publisher", "advertiser"])),
        ("id", text()),
        ("filter", one_of(filter_keys())),
        ("enabled?", flag()),
        ("block_mode?", one_of(&["block", "flag"])),
        ("version?", number()),
    ])
}
