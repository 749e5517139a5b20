//! Every path of the console listener.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::app::App;
use crate::error::ApiError;
use crate::state::ConsoleState;
use crate::{api, auth, edge, openapi, pages};

/// The console's router: API, pages, health and metrics.
pub fn router(state: ConsoleState) -> Router {
    let app = App::new(state);
    let router = Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/openapi.json", get(openapi_document));
    let router = pages::routes(auth::routes(api::routes(router)));
    router
        .fallback(nothing_here)
        .layer(from_fn_with_state(Arc::clone(&app), edge::finish))
        .with_state(app)
}

async fn nothing_here() -> ApiError {
    ApiError::not_found("there is nothing at this path")
}

async fn healthz() -> &'static str {
    "ok\n"
}

async fn readyz(State(app): State<Arc<App>>) -> Response {
    let readiness = app.state.health.ready();
    let status = match readiness.ready {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    let headers = [(header::CONTENT_TYPE, "application/json")];
    (status, headers, readiness.detail.to_string()).into_response()
}

async fn metrics(State(app): State<Arc<App>>) -> Response {
    let headers = [(
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    )];
    (headers, app.state.health.metrics()).into_response()
}

async fn openapi_document() -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json")];
    (headers, openapi::openapi_json()).into_response()
}
