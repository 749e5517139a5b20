//! The error log: of the whole account as a page, of one integration as a part of its page.

use askama::Template;
use assay_model::IntegrationId;
use assay_model::ports::{ErrorQuery, ErrorRow};

use super::frame::Frame;
use super::words;
use super::{Page, Shown, Visit};

/// Rows of a page.
pub const ERRORS_SHOWN: u32 = 50;

/// A refused call in a table.
pub struct ErrorLine {
    pub time: String,
    pub integration: Option<IntegrationId>,
    pub door: String,
    pub code: String,
    pub field: String,
    pub cause: String,
    pub sample: String,
    pub count: String,
}

impl ErrorLine {
    /// The rows of a log as they are shown on this visit.
    pub fn all(rows: Vec<ErrorRow>, visit: &Visit) -> Vec<Self> {
        let line = |row: ErrorRow| Self {
            time: words::moment(row.time, &visit.zone),
            integration: row.integration_id,
            door: row.door,
            code: row.code,
            field: row.field,
            cause: row.cause,
            sample: row.sample,
            count: words::count(row.count),
        };
        rows.into_iter().map(line).collect()
    }

    /// A line to render in tests.
    #[cfg(test)]
    pub fn sample() -> Self {
        Self {
            time: "now".into(),
            integration: None,
            door: "s2s".into(),
            code: "missing".into(),
            field: "s6".into(),
            cause: "<i>".into(),
            sample: "/ic3.php".into(),
            count: "3".into(),
        }
    }
}

#[derive(Template)]
#[template(path = "errors.html")]
pub struct ErrorsPage {
    frame: Frame,
    errors: Vec<ErrorLine>,
    whole_account: bool,
    older: Option<u64>,
}

/// `GET /errors?before=`.
pub async fn page(mut visit: Visit) -> Shown<ErrorsPage> {
    let mut query = std::mem::take(&mut visit.query);
    let before = query.take_number("before", 0, 1, u64::MAX);
    query.finish()?;
    let wanted = ErrorQuery {
        integration: None,
        before: Some(before).filter(|before| *before > 0),
        // One more than is shown tells whether there are older ones.
        limit: ERRORS_SHOWN + 1,
    };
    let log = &visit.app.state.errors;
    let mut rows = log.list(visit.session.account, wanted).await?;
    let more = rows.len() > ERRORS_SHOWN as usize;
    rows.truncate(ERRORS_SHOWN as usize);
    let older = rows.last().filter(|_| more).map(|row| row.id);
    Ok(Page(ErrorsPage {
        frame: visit.frame("Error log", "errors"),
        errors: ErrorLine::all(rows, &visit),
        whole_account: true,
        older,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_renders_escaped() {
        let page = ErrorsPage {
            frame: Frame::sample("errors"),
            errors: vec![ErrorLine::sample()],
            whole_account: true,
            older: Some(7),
        };
        let text = page.render().unwrap();
        assert!(!text.contains("<i>"), "{text}");
        assert!(text.contains("/errors?before=7"));
    }
}
