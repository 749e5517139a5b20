//! A document as sent: read-only fields taken off, then read, with every problem named.
//!
//! serde stops at the first problem. A user wants all of them, so the faulty field is
//! taken out (or, when missing, filled from a placeholder) and the rest is read again.

use assay_model::document::{Problem, plain};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Most problems named in one answer.
const PROBLEMS_MAX: usize = 20;

/// What was sent, without what only the server sets.
#[derive(Debug)]
pub struct Input {
    /// The fields.
    pub fields: Map<String, Value>,
    /// Version that the sender has read.
    pub version: Option<u32>,
    /// What was wrong so far.
    pub problems: Vec<Problem>,
}

impl Input {
    /// Takes `version` and the read-only fields off.
    ///
    /// Shape: `current` is the document as last shown; without it (`POST`) a read-only
    /// field is refused. One that was sent back unchanged is fine.
    #[must_use]
    pub fn new(
        mut fields: Map<String, Value>,
        read_only: &[&str],
        current: Option<&Value>,
    ) -> Self {
        let mut problems = Vec::new();
        for name in read_only.iter().chain(&["id"]) {
            let Some(sent) = fields.remove(*name) else {
                continue;
            };
            if current.and_then(|shown| shown.get(*name)) != Some(&sent) {
                problems.push(Problem::new(*name, "is set by the server"));
            }
        }
        let version = match fields.remove("version") {
            None | Some(Value::Null) => None,
            Some(sent) => {
                let version = sent.as_u64().and_then(|v| u32::try_from(v).ok());
                if version.is_none() || current.is_none() {
                    problems.push(Problem::new("version", "must be the version that was read"));
                }
                version
            }
        };
        Self {
            fields,
            version,
            problems,
        }
    }
}

/// Merges `change` into `base`, objects key by key; null takes a key away.
///
/// Source: RFC 7396.
pub fn merge(base: &mut Value, change: Value) {
    let Value::Object(change) = change else {
        *base = change;
        return;
    };
    if !base.is_object() {
        *base = Value::Object(Map::new());
    }
    let Some(base) = base.as_object_mut() else {
        return;
    };
    for (key, value) in change {
        if value.is_null() {
            base.remove(&key);
        } else {
            merge(base.entry(key).or_insert(Value::Null), value);
        }
    }
}

/// Fields that a change would take away with null though the document has no such field.
///
/// Merging drops them before anybody reads them, so they are put back here as they were sent.
#[must_use]
pub fn unknown_nulls<T: DeserializeOwned>(now: &Value, sent: &Map<String, Value>) -> Vec<Problem> {
    let mut put_back = now.clone();
    let mut problems = Vec::new();
    if put_absent_nulls(&mut put_back, sent)
        && let Value::Object(fields) = put_back
    {
        let _: Option<T> = parse(fields, &Value::Null, &mut problems);
        problems.retain(|p| p.detail.starts_with(UNKNOWN));
    }
    problems
}

/// Puts every null of `sent` that names nothing in `base` into it; whether there was one.
fn put_absent_nulls(base: &mut Value, sent: &Map<String, Value>) -> bool {
    let Some(base) = base.as_object_mut() else {
        return false;
    };
    let mut any = false;
    for (key, value) in sent {
        match (base.get_mut(key), value) {
            (None, Value::Null) => {
                base.insert(key.clone(), Value::Null);
                any = true;
            }
            (Some(inner), Value::Object(sent)) => any |= put_absent_nulls(inner, sent),
            _ => {}
        }
    }
    any
}

/// Reads a document; every problem goes into `problems`, each field once.
///
/// Shape: `None` when nothing usable is left to check further.
pub fn parse<T: DeserializeOwned>(
    fields: Map<String, Value>,
    placeholder: &Value,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    let mut value = Value::Object(fields);
    while problems.len() < PROBLEMS_MAX {
        let error = match serde_path_to_error::deserialize(&value) {
            Ok(document) => return Some(document),
            Err(error) => error,
        };
        let message = error.inner().to_string();
        let fault = Fault::of(&message, &path_of(error.path()));
        let known = problems.iter().any(|p| p.field == fault.field());
        if !known {
            problems.push(Problem::new(fault.field(), fault.detail(&message)));
        }
        if !fault.mend(&mut value, placeholder) {
            break;
        }
    }
    None
}

/// Reads a document that is kept: as [`parse`], and a list is no object.
///
/// serde would take `["a", 1]` for an object's fields in their order.
pub fn parse_body<T: DeserializeOwned + Serialize>(
    fields: Map<String, Value>,
    placeholder: &Value,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    let sent = Value::Object(fields.clone());
    let body: T = parse(fields, placeholder, problems)?;
    let read = serde_json::to_value(&body).unwrap_or(Value::Null);
    lists_for_objects(&sent, &read, &mut Vec::new(), problems);
    Some(body)
}

fn lists_for_objects(sent: &Value, read: &Value, at: &mut Vec<Step>, out: &mut Vec<Problem>) {
    match (sent, read) {
        (Value::Array(_), Value::Object(_)) => {
            out.push(Problem::new(written(at), "must be an object, not a list"));
        }
        (Value::Object(sent), Value::Object(read)) => {
            for (key, sent) in sent {
                let Some(read) = read.get(key) else { continue };
                at.push(Step::Key(key.clone()));
                lists_for_objects(sent, read, at, out);
                at.pop();
            }
        }
        (Value::Array(sent), Value::Array(read)) => {
            for (place, (sent, read)) in sent.iter().zip(read).enumerate() {
                at.push(Step::Place(place));
                lists_for_objects(sent, read, at, out);
                at.pop();
            }
        }
        _ => {}
    }
}

/// Drops what checks say about fields that were already found faulty (or hold such a one):
/// they judge a stand-in and not what was sent.
pub fn drop_echoes(problems: &mut Vec<Problem>, already: usize) {
    let later = problems.split_off(already.min(problems.len()));
    let named: Vec<String> = problems.iter().map(|p| p.field.clone()).collect();
    let is_echo = |field: &str| {
        named
            .iter()
            .any(|faulty| faulty.starts_with(field) || field.starts_with(faulty.as_str()))
    };
    problems.extend(later.into_iter().filter(|p| !is_echo(&p.field)));
}

/// One step into a document.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Place(usize),
}

fn path_of(path: &serde_path_to_error::Path) -> Vec<Step> {
    use serde_path_to_error::Segment as S;
    path.iter()
        .filter_map(|segment| match segment {
            S::Map { key } => Some(Step::Key(key.clone())),
            S::Seq { index } => Some(Step::Place(*index)),
            S::Enum { .. } | S::Unknown => None,
        })
        .collect()
}

fn written(path: &[Step]) -> String {
    let mut out = String::new();
    for step in path {
        match step {
            Step::Key(key) if out.is_empty() => out.push_str(key),
            Step::Key(key) => {
                out.push('.');
                out.push_str(key);
            }
            Step::Place(at) => out.push_str(&format!("[{at}]")),
        }
    }
    if out.is_empty() {
        "body".to_owned()
    } else {
        out
    }
}

/// How the detail of a field that there is not begins.
const UNKNOWN: &str = "there is no such field";

/// What serde stumbled over.
enum Fault {
    Unknown(Vec<Step>),
    Missing(Vec<Step>),
    Wrong(Vec<Step>),
}

impl Fault {
    fn of(message: &str, path: &[Step]) -> Self {
        let named = |prefix: &str| {
            let name = message.strip_prefix(prefix)?.split('`').next()?.to_owned();
            let mut path = path.to_vec();
            if path.last() != Some(&Step::Key(name.clone())) {
                path.push(Step::Key(name));
            }
            Some(path)
        };
        if let Some(path) = named("unknown field `") {
            Self::Unknown(path)
        } else if let Some(path) = named("missing field `") {
            Self::Missing(path)
        } else {
            Self::Wrong(path.to_vec())
        }
    }

    fn field(&self) -> String {
        match self {
            Self::Unknown(path) | Self::Missing(path) | Self::Wrong(path) => written(path),
        }
    }

    fn detail(&self, message: &str) -> String {
        match self {
            Self::Unknown(_) => match message.split_once(", ") {
                Some((_, expected)) => format!("{UNKNOWN}; {expected}"),
                None => UNKNOWN.to_owned(),
            },
            Self::Missing(_) => "is missing".to_owned(),
            Self::Wrong(_) => plain(message),
        }
    }

    /// Makes the document readable at this place; false when that cannot be done.
    fn mend(&self, value: &mut Value, placeholder: &Value) -> bool {
        match self {
            Self::Unknown(path) | Self::Wrong(path) => remove(value, path),
            Self::Missing(path) => {
                let [Step::Key(name)] = path.as_slice() else {
                    return remove(value, &path[..path.len().saturating_sub(1)]);
                };
                let (Some(map), Some(filler)) = (value.as_object_mut(), placeholder.get(name))
                else {
                    return false;
                };
                map.insert(name.clone(), filler.clone()).is_none()
            }
        }
    }
}

fn remove(value: &mut Value, path: &[Step]) -> bool {
    let Some((last, parents)) = path.split_last() else {
        return false;
    };
    let mut at = value;
    for step in parents {
        let next = match step {
            Step::Key(key) => at.get_mut(key),
            Step::Place(place) => at.get_mut(place),
        };
        let Some(next) = next else { return false };
        at = next;
    }
    match (last, at) {
        (Step::Key(key), Value::Object(map)) => map.remove(key).is_some(),
        // Taking an element out would move the others: later problems would name wrong places.
        (Step::Place(_), Value::Array(all)) => {
            all.clear();
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use assay_model::document::{Integration, List};
    use serde_json::json;

    use super::*;

    fn fields(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(map) => map,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn every_problem_is_named_once() {
        let mut problems = Vec::new();
        let sent = json!({"colour": 1, "kind": "s3s", "status": 7,
            "clicks": {"on_reject": "x", "nonsense": 1, "append": [1]},
            "conversions": {"lookback_d": "a"}});
        let made: Option<Integration> = parse(
            fields(sent),
            &json!({"name": "x", "kind": "s2s"}),
            &mut problems,
        );
        assert!(made.is_some());
        let mut names: Vec<_> = problems.iter().map(|p| p.field.as_str()).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "clicks.append[0]",
                "clicks.nonsense",
                "clicks.on_reject",
                "colour",
                "conversions.lookback_d",
                "kind",
                "name",
                "status"
            ]
        );
    }

    #[test]
    fn a_field_missing_deep_inside_has_its_path() {
        let mut problems = Vec::new();
        let sent =
            json!({"name": "x", "field": "ip", "entries": [{"value": "8.8.8.8"}, {"note": "n"}]});
        let _: Option<List> = parse(fields(sent), &json!({}), &mut problems);
        assert_eq!(problems, [Problem::new("entries[1].value", "is missing")]);
    }

    #[test]
    fn a_list_is_no_object() {
        let mut problems = Vec::new();
        let sent = json!({"name": "x", "kind": "s2s", "clicks": ["https://a.example/"],
            "conversions": [], "signing": {"keys": [["k1", "0123456789abcdef"]]}});
        let _: Option<Integration> = parse_body(fields(sent), &json!({}), &mut problems);
        let mut names: Vec<_> = problems.iter().map(|p| p.field.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["clicks", "conversions", "signing.keys[0]"]);
        assert_eq!(problems[0].detail, "must be an object, not a list");
    }

    #[test]
    fn taking_away_what_there_is_not_is_refused_by_name() {
        let now = json!({"name": "x", "kind": "s2s", "clicks": {"params": {"offer": "o"}}});
        let sent = json!({"colour": null, "access_key": null,
            "clicks": {"nonsense": null, "params": {"offer": null, "publisher": null}}});
        let mut problems = unknown_nulls::<Integration>(&now, &fields(sent));
        problems.sort_by(|a, b| a.field.cmp(&b.field));
        let names: Vec<_> = problems.iter().map(|p| p.field.as_str()).collect();
        assert_eq!(names, ["clicks.nonsense", "colour"]);
    }

    #[test]
    fn merging_goes_deep_and_null_takes_away() {
        let mut base = json!({"a": {"b": 1, "c": {"d": 2}}, "e": [1, 2], "f": 3});
        merge(
            &mut base,
            json!({"a": {"c": {"x": 9}}, "e": [3], "f": null, "g": {"h": null, "i": 1}}),
        );
        assert_eq!(
            base,
            json!({"a": {"b": 1, "c": {"d": 2, "x": 9}}, "e": [3], "g": {"i": 1}})
        );
    }

    #[test]
    fn read_only_fields_may_come_back_unchanged_only() {
        let shown = json!({"id": 3, "urls": {"s2s": "u"}});
        let same = fields(json!({"id": 3, "urls": {"s2s": "u"}, "version": 4, "name": "n"}));
        let input = Input::new(same, &["urls"], Some(&shown));
        assert_eq!((input.version, input.problems.len()), (Some(4), 0));
        let other = fields(json!({"id": 4, "urls": {}, "version": "x"}));
        assert_eq!(Input::new(other, &["urls"], Some(&shown)).problems.len(), 3);
        let fresh = fields(json!({"id": 3}));
        assert_eq!(Input::new(fresh, &[], None).problems.len(), 1);
    }
}
