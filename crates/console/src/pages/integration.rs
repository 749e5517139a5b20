//! One integration: the URL to paste, and what was refused and why.

use std::sync::Arc;

use askama::Template;
use assay_model::IntegrationId;
use assay_model::document::{Integration, TokenScope};
use assay_model::ports::{DocKind, ErrorQuery};
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use super::connected::{kind, status};
use super::errors::{ERRORS_SHOWN, ErrorLine};
use super::frame::{Form, Frame};
use super::words::Chip;
use super::{Visit, html, redirect};
use crate::app::App;
use crate::auth::check_form;
use crate::documents::{make, stored};
use crate::error::ApiError;
use crate::integrations::{Integrations, urls};

#[derive(Template)]
#[template(path = "integration.html")]
struct IntegrationPage {
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
pub async fn page(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let visit = match Visit::read(app, &parts).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    match show(&visit, &id).await {
        Ok(page) => html(StatusCode::OK, &page),
        Err(error) => error.into_response(),
    }
}

async fn show(visit: &Visit, id: &str) -> Result<IntegrationPage, ApiError> {
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
    Ok(IntegrationPage {
        frame: visit.frame(body.name.clone(), "overview"),
        id: doc.id,
        kind: kind(body.kind),
        status: status(body.status),
        urls: urls::s2s_all(&state.settings, account, doc.id, &body),
        doors: urls::doors_all(&state.settings, doc.id, &body)
            .iter()
            .flat_map(|urls| urls.named().map(|(name, url)| (name, url.to_owned())))
            .collect(),
        errors: ErrorLine::all(rows, visit),
        whole_account: false,
        name: body.name,
    })
}

/// `POST /integrations`: connects a source that asks for scores.
pub async fn create(State(app): State<Arc<App>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let visit = match Visit::read(app, &parts).await {
        Ok(visit) => visit,
        Err(answer) => return answer,
    };
    let made = async {
        let form = Form::read(body).await?;
        check_form(&parts.headers, &visit.session, &form)?;
        if !visit.caller.may(TokenScope::Write) {
            return Err(ApiError::forbidden("your role cannot change integrations"));
        }
        let fields: Map<String, Value> = [("name", form.get("name")), ("kind", "s2s")]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        make::<Integrations>(&visit.app, &visit.caller, fields).await
    };
    match made.await {
        Ok(doc) => redirect(&format!("/integrations/{}", doc.id)),
        Err(error) => error.into_response(),
    }
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
