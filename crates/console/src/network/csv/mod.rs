//! Documents as tables: one row each, in a file that a spreadsheet opens and saves.
//!
//! Source: RFC 4180, and OWASP "CSV Injection": a cell that begins with one of `= + - @`, a tab
//! or a carriage return gets an apostrophe in front, and loses it on the way back.

mod export;
mod import;
mod rows;

pub use import::import;

use assay_model::document::Problem;
use axum::response::Response;
use serde::Serialize;
use serde_json::Value;

use crate::api::Call;
use crate::documents::{self, Resource};
use crate::error::ApiError;

/// What a cell holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A text as it is.
    Text,
    /// A whole number.
    Number,
    /// An object as JSON.
    Json,
}

/// A column: its name, which is the field's, and its form.
#[derive(Clone, Copy, Debug)]
pub struct Column(pub &'static str, pub Form);

/// A kind of document that is one row of a table.
pub trait Table: Resource {
    /// Name of the file.
    const FILE: &'static str;
    /// Its columns; `id`, which only the server sets, stands before them.
    const COLUMNS: &'static [Column];

    /// The account's own id of a document.
    fn external_id(body: &Self::Body) -> Option<&str>;

    /// Everything wrong with a document by itself.
    fn check(body: &Self::Body) -> Vec<Problem>;
}

/// What only the server sets: it finds a row's document where there is no external id.
const ID: &str = "id";

/// With what a spreadsheet takes a cell for a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// `GET /things?format=csv`, or the list.
///
/// # Errors
/// 422, 503.
pub async fn list<T: Table>(mut call: Call) -> Result<Response, ApiError> {
    match call.query.take("format").as_deref() {
        None | Some("json") => documents::list::<T>(call).await,
        Some("csv") => export::export::<T>(call).await,
        Some(other) => Err(ApiError::field(
            "format",
            format!("{other:?} is none of json, csv"),
        )),
    }
}

/// A document as the fields that it is stored as.
fn fields_of<B: Serialize>(body: &B) -> serde_json::Map<String, Value> {
    match serde_json::to_value(body) {
        Ok(Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    }
}
