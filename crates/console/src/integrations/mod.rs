//! Integrations: connected traffic sources and their URLs.

pub mod urls;

#[cfg(test)]
mod tests;

use assay_model::AccountId;
use assay_model::document::{Integration, Problem};
use assay_model::ports::{Doc, DocKind};
use serde_json::{Value, json};

use crate::api::Caller;
use crate::app::App;
use crate::documents::Resource;
use crate::error::ApiError;

/// What stands for a secret that is set, for those who may only look.
const VEILED: &str = "********";

/// Integrations of the management API.
pub struct Integrations;

impl Resource for Integrations {
    type Body = Integration;
    type Context = ();

    const KIND: DocKind = DocKind::Integration;
    const PATH: &'static str = "/integrations";
    const NOUN: &'static str = "integration";
    const READ_ONLY: &'static [&'static str] = &["account_id", "urls"];

    fn placeholder() -> Value {
        json!({"name": "placeholder", "kind": "s2s"})
    }

    async fn settle(
        _app: &App,
        _caller: &Caller,
        body: &mut Integration,
        old: Option<(&Doc, &Integration)>,
        out: &mut Vec<Problem>,
    ) -> Result<(), ApiError> {
        out.extend(body.check());
        if let Some((_, old)) = old
            && old.kind != body.kind
        {
            out.push(Problem::new(
                "kind",
                "is fixed once an integration is made; make another one instead",
            ));
        }
        Ok(())
    }

    async fn context(_app: &App, _account: AccountId) -> Result<(), ApiError> {
        Ok(())
    }

    fn veil(body: &mut Integration) {
        let secrets = [&mut body.access_key, &mut body.conversions.secure_token];
        let keys = body.signing.keys.iter_mut().map(|key| &mut key.secret);
        for secret in secrets.into_iter().flatten().chain(keys) {
            *secret = VEILED.to_owned();
        }
    }

    fn show(app: &App, doc: &Doc, body: &Integration, (): &()) -> Value {
        let mut out = serde_json::to_value(body).unwrap_or(Value::Null);
        if let Some(map) = out.as_object_mut() {
            map.insert("account_id".into(), doc.account.0.into());
            let s2s = urls::s2s_all(&app.state.settings, doc.account, doc.id, body);
            let doors = urls::doors_all(&app.state.settings, doc.id, body);
            let doors = doors.first();
            map.insert(
                "urls".into(),
                json!({"click": doors.map(|d| &d.click), "jsp": doors.map(|d| &d.jsp),
                       "impression": doors.map(|d| &d.impression),
                       "postback": doors.map(|d| &d.postback),
                       "rejection": doors.map(|d| &d.rejection), "s2s": s2s.first()}),
            );
        }
        out
    }
}
