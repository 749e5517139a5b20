//! A file taken in: all rows or none, unless asked for what can be taken.

use assay_model::ports::Save;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Table;
use super::rows::{Fault, Header, Known, Made, Rows};
use crate::api::{Call, ok};
use crate::documents::new_doc;
use crate::error::ApiError;
use crate::network::all;

/// Most faults that an answer names; all are counted.
const FAULTS_MAX: usize = 1000;

/// What a file came to.
#[derive(Default)]
struct Outcome {
    rows: usize,
    created: usize,
    updated: usize,
    unchanged: usize,
    failed: usize,
    faults: Vec<Fault>,
    saves: Vec<Save>,
}

/// `POST /things/import`, `text/csv`.
///
/// # Errors
/// 400 when it is no text, 409, 422, 503. Rows at fault are answered with 422 and each of
/// them, and nothing is saved; with `partial=true` the others are.
pub async fn import<T: Table>(mut call: Call) -> Result<Response, ApiError> {
    let partial = take_partial(&mut call)?;
    let text = call.text()?;
    let account = call.caller.account;
    let _one_at_a_time = call.app.changes.lock().await;
    let known = Known::new::<T>(all(&call.app, account, T::KIND).await?)?;
    let mut outcome = match read::<T>(&call, text, &known) {
        Ok(outcome) => outcome,
        Err(faults) => {
            return Ok(refused(&Outcome {
                faults,
                ..Outcome::default()
            }));
        }
    };
    if outcome.failed > 0 && !partial {
        return Ok(refused(&outcome));
    }
    let saves = std::mem::take(&mut outcome.saves);
    if !saves.is_empty() {
        let control = &call.app.state.control;
        control
            .save_all(account, saves, &call.caller.actor, call.now)
            .await?;
        call.app.publish(account).await?;
    }
    Ok(ok(&told(&outcome)))
}

fn take_partial(call: &mut Call) -> Result<bool, ApiError> {
    let partial = call.query.take("partial");
    call.no_query()?;
    match partial.as_deref() {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => Err(ApiError::field(
            "partial",
            format!("{other:?} is neither true nor false"),
        )),
    }
}

fn read<T: Table>(call: &Call, text: &str, known: &Known<T::Body>) -> Result<Outcome, Vec<Fault>> {
    let text = text.trim_start_matches('\u{feff}');
    let mut file = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut records = file.records();
    let header = match records.next() {
        Some(Ok(names)) => Header::read::<T>(&names)?,
        Some(Err(error)) => return Err(vec![unread(1, &error)]),
        None => return Err(vec![unread(1, &"the file is empty")]),
    };
    let mut rows = Rows::<T>::new(header, known);
    let mut outcome = Outcome::default();
    for (record, row) in records.zip(2..) {
        outcome.rows += 1;
        let made = match &record {
            Ok(cells) => rows.read(row, cells),
            Err(error) => Err(vec![unread(row, error)]),
        };
        match made {
            Ok(made) => outcome.take::<T>(call, row, made),
            Err(faults) => {
                outcome.failed += 1;
                outcome.faults.extend(faults);
            }
        }
    }
    Ok(outcome)
}

fn unread(row: usize, cause: &dyn std::fmt::Display) -> Fault {
    Fault {
        row,
        column: String::new(),
        detail: format!("does not read: {cause}"),
    }
}

impl Outcome {
    fn take<T: Table>(&mut self, call: &Call, row: usize, made: Made<T::Body>) {
        let (replaces, body) = match made {
            Made::Same => {
                self.unchanged += 1;
                return;
            }
            Made::New(body) => (None, body),
            Made::Changed(id, version, body) => (Some((id, version)), body),
        };
        match new_doc::<T>(call.caller.account, &body) {
            Ok(doc) => {
                match replaces {
                    None => self.created += 1,
                    Some(_) => self.updated += 1,
                }
                self.saves.push(Save { replaces, doc });
            }
            Err(error) => {
                self.failed += 1;
                self.faults.push(unread(row, &error.detail));
            }
        }
    }
}

fn told(outcome: &Outcome) -> Value {
    let faults = outcome
        .faults
        .iter()
        .take(FAULTS_MAX)
        .map(|fault| json!({"row": fault.row, "column": fault.column, "detail": fault.detail}));
    json!({
        "rows": outcome.rows,
        "created": outcome.created,
        "updated": outcome.updated,
        "unchanged": outcome.unchanged,
        "failed": outcome.failed,
        "errors": faults.collect::<Vec<_>>(),
    })
}

/// A problem document (RFC 9457) with the rows at fault; nothing was saved.
fn refused(outcome: &Outcome) -> Response {
    let first = outcome.faults.first();
    let detail = first.map_or_else(String::new, |fault| {
        let more = outcome.faults.len() - 1;
        let Fault {
            row,
            column,
            detail,
        } = fault;
        format!("row {row}, column {column:?}: {detail} (and {more} more); nothing was saved")
    });
    let mut body = told(&Outcome {
        rows: outcome.rows,
        failed: outcome.failed,
        faults: outcome.faults.clone(),
        ..Outcome::default()
    });
    body["type"] = "urn:assay:problem:invalid".into();
    body["title"] = "Unprocessable Entity".into();
    body["status"] = 422.into();
    body["code"] = "invalid".into();
    body["field"] = first.map(|fault| fault.column.clone()).into();
    body["detail"] = detail.into();
    let headers = [(header::CONTENT_TYPE, "application/problem+json")];
    (StatusCode::UNPROCESSABLE_ENTITY, headers, body.to_string()).into_response()
}
