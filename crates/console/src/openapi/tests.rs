//! Every schema is held against real answers; the committed document against the code.

use assay_model::ports::{DoorError, ErrorLog as _, Ledger as _};
use assay_model::testing::NOW;
use assay_model::{AccountId, ClickMatch, ClickSearch, IntegrationId, MatchedBy};
use serde_json::{Value, json};

use super::{document, openapi_json};
use crate::api::all;
use crate::conversions::tests::{approved, pending};
use crate::events::tests::rejected;
use crate::testing::TestApp;

/// What of a value its schema does not allow; a small part of JSON Schema 2020-12.
fn faults(schema: &Value, value: &Value, at: &str, out: &mut Vec<String>) {
    let root = document();
    let schema = match schema["$ref"].as_str() {
        Some(path) => root.pointer(path.trim_start_matches('#')).unwrap().clone(),
        None => schema.clone(),
    };
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().map(|k| k.as_str().unwrap()).collect(),
        _ => Vec::new(),
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(n) if n.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fits = kinds.contains(&kind) || (kind == "integer" && kinds.contains(&"number"));
    if !fits {
        out.push(format!("{at}: {kind} is not {kinds:?}"));
    }
    if let Some(words) = schema["enum"].as_array().filter(|w| !w.contains(value)) {
        out.push(format!("{at}: {value} is none of {}", words.len()));
    }
    for item in value.as_array().into_iter().flatten() {
        faults(&schema["items"], item, &format!("{at}[]"), out);
    }
    let Some(map) = value.as_object() else { return };
    for name in schema["required"].as_array().into_iter().flatten() {
        if !map.contains_key(name.as_str().unwrap()) {
            out.push(format!("{at}: {name} is missing"));
        }
    }
    for (name, inner) in map {
        let at = format!("{at}.{name}");
        match (&schema["properties"][name], &schema["additionalProperties"]) {
            (Value::Null, Value::Bool(false)) => out.push(format!("{at} is not described")),
            (Value::Null, extra @ Value::Object(_)) => faults(extra, inner, &at, out),
            (Value::Null, _) => {}
            (property, _) => faults(property, inner, &at, out),
        }
    }
}

fn schema_of<'a>(document: &'a Value, verb: &str, path: &str) -> &'a Value {
    let answers = &document["paths"][path][verb]["responses"];
    let answer = answers.get("200").or_else(|| answers.get("201")).unwrap();
    &answer["content"]["application/json"]["schema"]
}

async fn filled_app() -> (TestApp, String) {
    let app = TestApp::start().await;
    app.post("/integrations", &json!({"name": "n", "kind": "s2s"}))
        .await;
    app.post(
        "/rules",
        &json!({"name": "r", "status": "active", "protection": "both", "sub_id_mapping": "sub_id",
                "filters": {"vpn": {"enabled": true, "block_mode": "flag"}}}),
    )
    .await;
    let entry = json!({"value": "8.8.8.8", "note": "n", "expires": "2027-01-01"});
    app.post(
        "/lists",
        &json!({"name": "l", "field": "ip", "entries": [entry]}),
    )
    .await;
    for kind in ["advertisers", "offers", "publishers"] {
        app.post(&format!("/{kind}"), &json!({"name": "n"})).await;
    }
    app.errors.note(DoorError {
        account: Some(AccountId(1)),
        integration: Some(IntegrationId(1)),
        at: NOW,
        door: "s2s",
        code: "missing",
        field: "ip".into(),
        cause: "ip is missing".into(),
        sample: "/ic3.php".into(),
    });
    let postback = json!({"name": "p", "url": "https://a.example/"});
    app.post("/postbacks", &postback).await;
    for state in assay_model::ports::DeliveryState::ALL.into_iter().rev() {
        app.deliveries.add(1, state);
    }
    let mut event = rejected(1);
    let click = ClickMatch::unknown(MatchedBy::OwnId, 86_400);
    event.recall.click = Some(Box::new(click));
    event.recall.search = ClickSearch::Found;
    event.recall.again = Some(event.event_id);
    app.add_event(&event);
    for new in [approved(1), pending(2)] {
        let made = app.ledger.append(AccountId(1), new, Vec::new());
        made.await.unwrap();
    }
    app.post("/replays", &json!({"last": "1d"})).await;
    (app, event.event_id.to_string())
}

#[tokio::test]
async fn every_answer_is_as_the_document_says() {
    let (app, event_id) = filled_app().await;
    let document = document();
    for endpoint in all().iter().filter(|e| e.verb == "get") {
        let mut path = endpoint
            .path
            .replace("{event_id}", &event_id)
            .replace(
                "{conversion_id}",
                &crate::conversions::tests::id(1).to_string(),
            )
            .replace("{version}", "1")
            .replace("{id}", "1");
        if path == "/intel/lookup" {
            path.push_str("?ip=8.8.8.8");
        }
        if path.starts_with("/reports/") {
            path.push_str("?from=2026-01-01&to=2026-01-02&group_by=publisher");
        }
        let answer = app.get(&path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        let schema = schema_of(&document, "get", endpoint.path);
        let mut found = Vec::new();
        faults(schema, &answer.json(), &path, &mut found);
        assert!(found.is_empty(), "{found:#?}");
    }
    let made = app
        .post("/tokens", &json!({"name": "t", "scopes": ["read"]}))
        .await;
    let mut found = Vec::new();
    let schema = schema_of(&document, "post", "/tokens");
    faults(schema, &made.json(), "token", &mut found);
    let ids = [
        crate::conversions::tests::id(1).to_string(),
        "none".to_owned(),
    ];
    let change = json!({"conversion_ids": ids, "status": "rejected"});
    let changed = app.post("/conversions/status", &change).await;
    let schema = schema_of(&document, "post", "/conversions/status");
    faults(schema, &changed.json(), "changes", &mut found);
    let refused = app
        .post("/tokens", &json!({"name": "t", "scopes": []}))
        .await;
    let schema = &document["components"]["schemas"]["Problem"];
    faults(schema, &refused.json(), "problem", &mut found);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn words_of_the_document_are_words_that_the_api_takes() {
    use assay_model::document::{Integration, List, Rule, Token};
    use assay_model::postback::Postback;
    let schemas = &document()["components"]["schemas"];
    let words = |schema: &str, path: &str| -> Vec<Value> {
        let found = schemas[schema].pointer(path);
        found.unwrap()["enum"].as_array().unwrap().clone()
    };
    for kind in words("Integration", "/properties/kind") {
        serde_json::from_value::<Integration>(json!({"name": "n", "kind": kind})).unwrap();
    }
    for name in ["on_degraded", "status"] {
        for word in words("Integration", &format!("/properties/{name}")) {
            serde_json::from_value::<Integration>(json!({"name": "n", "kind": "s2s", name: word}))
                .unwrap();
        }
    }
    for word in words("Integration", "/properties/clicks/properties/on_reject") {
        let clicks = json!({"on_reject": word});
        serde_json::from_value::<Integration>(
            json!({"name": "n", "kind": "s2s", "clicks": clicks}),
        )
        .unwrap();
    }
    for name in [
        "status",
        "protection",
        "mode",
        "preset",
        "strictness",
        "sub_id_mapping",
    ] {
        for word in words("Rule", &format!("/properties/{name}")) {
            let mut rule = json!({"name": "r", "status": "active", "protection": "both",
                                  "sub_id_mapping": "sub_id"});
            rule[name] = word;
            let rule: Rule = serde_json::from_value(rule).unwrap();
            assert!(rule.check().is_empty());
        }
    }
    for name in ["status", "type", "fire_on", "method"] {
        for word in words("Postback", &format!("/properties/{name}")) {
            let postback = json!({"name": "p", "url": "https://a.example/", name: word});
            serde_json::from_value::<Postback>(postback).unwrap();
        }
    }
    for field in words("List", "/properties/field") {
        serde_json::from_value::<List>(json!({"name": "l", "field": field})).unwrap();
    }
    for scope in words("Token", "/properties/scopes/items") {
        serde_json::from_value::<Token>(json!({"name": "t", "scopes": [scope]})).unwrap();
    }
}

#[test]
fn every_reference_leads_somewhere_and_ids_are_unique() {
    fn walk<'a>(value: &'a Value, refs: &mut Vec<&'a str>, ids: &mut Vec<&'a str>) {
        if let Some(target) = value["$ref"].as_str() {
            refs.push(target);
        }
        if let Some(id) = value["operationId"].as_str() {
            ids.push(id);
        }
        let inner = value.as_object().into_iter().flat_map(|map| map.values());
        for value in inner.chain(value.as_array().into_iter().flatten()) {
            walk(value, refs, ids);
        }
    }
    let document = document();
    let (mut refs, mut ids) = (Vec::new(), Vec::new());
    walk(&document, &mut refs, &mut ids);
    for target in refs {
        assert!(
            document.pointer(target.trim_start_matches('#')).is_some(),
            "{target}"
        );
    }
    assert_eq!(ids.len(), all().len());
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all().len());
}

#[test]
fn the_committed_document_is_the_codes() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    if committed != openapi_json() {
        if std::env::var_os("ASSAY_WRITE_DOCS").is_some() {
            std::fs::write(path, openapi_json()).unwrap();
            return;
        }
        panic!("docs/openapi.json is old: run the tests once with ASSAY_WRITE_DOCS=1");
    }
}
