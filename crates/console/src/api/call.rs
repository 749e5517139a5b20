//! One call of the management API: who calls, what was sent.

use std::sync::Arc;

use assay_model::document::{Token, TokenScope};
use assay_model::{AccountId, Timestamp};
use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequestParts, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::Query;
use crate::app::App;
use crate::auth::bearer;
use crate::error::ApiError;

/// Who calls: a token, or a person behind a session.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The account; every port call takes it from here and nowhere else.
    pub account: AccountId,
    /// `token:12` or `user:3`, as written into versions.
    pub actor: String,
    /// What the caller may do.
    pub scopes: Vec<TokenScope>,
}

impl Caller {
    /// The caller behind a stored token.
    #[must_use]
    pub fn of_token(account: AccountId, id: u64, token: &Token) -> Self {
        Self {
            account,
            actor: format!("token:{id}"),
            scopes: token.scopes.clone(),
        }
    }

    /// Whether the caller may do this.
    #[must_use]
    pub fn may(&self, scope: TokenScope) -> bool {
        self.scopes.contains(&scope)
    }
}

/// A call that passed token and scope.
pub struct Call {
    /// The console.
    pub app: Arc<App>,
    /// Who calls.
    pub caller: Caller,
    /// When it came in.
    pub now: Timestamp,
    /// Its query.
    pub query: Query,
    params: Vec<(String, String)>,
    body: Bytes,
}

impl Call {
    /// Reads a request: token, then scope, then body.
    ///
    /// # Errors
    /// 401, 403, 413, 400: in this order, so a stranger learns nothing and costs little.
    pub async fn read(
        app: Arc<App>,
        scope: TokenScope,
        request: Request,
    ) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let now = app.state.clock.now();
        let caller = bearer::caller(&app, &parts.headers, now).await?;
        if !caller.may(scope) {
            let scope = scope_name(scope);
            return Err(ApiError::forbidden(format!(
                "this token lacks the scope {scope:?}"
            )));
        }
        let params = path_params(&mut parts).await?;
        let limit = app.state.settings.body_bytes_max;
        if announced_bytes(&parts) > limit {
            return Err(ApiError::too_large(limit));
        }
        let body = to_bytes(body, limit).await.map_err(|error| {
            let source = std::error::Error::source(&error);
            if source.is_some_and(|source| source.is::<http_body_util::LengthLimitError>()) {
                ApiError::too_large(limit)
            } else {
                ApiError::malformed("the body ended early")
            }
        })?;
        Ok(Self {
            app,
            caller,
            now,
            query: Query::parse(parts.uri.query()),
            params,
            body,
        })
    }

    /// A part of the path.
    #[must_use]
    pub fn param(&self, name: &str) -> &str {
        let found = self.params.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value)
    }

    /// The positive number in the path; anything else names nothing.
    ///
    /// # Errors
    /// 404.
    pub fn id(&self, name: &str) -> Result<u64, ApiError> {
        let text = self.param(name);
        text.parse()
            .ok()
            .filter(|id| *id > 0)
            .ok_or_else(|| ApiError::not_found(format!("{text:?} is no id")))
    }

    /// The body as a JSON object.
    ///
    /// # Errors
    /// 400 with the position when it is no JSON, 422 when it is no object.
    pub fn object(&self) -> Result<Map<String, Value>, ApiError> {
        let value: Value = serde_json::from_slice(&self.body).map_err(|error| {
            ApiError::malformed(format!(
                "the body is not JSON: line {}, column {}: {error}",
                error.line(),
                error.column()
            ))
        })?;
        match value {
            Value::Object(map) => Ok(map),
            _ => Err(ApiError::field("body", "must be a JSON object")),
        }
    }

    /// The body as a text.
    ///
    /// # Errors
    /// 400 when it is none.
    pub fn text(&self) -> Result<&str, ApiError> {
        std::str::from_utf8(&self.body).map_err(|error| {
            let at = error.valid_up_to();
            ApiError::malformed(format!("the body is no UTF-8 text: byte {at}"))
        })
    }

    /// Takes `after` and `limit`, and refuses any other parameter.
    ///
    /// # Errors
    /// 422.
    pub fn take_page(&mut self) -> Result<(u64, u32), ApiError> {
        let mut query = std::mem::take(&mut self.query);
        let after = query.take_number("after", 0, 0, u64::MAX);
        let limit = query.take_number("limit", 50, 1, 500);
        query.finish()?;
        Ok((after, u32::try_from(limit).unwrap_or(50)))
    }

    /// Refuses every parameter of the query.
    ///
    /// # Errors
    /// 422.
    pub fn no_query(&mut self) -> Result<(), ApiError> {
        std::mem::take(&mut self.query).finish()
    }
}

async fn path_params(parts: &mut Parts) -> Result<Vec<(String, String)>, ApiError> {
    let raw = RawPathParams::from_request_parts(parts, &())
        .await
        .map_err(|_| ApiError::not_found("there is nothing at this path"))?;
    Ok(raw
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect())
}

fn announced_bytes(parts: &Parts) -> usize {
    let length = parts.headers.get(header::CONTENT_LENGTH);
    length
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .unwrap_or(0)
}

fn scope_name(scope: TokenScope) -> Value {
    serde_json::to_value(scope).unwrap_or(Value::Null)
}

/// 200 with a JSON body.
#[must_use]
pub fn ok(body: &Value) -> Response {
    json_response(StatusCode::OK, body)
}

/// 201 with the new thing and where it lives.
#[must_use]
pub fn created(path: &str, id: u64, body: &Value) -> Response {
    let mut response = json_response(StatusCode::CREATED, body);
    if let Ok(place) = HeaderValue::from_str(&format!("/api/v1{path}/{id}")) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    response
}

/// 204.
#[must_use]
pub fn no_content() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// A page of a list.
#[must_use]
pub fn page(items: Vec<Value>, next: Option<Value>) -> Response {
    ok(&json!({"items": items, "next": next}))
}

fn json_response(status: StatusCode, body: &Value) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json")];
    (status, headers, body.to_string()).into_response()
}
