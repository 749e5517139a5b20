//! Postbacks out: definitions of the management API, and what became of their messages.

pub mod deliveries;

#[cfg(test)]
mod tests;

use assay_model::AccountId;
use assay_model::document::Problem;
use assay_model::ports::{Doc, DocKind};
use assay_model::postback::{Postback, Secret};
use serde_json::{Value, json};

use crate::api::Caller;
use crate::app::App;
use crate::documents::Resource;
use crate::error::ApiError;

/// Most postbacks of one account: each change of a conversion looks at all of them.
const POSTBACKS_MAX: u32 = 1000;

/// Postbacks of the management API.
pub struct Postbacks;

impl Resource for Postbacks {
    type Body = Postback;
    type Context = ();

    const KIND: DocKind = DocKind::Postback;
    const PATH: &'static str = "/postbacks";
    const NOUN: &'static str = "postback";
    const READ_ONLY: &'static [&'static str] = &[];

    fn placeholder() -> Value {
        json!({"name": "placeholder", "url": "https://partner.example/"})
    }

    async fn settle(
        app: &App,
        caller: &Caller,
        body: &mut Postback,
        old: Option<(&Doc, &Postback)>,
        out: &mut Vec<Problem>,
    ) -> Result<(), ApiError> {
        keep_secret(body, old.map(|(_, old)| old));
        out.extend(body.check());
        let control = &app.state.control;
        if let Some(id) = body.integration_id {
            let found = control.get(caller.account, DocKind::Integration, id.0.into());
            if found.await?.is_none() {
                let detail = format!("there is no integration {id} in this account");
                out.push(Problem::new("integration_id", detail));
            }
        }
        if old.is_none() {
            let there = control.list(caller.account, Self::KIND, 0, POSTBACKS_MAX);
            if there.await?.len() >= POSTBACKS_MAX as usize {
                let detail = format!("the account has {POSTBACKS_MAX} postbacks, and no more fit");
                return Err(ApiError::field("body", detail));
            }
        }
        Ok(())
    }

    async fn context(_app: &App, _account: AccountId) -> Result<(), ApiError> {
        Ok(())
    }

    fn show(_app: &App, _doc: &Doc, body: &Postback, (): &()) -> Value {
        let mut out = serde_json::to_value(body).unwrap_or(Value::Null);
        if let Some(secret) = &body.secret {
            out["secret"] = Secret::hint(secret).into();
        }
        out
    }
}

/// A secret that was sent back as it is shown stays what it was.
fn keep_secret(body: &mut Postback, old: Option<&Postback>) {
    let stored = old.and_then(|old| old.secret.as_ref());
    if let (Some(sent), Some(stored)) = (&body.secret, stored)
        && *sent == Secret::hint(stored)
    {
        body.secret = Some(stored.clone());
    }
}
