//! Everything of a kind as one file.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::{Column, FORMULA, ID, Table, fields_of};
use crate::api::Call;
use crate::documents::stored;
use crate::error::ApiError;
use crate::network::all;

/// The table of all documents.
pub async fn export<T: Table>(mut call: Call) -> Result<Response, ApiError> {
    call.no_query()?;
    let docs = all(&call.app, call.caller.account, T::KIND).await?;
    let mut out = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    let names = T::COLUMNS.iter().map(|Column(name, _)| *name);
    out.write_record([ID].into_iter().chain(names))
        .map_err(failed)?;
    for doc in docs {
        // Through the body: what an older version did not know has its default.
        let fields = fields_of(&stored::<T::Body>(doc.body)?);
        let cells = T::COLUMNS
            .iter()
            .map(|Column(name, _)| cell(&fields[*name]));
        out.write_record([doc.id.to_string()].into_iter().chain(cells))
            .map_err(failed)?;
    }
    let bytes = out.into_inner().map_err(failed)?;
    let disposition = format!("attachment; filename=\"{}\"", T::FILE);
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, bytes).into_response())
}

fn failed(cause: impl std::fmt::Display) -> ApiError {
    tracing::error!(%cause, "a table was not written");
    ApiError::unavailable("export", "the table could not be written")
}

/// A field as a cell that runs nothing.
pub(super) fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match text.starts_with(FORMULA) {
        true => format!("'{text}"),
        false => text,
    }
}
