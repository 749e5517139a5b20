//! What a replay came to, as JSON: the same from the API and the command.

use assay_detect::replay::{Change, Direction, Row, SOURCES_MAX, Source};
use assay_model::EventId;
use serde_json::{Map, Value, json};

use super::money::{Amounts, BothWays, CONVERSIONS_MAX, Sum};
use super::run::Outcome;

/// The report; at most `sources` rows, those with most changes first.
#[must_use]
pub fn json(outcome: &Outcome, sources: usize) -> Value {
    let tally = &outcome.tally;
    let left_out = tally.unreplayed;
    let (conversions, complete) = outcome.conversions;
    let mut rows: Vec<(&Source, &Row)> = tally.sources.iter().collect();
    rows.sort_by(|(a, one), (b, other)| other.changed().cmp(&one.changed()).then(a.cmp(b)));
    let shown = rows.iter().take(sources).map(|(source, row)| {
        let mut out = row_json(row, outcome.sums.sources.get(*source));
        out.insert("publisher".into(), json!(source.publisher));
        out.insert("sub_id".into(), json!(source.sub_id));
        Value::Object(out)
    });
    json!({
        "totals": row_json(&tally.totals, Some(&outcome.sums.totals)),
        "sources": shown.collect::<Vec<_>>(),
        "source_count": rows.len(),
        "other_sources": (tally.others.events > 0).then(|| row_json(&tally.others, None)),
        "agreement": {
            "same": tally.same,
            "different": tally.different,
            "different_by_revision": tally.different_revision,
            "rule_not_stored": tally.no_rule,
            "events": ids(&tally.examples),
            "revision": assay_detect::REVISION,
            "recorded_revisions": revisions(outcome),
        },
        "rebuilt": outcome.warm_up_s.map(|warm_up_s| json!({
            "verdicts": tally.rebuilt, "warm_up_s": warm_up_s,
        })),
        "without_source_statistics": tally.unasked,
        "not_replayed": {
            "test": left_out.test,
            "unscreened": left_out.unscreened,
            "integration_not_stored": left_out.no_integration,
            "damaged": left_out.damaged,
        },
        "conversions": {"joined": conversions, "complete": complete},
        "limits": {"sources": SOURCES_MAX, "conversions": CONVERSIONS_MAX},
    })
}

fn revisions(outcome: &Outcome) -> Value {
    let revisions = outcome.tally.revisions.iter();
    revisions
        .map(|(revision, events)| json!({"revision": revision, "events": events}))
        .collect()
}

fn ids<'i>(ids: impl IntoIterator<Item = &'i EventId>) -> Value {
    ids.into_iter().map(|id| json!(id.to_string())).collect()
}

fn row_json(row: &Row, money: Option<&BothWays>) -> Map<String, Value> {
    let mut out = Map::new();
    let sum = |direction| money.and_then(|sums| sums.get(&direction));
    for (name, value) in [
        ("events", json!(row.events)),
        ("approved", json!(row.events - row.rejected)),
        ("rejected", json!(row.rejected)),
        ("approved_now", json!(row.events - row.rejected_now)),
        ("rejected_now", json!(row.rejected_now)),
        (
            "approved_to_rejected",
            change_json(&row.to_rejected, sum(Direction::ToRejected)),
        ),
        (
            "rejected_to_approved",
            change_json(&row.to_approved, sum(Direction::ToApproved)),
        ),
        ("other_reason", json!(row.other_reason)),
    ] {
        out.insert(name.to_owned(), value);
    }
    out
}

fn change_json(change: &Change, sum: Option<&Sum>) -> Value {
    let mut reasons: Vec<_> = change.reasons.iter().collect();
    reasons.sort_by_key(|(reason, events)| (std::cmp::Reverse(**events), **reason));
    let reasons = reasons
        .into_iter()
        .map(|(reason, events)| json!({"reason": reason.code(), "events": events}));
    let none = Sum::default();
    let sum = sum.unwrap_or(&none);
    json!({
        "events": change.events,
        "reasons": reasons.collect::<Vec<_>>(),
        "samples": ids(&change.samples),
        "conversions": sum.conversions,
        "paid_conversions": sum.paid,
        "paid_events": sum.paid_events.len(),
        "amounts": sum.amounts.iter().map(amounts_json).collect::<Vec<_>>(),
    })
}

fn amounts_json((currency, amounts): (&String, &Amounts)) -> Value {
    json!({
        "currency": currency,
        "payout": amounts.payout,
        "revenue": amounts.revenue,
        "paid_payout": amounts.paid_payout,
        "paid_revenue": amounts.paid_revenue,
    })
}
