//! Who sends traffic.

use assay_model::AccountId;
use assay_model::document::{Problem, Publisher};
use assay_model::ports::{Doc, DocKind};
use serde_json::{Value, json};

use super::csv::{Column, Form, Table};
use super::{check_external_id, unique};
use crate::api::Caller;
use crate::app::App;
use crate::documents::Resource;
use crate::error::ApiError;

/// Publishers of the management API.
pub struct Publishers;

impl Resource for Publishers {
    type Body = Publisher;
    type Context = ();

    const KIND: DocKind = DocKind::Publisher;
    const PATH: &'static str = "/publishers";
    const NOUN: &'static str = "publisher";
    const READ_ONLY: &'static [&'static str] = &[];

    fn placeholder() -> Value {
        json!({"name": "placeholder"})
    }

    async fn settle(
        app: &App,
        caller: &Caller,
        body: &mut Publisher,
        old: Option<(&Doc, &Publisher)>,
        out: &mut Vec<Problem>,
    ) -> Result<(), ApiError> {
        out.extend(body.check());
        let old = old.map(|(doc, old)| (doc, old.external_id.as_deref()));
        let id = (body.external_id.as_deref(), old);
        check_external_id(app, caller.account, Self::KIND, id, out).await
    }

    async fn context(_app: &App, _account: AccountId) -> Result<(), ApiError> {
        Ok(())
    }

    fn show(_app: &App, _doc: &Doc, body: &Publisher, (): &()) -> Value {
        serde_json::to_value(body).unwrap_or(Value::Null)
    }

    fn unique(account: AccountId, body: &Publisher) -> Option<String> {
        unique(account, body.external_id.as_deref())
    }
}

impl Table for Publishers {
    const FILE: &'static str = "publishers.csv";
    const COLUMNS: &'static [Column] = &[
        Column("external_id", Form::Text),
        Column("name", Form::Text),
        Column("status", Form::Text),
        Column("disclosure", Form::Text),
    ];

    fn external_id(body: &Publisher) -> Option<&str> {
        body.external_id.as_deref()
    }

    fn check(body: &Publisher) -> Vec<Problem> {
        body.check()
    }
}
