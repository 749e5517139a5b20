//! Who pays, and who sends traffic: the two are kept alike.

use std::marker::PhantomData;

use assay_model::AccountId;
use assay_model::document::{Advertiser, Problem, Publisher};
use assay_model::ports::{Doc, DocKind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::csv::{Column, Form, Table};
use super::{check_external_id, unique};
use crate::api::Caller;
use crate::app::App;
use crate::documents::Resource;
use crate::error::ApiError;

/// Advertisers of the management API.
pub type Advertisers = Parties<Advertiser>;
/// Publishers of the management API.
pub type Publishers = Parties<Publisher>;

/// One kind of party of the management API.
pub struct Parties<P>(PhantomData<P>);

/// What is a kind's own.
pub trait Party: Serialize + DeserializeOwned + Clone + Send + Sync {
    /// Its kind in the store.
    const KIND: DocKind;
    /// Its path in the API.
    const PATH: &'static str;
    /// Its name in sentences.
    const NOUN: &'static str;
    /// The file of its table.
    const FILE: &'static str;
    /// The table's columns.
    const COLUMNS: &'static [Column];

    /// The account's own id of it.
    fn external_id(&self) -> Option<&str>;

    /// Everything wrong with it by itself.
    fn check(&self) -> Vec<Problem>;
}

impl Party for Advertiser {
    const KIND: DocKind = DocKind::Advertiser;
    const PATH: &'static str = "/advertisers";
    const NOUN: &'static str = "advertiser";
    const FILE: &'static str = "advertisers.csv";
    const COLUMNS: &'static [Column] = &[
        Column("external_id", Form::Text),
        Column("name", Form::Text),
        Column("status", Form::Text),
    ];

    fn external_id(&self) -> Option<&str> {
        self.external_id.as_deref()
    }

    fn check(&self) -> Vec<Problem> {
        Self::check(self)
    }
}

impl Party for Publisher {
    const KIND: DocKind = DocKind::Publisher;
    const PATH: &'static str = "/publishers";
    const NOUN: &'static str = "publisher";
    const FILE: &'static str = "publishers.csv";
    const COLUMNS: &'static [Column] = &[
        Column("external_id", Form::Text),
        Column("name", Form::Text),
        Column("status", Form::Text),
        Column("disclosure", Form::Text),
    ];

    fn external_id(&self) -> Option<&str> {
        self.external_id.as_deref()
    }

    fn check(&self) -> Vec<Problem> {
        Self::check(self)
    }
}

impl<P: Party> Resource for Parties<P> {
    type Body = P;
    type Context = ();

    const KIND: DocKind = P::KIND;
    const PATH: &'static str = P::PATH;
    const NOUN: &'static str = P::NOUN;
    const READ_ONLY: &'static [&'static str] = &[];

    fn placeholder() -> Value {
        json!({"name": "placeholder"})
    }

    async fn settle(
        app: &App,
        caller: &Caller,
        body: &mut P,
        old: Option<(&Doc, &P)>,
        out: &mut Vec<Problem>,
    ) -> Result<(), ApiError> {
        out.extend(body.check());
        let old = old.map(|(doc, old)| (doc, old.external_id()));
        let id = (body.external_id(), old);
        check_external_id(app, caller.account, Self::KIND, id, out).await
    }

    async fn context(_app: &App, _account: AccountId) -> Result<(), ApiError> {
        Ok(())
    }

    fn show(_app: &App, _doc: &Doc, body: &P, (): &()) -> Value {
        serde_json::to_value(body).unwrap_or(Value::Null)
    }

    fn unique(account: AccountId, body: &P) -> Option<String> {
        unique(account, body.external_id())
    }
}

impl<P: Party> Table for Parties<P> {
    const FILE: &'static str = P::FILE;
    const COLUMNS: &'static [Column] = P::COLUMNS;

    fn external_id(body: &P) -> Option<&str> {
        body.external_id()
    }

    fn check(body: &P) -> Vec<Problem> {
        body.check()
    }
}
