//! Signing in and out.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use askama::Template;
use assay_model::Timestamp;
use assay_model::document::User;
use assay_model::ports::DocKind;
use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use super::sessions::{Session, cookie_of, set_cookie};
use super::throttle::WINDOW_MIN;
use super::{password, same_origin, setup_page, token_matches};
use crate::app::App;
use crate::documents::stored;
use crate::error::ApiError;
use crate::pages::{ASSETS, Assets, Form, html, redirect, theme_of};
use crate::state::ClientIp;

/// Adds the pages of signing in, and of the first start.
pub fn routes(router: Router<Arc<App>>) -> Router<Arc<App>> {
    router
        .route("/login", get(show).post(sign_in))
        .route("/logout", post(sign_out))
        .route("/setup", get(setup_page::show).post(setup_page::submit))
}

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    assets: &'static Assets,
    theme: &'static str,
    email: String,
    failure: String,
    is_first_start: bool,
}

/// The session behind a request's cookie.
#[must_use]
pub fn session_of(app: &App, headers: &HeaderMap, now: Timestamp) -> Option<Session> {
    let id = cookie_of(headers, app.state.settings.https)?;
    app.sessions.find(&id, now)
}

/// The same for a page that refreshes itself: it does not keep the session alive.
#[must_use]
pub fn session_peeked(app: &App, headers: &HeaderMap, now: Timestamp) -> Option<Session> {
    let id = cookie_of(headers, app.state.settings.https)?;
    app.sessions.peek(&id, now)
}

/// Refuses a form that is not from our own page in this session.
///
/// # Errors
/// 403.
pub fn check_form(headers: &HeaderMap, session: &Session, form: &Form) -> Result<(), ApiError> {
    if same_origin(headers) && token_matches(form.get("csrf"), &session.csrf) {
        return Ok(());
    }
    Err(ApiError::forbidden(
        "this form does not come from the page you are signed in to; load the page again",
    ))
}

async fn show(State(app): State<Arc<App>>, request: Request) -> Response {
    let headers = request.headers();
    if session_of(&app, headers, app.now()).is_some() {
        return redirect("/");
    }
    let is_first_start = match super::bootstrap::is_first_start(&*app.state.control).await {
        Ok(is_first) => is_first,
        Err(error) => return ApiError::from(error).into_response(),
    };
    let page = LoginPage {
        assets: &ASSETS,
        theme: theme_of(headers),
        email: String::new(),
        failure: String::new(),
        is_first_start,
    };
    html(StatusCode::OK, &page)
}

async fn sign_in(State(app): State<Arc<App>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let form = match Form::read(body).await {
        Ok(form) if same_origin(&parts.headers) => form,
        Ok(_) => return ApiError::forbidden("sign in from our own page").into_response(),
        Err(error) => return error.into_response(),
    };
    match attempt(&app, &parts, &form).await {
        Ok(Attempt::In(id)) => signed_in(&app, &parts.headers, &id),
        Ok(Attempt::Wrong { left }) => {
            let failure = format!(
                "That e-mail and password do not match. {left} tries left before a {WINDOW_MIN}-minute pause."
            );
            again(&parts, &form, StatusCode::UNPROCESSABLE_ENTITY, failure)
        }
        Ok(Attempt::Paused) => {
            let failure = format!("Too many tries. Wait {WINDOW_MIN} minutes, then try again.");
            let mut response = again(&parts, &form, StatusCode::TOO_MANY_REQUESTS, failure);
            let wait = HeaderValue::from(WINDOW_MIN * 60);
            response.headers_mut().insert(header::RETRY_AFTER, wait);
            response
        }
        Err(error) => error.into_response(),
    }
}

enum Attempt {
    In(String),
    Wrong { left: u32 },
    Paused,
}

/// One try: counted first, then judged with the same work whether the person exists or not.
async fn attempt(app: &App, parts: &Parts, form: &Form) -> Result<Attempt, ApiError> {
    let now = app.now();
    let email = form.get("email").trim().to_lowercase();
    let keys = [
        format!("mail:{}", email.chars().take(254).collect::<String>()),
        format!("ip:{}", address_key(parts)),
    ];
    let Some(left) = app.throttle.begin(&keys, now) else {
        return Ok(Attempt::Paused);
    };
    let found = app.state.control.find_unique(DocKind::User, &email).await?;
    let known = match found {
        Some(doc) => {
            let user: User = stored(doc.body)?;
            Some((doc.account, doc.id, user))
        }
        None => None,
    };
    let hash = known
        .as_ref()
        .map(|(_, _, user)| user.password_hash.clone());
    let sent = form.get("password").to_owned();
    let fits = sent.len() <= password::PASSWORD_BYTES_MAX && password::check(app, hash, sent).await;
    match known {
        Some((account, id, user)) if fits => {
            app.throttle.succeed(&keys[0], &keys[1]);
            let random = &*app.state.random;
            let session = app.sessions.start(random, account, id, &user, now)?;
            Ok(Attempt::In(session))
        }
        _ => Ok(Attempt::Wrong { left }),
    }
}

/// What tries are counted by: the address, of IPv6 the /64 that one subscriber has.
fn address_key(parts: &Parts) -> String {
    let told = parts.extensions.get::<ClientIp>().map(|ip| ip.0);
    let socket = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    match told.or_else(|| socket.map(|info| info.0.ip())) {
        None => "unknown".to_owned(),
        Some(IpAddr::V4(ip)) => ip.to_string(),
        Some(IpAddr::V6(ip)) => format!("{:x?}", &ip.segments()[..4]),
    }
}

/// A fresh session replaces whatever the browser had.
pub(super) fn signed_in(app: &App, headers: &HeaderMap, id: &str) -> Response {
    let https = app.state.settings.https;
    if let Some(old) = cookie_of(headers, https) {
        app.sessions.end(&old);
    }
    let mut response = redirect("/");
    if let Some(cookie) = set_cookie(id, https) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

fn again(parts: &Parts, form: &Form, status: StatusCode, failure: String) -> Response {
    let page = LoginPage {
        assets: &ASSETS,
        theme: theme_of(&parts.headers),
        email: form.get("email").to_owned(),
        failure,
        is_first_start: false,
    };
    html(status, &page)
}

async fn sign_out(State(app): State<Arc<App>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let https = app.state.settings.https;
    if let Some(session) = session_of(&app, &parts.headers, app.now()) {
        let checked = match Form::read(body).await {
            Ok(form) => check_form(&parts.headers, &session, &form),
            Err(error) => Err(error),
        };
        if let Err(error) = checked {
            return error.into_response();
        }
        if let Some(id) = cookie_of(&parts.headers, https) {
            app.sessions.end(&id);
        }
    }
    let mut response = redirect("/login");
    if let Some(cookie) = set_cookie("", https) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}
