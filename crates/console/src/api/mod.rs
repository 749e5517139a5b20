//! The management API: one table of endpoints, and what every one of them goes through.
//!
//! Token → scope → body → handler, in this order, for all. The same table makes the
//! router and the OpenAPI document, so neither can drift from the other.

mod call;
mod endpoints;
mod query;

#[cfg(test)]
mod tests;

pub use call::{Call, Caller, created, no_content, ok, page};
pub use endpoints::{Endpoint, Param, all};
pub use query::Query;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::on;

use crate::app::App;

/// Adds every endpoint to a router.
pub fn routes(mut router: Router<Arc<App>>) -> Router<Arc<App>> {
    for endpoint in all() {
        let path = format!("/api/v1{}", endpoint.path);
        let method = endpoint.method;
        let handler = move |State(app): State<Arc<App>>, request: Request| async move {
            dispatch(app, endpoint, request).await
        };
        router = router.route(&path, on(method, handler));
    }
    router
}

async fn dispatch(app: Arc<App>, endpoint: &'static Endpoint, request: Request) -> Response {
    let answer = match Call::read(app, endpoint.scope, request).await {
        Ok(call) => (endpoint.handler)(call).await,
        Err(error) => Err(error),
    };
    answer.unwrap_or_else(IntoResponse::into_response)
}
