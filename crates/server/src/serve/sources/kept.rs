//! What is held, as JSON: for the log, the API, and for going on after a restart.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use assay_detect::sources::{Explanation, Held, Recovery};
use assay_model::reason::Reason;
use assay_model::sources::{SourceLevel, SourceName, Standing};
use assay_model::verdict::Value as Observed;
use assay_model::{Span, Timestamp};
use serde_json::{Map, Value, json};

use super::account::filter_key;

/// What is held, for writing down.
pub fn written(held: &[Held]) -> Value {
    held.iter().map(named).collect()
}

/// One, with the name of its source.
pub fn named(held: &Held) -> Value {
    let mut out = detail(held, None);
    out["rule"] = held.rule.into();
    out["filter"] = filter_key(held.filter).into();
    out["reason"] = held.standing.reason.code().into();
    out["level"] = held.source.level.as_str().into();
    out["publisher"] = held.source.publisher.as_str().into();
    out["sub_id"] = held.source.sub_id.as_str().into();
    out["offer"] = held.source.offer.as_str().into();
    out
}

/// Every number behind a decision.
pub fn detail(held: &Held, freed_by: Option<&Explanation>) -> Value {
    let standing = &held.standing;
    let fields = standing.reason.info().fields;
    let observed: Map<String, Value> = standing
        .observed
        .iter()
        .filter_map(|(at, value)| {
            let name = fields.get(usize::from(*at))?;
            Some(((*name).to_owned(), value.json()))
        })
        .collect();
    let recovery = &held.recovery;
    let mut out = json!({
        "since": standing.since.to_string(),
        "as_of": standing.as_of.to_string(),
        "observed": observed,
        "threshold": standing.threshold.json(),
        "window_s": standing.window_s,
        "n": standing.n,
        "recovery": {
            "value": recovery.value,
            "release": recovery.release,
            "falls": recovery.falls,
            "n_min": recovery.n_min,
            "window_s": recovery.window_s,
            "text": recovery_text(recovery),
        },
        "test": explained(&held.explanation),
    });
    if let Some(freed_by) = freed_by {
        out["freed_by"] = explained(freed_by);
    }
    out
}

/// What lifts it, for people.
fn recovery_text(recovery: &Recovery) -> String {
    let (value, release) = (recovery.value, recovery.release);
    let way = if recovery.falls {
        "falls to"
    } else {
        "rises to"
    };
    let (n_min, window) = (recovery.n_min, Span(recovery.window_s));
    format!("lifts when {value} {way} {release}, or with fewer than {n_min} in {window}")
}

fn explained(explanation: &Explanation) -> Value {
    json!({
        "name": explanation.test,
        "seen": explanation.seen,
        "limit": explanation.limit,
        "n": explanation.n,
        "p": explanation.p,
        "p_limit": explanation.p_limit,
        "tests": explanation.tests,
        "false_discovery_rate": explanation.false_discovery_rate,
    })
}

/// What was held when it was written down; what this build does not know is left out, and
/// would be judged anew.
pub fn read(held: &Value) -> Vec<Held> {
    let items = held.as_array().map_or(&[][..], Vec::as_slice);
    items.iter().filter_map(read_one).collect()
}

fn read_one(item: &Value) -> Option<Held> {
    let text = |name: &str| item[name].as_str();
    let level = text("level")?;
    let reason = Reason::from_code(text("reason")?)?;
    let keys = assay_detect::filter_keys();
    let filter = keys.iter().position(|key| Some(*key) == text("filter"))?;
    let fields = reason.info().fields;
    let observed = item["observed"].as_object()?.iter();
    let observed = observed.filter_map(|(name, value)| {
        let at = fields.iter().position(|field| field == name)?;
        Some((u8::try_from(at).ok()?, read_value(value)?))
    });
    let mut observed: Vec<_> = observed.collect();
    observed.sort_by_key(|(at, _)| *at);
    let recovery = &item["recovery"];
    Some(Held {
        rule: item["rule"].as_u64()?,
        filter: u8::try_from(filter).ok()?,
        source: SourceName {
            level: SourceLevel::ALL.into_iter().find(|l| l.as_str() == level)?,
            publisher: text("publisher")?.to_owned(),
            sub_id: text("sub_id")?.to_owned(),
            offer: text("offer")?.to_owned(),
        },
        standing: Standing {
            reason,
            observed,
            threshold: read_value(&item["threshold"])?,
            window_s: number(&item["window_s"])?,
            n: number(&item["n"])?,
            since: Timestamp::parse(text("since")?).ok()?,
            as_of: Timestamp::parse(text("as_of")?).ok()?,
        },
        recovery: Recovery {
            value: interned(recovery["value"].as_str()?),
            release: recovery["release"].as_f64()?,
            falls: recovery["falls"].as_bool()?,
            n_min: number(&recovery["n_min"])?,
            window_s: number(&recovery["window_s"])?,
        },
        explanation: read_explained(&item["test"])?,
    })
}

fn read_explained(item: &Value) -> Option<Explanation> {
    Some(Explanation {
        test: interned(item["name"].as_str()?),
        seen: item["seen"].as_f64()?,
        limit: item["limit"].as_f64()?,
        n: number(&item["n"])?,
        p: item["p"].as_f64()?,
        p_limit: item["p_limit"].as_f64()?,
        tests: number(&item["tests"])?,
        false_discovery_rate: item["false_discovery_rate"].as_f64()?,
    })
}

fn number(value: &Value) -> Option<u32> {
    u32::try_from(value.as_u64()?).ok()
}

fn read_value(value: &Value) -> Option<Observed<'static>> {
    match value {
        Value::String(text) => Some(Observed::Text(Cow::Owned(text.clone()))),
        Value::Number(n) => match n.as_i64() {
            Some(whole) => Some(Observed::Int(whole)),
            None => n.as_f64().map(Observed::Float),
        },
        _ => None,
    }
}

/// Names of tests and values are our own, and few: each is kept once, for as long as the
/// process runs.
fn interned(text: &str) -> &'static str {
    static NAMES: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    let names = names.get_or_insert_with(HashSet::new);
    if let Some(known) = names.get(text) {
        return known;
    }
    let name: &'static str = Box::leak(text.into());
    names.insert(name);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_reads_back() {
        let held = Held {
            rule: 3,
            filter: 0,
            source: SourceName {
                level: SourceLevel::SubId,
                publisher: "p\"1".to_owned(),
                sub_id: "7".to_owned(),
                offer: String::new(),
            },
            standing: Standing {
                reason: Reason::CrHigh,
                observed: vec![(0, Observed::Float(31.5))],
                threshold: Observed::Float(20.25),
                window_s: 86_400,
                n: 1000,
                since: Timestamp(1_767_225_600_000),
                as_of: Timestamp(1_767_225_660_000),
            },
            recovery: Recovery {
                value: "rate",
                release: 18.0,
                falls: true,
                n_min: 100,
                window_s: 86_400,
            },
            explanation: Explanation {
                test: "exact binomial",
                seen: 31.5,
                limit: 20.25,
                n: 1000,
                p: 1e-12,
                p_limit: 1e-4,
                tests: 12,
                false_discovery_rate: 0.001,
            },
        };
        assert_eq!(read(&written(std::slice::from_ref(&held))), [held]);
        assert!(read(&json!([{"rule": 1}, 3, null])).is_empty());
    }
}
