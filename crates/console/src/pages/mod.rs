//! stub
use crate::app::App;
use crate::error::ApiError;
use axum::Router;
use std::sync::Arc;
/// x
#[derive(Default)]
pub struct NumbersCache;
/// x
pub fn routes(router: Router<Arc<App>>) -> Router<Arc<App>> {
    router
}
/// x
pub fn error_page(error: &ApiError, _id: &str) -> String {
    error.detail.clone()
}
