//! The page of a first start: account, owner, and the first API token, shown once.

use std::sync::Arc;

use askama::Template;
use assay_model::document::{Role, Token, TokenScope, User};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::bootstrap::{NewUser, create_user, first_account};
use super::same_origin;
use super::sessions::set_cookie;
use crate::api::{Caller, Query};
use crate::app::App;
use crate::documents::stored;
use crate::error::ApiError;
use crate::pages::{ASSETS, Assets, Form, html, theme_of};
use crate::tokens;

#[derive(Template)]
#[template(path = "setup.html")]
struct SetupPage {
    assets: &'static Assets,
    theme: &'static str,
    token: String,
    account: String,
    name: String,
    email: String,
    failures: Vec<String>,
}

#[derive(Template)]
#[template(path = "setup_done.html")]
struct DonePage {
    assets: &'static Assets,
    theme: &'static str,
    account: String,
    token: String,
}

fn closed() -> ApiError {
    ApiError::not_found(
        "This set-up link was used already, or belongs to an earlier start. The server prints \
         a new one when it starts without an account.",
    )
}

/// `GET /setup?token=`.
pub async fn show(State(app): State<Arc<App>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let token = Query::parse(parts.uri.query()).take("token");
    let token = token.unwrap_or_default();
    if !app.state.setup.admits(&token) {
        return closed().into_response();
    }
    let page = SetupPage {
        assets: &ASSETS,
        theme: theme_of(&parts.headers),
        token,
        account: String::new(),
        name: String::new(),
        email: String::new(),
        failures: Vec::new(),
    };
    html(StatusCode::OK, &page)
}

/// `POST /setup`.
pub async fn submit(State(app): State<Arc<App>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let form = match Form::read(body).await {
        Ok(form) => form,
        Err(error) => return error.into_response(),
    };
    match set_up(&app, &parts, &form).await {
        Ok(response) => response,
        Err(error) if error.status == StatusCode::UNPROCESSABLE_ENTITY => {
            again(&parts, &form, &error)
        }
        Err(error) => error.into_response(),
    }
}

async fn set_up(app: &App, parts: &Parts, form: &Form) -> Result<Response, ApiError> {
    if !same_origin(&parts.headers) {
        return Err(ApiError::forbidden("set up from our own page"));
    }
    let _one_at_a_time = app.changes.lock().await;
    if !app.state.setup.admits(form.get("token")) {
        return Err(closed());
    }
    let name = match form.get("account").trim() {
        "" => "Main",
        name if name.chars().count() > 100 => {
            return Err(ApiError::field("account", "needs 1 to 100 characters"));
        }
        name => name,
    };
    let user = NewUser {
        email: form.get("email"),
        name: form.get("name"),
        password: form.get("password"),
        role: Role::Owner,
    };
    user.check()?;
    let (control, now) = (&*app.state.control, app.now());
    let account = first_account(control, name, now).await?;
    let random = &*app.state.random;
    let cost = app.state.settings.passwords;
    let doc = create_user(control, random, cost, account, user, now).await?;
    app.state.setup.close();
    let owner: User = stored(doc.body)?;
    let caller = Caller {
        account,
        actor: format!("user:{}", doc.id),
        scopes: TokenScope::ALL.to_vec(),
    };
    let token = Token {
        name: "First token".to_owned(),
        scopes: TokenScope::ALL.to_vec(),
        expires: None,
        hint: String::new(),
    };
    let secret = tokens::new_secret(app)?;
    tokens::save(app, &caller, token, &secret).await?;
    app.publish(account).await?;
    let session = app.sessions.start(random, account, doc.id, &owner, now)?;
    let page = DonePage {
        assets: &ASSETS,
        theme: theme_of(&parts.headers),
        account: name.to_owned(),
        token: secret,
    };
    let mut response = html(StatusCode::OK, &page);
    if let Some(cookie) = set_cookie(&session, app.state.settings.https) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

fn again(parts: &Parts, form: &Form, error: &ApiError) -> Response {
    let text = |name| form.get(name).to_owned();
    let page = SetupPage {
        assets: &ASSETS,
        theme: theme_of(&parts.headers),
        token: text("token"),
        account: text("account"),
        name: text("name"),
        email: text("email"),
        failures: error
            .errors
            .iter()
            .map(|problem| format!("{}: {}", problem.field, problem.detail))
            .collect(),
    };
    html(StatusCode::UNPROCESSABLE_ENTITY, &page)
}
