//! Shapes of replays.

use serde_json::{Value, json};

use super::reference;
use super::schemas::{many, maybe_text, number, object, one_of, text, time};

/// The schemas by name.
pub fn shapes() -> [(&'static str, Value); 7] {
    [
        ("EventReplay", of_event()),
        ("ReplayAsked", asked()),
        ("Replay", replay()),
        ("ReplayReport", report()),
        ("ReplayRow", row(&[])),
        ("ReplaySource", row(&["publisher", "sub_id"])),
        ("ReplayChange", change()),
    ]
}

fn of_event() -> Value {
    let verdict = |meaning| described(json!({"type": "object"}), meaning);
    object(&[
        ("event_id", text()),
        ("recorded", verdict("The verdict as recorded.")),
        (
            "candidate",
            or_null(verdict(
                "What the rules would have said; null where `cause` says why not.",
            )),
        ),
        (
            "record_holds",
            json!({"type": ["boolean", "null"],
                   "description": "Whether the recorded verdict comes out again; null when its rule version is not stored."}),
        ),
        ("cause", maybe_text()),
    ])
}

fn or_null(mut shape: Value) -> Value {
    shape["type"] = json!([shape["type"], "null"]);
    shape
}

fn described(mut shape: Value, meaning: &str) -> Value {
    shape["description"] = meaning.into();
    shape
}

fn asked() -> Value {
    let yes = json!({"type": "boolean", "default": false});
    object(&[
        (
            "rule?",
            described(
                text(),
                "ID@VERSION of a stored rule, as 3@4: tried in its place.",
            ),
        ),
        (
            "rules?",
            described(
                many(&json!({"type": "object"})),
                "Rules as `Rule` has them, laid over those in force: one with an `id` stands for that rule.",
            ),
        ),
        (
            "only?",
            described(yes, "`rules` are all there is, but for the default rule."),
        ),
        (
            "from?",
            described(
                text(),
                "From here on. A date is its midnight in the account's time zone.",
            ),
        ),
        ("to?", described(text(), "Before here; now when left out.")),
        (
            "last?",
            described(text(), "In place of `from`: how long back, as 24h or 7d."),
        ),
    ])
}

fn replay() -> Value {
    let progress = object(&[
        ("phase", one_of(&["conversions", "events", "rebuilding"])),
        ("done", number()),
        ("of", or_null(number())),
        ("per_s", or_null(number())),
        ("eta_s", or_null(number())),
    ]);
    let status = one_of(&["running", "done", "cancelled", "failed"]);
    let report = json!({"anyOf": [reference("ReplayReport"), {"type": "null"}],
                        "type": ["object", "null"]});
    object(&[
        ("id", number()),
        ("status", status),
        ("asked", json!({"type": "object"})),
        ("actor", text()),
        ("created", time()),
        ("progress", progress),
        ("error", maybe_text()),
        ("report", report),
    ])
}

fn report() -> Value {
    let agreement = object(&[
        (
            "same",
            described(
                number(),
                "Recorded verdicts that came out again, bit for bit.",
            ),
        ),
        ("different", number()),
        ("different_by_revision", number()),
        ("rule_not_stored", number()),
        ("events", many(&text())),
        ("revision", number()),
        (
            "recorded_revisions",
            many(&object(&[("revision", number()), ("events", number())])),
        ),
    ]);
    let rebuilt = object(&[("verdicts", number()), ("warm_up_s", number())]);
    let others = json!({"anyOf": [reference("ReplayRow"), {"type": "null"}],
                        "type": ["object", "null"]});
    object(&[
        ("totals", reference("ReplayRow")),
        ("sources", many(&reference("ReplaySource"))),
        ("source_count", number()),
        ("other_sources", others),
        ("agreement", agreement),
        (
            "rebuilt",
            described(
                or_null(rebuilt),
                "Verdicts in which counters had a part that were made anew from the events.",
            ),
        ),
        (
            "without_source_statistics",
            described(
                number(),
                "Verdicts of filters over sources that the deciding rule did not run: what the statistics said then is not recorded.",
            ),
        ),
        (
            "not_replayed",
            object(&[
                ("test", number()),
                ("unscreened", number()),
                ("integration_not_stored", number()),
                ("damaged", number()),
            ]),
        ),
        (
            "conversions",
            object(&[
                ("joined", number()),
                ("complete", json!({"type": "boolean"})),
            ]),
        ),
        (
            "limits",
            object(&[("sources", number()), ("conversions", number())]),
        ),
    ])
}

fn row(names: &[&str]) -> Value {
    let change = || reference("ReplayChange");
    let mut fields: Vec<(&str, Value)> = names.iter().map(|name| (*name, text())).collect();
    fields.extend([
        ("events", number()),
        ("approved", number()),
        (
            "rejected",
            described(number(), "As recorded; held and monitored ones too."),
        ),
        ("approved_now", number()),
        ("rejected_now", number()),
        ("approved_to_rejected", change()),
        ("rejected_to_approved", change()),
        ("other_reason", number()),
    ]);
    object(&fields)
}

fn change() -> Value {
    let reasons = object(&[("reason", reference("ReasonCode")), ("events", number())]);
    let amounts = object(&[
        ("currency", text()),
        ("payout", text()),
        ("revenue", text()),
        ("paid_payout", text()),
        ("paid_revenue", text()),
    ]);
    object(&[
        ("events", number()),
        ("reasons", many(&reasons)),
        ("samples", many(&text())),
        (
            "conversions",
            described(
                number(),
                "Conversions whose own verdict or click's verdict changes so.",
            ),
        ),
        (
            "paid_conversions",
            described(
                number(),
                "Of these, approved now: paid, and not reversed since.",
            ),
        ),
        (
            "paid_events",
            described(
                number(),
                "Clicks, and conversions without one, that paid conversions hang on.",
            ),
        ),
        ("amounts", many(&amounts)),
    ])
}
