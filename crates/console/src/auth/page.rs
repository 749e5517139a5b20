//! stub
use crate::app::App;
use axum::Router;
use std::sync::Arc;
/// x
pub fn routes(router: Router<Arc<App>>) -> Router<Arc<App>> {
    router
}
