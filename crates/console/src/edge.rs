//! The edge: request id, security headers, and errors made readable, once for all answers.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::error::ApiError;
use crate::pages;
use crate::state::random_text;

/// What pages may load: our own files and nothing else.
///
/// Source: design language of the console, section 9.
pub const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Finishes every answer.
pub async fn finish(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let id = random_text::<10>(&*app.state.random).unwrap_or_else(|_| "none".to_owned());
    let is_api = request.uri().path().starts_with("/api/");
    let is_head = request.method() == Method::HEAD;
    let mut response = next.run(request).await;
    if let Some(error) = error_of(&mut response) {
        log(&error, &id);
        response = render(&response, &error, &id, is_api, is_head);
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CSP),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if app.state.settings.https {
        // A year, as OWASP ASVS 5.0 3.4.1 asks.
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The error that a handler left, or that the router answered with an empty body.
fn error_of(response: &mut Response) -> Option<ApiError> {
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        return Some(error);
    }
    (response.status() == StatusCode::METHOD_NOT_ALLOWED).then(|| ApiError {
        status: StatusCode::METHOD_NOT_ALLOWED,
        code: "method_not_allowed",
        detail: "this path does not take this method".to_owned(),
        errors: Vec::new(),
    })
}

fn log(error: &ApiError, id: &str) {
    if error.status.is_server_error() {
        tracing::error!(request_id = id, code = error.code, detail = %error.detail, "request failed");
    }
}

fn render(failed: &Response, error: &ApiError, id: &str, is_api: bool, is_head: bool) -> Response {
    let (kind, body) = if is_api {
        ("application/problem+json", error.problem(id).to_string())
    } else {
        ("text/html; charset=utf-8", pages::error_page(error, id))
    };
    let body = if is_head { String::new() } else { body };
    let mut response = (error.status, [(header::CONTENT_TYPE, kind)], body).into_response();
    for name in [header::ALLOW, header::RETRY_AFTER, header::SET_COOKIE] {
        if let Some(value) = failed.headers().get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    if error.status == StatusCode::UNAUTHORIZED && is_api {
        let scheme = HeaderValue::from_static("Bearer");
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, scheme);
    }
    response
}
