//! The why of an event: its verdict, how every filter answered, and whether the stored
//! evidence alone comes to the same verdict.

use assay_detect::verdict::{agrees, recompute};
use assay_model::EventKind;
use assay_model::record::EventRecord;
use assay_model::render;
use serde_json::{Value, json};

use crate::state::ClickIds;

/// The event of SPEC §9. The id of a click is the one that we gave it; what its link called
/// by that name is among the facts.
#[must_use]
pub fn event_json(record: &EventRecord<'_>, ids: &dyn ClickIds) -> Value {
    let mut out = render::event_json(record);
    if matches!(
        record.facts.hit.event,
        EventKind::Click | EventKind::Impression
    ) {
        out["transaction_id"] = ids.of(record).into();
    }
    out
}

/// The event of SPEC §9 with `filters` and `recomputed`.
#[must_use]
pub fn json(record: &EventRecord<'_>, ids: &dyn ClickIds) -> Value {
    let mut out = event_json(record, ids);
    if let Some(map) = out.as_object_mut() {
        let filters = render::filters_json(&record.verdict, assay_detect::filter_keys());
        map.insert("filters".into(), filters);
        map.insert("recomputed".into(), recomputed(record));
    }
    out
}

/// What the evidence alone comes to, and whether that is the stored verdict.
fn recomputed(record: &EventRecord<'_>) -> Value {
    let event = record.facts.hit.event;
    let again = recompute(&record.verdict, event);
    json!({
        "same": is_same(record),
        "risk": again.risk.as_str(),
        "points": again.points,
        "class": again.class.as_str(),
        "reason": again.reason.code(),
        "action": again.action.as_str(),
    })
}

/// Whether the stored verdict is what its own evidence comes to.
#[must_use]
pub fn is_same(record: &EventRecord<'_>) -> bool {
    agrees(&record.verdict, record.facts.hit.event)
}
