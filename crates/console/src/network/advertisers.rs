//! Who pays.

use assay_model::AccountId;
use assay_model::document::{Advertiser, Problem};
use assay_model::ports::{Doc, DocKind};
use serde_json::{Value, json};

use super::csv::{Column, Form, Table};
use super::{check_external_id, unique};
use crate::api::Caller;
use crate::app::App;
use crate::documents::Resource;
use crate::error::ApiError;

/// Advertisers of the management API.
pub struct Advertisers;

impl Resource for Advertisers {
    type Body = Advertiser;
    type Context = ();

    const KIND: DocKind = DocKind::Advertiser;
    const PATH: &'static str = "/advertisers";
    const NOUN: &'static str = "advertiser";
    const READ_ONLY: &'static [&'static str] = &[];

    fn placeholder() -> Value {
        json!({"name": "placeholder"})
    }

    async fn settle(
        app: &App,
        caller: &Caller,
        body: &mut Advertiser,
        old: Option<(&Doc, &Advertiser)>,
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

    fn show(_app: &App, _doc: &Doc, body: &Advertiser, (): &()) -> Value {
        serde_json::to_value(body).unwrap_or(Value::Null)
    }

    fn unique(account: AccountId, body: &Advertiser) -> Option<String> {
        unique(account, body.external_id.as_deref())
    }
}

impl Table for Advertisers {
    const FILE: &'static str = "advertisers.csv";
    const COLUMNS: &'static [Column] = &[
        Column("external_id", Form::Text),
        Column("name", Form::Text),
        Column("status", Form::Text),
    ];

    fn external_id(body: &Advertiser) -> Option<&str> {
        body.external_id.as_deref()
    }

    fn check(body: &Advertiser) -> Vec<Problem> {
        body.check()
    }
}
