//! Shapes of postbacks out and of their deliveries.

use assay_model::EventKind;
use assay_model::ports::DeliveryState;
use serde_json::{Value, json};

use super::reference;
use super::schemas::{given, many, map_of_text, maybe_text, number, object, one_of, text, time};

/// The schemas by name.
pub fn shapes() -> [(&'static str, Value); 4] {
    [
        ("Postback", postback()),
        ("DeliveryTry", delivery_try()),
        ("Delivery", object(&delivery())),
        ("DeliveryTries", delivery_tries()),
    ]
}

fn postback() -> Value {
    object(&[
        ("id?", given(number())),
        ("version?", number()),
        ("name", text()),
        ("status?", one_of(&["active", "paused"])),
        ("integration_id?", json!({"type": ["integer", "null"]})),
        ("type?", one_of(&["click", "conversion", "event"])),
        ("fire_on?", one_of(&["approved", "any", "rejected"])),
        ("reasons?", many(&reference("ReasonCode"))),
        ("scope?", reference("Scope")),
        ("delay_s?", number()),
        ("method?", one_of(&["GET", "POST", "PUT"])),
        ("url", text()),
        ("headers?", map_of_text()),
        ("body?", maybe_text()),
        (
            "secret?",
            json!({"type": ["string", "null"],
                   "description": "`whsec_` and 24 to 64 bytes in base64; shown by its end only."}),
        ),
    ])
}

fn delivery_try() -> Value {
    object(&[
        ("at", time()),
        ("request", text()),
        ("status", json!({"type": ["integer", "null"]})),
        ("latency_ms", number()),
        ("error", maybe_text()),
        ("response", text()),
    ])
}

fn delivery() -> Vec<(&'static str, Value)> {
    let mut last = delivery_try();
    last["type"] = json!(["object", "null"]);
    let next = json!({"type": ["string", "null"], "format": "date-time"});
    vec![
        ("id", number()),
        ("message_id", text()),
        ("postback_id", number()),
        ("event", one_of(&EventKind::ALL.map(EventKind::as_str))),
        ("subject_id", text()),
        ("status", one_of(&["approved", "rejected"])),
        ("reason", text()),
        (
            "state",
            one_of(&DeliveryState::ALL.map(DeliveryState::as_str)),
        ),
        ("due", time()),
        ("next", next),
        ("attempts", number()),
        ("last", last),
    ]
}

fn delivery_tries() -> Value {
    let mut fields = delivery();
    fields.push(("tries", many(&reference("DeliveryTry"))));
    object(&fields)
}
