//! Events: the newest that match a filter, and the search by id.

use askama::Template;
use assay_model::EventId;
use assay_model::ports::{EventFilter, EventQuery};
use axum::response::{IntoResponse, Response};

use super::frame::Frame;
use super::rows::EventRow;
use super::{Page, Visit, redirect};
use crate::error::ApiError;

/// Events of a page.
const EVENTS_SHOWN: u32 = 50;

#[derive(Template)]
#[template(path = "events.html")]
pub struct EventsPage {
    frame: Frame,
    chips: Vec<FilterChip>,
    rows: Vec<EventRow>,
    older: String,
    searched: String,
}

/// A filter in force, and the address of the page without it.
struct FilterChip {
    name: &'static str,
    values: String,
    without: String,
}

/// `GET /events?q=&filter[dim]=a,b&before=`.
pub async fn page(mut visit: Visit) -> Result<Response, ApiError> {
    let searched = visit.query.take("q").unwrap_or_default();
    if let Ok(id) = searched.trim().parse::<EventId>() {
        return Ok(redirect(&format!("/events/{id}")));
    }
    Ok(Page(show(&mut visit, searched).await?).into_response())
}

async fn show(visit: &mut Visit, searched: String) -> Result<EventsPage, ApiError> {
    let mut query = std::mem::take(&mut visit.query);
    let filters: Vec<EventFilter> = query
        .take_filters()
        .into_iter()
        .map(|(dimension, values)| EventFilter { dimension, values })
        .collect();
    let before = query.take("before").and_then(|text| {
        let id = text.parse::<EventId>();
        id.map_err(|detail| query.refuse("before", detail)).ok()
    });
    query.finish()?;
    let wanted = EventQuery {
        filters,
        before,
        limit: EVENTS_SHOWN,
        ..EventQuery::default()
    };
    let events = &visit.app.state.events;
    let found = events.list(visit.session.account, &wanted).await?;
    let older = found.next.map_or_else(String::new, |next| {
        address(wanted.filters.iter(), Some(next))
    });
    Ok(EventsPage {
        frame: visit.frame("Events", "events"),
        chips: chips(&wanted.filters),
        rows: EventRow::all(&found, &visit.zone)?,
        older,
        searched,
    })
}

fn chips(filters: &[EventFilter]) -> Vec<FilterChip> {
    let one = |filter: &EventFilter| FilterChip {
        name: filter.dimension.as_str(),
        values: filter.values.join(", "),
        without: address(filters.iter().filter(|other| *other != filter), None),
    };
    filters.iter().map(one).collect()
}

/// The page's address with these filters: the URL is the state.
fn address<'a>(filters: impl Iterator<Item = &'a EventFilter>, before: Option<EventId>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for filter in filters {
        let name = format!("filter[{}]", filter.dimension.as_str());
        query.append_pair(&name, &filter.values.join(","));
    }
    if let Some(before) = before {
        query.append_pair("before", &before.to_string());
    }
    let query = query.finish();
    match query.as_str() {
        "" => "/events".to_owned(),
        query => format!("/events?{query}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_renders_escaped_and_empty() {
        let mut page = EventsPage {
            frame: Frame::sample("events"),
            chips: chips(&[EventFilter {
                dimension: assay_model::ports::Dimension::Publisher,
                values: vec!["a\"><xx>".into()],
            }]),
            rows: vec![EventRow::sample()],
            older: "/events?before=x".into(),
            searched: "<yy>".into(),
        };
        let text = page.render().unwrap();
        assert!(!text.contains("<script>alert"), "{text}");
        assert!(!text.contains("<xx>") && !text.contains("<yy>"));
        page.rows.clear();
        assert!(page.render().unwrap().contains("No events match"));
    }
}
