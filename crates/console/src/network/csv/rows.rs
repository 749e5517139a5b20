//! The rows of a file, each as what it makes of a document.

use std::collections::HashMap;

use assay_model::document::Problem;
use assay_model::ports::Doc;
use serde_json::{Map, Value};

use super::{Column, FORMULA, Form, ID, Table, fields_of};
use crate::documents::{parse_body, stored};
use crate::error::ApiError;

/// Most rows of a file.
const ROWS_MAX: usize = 100_000;

/// What is wrong with one cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The row as a spreadsheet counts it: the header is the first.
    pub row: usize,
    /// The column.
    pub column: String,
    /// What is wrong, and what would be right.
    pub detail: String,
}

/// What a row makes.
#[derive(Debug)]
pub enum Made<B> {
    /// A new document.
    New(B),
    /// Another version of this one.
    Changed(u64, u32, B),
    /// What there is already.
    Same,
}

/// A stored document: its id, its version, and itself.
type Stored<B> = (u64, u32, B);

/// The account's documents, as rows find them.
pub struct Known<B> {
    docs: Vec<Stored<B>>,
    by_external_id: HashMap<String, usize>,
    by_id: HashMap<u64, usize>,
}

impl<B> Known<B> {
    /// Reads the stored documents.
    pub fn new<T: Table<Body = B>>(stored_docs: Vec<Doc>) -> Result<Self, ApiError>
    where
        B: serde::de::DeserializeOwned,
    {
        let mut known = Self {
            docs: Vec::with_capacity(stored_docs.len()),
            by_external_id: HashMap::new(),
            by_id: HashMap::new(),
        };
        for doc in stored_docs {
            let body: B = stored(doc.body)?;
            let at = known.docs.len();
            if let Some(id) = T::external_id(&body) {
                known.by_external_id.insert(id.to_owned(), at);
            }
            known.by_id.insert(doc.id, at);
            known.docs.push((doc.id, doc.version, body));
        }
        Ok(known)
    }
}

/// A file's columns, in its order.
pub struct Header {
    columns: Vec<Option<Column>>,
}

impl Header {
    /// Reads the first row.
    ///
    /// # Errors
    /// Every column that there is not, or is named twice; no external id to find rows by.
    pub fn read<T: Table>(names: &csv::StringRecord) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut fault = |column: &str, detail: String| {
            let column = column.to_owned();
            faults.push(Fault {
                row: 1,
                column,
                detail,
            });
        };
        let mut seen: Vec<&str> = Vec::new();
        let mut columns = Vec::new();
        for name in names.iter().map(str::trim) {
            let found = T::COLUMNS.iter().find(|Column(own, _)| *own == name);
            if found.is_none() && name != ID {
                let own: Vec<_> = T::COLUMNS.iter().map(|Column(own, _)| *own).collect();
                fault(
                    name,
                    format!("there is no such column; there are {}", own.join(", ")),
                );
            } else if seen.contains(&name) {
                fault(name, "stands twice".to_owned());
            }
            seen.push(name);
            columns.push(found.copied());
        }
        if !seen.contains(&"external_id") {
            fault(
                "external_id",
                "is missing: by it a row finds its document again".to_owned(),
            );
        }
        match faults.is_empty() {
            true => Ok(Self { columns }),
            false => Err(faults),
        }
    }
}

/// Reads a file's rows one by one.
pub struct Rows<'k, T: Table> {
    header: Header,
    known: &'k Known<T::Body>,
    /// In which row an external id stood.
    seen: HashMap<String, usize>,
}

impl<'k, T: Table> Rows<'k, T> {
    /// No row was read yet.
    pub fn new(header: Header, known: &'k Known<T::Body>) -> Self {
        let seen = HashMap::new();
        Self {
            header,
            known,
            seen,
        }
    }

    /// What a row makes.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(
        &mut self,
        row: usize,
        cells: &csv::StringRecord,
    ) -> Result<Made<T::Body>, Vec<Fault>> {
        let fault = |column: &str, detail: String| Fault {
            row,
            column: column.to_owned(),
            detail,
        };
        if row > ROWS_MAX + 1 {
            return Err(vec![fault(
                "",
                format!("a file has at most {ROWS_MAX} rows"),
            )]);
        }
        let old = self.known_row(row, cells)?;
        let mut fields = old.map_or_else(Map::new, |(.., body)| fields_of(body));
        let mut faults = Vec::new();
        for (column, cell) in self.header.columns.iter().zip(cells) {
            let Some(Column(name, form)) = column else {
                continue;
            };
            match value(*form, armed(cell)) {
                Ok(None) if *name == "external_id" => {}
                Ok(None) => drop(fields.remove(*name)),
                Ok(Some(value)) => drop(fields.insert((*name).to_owned(), value)),
                Err(detail) => faults.push(fault(name, detail)),
            }
        }
        let mut problems = Vec::new();
        let body: Option<T::Body> = parse_body(fields, &T::placeholder(), &mut problems);
        if let Some(body) = &body {
            let more = T::check(body).into_iter();
            let new = |p: &Problem| problems.iter().all(|own| own.field != p.field);
            let more: Vec<_> = more.filter(new).collect();
            problems.extend(more);
        }
        faults.extend(problems.into_iter().map(|p| {
            let end = p.field.find(['.', '[']).unwrap_or(p.field.len());
            let (column, rest) = p.field.split_at(end);
            match rest {
                "" => fault(column, p.detail),
                _ => fault(column, format!("{}: {}", p.field, p.detail)),
            }
        }));
        match (body, old) {
            (Some(body), None) if faults.is_empty() => Ok(Made::New(body)),
            (Some(body), Some((id, version, before))) if faults.is_empty() => {
                match fields_of(&body) == fields_of(before) {
                    true => Ok(Made::Same),
                    false => Ok(Made::Changed(*id, *version, body)),
                }
            }
            _ => Err(faults),
        }
    }

    /// The stored document of a row, by its external id or else by ours.
    fn known_row(
        &mut self,
        row: usize,
        cells: &csv::StringRecord,
    ) -> Result<Option<&'k Stored<T::Body>>, Vec<Fault>> {
        let fault = |column: &str, detail: String| {
            let column = column.to_owned();
            vec![Fault {
                row,
                column,
                detail,
            }]
        };
        let cell = |wanted: &str| {
            let at = self.header.columns.iter().position(|column| match column {
                Some(Column(name, _)) => *name == wanted,
                None => wanted == ID,
            });
            let text = at.and_then(|at| cells.get(at)).unwrap_or("");
            Some(armed(text)).filter(|text| !text.is_empty())
        };
        let own_id = match cell(ID).map(|text| (text, text.parse::<u64>())) {
            None => None,
            Some((_, Ok(id))) if self.known.by_id.contains_key(&id) => Some(id),
            Some((text, _)) => {
                let noun = T::NOUN;
                return Err(fault(
                    ID,
                    format!("{text:?} is no {noun} of this account; leave it empty for a new one"),
                ));
            }
        };
        let by_id = own_id.and_then(|id| self.known.by_id.get(&id));
        let Some(external) = cell("external_id") else {
            return match by_id {
                Some(at) => Ok(self.known.docs.get(*at)),
                None => Err(fault(
                    "external_id",
                    "is missing: by it a row finds its document again".to_owned(),
                )),
            };
        };
        if let Some(first) = self.seen.insert(external.to_owned(), row) {
            return Err(fault(
                "external_id",
                format!("{external:?} stands in row {first} already"),
            ));
        }
        let by_name = self.known.by_external_id.get(external);
        match (by_name, by_id) {
            (Some(named), Some(own)) if named != own => Err(fault(
                "external_id",
                format!("{external:?} is another {}'s than the row's id", T::NOUN),
            )),
            (found, own) => Ok(found.or(own).and_then(|at| self.known.docs.get(*at))),
        }
    }
}

/// A cell without the apostrophe that kept it from being a formula.
fn armed(cell: &str) -> &str {
    let cell = cell.trim();
    match cell.strip_prefix('\'') {
        Some(rest) if rest.starts_with(FORMULA) => rest,
        _ => cell,
    }
}

fn value(form: Form, cell: &str) -> Result<Option<Value>, String> {
    if cell.is_empty() {
        return Ok(None);
    }
    Ok(Some(match form {
        Form::Text => cell.into(),
        Form::Number => match cell.parse::<u64>() {
            Ok(number) => number.into(),
            Err(_) => return Err(format!("{cell:?} is not a whole number")),
        },
        Form::Json => match serde_json::from_str(cell) {
            Ok(value) => value,
            Err(error) => return Err(format!("is not JSON: {error}")),
        },
    }))
}
