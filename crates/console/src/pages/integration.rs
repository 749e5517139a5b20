//! One integration: the URL to paste, and what was refused and why.

use askama::Template;
use assay_model::IntegrationId;
use assay_model::document::Integration;
use assay_model::ports::{DocKind, ErrorQuery};
use axum::extract::Path;
use axum::response::Response;
use serde_json::{Map, Value};

use super::connected::{kind, status};
use super::errors::{ERRORS_SHOWN, ErrorLine};
use super::frame::Frame;
use super::words::Chip;
use super::{Page, Posted, Shown, Visit, redirect};
use crate::documents::{make, stored};
use crate::error::ApiError;
use crate::integrations::{Integrations, urls};

#[derive(Template)]
#[template(path = "integration.html")]
pub struct IntegrationPage {
    frame: Frame,
    id: u64,
    name: String,
    kind: &'static str,
    status: Chip,
    urls: Vec<String>,
    doors: Vec<(&'static str, String)>,
    errors: Vec<ErrorLine>,
    whole_account: bool,
}

/// `GET /integrations/{id}`.
pub async fn page(Path(id): Path<String>, visit: Visit) -> Shown<IntegrationPage> {
    let account = visit.session.account;
    let missing = || ApiError::not_found(format!("There is no integration {id} in this account."));
    let number: u32 = id.parse().map_err(|_| missing())?;
    let state = &visit.app.state;
    let found = state
        .control
        .get(account, DocKind::Integration, u64::from(number))
        .await?;
    let doc = found.ok_or_else(missing)?;
    let body: Integration = stored(doc.body)?;
    let query = ErrorQuery {
        integration: Some(IntegrationId(number)),
        before: None,
        limit: ERRORS_SHOWN,
    };
    let rows = state.errors.list(account, query).await?;
    Ok(Page(IntegrationPage {
        frame: visit.frame(body.name.clone(), "overview"),
        id: doc.id,
        kind: kind(body.kind),
        status: status(body.status),
        urls: urls::s2s_all(&state.settings, account, doc.id, &body),
        doors: urls::doors_all(&state.settings, doc.id, &body)
            .iter()
            .flat_map(|urls| urls.named().map(|(name, url)| (name, url.to_owned())))
            .collect(),
        errors: ErrorLine::all(rows, &visit),
        whole_account: false,
        name: body.name,
    }))
}

/// `POST /integrations`: connects a source that asks for scores.
pub async fn create(posted: Posted) -> Result<Response, ApiError> {
    posted.may_write("change integrations")?;
    let Posted { visit, form } = posted;
    let fields: Map<String, Value> = [("name", form.get("name")), ("kind", "s2s")]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    let doc = make::<Integrations>(&visit.app, &visit.caller, fields).await?;
    Ok(redirect(&format!("/integrations/{}", doc.id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_renders_escaped_and_teaches_when_empty() {
        let mut page = IntegrationPage {
            frame: Frame::sample("overview"),
            id: 7,
            name: "<b>".into(),
            kind: "s2s",
            status: status(assay_model::document::Status::Active),
            urls: vec!["https://eu.example/ic3.php?m=AF&src=s2s".into()],
            doors: vec![("Click", "https://eu.example/click/7?key=a&b".into())],
            errors: vec![ErrorLine::sample()],
            whole_account: false,
        };
        let text = page.render().unwrap();
        assert!(!text.contains("<b>") && !text.contains("<i>"), "{text}");
        assert!(text.contains("m=AF&#38;src=s2s"));
        assert!(text.contains("/click/7?key=a&#38;b"));
        page.errors.clear();
        assert!(page.render().unwrap().contains("No refused calls"));
    }
}
