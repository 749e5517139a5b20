//! An account's own allow and deny lists.

#[cfg(test)]
mod tests;

use assay_model::AccountId;
use assay_model::document::{List, Problem};
use assay_model::ports::{Doc, DocKind};
use serde_json::{Value, json};

use crate::api::Caller;
use crate::app::App;
use crate::documents::Resource;
use crate::error::ApiError;

/// Lists of the management API.
pub struct Lists;

impl Resource for Lists {
    type Body = List;
    type Context = ();

    const KIND: DocKind = DocKind::List;
    const PATH: &'static str = "/lists";
    const NOUN: &'static str = "list";
    const READ_ONLY: &'static [&'static str] = &[];

    fn placeholder() -> Value {
        json!({"name": "placeholder", "field": "ip"})
    }

    async fn settle(
        _app: &App,
        _caller: &Caller,
        body: &mut List,
        _old: Option<(&Doc, &List)>,
        out: &mut Vec<Problem>,
    ) -> Result<(), ApiError> {
        out.extend(body.check());
        Ok(())
    }

    async fn context(_app: &App, _account: AccountId) -> Result<(), ApiError> {
        Ok(())
    }

    fn show(_app: &App, _doc: &Doc, body: &List, (): &()) -> Value {
        let mut out = serde_json::to_value(body).unwrap_or(Value::Null);
        // The shape of SPEC §9 names all three keys of an entry; the stored form leaves out what is not set.
        for entry in out["entries"].as_array_mut().into_iter().flatten() {
            if let Some(entry) = entry.as_object_mut() {
                for name in ["note", "expires"] {
                    entry.entry(name).or_insert(Value::Null);
                }
            }
        }
        out
    }
}
