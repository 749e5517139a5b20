//! Shapes of the API (SPEC §9); lists of words come from the code that defines them.

use assay_model::document::FILTER_KEYS;
use assay_model::hit::EventKind;
use assay_model::ports::Dimension;
use assay_model::verdict::Action;
use assay_model::{CATALOGUE, Class, ClickSearch};
use serde_json::{Map, Value, json};

use super::reference;

/// Every schema by name.
pub fn all() -> Value {
    let shapes = [
        ("Any", json!({"type": "object"})),
        ("Account", account()),
        ("Integration", integration()),
        ("DoorError", door_error()),
        ("Select", select()),
        ("Scope", scope()),
        ("FilterKey", json!({"type": "string", "enum": FILTER_KEYS})),
        ("FilterSettings", filter_settings()),
        ("Rule", rule()),
        ("RuleVersion", rule_version()),
        ("List", list()),
        ("Token", token()),
        ("ReasonCode", reason_code()),
        ("Dimension", dimension()),
        ("Reason", reason()),
        ("Evidence", evidence()),
        ("Event", event()),
        ("Why", why()),
        ("ClickMeasures", measures()),
        ("ClickReport", click_report()),
        ("Problem", problem()),
    ];
    let shapes = shapes.into_iter().chain(super::conversions::shapes());
    let shapes = shapes.chain(super::postbacks::shapes());
    let shapes = shapes.chain(super::sources::shapes());
    let shapes = shapes.chain(super::matrix::shapes());
    let shapes = shapes.chain(super::network::shapes());
    let shapes = shapes.chain(super::replay::shapes());
    let shapes = shapes.chain(super::holdout::shapes());
    let shapes = shapes.map(|(name, shape)| (name.to_owned(), shape));
    Value::Object(Map::from_iter(shapes))
}

/// A closed object; `?` after a name: may be left out of what is sent.
pub(super) fn object(fields: &[(&str, Value)]) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (name, shape) in fields {
        let bare = name.trim_end_matches('?');
        if bare == *name {
            required.push(bare);
        }
        properties.insert(bare.to_owned(), shape.clone());
    }
    json!({"type": "object", "properties": properties, "required": required,
           "additionalProperties": false})
}

pub(super) fn text() -> Value {
    json!({"type": "string"})
}

pub(super) fn maybe_text() -> Value {
    json!({"type": ["string", "null"]})
}

pub(super) fn number() -> Value {
    json!({"type": "integer", "minimum": 0})
}

pub(super) fn flag() -> Value {
    json!({"type": "boolean"})
}

pub(super) fn one_of(words: &[&str]) -> Value {
    json!({"type": "string", "enum": words})
}

pub(super) fn many(item: &Value) -> Value {
    json!({"type": "array", "items": item})
}

pub(super) fn time() -> Value {
    json!({"type": "string", "format": "date-time"})
}

pub(super) fn given(mut shape: Value) -> Value {
    shape["readOnly"] = true.into();
    shape
}

pub(super) fn map_of_text() -> Value {
    json!({"type": "object", "additionalProperties": {"type": "string"}})
}

fn account() -> Value {
    object(&[
        ("id?", given(number())),
        ("version?", number()),
        ("name", text()),
        ("time_zone?", text()),
        ("currency?", text()),
        ("retention?", object(&[("events_d?", number())])),
        ("reputation?", reputation()),
    ])
}

fn reputation() -> Value {
    let amount = json!({"type": "number", "exclusiveMinimum": 0});
    object(&[
        ("enabled?", flag()),
        ("block_mode?", one_of(&["flag", "block"])),
        ("half_life?", text()),
        ("prior_weight?", amount.clone()),
        ("margin?", amount),
    ])
}

fn integration() -> Value {
    let on_reject = [
        "fallback",
        "waterfall",
        "monetize",
        "blank",
        "block",
        "localhost",
    ];
    let policies = json!([
        null,
        "no-referrer",
        "no-referrer-when-downgrade",
        "origin",
        "origin-when-cross-origin",
        "same-origin",
        "strict-origin",
        "strict-origin-when-cross-origin",
        "unsafe-url",
    ]);
    let clicks = object(&[
        ("approved_url?", maybe_text()),
        ("urls?", many(&object(&[("id", text()), ("url", text())]))),
        ("append?", many(&text())),
        ("pass_extra?", flag()),
        ("fallback_url?", maybe_text()),
        ("on_reject?", one_of(&on_reject)),
        ("allowed_hosts?", many(&text())),
        ("params?", map_of_text()),
        ("measure_only?", flag()),
        (
            "referrer_policy?",
            json!({"type": ["string", "null"], "enum": policies}),
        ),
    ]);
    let conversions = object(&[
        ("params?", map_of_text()),
        ("secure_token?", maybe_text()),
        ("clickless?", flag()),
        ("lookback_d?", number()),
    ]);
    let signing = object(&[
        ("mode?", one_of(&["off", "report", "enforce"])),
        (
            "keys?",
            many(&object(&[("id", text()), ("secret", text())])),
        ),
        ("window_s?", number()),
    ]);
    let urls = ["click", "jsp", "impression", "postback", "rejection", "s2s"];
    object(&[
        ("id?", given(number())),
        ("version?", number()),
        ("account_id?", given(number())),
        ("name", text()),
        ("kind", one_of(&["s2s", "custom", "network"])),
        ("status?", one_of(&["active", "paused"])),
        ("access_key?", maybe_text()),
        ("advertiser?", maybe_text()),
        ("domain_id?", json!({"type": ["integer", "null"]})),
        ("allowed_sources?", many(&text())),
        ("on_degraded?", one_of(&["allow", "review", "block"])),
        ("clicks?", clicks),
        ("conversions?", conversions),
        ("signing?", signing),
        (
            "urls?",
            given(object(&urls.map(|name| (name, maybe_text())))),
        ),
    ])
}

/// An offer that turned a click down.
fn passed() -> Value {
    object(&[
        ("offer", maybe_text()),
        ("reason", reference("ReasonCode")),
        ("rule", object(&[("id", number()), ("version", number())])),
    ])
}

fn door_error() -> Value {
    object(&[
        ("id", number()),
        ("integration_id", json!({"type": ["integer", "null"]})),
        ("time", time()),
        ("door", text()),
        ("code", text()),
        ("field?", text()),
        ("cause", text()),
        ("sample", text()),
        ("count", number()),
    ])
}

fn select() -> Value {
    object(&[("include?", many(&text())), ("exclude?", many(&text()))])
}

fn scope() -> Value {
    let names = ["offers?", "advertisers?", "publishers?", "countries?"];
    object(&names.map(|name| (name, reference("Select"))))
}

fn filter_settings() -> Value {
    json!({"type": "object", "description": "Beside these, the filter's own settings.",
           "properties": {"enabled": flag(), "block_mode": one_of(&["block", "flag"])}})
}

fn rule() -> Value {
    let presets = [
        "none",
        "cpc",
        "mobile_cpi",
        "leadgen",
        "popunder",
        "search",
        "email",
        "disable_all",
    ];
    let sub_ids = [
        "sub_id",
        "sub_id_2",
        "sub_id_3",
        "sub_id_4",
        "sub_id_5",
        "sub_id_6",
        "source_id",
        "publisher",
    ];
    let filters = json!({"type": "object", "propertyNames": reference("FilterKey"),
                         "additionalProperties": reference("FilterSettings")});
    object(&[
        ("id?", given(number())),
        ("version?", number()),
        ("name", text()),
        ("status", one_of(&["active", "paused"])),
        ("protection", one_of(&["click", "conversion", "both"])),
        ("sub_id_mapping", one_of(&sub_ids)),
        ("priority?", number()),
        ("integration_id?", json!({"type": ["integer", "null"]})),
        ("scope?", reference("Scope")),
        ("mode?", one_of(&["enforce", "monitor", "hold"])),
        ("preset?", one_of(&presets)),
        (
            "strictness?",
            one_of(&["conservative", "moderate", "strict"]),
        ),
        (
            "holdout_percent?",
            json!({"type": "integer", "minimum": 0, "maximum": 10, "default": 0}),
        ),
        ("filters?", filters),
        ("is_default?", given(flag())),
    ])
}

fn rule_version() -> Value {
    object(&[
        ("id", number()),
        ("version", number()),
        ("updated", time()),
        ("actor", text()),
        ("rule", reference("Rule")),
    ])
}

fn list() -> Value {
    let fields = [
        "ip",
        "asn",
        "user_agent",
        "device_id",
        "bundle_id",
        "referrer",
        "publisher",
        "sub_id",
        "keyword",
        "isp",
    ];
    let entry = object(&[
        ("value", text()),
        ("note?", maybe_text()),
        (
            "expires?",
            json!({"type": ["string", "null"], "format": "date-time"}),
        ),
    ]);
    object(&[
        ("id?", given(number())),
        ("version?", number()),
        ("name", text()),
        ("mode?", one_of(&["deny", "allow"])),
        ("field", one_of(&fields)),
        ("scope?", reference("Scope")),
        ("entries?", many(&entry)),
    ])
}

fn token() -> Value {
    object(&[
        ("id?", given(number())),
        ("version?", number()),
        ("name", text()),
        (
            "scopes",
            many(&one_of(&["score", "read", "write", "admin"])),
        ),
        (
            "expires?",
            json!({"type": ["string", "null"], "format": "date-time"}),
        ),
        ("hint?", given(text())),
        ("token?", given(text())),
    ])
}

fn reason_code() -> Value {
    let codes: Vec<&str> = CATALOGUE.iter().map(|row| row.code).collect();
    one_of(&codes)
}

fn dimension() -> Value {
    let names: Vec<&str> = Dimension::ALL.iter().map(|d| d.as_str()).collect();
    one_of(&names)
}

fn class() -> Value {
    one_of(&Class::ALL.map(Class::as_str))
}

fn risk() -> Value {
    one_of(&["clean", "low", "medium", "high"])
}

fn reason() -> Value {
    object(&[
        ("code", reference("ReasonCode")),
        ("class", class()),
        ("risk", risk()),
        ("fp_risk", text()),
        ("applies", text()),
        ("fields", many(&text())),
        ("cleartrust", text()),
        ("adsecurity", text()),
        ("everflow", number()),
        ("meaning", text()),
    ])
}

fn evidence() -> Value {
    object(&[
        ("reason", reference("ReasonCode")),
        ("class", class()),
        ("risk", risk()),
        ("fp_risk?", text()),
        ("effect?", one_of(&["flag", "allowed"])),
        ("observed?", json!({"type": "object"})),
        ("threshold?", json!({"type": ["number", "string"]})),
        ("window?", text()),
        ("n?", number()),
        ("list?", text()),
    ])
}

/// How the look for a conversion's click ended; an event without one has no such field.
const SEARCHES: [ClickSearch; 3] = [
    ClickSearch::Found,
    ClickSearch::NotFound,
    ClickSearch::NotMade,
];

fn event_fields() -> Vec<(&'static str, Value)> {
    vec![
        ("event_id", text()),
        ("event", one_of(&EventKind::ALL.map(EventKind::as_str))),
        ("time", time()),
        ("received", time()),
        ("integration_id", number()),
        ("transaction_id", maybe_text()),
        ("risk", risk()),
        ("score", json!({"type": "integer", "enum": [0, 1, 2, 3]})),
        ("points", number()),
        ("class", class()),
        ("reason", reference("ReasonCode")),
        ("reasons", many(&reference("ReasonCode"))),
        ("evidence", many(&reference("Evidence"))),
        ("rule", object(&[("id", number()), ("version", number())])),
        ("action", action()),
        ("destination", maybe_text()),
        ("degraded?", text()),
        ("weighing", json!({"type": "object"})),
        ("decision_us", number()),
        ("detect_revision", number()),
        ("facts", json!({"type": "object"})),
        ("click?", json!({"type": "object"})),
        ("click_search?", one_of(&SEARCHES.map(ClickSearch::as_str))),
        ("judged_first_as?", text()),
        ("error_code?", text()),
        ("error_message?", text()),
        ("passed?", many(&passed())),
    ]
}

fn action() -> Value {
    one_of(&Action::ALL.map(Action::as_str))
}

fn event() -> Value {
    object(&event_fields())
}

fn why() -> Value {
    let filter = object(&[
        ("key", reference("FilterKey")),
        ("state", one_of(&["clean", "flagged", "skipped", "off"])),
        ("missing?", text()),
    ]);
    let recomputed = object(&[
        ("same", flag()),
        ("risk", risk()),
        ("points", number()),
        ("class", class()),
        ("reason", reference("ReasonCode")),
        ("action", action()),
    ]);
    let mut fields = event_fields();
    fields.push(("filters", many(&filter)));
    fields.push(("recomputed", recomputed));
    object(&fields)
}

fn measures() -> Value {
    let names = [
        "clicks",
        "approved",
        "rejected",
        "monitored",
        "givt",
        "sivt",
        "policy",
    ];
    object(&names.map(|name| (name, number())))
}

fn click_report() -> Value {
    object(&[
        ("from", time()),
        ("to", time()),
        ("tz", text()),
        ("group_by", many(&reference("Dimension"))),
        (
            "rows",
            many(&json!({"type": "object",
            "description": "The group's values by dimension, and its counts."})),
        ),
        ("totals", reference("ClickMeasures")),
        ("next", json!({"type": ["integer", "null"]})),
    ])
}

fn problem() -> Value {
    let fault = object(&[("field", text()), ("detail", text())]);
    object(&[
        ("type", text()),
        ("title", text()),
        ("status", number()),
        ("code", text()),
        ("detail", text()),
        ("field?", text()),
        ("errors?", many(&fault)),
        ("request_id", text()),
    ])
}
