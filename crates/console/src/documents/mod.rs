//! What all kinds of documents have in common: reading, checking, saving, showing.
//!
//! A kind of document says what is its own in [`Resource`]; the five verbs are here once.

mod input;
mod verbs;

pub use input::{Input, drop_echoes, merge, parse, parse_body, unknown_nulls};
pub use verbs::{alter, create, delete, insert, list, make, merged, new_doc, patch, read, replace};

use std::future::Future;

use assay_model::AccountId;
use assay_model::document::{Problem, TokenScope};
use assay_model::ports::{Doc, DocKind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::api::{Call, Caller};
use crate::app::App;
use crate::error::ApiError;

/// One kind of document of the management API.
pub trait Resource: Sync {
    /// The document.
    type Body: Serialize + DeserializeOwned + Clone + Send + Sync;
    /// What showing needs beside the document (the order of rules).
    type Context: Send + Sync;

    /// Its kind in the store.
    const KIND: DocKind;
    /// Its path in the API.
    const PATH: &'static str;
    /// Its name in sentences.
    const NOUN: &'static str;
    /// Fields that only the server sets; a client may send them back as they were.
    const READ_ONLY: &'static [&'static str];

    /// A valid document, to go on looking for problems when a mandatory field is missing.
    fn placeholder() -> Value;

    /// Checks a document against the account, and settles what only the server knows.
    ///
    /// Shape: `old` is the stored document of an update. Problems go into `out`; an error
    /// ends the call at once.
    fn settle(
        app: &App,
        caller: &Caller,
        body: &mut Self::Body,
        old: Option<(&Doc, &Self::Body)>,
        out: &mut Vec<Problem>,
    ) -> impl Future<Output = Result<(), ApiError>> + Send;

    /// Loads what showing needs.
    fn context(
        app: &App,
        account: AccountId,
    ) -> impl Future<Output = Result<Self::Context, ApiError>> + Send;

    /// The document as the API shows it, without `id` and `version`.
    fn show(app: &App, doc: &Doc, body: &Self::Body, context: &Self::Context) -> Value;

    /// Takes what a caller who may only look has no business with; by default nothing.
    fn veil(_body: &mut Self::Body) {}

    /// The document as `PATCH` merges into it; by default as it is stored.
    fn editable(_doc: &Doc, body: &Self::Body, _context: &Self::Context) -> Value {
        serde_json::to_value(body).unwrap_or(Value::Null)
    }

    /// What the store keeps unique of a document; by default nothing.
    fn unique(_account: AccountId, _body: &Self::Body) -> Option<String> {
        None
    }

    /// Refuses the removal of what must stay.
    ///
    /// # Errors
    /// 409 with the cause.
    fn check_delete(
        _app: &App,
        _account: AccountId,
        _doc: &Doc,
        _body: &Self::Body,
    ) -> impl Future<Output = Result<(), ApiError>> + Send {
        std::future::ready(Ok(()))
    }
}

/// A stored document; one that does not read back is our failure, not the caller's.
///
/// # Errors
/// 503.
pub fn stored<T: DeserializeOwned>(body: Value) -> Result<T, ApiError> {
    serde_json::from_value(body).map_err(|cause| {
        tracing::error!(%cause, "a stored document does not read back");
        ApiError::unavailable("storage", "a stored document does not read back")
    })
}

/// The document as the API shows it to a caller: without its secrets, if they may only look.
///
/// # Errors
/// 503 when what is stored does not read back.
pub fn seen<R: Resource>(call: &Call, doc: &Doc, context: &R::Context) -> Result<Value, ApiError> {
    if call.caller.may(TokenScope::Write) {
        return shown::<R>(&call.app, doc, context);
    }
    let mut body: R::Body = stored(doc.body.clone())?;
    R::veil(&mut body);
    Ok(told::<R>(&call.app, doc, &body, context))
}

/// The document as the API shows it.
///
/// # Errors
/// 503 when what is stored does not read back.
pub fn shown<R: Resource>(app: &App, doc: &Doc, context: &R::Context) -> Result<Value, ApiError> {
    let body: R::Body = stored(doc.body.clone())?;
    Ok(told::<R>(app, doc, &body, context))
}

fn told<R: Resource>(app: &App, doc: &Doc, body: &R::Body, context: &R::Context) -> Value {
    let mut out = R::show(app, doc, body, context);
    if let Some(map) = out.as_object_mut() {
        map.insert("id".into(), doc.id.into());
        map.insert("version".into(), doc.version.into());
    }
    out
}
