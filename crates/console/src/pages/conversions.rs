//! Conversions: the newest that match a filter, and the form that approves or rejects them.

use askama::Template;
use assay_model::EventId;
use assay_model::document::TokenScope;
use assay_model::ledger::{Amount, Conversion, Status};
use assay_model::ports::{
    ConversionCursor, ConversionDimension, ConversionFilter, ConversionQuery,
};
use axum::response::Response;
use jiff::tz::TimeZone;

use super::frame::Frame;
use super::words::{self, Chip};
use super::{Page, Posted, Shown, Visit, redirect};
use crate::api::Query;
use crate::conversions::change::{Word, change_all};
use crate::conversions::{cursor_text, take_cursor, take_filters};
use crate::error::ApiError;

/// Conversions of a page.
const SHOWN: u32 = 50;

#[derive(Template)]
#[template(path = "conversions.html")]
pub struct ConversionsPage {
    frame: Frame,
    statuses: [(&'static str, &'static str); 5],
    status: String,
    chips: Vec<FilterChip>,
    rows: Vec<ConversionLine>,
    older: String,
    here: String,
    done: String,
    may_write: bool,
}

/// A filter in force, and the address of the page without it.
struct FilterChip {
    name: &'static str,
    values: String,
    without: String,
}

/// A conversion in a table.
pub struct ConversionLine {
    pub id: String,
    pub clock: String,
    pub time: String,
    pub publisher: String,
    pub sub_id: String,
    pub offer: String,
    pub event: String,
    pub external_id: String,
    pub order_id: String,
    pub payout: String,
    pub revenue: String,
    pub status: Chip,
    pub reason: &'static str,
    pub note: String,
}

impl ConversionLine {
    /// A conversion as it is shown on this account's clock.
    pub fn of(row: &Conversion, zone: &TimeZone) -> Self {
        let from = &row.attributes;
        let money = |amount: &Option<Amount>| {
            amount.as_ref().map_or_else(String::new, |amount| {
                format!("{} {}", amount.text(), row.currency)
            })
        };
        let clean = row.state.reason == assay_model::Reason::Clean;
        Self {
            id: row.conversion_id.to_string(),
            clock: words::day_and_clock(row.time, zone),
            time: words::moment(row.time, zone),
            publisher: from.publisher.clone(),
            sub_id: from.sub_ids[0].clone(),
            offer: from.offer.clone(),
            event: row.event_name().to_owned(),
            external_id: row.external_transaction_id.clone(),
            order_id: row.order_id.clone(),
            payout: money(&row.payout),
            revenue: money(&row.revenue),
            status: words::status(row.state.status),
            reason: if clean { "" } else { row.state.reason.code() },
            note: row.state.note.clone(),
        }
    }
}

/// `GET /conversions?status=&filter[dim]=a,b&before=`.
pub async fn page(mut visit: Visit) -> Shown<ConversionsPage> {
    let mut query = std::mem::take(&mut visit.query);
    let done = take_done(&mut query);
    let wanted = ConversionQuery {
        filters: take_filters(&mut query),
        before: take_cursor(&mut query),
        limit: SHOWN,
        ..ConversionQuery::default()
    };
    query.finish()?;
    let ledger = &visit.app.state.ledger;
    let found = ledger.list(visit.session.account, &wanted).await?;
    let rows = found.conversions.iter();
    Ok(Page(ConversionsPage {
        frame: visit.frame("Conversions", "conversions"),
        statuses: Status::ALL.map(|status| (status.as_str(), words::status(status).word)),
        status: status_of(&wanted.filters),
        chips: chips(&wanted.filters),
        rows: rows
            .map(|row| ConversionLine::of(row, &visit.zone))
            .collect(),
        older: found.next.map_or_else(String::new, |next| {
            address(wanted.filters.iter(), Some(next))
        }),
        here: address(wanted.filters.iter(), wanted.before),
        done,
        may_write: visit.caller.may(TokenScope::Write),
    }))
}

/// The status that alone is shown; empty = several or all.
fn status_of(filters: &[ConversionFilter]) -> String {
    let mut by_status = filters
        .iter()
        .filter(|filter| filter.dimension == ConversionDimension::Status);
    by_status
        .next()
        .map_or_else(String::new, |filter| filter.values.join(","))
}

fn chips(filters: &[ConversionFilter]) -> Vec<FilterChip> {
    let one = |filter: &ConversionFilter| FilterChip {
        name: filter.dimension.as_str(),
        values: filter.values.join(", "),
        without: address(filters.iter().filter(|other| *other != filter), None),
    };
    filters.iter().map(one).collect()
}

/// The page's address with these filters: the URL is the state.
fn address<'a>(
    filters: impl Iterator<Item = &'a ConversionFilter>,
    before: Option<ConversionCursor>,
) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for filter in filters {
        let name = format!("filter[{}]", filter.dimension.as_str());
        query.append_pair(&name, &filter.values.join(","));
    }
    if let Some(before) = before {
        query.append_pair("before", &cursor_text(before));
    }
    let query = query.finish();
    match query.as_str() {
        "" => "/conversions".to_owned(),
        query => format!("/conversions?{query}"),
    }
}

/// Takes what the form before this page did, as a sentence.
pub fn take_done(query: &mut Query) -> String {
    let changed = query.take_number("changed", u64::MAX, 0, u64::MAX);
    let unchanged = query.take_number("unchanged", 0, 0, u64::MAX);
    match (changed, unchanged) {
        (u64::MAX, _) => String::new(),
        (changed, 0) => format!("{} changed.", words::count(changed)),
        (changed, same) => format!(
            "{} changed; {} stood so already.",
            words::count(changed),
            words::count(same)
        ),
    }
}

/// `POST /conversions/status`: approves or rejects what was chosen, and goes back.
pub async fn change(posted: Posted) -> Result<Response, ApiError> {
    posted.may_write("change conversions")?;
    let Posted { visit, form } = posted;
    let word = Word::read(form.get("status"), form.get("reason"))
        .map_err(|problem| ApiError::invalid(vec![problem]))?;
    let ids: Vec<EventId> = form.all("id").filter_map(|id| id.parse().ok()).collect();
    let done = change_all(&visit.app, &visit.caller, ids, &word, visit.now).await?;
    let changed = done.iter().flat_map(|(_, changed)| changed);
    let changed = changed.filter(|changed| changed.entry.is_some()).count();
    let known = done.iter().filter(|(_, found)| found.is_some()).count();
    Ok(redirect(&back(form.get("back"), changed, known - changed)))
}

/// The page that the form came from, if it is one of these, with what was done.
fn back(page: &str, changed: usize, unchanged: usize) -> String {
    let ours = page == "/conversions"
        || page.starts_with("/conversions?")
        || page.starts_with("/conversions/");
    let page = if ours { page } else { "/conversions" };
    let join = if page.contains('?') { '&' } else { '?' };
    format!("{page}{join}changed={changed}&unchanged={unchanged}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_renders_escaped_and_teaches_when_empty() {
        let new = crate::conversions::tests::approved(1);
        let row = new.into_conversion(assay_model::AccountId(1));
        let mut page = ConversionsPage {
            frame: Frame::sample("conversions"),
            statuses: Status::ALL.map(|status| (status.as_str(), words::status(status).word)),
            status: "approved".into(),
            chips: chips(&[ConversionFilter {
                dimension: ConversionDimension::Publisher,
                values: vec!["a\"><xx>".into()],
            }]),
            rows: vec![ConversionLine::of(&row, &TimeZone::UTC)],
            older: "/conversions?before=x".into(),
            here: "/conversions".into(),
            done: String::new(),
            may_write: true,
        };
        let text = page.render().unwrap();
        assert!(!text.contains("<xx>") && !text.contains("p<1>"), "{text}");
        assert!(text.contains("1.10 EUR") && text.contains("Reject chosen"));
        page.may_write = false;
        assert!(
            !page
                .render()
                .unwrap()
                .contains("<form method=\"post\" action=\"/conv")
        );
        page.rows.clear();
        assert!(page.render().unwrap().contains("No conversions match"));
    }

    #[test]
    fn a_form_goes_back_to_our_own_pages_only() {
        for (page, to) in [
            ("/conversions/abc", "/conversions/abc?changed=1&unchanged=0"),
            (
                "/conversions?status=pending",
                "/conversions?status=pending&changed=1&unchanged=0",
            ),
            ("//evil.example", "/conversions?changed=1&unchanged=0"),
            (
                "https://evil.example/conversions",
                "/conversions?changed=1&unchanged=0",
            ),
            ("/conversionsevil", "/conversions?changed=1&unchanged=0"),
        ] {
            assert_eq!(back(page, 1, 0), to);
        }
    }
}
