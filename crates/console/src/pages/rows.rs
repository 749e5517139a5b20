//! Rows of the event table, shared by overview and event list.

use assay_model::ports::EventPage;
use assay_model::{EventRecord, Field, Timestamp};
use jiff::tz::TimeZone;

use super::words::{self, Chip};
use crate::error::ApiError;
use crate::events::damaged;

/// One event in a table.
pub struct EventRow {
    /// Its id.
    pub id: String,
    /// Time of day.
    pub clock: String,
    /// The full time, for a title.
    pub time: String,
    /// Time the decision took.
    pub decision_us: u32,
    /// Publisher; empty = none given.
    pub publisher: String,
    /// Sub id.
    pub sub_id: String,
    /// Offer.
    pub offer: String,
    /// Kind of event.
    pub event: &'static str,
    /// Browser and system.
    pub client: String,
    /// Country.
    pub country: String,
    /// Address.
    pub ip: String,
    /// Risk.
    pub risk: Chip,
    /// Main reason; empty = none.
    pub reason: &'static str,
    /// Class; empty = valid.
    pub class: &'static str,
    /// Its swatch.
    pub class_css: &'static str,
    /// What was done.
    pub action: Chip,
}

impl EventRow {
    /// A record as a row.
    #[must_use]
    pub fn of(record: &EventRecord<'_>, zone: &TimeZone) -> Self {
        let facts = &record.facts;
        let verdict = &record.verdict;
        let text = |field| facts.hit.get(field).unwrap_or("").to_owned();
        let received: Timestamp = facts.hit.received;
        let named = !verdict.findings.is_empty();
        Self {
            id: record.event_id.to_string(),
            clock: words::clock(received, zone),
            time: received.to_string(),
            decision_us: record.decision_us,
            publisher: text(Field::Publisher),
            sub_id: text(Field::SubId),
            offer: text(Field::Offer),
            event: facts.hit.event.as_str(),
            client: client(record),
            country: facts
                .ip
                .as_ref()
                .and_then(|ip| ip.country)
                .map_or_else(String::new, |country| country.to_string()),
            ip: facts.hit.ip.map_or_else(String::new, |ip| ip.to_string()),
            risk: words::risk(verdict.risk),
            reason: if named { verdict.reason.code() } else { "" },
            class: if named {
                verdict.reason.info().class.as_str()
            } else {
                ""
            },
            class_css: words::class_css(verdict.reason.info().class),
            action: words::action(verdict.action),
        }
    }

    /// A page of stored events as rows.
    ///
    /// # Errors
    /// 503 when one does not read back.
    pub fn all(page: &EventPage, zone: &TimeZone) -> Result<Vec<Self>, ApiError> {
        page.events
            .iter()
            .map(|event| Ok(Self::of(&event.decode().map_err(damaged)?, zone)))
            .collect()
    }

    /// A row to render in tests.
    #[cfg(test)]
    pub fn sample() -> Self {
        Self::of(&crate::events::tests::rejected(1), &TimeZone::UTC)
    }
}

/// "Chrome 141, Windows", or what kind of client it is.
#[must_use]
pub fn client(record: &EventRecord<'_>) -> String {
    let Some(ua) = record.facts.ua.as_deref() else {
        return String::new();
    };
    let mut out = match ua.browser_major() {
        Some(major) if !ua.browser.is_empty() => format!("{} {major}", ua.browser),
        _ => ua.browser.to_string(),
    };
    if out.is_empty() {
        let named = ua.mark.as_ref().map_or("", |mark| &*mark.name);
        out = if named.is_empty() {
            ua.kind.as_str()
        } else {
            named
        }
        .replace('_', " ");
    }
    if !ua.os.is_empty() {
        out.push_str(", ");
        out.push_str(&ua.os);
    }
    out
}
