//! What is promoted.

use assay_detect::check_offer;
use assay_model::AccountId;
use assay_model::document::{Offer, Problem};
use assay_model::ports::{Doc, DocKind};
use serde_json::{Value, json};

use super::csv::{Column, Form, Table};
use super::{check_external_id, unique};
use crate::api::Caller;
use crate::app::App;
use crate::documents::Resource;
use crate::error::ApiError;

/// Offers of the management API.
pub struct Offers;

impl Resource for Offers {
    type Body = Offer;
    type Context = ();

    const KIND: DocKind = DocKind::Offer;
    const PATH: &'static str = "/offers";
    const NOUN: &'static str = "offer";
    const READ_ONLY: &'static [&'static str] = &["tracking_url"];

    fn placeholder() -> Value {
        json!({"name": "placeholder"})
    }

    async fn settle(
        app: &App,
        caller: &Caller,
        body: &mut Offer,
        old: Option<(&Doc, &Offer)>,
        out: &mut Vec<Problem>,
    ) -> Result<(), ApiError> {
        out.extend(check_offer(body));
        let old = old.map(|(doc, old)| (doc, old.external_id.as_deref()));
        let id = (body.external_id.as_deref(), old);
        check_external_id(app, caller.account, Self::KIND, id, out).await
    }

    async fn context(_app: &App, _account: AccountId) -> Result<(), ApiError> {
        Ok(())
    }

    fn show(app: &App, doc: &Doc, body: &Offer, (): &()) -> Value {
        let mut out = serde_json::to_value(body).unwrap_or(Value::Null);
        let base = app.state.settings.data_urls.first();
        out["tracking_url"] = base.map(|base| tracking_url(base, doc, body)).into();
        out
    }

    fn unique(account: AccountId, body: &Offer) -> Option<String> {
        unique(account, body.external_id.as_deref())
    }
}

/// The link that a publisher puts their own id into. `nid` names the account: another one on
/// the same host may have an offer of the same name.
fn tracking_url(base: &str, doc: &Doc, body: &Offer) -> String {
    let own_id = doc.id.to_string();
    let name = body.external_id.as_deref().unwrap_or(&own_id);
    let encoded: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
    let (base, name) = (base.trim_end_matches('/'), encoded.replace('+', "%20"));
    format!("{base}/o/{name}/{{publisher}}?nid={}", doc.account)
}

impl Table for Offers {
    const FILE: &'static str = "offers.csv";
    const COLUMNS: &'static [Column] = &[
        Column("external_id", Form::Text),
        Column("name", Form::Text),
        Column("advertiser", Form::Text),
        Column("url", Form::Text),
        Column("status", Form::Text),
        Column("priority", Form::Number),
        Column("payout", Form::Text),
        Column("revenue", Form::Text),
        Column("tracker_id", Form::Number),
        Column("caps", Form::Json),
        Column("targeting", Form::Json),
        Column("day_parting", Form::Json),
    ];

    fn external_id(body: &Offer) -> Option<&str> {
        body.external_id.as_deref()
    }

    fn check(body: &Offer) -> Vec<Problem> {
        check_offer(body)
    }
}
