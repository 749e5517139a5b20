//! stub
use std::sync::Arc;
use axum::Router;
use crate::app::App;
/// x
pub fn routes(router: Router<Arc<App>>) -> Router<Arc<App>> { router }
