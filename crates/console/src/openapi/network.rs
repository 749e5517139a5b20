//! Shapes of advertisers, offers and publishers, and of their tables.

use assay_model::document::Disclosure;
use serde_json::{Value, json};

use super::schemas::{given, many, maybe_text, number, object, one_of, text};

/// The schemas by name.
pub fn shapes() -> [(&'static str, Value); 5] {
    [
        ("Advertiser", object(&named())),
        ("Offer", offer()),
        ("Publisher", publisher()),
        (
            "Csv",
            json!({"type": "string",
                   "description": "A table with a header row; its columns are the fields."}),
        ),
        ("Imported", imported()),
    ]
}

fn named() -> Vec<(&'static str, Value)> {
    vec![
        ("id?", given(number())),
        ("version?", number()),
        ("external_id?", maybe_text()),
        ("name", text()),
        ("status?", one_of(&["active", "paused"])),
    ]
}

fn publisher() -> Value {
    let mut fields = named();
    let levels = Disclosure::ALL.map(Disclosure::as_str);
    fields.push(("disclosure?", one_of(&levels)));
    object(&fields)
}

fn offer() -> Value {
    let settings = || json!({"type": ["object", "null"], "description": "As a rule's filter."});
    let amount = || {
        json!({"type": ["string", "number", "null"],
               "description": "A decimal number; shown as a text."})
    };
    let mut fields = named();
    fields.extend([
        ("advertiser?", maybe_text()),
        ("url?", maybe_text()),
        ("priority?", number()),
        ("payout?", amount()),
        ("revenue?", amount()),
        ("tracker_id?", json!({"type": ["integer", "null"]})),
        ("caps?", settings()),
        ("targeting?", settings()),
        ("day_parting?", settings()),
        ("tracking_url?", given(maybe_text())),
    ]);
    object(&fields)
}

fn imported() -> Value {
    let fault = object(&[("row", number()), ("column", text()), ("detail", text())]);
    object(&[
        ("rows", number()),
        ("created", number()),
        ("updated", number()),
        ("unchanged", number()),
        ("failed", number()),
        ("errors", many(&fault)),
    ])
}
