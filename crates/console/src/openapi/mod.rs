//! The OpenAPI 3.1 document, made from what runs: paths from the endpoint table, reason
//! codes and filter keys from their catalogues.
//!
//! Written by hand and not derived: the documents live in `model`, which knows no HTTP.
//! A test holds every schema against real answers, so it cannot drift.

mod conversions;
mod holdout;
mod matrix;
mod network;
mod postbacks;
mod replay;
mod schemas;
mod sources;

#[cfg(test)]
mod tests;

use assay_model::document::TokenScope;
use serde_json::{Map, Value, json};

use crate::api::{Endpoint, Param, all};

/// The document, pretty-printed, with a final line break.
#[must_use]
pub fn openapi_json() -> String {
    let mut text = serde_json::to_string_pretty(&document()).unwrap_or_default();
    text.push('\n');
    text
}

/// The document.
#[must_use]
pub fn document() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Assay management API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Configure an Assay account, read its events with their why, and its reports. Errors are RFC 9457 problem documents.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/api/v1"}],
        "security": [{"token": []}],
        "paths": paths(),
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas::all(),
            "responses": {"Problem": {
                "description": "What went wrong",
                "content": {"application/problem+json": {"schema": reference("Problem")}},
            }},
        },
    })
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn paths() -> Value {
    let mut out: Map<String, Value> = Map::new();
    for endpoint in all() {
        let path = out.entry(endpoint.path).or_insert_with(|| json!({}));
        path[endpoint.verb] = operation(endpoint);
    }
    Value::Object(out)
}

fn operation(endpoint: &Endpoint) -> Value {
    let parameters: Vec<Value> = path_names(endpoint.path)
        .map(|name| {
            json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}})
        })
        .chain(endpoint.params.iter().map(query_parameter))
        .collect();
    let mut out = json!({
        "operationId": operation_id(endpoint),
        "summary": endpoint.summary,
        "description": format!("Needs the scope `{}`.", scope_name(endpoint.scope)),
        "parameters": parameters,
        "responses": responses(endpoint),
    });
    if !endpoint.takes.is_empty() {
        // PATCH merges: nothing is mandatory in it.
        let schema = match endpoint.verb {
            "patch" => {
                json!({"type": "object", "description": format!("Any part of {}.", endpoint.takes)})
            }
            _ => reference(endpoint.takes),
        };
        let form = match endpoint.takes {
            "Csv" => "text/csv",
            _ => "application/json",
        };
        out["requestBody"] = json!({"required": true, "content": {form: {"schema": schema}}});
    }
    out
}

fn path_names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn query_parameter(param: &Param) -> Value {
    json!({"name": param.name, "in": "query", "description": param.meaning,
           "schema": {"type": "string"}})
}

fn operation_id(endpoint: &Endpoint) -> String {
    let words = endpoint.path.split(['/', '{', '}']);
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    format!("{}_{}", endpoint.verb, words.join("_"))
}

fn scope_name(scope: TokenScope) -> String {
    let value = serde_json::to_value(scope).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

fn responses(endpoint: &Endpoint) -> Value {
    let mut out = json!({"default": {"$ref": "#/components/responses/Problem"}});
    if endpoint.gives.is_empty() {
        out["204"] = json!({"description": "Done"});
        return out;
    }
    let schema = match endpoint
        .gives
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
    {
        Some(item) => json!({"type": "object", "required": ["items", "next"], "properties": {
            "items": {"type": "array", "items": reference(item)},
            "next": {"type": ["integer", "string", "null"]}}}),
        None => reference(endpoint.gives),
    };
    // A POST that makes nothing answers 200.
    let makes = endpoint.verb == "post"
        && (endpoint.takes == endpoint.gives || endpoint.takes == "ReplayAsked");
    let status = if makes { "201" } else { "200" };
    out[status] =
        json!({"description": "Done", "content": {"application/json": {"schema": schema}}});
    out
}
