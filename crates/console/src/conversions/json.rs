//! A conversion as the API shows it (SPEC §9).

use assay_model::Reason;
use assay_model::ledger::{Conversion, Entry, Status, Waiting};
use assay_model::reason::NetworkError;
use serde_json::{Value, json};

/// A conversion with its history.
#[must_use]
pub fn conversion(row: &Conversion, history: &[Entry]) -> Value {
    let state = &row.state;
    let from = &row.attributes;
    let error = NetworkError::of_conversion(state.status, state.reason);
    let mut out = json!({
        "conversion_id": row.conversion_id,
        "kind": row.kind.as_str(),
        "event": row.event_name(),
        "order_id": given(&row.order_id),
        "time": row.time,
        "received": row.received,
        "integration_id": row.integration,
        "transaction_id": given(&row.transaction_id),
        "external_transaction_id": given(&row.external_transaction_id),
        "click_event_id": row.click,
        "advertiser": given(&from.advertiser),
        "offer": given(&from.offer),
        "publisher": given(&from.publisher),
        "source_id": given(&from.source_id),
        "country": given(&from.country),
        "payout": row.payout,
        "revenue": row.revenue,
        "currency": given(&row.currency),
        "status": state.status,
        "reason": state.reason,
        "reasons": reasons(&state.reasons),
        "error_code": error.map(|error| error.code),
        "error_message": error.map(|error| error.message),
        "third_party_rejected_reason": given(&state.note),
        "waiting": state.waiting.map(Waiting::as_str),
        "action": row.action,
        "version": state.version,
        "changed": state.changed,
        "history": history.iter().map(entry).collect::<Vec<_>>(),
    });
    for (name, value) in SUB_IDS.into_iter().zip(&from.sub_ids) {
        out[name] = json!(given(value));
    }
    out
}

/// Names of the sub ids, in their order.
pub const SUB_IDS: [&str; 6] = [
    "sub_id", "sub_id_2", "sub_id_3", "sub_id_4", "sub_id_5", "sub_id_6",
];

fn entry(entry: &Entry) -> Value {
    json!({
        "time": entry.at,
        "actor": entry.actor,
        "from": entry.from.map(Status::as_str),
        "to": entry.to,
        "reason": entry.reason,
        "reasons": reasons(&entry.reasons),
        "note": given(&entry.note),
    })
}

/// All reasons; that nothing was found is none.
fn reasons(all: &[Reason]) -> Vec<Reason> {
    let found = all.iter().copied();
    found.filter(|reason| *reason != Reason::Clean).collect()
}

fn given(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}
