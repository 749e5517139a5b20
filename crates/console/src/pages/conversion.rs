//! One conversion: where it stands, how it came there, and the buttons that change it.

use askama::Template;
use assay_model::document::TokenScope;
use assay_model::ledger::{Conversion, Entry, Status, Waiting};
use assay_model::{EventId, Reason};
use axum::extract::Path;
use jiff::tz::TimeZone;

use super::conversions::{ConversionLine, take_done};
use super::frame::Frame;
use super::words::{self, Chip};
use super::{Page, Shown, Visit};
use crate::conversions::json::SUB_IDS;
use crate::error::ApiError;

#[derive(Template)]
#[template(path = "conversion.html")]
pub struct ConversionPage {
    frame: Frame,
    heading: String,
    row: ConversionLine,
    meaning: &'static str,
    others: Vec<&'static str>,
    waiting: &'static str,
    click: String,
    history: Vec<EntryLine>,
    facts: Vec<(&'static str, String)>,
    fields: Vec<(String, String)>,
    done: String,
    may_write: bool,
    may_approve: bool,
    may_reject: bool,
}

/// An entry in the history.
struct EntryLine {
    time: String,
    actor: String,
    from: &'static str,
    to: Chip,
    reason: &'static str,
    note: String,
}

/// `GET /conversions/{id}`.
pub async fn page(Path(id): Path<String>, mut visit: Visit) -> Shown<ConversionPage> {
    let mut query = std::mem::take(&mut visit.query);
    let done = take_done(&mut query);
    query.finish()?;
    let account = visit.session.account;
    let missing =
        || ApiError::not_found(format!("No conversion with this id in account {account}."));
    let id: EventId = id.parse().map_err(|_| missing())?;
    let ledger = &visit.app.state.ledger;
    let row = ledger.get(account, id).await?.ok_or_else(missing)?;
    let history = ledger.history(account, id).await?;
    let frame = visit.frame("Conversion", "conversions");
    let may_write = visit.caller.may(TokenScope::Write);
    Ok(Page(ConversionPage {
        done,
        ..build(frame, &row, &history, &visit.zone, may_write)
    }))
}

fn build(
    frame: Frame,
    row: &Conversion,
    history: &[Entry],
    zone: &TimeZone,
    may_write: bool,
) -> ConversionPage {
    let state = &row.state;
    let others = state.reasons.iter();
    let others = others.filter(|reason| **reason != state.reason && **reason != Reason::Clean);
    let name = match row.event.as_str() {
        "" => "Conversion".to_owned(),
        event => format!("Event {event}"),
    };
    ConversionPage {
        heading: format!(
            "{name}: {}",
            words::status(state.status).word.to_lowercase()
        ),
        row: ConversionLine::of(row, zone),
        meaning: state.reason.info().meaning,
        others: others.map(|reason| reason.code()).collect(),
        waiting: state.waiting.map_or("", waits),
        click: row.click.map_or_else(String::new, |id| id.to_string()),
        history: history.iter().map(|entry| line(entry, zone)).collect(),
        facts: facts(row, zone),
        fields: row.fields.clone().into_iter().collect(),
        done: String::new(),
        may_write,
        may_approve: state.status != Status::Approved,
        may_reject: state.status != Status::Rejected,
        frame,
    }
}

const fn waits(on: Waiting) -> &'static str {
    match on {
        Waiting::Click => "waits for its click",
        Waiting::Person => "waits for a person",
        Waiting::Tracker => "waits for the tracker",
        Waiting::Signals => "waits for its click's browser signals",
        Waiting::Lookup => "its click is looked up again",
    }
}

fn line(entry: &Entry, zone: &TimeZone) -> EntryLine {
    EntryLine {
        time: words::moment(entry.at, zone),
        actor: entry.actor.clone(),
        from: entry.from.map_or("", Status::as_str),
        to: words::status(entry.to),
        reason: entry.reason.code(),
        note: entry.note.clone(),
    }
}

fn facts(row: &Conversion, zone: &TimeZone) -> Vec<(&'static str, String)> {
    let from = &row.attributes;
    let text = |amount: &Option<assay_model::ledger::Amount>| {
        let amount = amount.as_ref();
        amount.map_or_else(String::new, |a| format!("{} {}", a.text(), row.currency))
    };
    let mut out = vec![
        ("happened", words::moment(row.time, zone)),
        ("came in", words::moment(row.received, zone)),
        ("integration", row.integration.to_string()),
        ("order", row.order_id.clone()),
        ("transaction id", row.transaction_id.clone()),
        (
            "external transaction id",
            row.external_transaction_id.clone(),
        ),
        ("advertiser", from.advertiser.clone()),
        ("offer", from.offer.clone()),
        ("publisher", from.publisher.clone()),
        ("source", from.source_id.clone()),
        ("country", from.country.clone()),
        ("payout", text(&row.payout)),
        ("revenue", text(&row.revenue)),
    ];
    out.extend(SUB_IDS.into_iter().zip(from.sub_ids.clone()));
    out.retain(|(_, value)| !value.is_empty());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversions::tests::{approved, pending};
    use assay_model::AccountId;

    #[test]
    fn the_sample_shows_history_and_escapes() {
        let mut new = approved(1);
        new.fields.insert("keyword".into(), "<kw>".into());
        new.note = "<note>".into();
        let entry = new.entry();
        let row = new.into_conversion(AccountId(1));
        let frame = Frame::sample("conversions");
        let text = build(frame, &row, &[entry], &TimeZone::UTC, true)
            .render()
            .unwrap();
        for part in [
            "Its click",
            "1.10 EUR",
            ">Reject<",
            "&#60;kw&#62;",
            "p&#60;1&#62;",
            "engine",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(
            !text.contains("<note>") && !text.contains(">Approve<"),
            "{text}"
        );
    }

    #[test]
    fn one_that_waits_says_for_what_and_can_be_decided_both_ways() {
        let row = pending(1).into_conversion(AccountId(1));
        let frame = Frame::sample("conversions");
        let mut page = build(frame, &row, &[], &TimeZone::UTC, true);
        let text = page.render().unwrap();
        for part in [
            "waits for its click",
            ">Reject<",
            ">Approve<",
            "NO_CLICK",
            "Event lead: pending",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        page.may_write = false;
        let text = page.render().unwrap();
        assert!(!text.contains(">Reject<") && !text.contains(">Approve<"));
    }
}
