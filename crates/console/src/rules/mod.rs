//! Rules: what is screened, how, and in which order.

mod matrix;
mod order;
mod versions;

#[cfg(test)]
mod tests;

use assay_model::AccountId;
use assay_model::document::{Problem, Rule};
use assay_model::ports::{Doc, DocKind};
use serde_json::{Value, json};

use crate::api::Caller;
use crate::app::App;
use crate::documents::Resource;
use crate::error::ApiError;

pub use matrix::{matrix, patch as patch_matrix};
pub use order::Order;
pub use versions::{restore, version, versions};

/// Rules of the management API.
pub struct Rules;

impl Resource for Rules {
    type Body = Rule;
    type Context = Order;

    const KIND: DocKind = DocKind::Rule;
    const PATH: &'static str = "/rules";
    const NOUN: &'static str = "rule";
    const READ_ONLY: &'static [&'static str] = &["is_default"];

    fn placeholder() -> Value {
        json!({"name": "placeholder", "status": "active", "protection": "both", "sub_id_mapping": "sub_id"})
    }

    async fn settle(
        app: &App,
        caller: &Caller,
        body: &mut Rule,
        old: Option<(&Doc, &Rule)>,
        out: &mut Vec<Problem>,
    ) -> Result<(), ApiError> {
        body.is_default = old.is_some_and(|(_, rule)| rule.is_default);
        out.extend(assay_detect::check_rule(body));
        check_integration(app, caller.account, body, out).await?;
        let order = Order::load(app, caller.account).await?;
        if old.is_none() && order.len() >= app.state.settings.rules_max {
            let most = app.state.settings.rules_max;
            out.push(Problem::new(
                "name",
                format!("an account has at most {most} rules"),
            ));
        }
        if !out.is_empty() {
            return Ok(());
        }
        place(app, caller, body, old.map(|(doc, _)| doc.id), order, out).await
    }

    async fn context(app: &App, account: AccountId) -> Result<Order, ApiError> {
        Order::load(app, account).await
    }

    fn show(_app: &App, doc: &Doc, body: &Rule, order: &Order) -> Value {
        shape(body, Some(order.rank(doc.id)))
    }

    fn editable(doc: &Doc, body: &Rule, order: &Order) -> Value {
        let mut out = serde_json::to_value(body).unwrap_or(Value::Null);
        if let Some(map) = out.as_object_mut() {
            map.insert("priority".into(), order.rank(doc.id).into());
            map.remove("is_default");
        }
        out
    }

    async fn check_delete(
        _app: &App,
        _account: AccountId,
        _doc: &Doc,
        body: &Rule,
    ) -> Result<(), ApiError> {
        if body.is_default {
            return Err(ApiError::conflict(
                "the default rule decides what no other rule does; it cannot be deleted, \
                 set its filters or mode instead",
            ));
        }
        Ok(())
    }
}

/// A rule as the API shows it; `priority` is its place, 1 first.
fn shape(body: &Rule, rank: Option<u32>) -> Value {
    let mut out = serde_json::to_value(body).unwrap_or(Value::Null);
    if let Some(map) = out.as_object_mut() {
        map.remove("priority");
        if let Some(rank) = rank {
            map.insert("priority".into(), rank.into());
        }
    }
    out
}

async fn check_integration(
    app: &App,
    account: AccountId,
    body: &Rule,
    out: &mut Vec<Problem>,
) -> Result<(), ApiError> {
    let Some(id) = body.integration_id else {
        return Ok(());
    };
    let control = &app.state.control;
    let found = control
        .get(account, DocKind::Integration, u64::from(id))
        .await?;
    if found.is_none() {
        let detail = format!("there is no integration {id} in this account");
        out.push(Problem::new("integration_id", detail));
    }
    Ok(())
}

/// Turns the asked place into a stored one, making room among the others when there is none.
async fn place(
    app: &App,
    caller: &Caller,
    body: &mut Rule,
    id: Option<u64>,
    mut order: Order,
    out: &mut Vec<Problem>,
) -> Result<(), ApiError> {
    if body.is_default {
        let own = id.map_or(0, |id| order.rank(id));
        if ![0, own, u32::MAX].contains(&body.priority) {
            out.push(Problem::new("priority", "the default rule comes last"));
        }
        body.priority = u32::MAX;
        return Ok(());
    }
    if let Some(priority) = order.key_for(id, body) {
        body.priority = priority;
        return Ok(());
    }
    order.spread(app, caller, id).await?;
    body.priority = order.key_for(id, body).unwrap_or(u32::MAX - 1);
    Ok(())
}
