//! `Authorization: Bearer`: the token is looked up by its hash and never stored or logged.

use assay_model::Timestamp;
use assay_model::document::{Token, token_hash_input};
use assay_model::ports::DocKind;
use axum::http::{HeaderMap, header};
use sha2::{Digest, Sha256};

use crate::api::Caller;
use crate::app::App;
use crate::documents::stored;
use crate::error::ApiError;

/// Longest token that is looked at, in bytes.
const TOKEN_BYTES_MAX: usize = 512;

/// What a token is stored and found by: SHA-256 in hex.
///
/// A plain hash is enough since tokens carry at least 128 random bits.
/// Source: OWASP ASVS 5.0, 6.5.2 by analogy.
#[must_use]
pub fn token_hash(token: &str) -> String {
    hex(&Sha256::digest(token_hash_input(token).as_bytes()))
}

/// Lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
            // Writing into a String cannot fail.
            let _ = write!(out, "{byte:02x}");
            out
        })
}

/// The caller behind a request's token.
///
/// # Errors
/// 401 when there is none, or it is unknown, revoked or expired: all alike.
pub async fn caller(app: &App, headers: &HeaderMap, now: Timestamp) -> Result<Caller, ApiError> {
    let token = bearer(headers)
        .ok_or_else(|| ApiError::unauthorized("send an API token as `Authorization: Bearer …`"))?;
    let hash = token_hash(token);
    let found = app.state.control.find_unique(DocKind::Token, &hash).await?;
    let unknown = || ApiError::unauthorized("this token is unknown, revoked or expired");
    let doc = found.ok_or_else(unknown)?;
    let body: Token = stored(doc.body)?;
    if body.expires.is_some_and(|expires| expires <= now) {
        return Err(unknown());
    }
    Ok(Caller::of_token(doc.account, doc.id, &body))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.trim().split_once(' ')?;
    let token = token.trim();
    let usable = !token.is_empty() && token.len() <= TOKEN_BYTES_MAX;
    (scheme.eq_ignore_ascii_case("bearer") && usable).then_some(token)
}
