//! Style sheet, scripts and the mark: compiled in, named by their content, cached for ever.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::error::ApiError;

/// Where each file is.
pub struct Assets {
    /// The style sheet.
    pub css: String,
    /// The script of all pages.
    pub js: String,
    /// The script of the live part.
    pub live: String,
    /// The mark.
    pub mark: String,
}

const CSS: &str = include_str!("../../assets/console.css");
const JS: &str = include_str!("../../assets/console.js");
const LIVE: &str = include_str!("../../assets/live.js");
const MARK: &str = include_str!("../../assets/mark.svg");

/// The paths of this build.
pub static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets {
    css: path("console", CSS, "css"),
    js: path("console", JS, "js"),
    live: path("live", LIVE, "js"),
    mark: path("mark", MARK, "svg"),
});

fn path(stem: &str, text: &str, extension: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let mut hash = String::new();
    assay_model::base32::encode_into(&digest[..6], &mut hash);
    format!("/assets/{stem}.{hash}.{extension}")
}

/// `GET /assets/{name}`.
pub async fn serve(Path(name): Path<String>) -> Result<Response, ApiError> {
    let wanted = format!("/assets/{name}");
    let files = [
        (&ASSETS.css, CSS, "text/css; charset=utf-8"),
        (&ASSETS.js, JS, "text/javascript; charset=utf-8"),
        (&ASSETS.live, LIVE, "text/javascript; charset=utf-8"),
        (&ASSETS.mark, MARK, "image/svg+xml"),
    ];
    let found = files.into_iter().find(|(path, ..)| **path == wanted);
    let (_, text, kind) = found.ok_or_else(|| ApiError::not_found("there is no such file"))?;
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    Ok((headers, text).into_response())
}
