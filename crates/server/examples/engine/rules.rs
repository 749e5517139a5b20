//! Rules as a large network has them.

use assay_model::document::Rule;
use assay_model::verdict::RuleRef;
use serde_json::{Map, Value, json};

/// Settings of filters that need some of the user's; the others take their defaults.
const SETTINGS: &str = include_str!("../../../../bench/all_filters.json");

/// Rules that are for others, each for some publishers and offers that the mix has not, and
/// one last for all traffic with every filter on.
pub fn rules(count: usize) -> Result<Vec<(RuleRef, Rule)>, serde_json::Error> {
    let settings: Map<String, Value> = serde_json::from_str(SETTINGS)?;
    let every: Map<String, Value> = assay_detect::filter_keys()
        .iter()
        .map(|key| {
            let mut own = settings.get(*key).cloned().unwrap_or_else(|| json!({}));
            own["enabled"] = true.into();
            ((*key).to_owned(), own)
        })
        .collect();
    (1..=count)
        .map(|number| rule(number, (number == count).then_some(&every)))
        .collect()
}

fn rule(
    number: usize,
    filters: Option<&Map<String, Value>>,
) -> serde_json::Result<(RuleRef, Rule)> {
    let names =
        |what: &str| -> Vec<String> { (0..5).map(|n| format!("{what}-{number}-{n}")).collect() };
    let narrow = json!({
        "publishers": {"include": names("publisher")},
        "offers": {"include": names("offer")},
        "countries": {"exclude": ["AQ"]},
    });
    let rule = serde_json::from_value(json!({
        "name": format!("rule {number}"), "status": "active", "protection": "both",
        "sub_id_mapping": "sub_id", "priority": number,
        "scope": if filters.is_some() { json!({}) } else { narrow },
        "filters": filters.cloned().unwrap_or_default(),
    }))?;
    let id = RuleRef {
        id: number as u64,
        version: 1,
    };
    Ok((id, rule))
}
