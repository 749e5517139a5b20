//! Shapes of conversions: one with its history, changes of status, the report.

use assay_model::Action;
use assay_model::ledger::{Status, Waiting};
use assay_model::ports::ConversionDimension;
use serde_json::{Value, json};

use super::reference;
use super::schemas::{many, maybe_text, number, object, one_of, text, time};
use crate::conversions::json::SUB_IDS;

/// The schemas by name.
pub fn shapes() -> [(&'static str, Value); 7] {
    [
        ("ConversionDimension", conversion_dimension()),
        ("Conversion", conversion()),
        ("StatusChange", status_change()),
        ("StatusChanges", status_changes()),
        ("Amounts", amounts()),
        ("ConversionMeasures", conversion_measures()),
        ("ConversionReport", conversion_report()),
    ]
}

fn conversion_dimension() -> Value {
    let names: Vec<&str> = ConversionDimension::ALL
        .iter()
        .map(|d| d.as_str())
        .collect();
    one_of(&names)
}

fn status() -> Value {
    one_of(&Status::ALL.map(Status::as_str))
}

/// Money as decimal text: a JSON number is a floating point number to most readers.
fn money() -> Value {
    json!({"type": ["string", "null"], "pattern": r"^[-+]?[0-9]*\.?[0-9]*$",
           "description": "Decimal, exact."})
}

fn or_null(words: &[&str]) -> Value {
    let words: Vec<Value> = words
        .iter()
        .map(|w| json!(w))
        .chain([Value::Null])
        .collect();
    json!({"type": ["string", "null"], "enum": words})
}

fn conversion() -> Value {
    let reasons = || many(&reference("ReasonCode"));
    let entry = object(&[
        ("time", time()),
        ("actor", text()),
        ("from", or_null(&Status::ALL.map(Status::as_str))),
        ("to", status()),
        ("reason", reference("ReasonCode")),
        ("reasons", reasons()),
        ("note", maybe_text()),
    ]);
    let mut fields = vec![
        ("conversion_id", text()),
        ("kind", one_of(&["conversion", "post_event"])),
        ("event", text()),
        ("order_id", maybe_text()),
        ("time", time()),
        ("received", time()),
        ("integration_id", number()),
        ("transaction_id", maybe_text()),
        ("external_transaction_id", maybe_text()),
        ("click_event_id", maybe_text()),
        ("advertiser", maybe_text()),
        ("offer", maybe_text()),
        ("publisher", maybe_text()),
    ];
    fields.extend(SUB_IDS.map(|name| (name, maybe_text())));
    fields.extend([
        ("source_id", maybe_text()),
        ("country", maybe_text()),
        ("payout", money()),
        ("revenue", money()),
        ("currency", maybe_text()),
        ("status", status()),
        ("reason", reference("ReasonCode")),
        ("reasons", reasons()),
        ("error_code", maybe_text()),
        ("error_message", maybe_text()),
        ("third_party_rejected_reason", maybe_text()),
        ("waiting", or_null(&Waiting::ALL.map(Waiting::as_str))),
        ("action", or_null(&Action::ALL.map(Action::as_str))),
        ("version", number()),
        ("changed", time()),
        ("history", many(&entry)),
    ]);
    object(&fields)
}

fn status_change() -> Value {
    object(&[
        ("conversion_ids", many(&text())),
        ("status", one_of(&["approved", "rejected"])),
        ("reason?", maybe_text()),
    ])
}

fn status_changes() -> Value {
    let item = object(&[
        ("conversion_id", text()),
        ("result", one_of(&["changed", "unchanged", "not_found"])),
        ("status?", status()),
        ("reason?", reference("ReasonCode")),
        ("detail?", text()),
    ]);
    object(&[
        ("items", many(&item)),
        ("changed", number()),
        ("unchanged", number()),
        ("not_found", number()),
    ])
}

fn amounts() -> Value {
    object(&[
        ("currency", text()),
        ("payout", money()),
        ("revenue", money()),
        ("rejected_payout", money()),
        ("rejected_revenue", money()),
    ])
}

fn conversion_measures() -> Value {
    let counts = ["conversions", "approved", "rejected", "pending", "invalid"];
    let mut fields = counts.map(|name| (name, number())).to_vec();
    let sum = |of: &str| {
        let mut money = money();
        let said = format!("Sum over {of}; null when it would add up several currencies.");
        money["description"] = said.into();
        money
    };
    fields.extend([
        ("payout", sum("approved conversions")),
        ("revenue", sum("approved conversions")),
        ("rejected_payout", sum("rejected and invalid ones")),
        ("rejected_revenue", sum("rejected and invalid ones")),
        ("amounts", many(&reference("Amounts"))),
    ]);
    object(&fields)
}

fn conversion_report() -> Value {
    object(&[
        ("from", time()),
        ("to", time()),
        ("tz", text()),
        ("group_by", many(&reference("ConversionDimension"))),
        (
            "rows",
            many(&json!({"type": "object",
            "description": "The group's values by dimension, and its ConversionMeasures."})),
        ),
        ("totals", reference("ConversionMeasures")),
        ("next", json!({"type": ["integer", "null"]})),
    ])
}
