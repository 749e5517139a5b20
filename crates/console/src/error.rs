//! What went wrong, as the caller sees it: the only `IntoResponse` for errors.
//!
//! An error travels in the response's extensions and is rendered once, at the edge
//! ([`crate::edge`]): as `application/problem+json` (RFC 9457) under `/api`, as a page elsewhere.

use assay_model::document::Problem;
use assay_model::ports::{LedgerError, PublishError, ReportError, StoreError};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::state::NoRandomness;

/// An error with a stable code.
#[derive(Clone, Debug)]
pub struct ApiError {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable code.
    pub code: &'static str,
    /// What was wrong, safe to show.
    pub detail: String,
    /// Every problem, when fields are at fault.
    pub errors: Vec<Problem>,
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            errors: Vec::new(),
        }
    }

    /// 400: the body cannot be read.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", detail)
    }

    /// 401: no token, or one that does not count.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }

    /// 403: known, but not allowed.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// 404: nothing there, or not the caller's.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// 409: does not go with what is stored.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", detail)
    }

    /// 413: body over the limit.
    pub fn too_large(limit_bytes: usize) -> Self {
        let detail = format!("the body is larger than {limit_bytes} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
    }

    /// 422: one field is at fault.
    pub fn field(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::invalid(vec![Problem::new(field, detail)])
    }

    /// 422: fields are at fault; all of them are named.
    pub fn invalid(errors: Vec<Problem>) -> Self {
        let detail = match errors.as_slice() {
            [] => "the request is not valid".to_owned(),
            [one] => format!("{}: {}", one.field, one.detail),
            [first, rest @ ..] => {
                let more = rest.len();
                format!("{}: {} (and {more} more)", first.field, first.detail)
            }
        };
        Self {
            errors,
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail)
        }
    }

    /// 429: too many tries.
    pub fn too_many(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many", detail)
    }

    /// 503: something of ours is away.
    pub fn unavailable(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail)
    }

    /// The error as a problem document.
    #[must_use]
    pub fn problem(&self, request_id: &str) -> Value {
        let mut out = json!({
            "type": format!("urn:assay:problem:{}", self.code),
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
            "request_id": request_id,
        });
        if let (Some(first), Some(map)) = (self.errors.first(), out.as_object_mut()) {
            map.insert("field".into(), first.field.clone().into());
            map.insert("detail".into(), first.detail.clone().into());
            let errors = self
                .errors
                .iter()
                .map(|p| json!({"field": p.field, "detail": p.detail}))
                .collect();
            map.insert("errors".into(), errors);
        }
        out
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict { .. } => Self::conflict(format!(
                "not saved: {error}; read it again and repeat the change"
            )),
            StoreError::Taken(_) => Self::conflict(error.to_string()),
            StoreError::NotFound => Self::not_found("there is no such thing in this account"),
            StoreError::Invalid(detail) => Self::field("query", detail),
            StoreError::Backend(cause) => {
                tracing::error!(%cause, "storage failed");
                Self::unavailable("storage", "storage does not answer; nothing was changed")
            }
        }
    }
}

impl From<LedgerError> for ApiError {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::NotFound => Self::not_found("there is no such conversion in this account"),
            LedgerError::Refused(_) => Self::conflict(error.to_string()),
            LedgerError::Invalid { field, detail } => Self::field(field, detail),
            LedgerError::Closed(cause) => {
                tracing::error!(%cause, "the ledger takes nothing until a restart");
                let detail = "a write to disk failed; conversions are not taken and not \
                              changed until the server is started again";
                Self::unavailable("ledger_closed", detail)
            }
            LedgerError::Backend(cause) => {
                tracing::error!(%cause, "the ledger failed");
                Self::unavailable("storage", "storage does not answer; nothing was changed")
            }
        }
    }
}

impl From<ReportError> for ApiError {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Invalid { field, detail } => Self::field(field, detail),
            ReportError::TooManyGroups(_) => Self::field("group_by", error.to_string()),
            ReportError::Backend(cause) => {
                tracing::error!(%cause, "report failed");
                Self::unavailable("storage", "reports cannot be read at the moment")
            }
        }
    }
}

impl From<PublishError> for ApiError {
    fn from(error: PublishError) -> Self {
        tracing::error!(cause = %error.0, "policy not in force");
        Self::unavailable("not_in_force", error.to_string())
    }
}

impl From<NoRandomness> for ApiError {
    fn from(error: NoRandomness) -> Self {
        Self::unavailable("randomness", error.to_string())
    }
}
