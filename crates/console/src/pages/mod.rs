//! The pages: server-rendered, typed, whole without scripts.
//!
//! Every page has a context struct with a `sample()` that a test renders. Templates say
//! how things look; these files say what is shown.

mod assets;
mod chart;
mod connected;
mod conversion;
mod conversions;
mod errors;
mod event;
mod events;
mod evidence;
mod frame;
mod integration;
mod numbers;
mod overview;
mod postbacks;
mod rows;
mod words;

#[cfg(test)]
mod tests;

pub use assets::{ASSETS, Assets};
pub use frame::{Form, Page, Posted, Shown, Visit, html, redirect, theme_of};
pub use numbers::NumbersCache;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::routing::{get, post};

use crate::app::App;
use crate::error::ApiError;

/// Adds every page but those of signing in.
pub fn routes(router: Router<Arc<App>>) -> Router<Arc<App>> {
    router
        .route("/", get(overview::page))
        .route("/live", get(overview::live))
        .route("/events", get(events::page))
        .route("/events/{event_id}", get(event::page))
        .route("/conversions", get(conversions::page))
        .route("/conversions/status", post(conversions::change))
        .route("/conversions/{id}", get(conversion::page))
        .route("/errors", get(errors::page))
        .route("/postbacks", get(postbacks::page))
        .route("/postbacks/deliveries/{id}/resend", post(postbacks::resend))
        .route("/integrations", post(integration::create))
        .route("/integrations/{id}", get(integration::page))
        .route("/assets/{name}", get(assets::serve))
}

/// A page that says what went wrong.
#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    assets: &'static Assets,
    title: &'a str,
    detail: &'a str,
    id: &'a str,
    ours: bool,
}

/// Renders an error as a page.
pub fn error_page(error: &ApiError, id: &str) -> String {
    let page = ErrorPage {
        assets: &ASSETS,
        title: error.status.canonical_reason().unwrap_or("Error"),
        detail: &error.detail,
        id,
        ours: error.status.is_server_error(),
    };
    page.render().unwrap_or_else(|_| error.detail.clone())
}
