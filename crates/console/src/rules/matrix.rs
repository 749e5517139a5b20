//! Rules as a matrix: publishers or advertisers × filters.
//!
//! A row shows what the rule that judges this publisher says, whether the rule is the
//! publisher's own or one for many. Changing a cell changes the publisher's own rule; where
//! there is none it is made as a copy of the one that judged so far, right above it, so that
//! nothing but the cell changes.

use assay_detect::filter_states;
use assay_model::AccountId;
use assay_model::document::{IntegrationKind, Rule, Scope, ScopeSubject, Select, Status};
use assay_model::ports::{Doc, DocKind};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Order, Rules};
use crate::api::{Call, ok};
use crate::app::App;
use crate::documents::{alter, insert, merged, stored};
use crate::error::ApiError;

/// Most rows of one answer.
const ROWS_MAX: usize = 500;

/// Rules of one page when all are read.
const PAGE: u32 = 500;

/// Whose rows the matrix has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum By {
    Publisher,
    Advertiser,
}

impl By {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Publisher => "publisher",
            Self::Advertiser => "advertiser",
        }
    }

    fn select(self, scope: &Scope) -> &Select {
        match self {
            Self::Publisher => &scope.publishers,
            Self::Advertiser => &scope.advertisers,
        }
    }

    const fn subject(self, id: &str) -> ScopeSubject<'_> {
        let (publisher, advertiser) = match self {
            Self::Publisher => (Some(id), None),
            Self::Advertiser => (None, Some(id)),
        };
        ScopeSubject {
            offer: None,
            advertiser,
            publisher,
            country: None,
        }
    }

    /// The scope that is for this one and nobody else.
    fn scope(self, id: &str) -> Scope {
        let only = Select {
            include: vec![id.to_owned()],
            exclude: Vec::new(),
        };
        let mut scope = Scope::default();
        match self {
            Self::Publisher => scope.publishers = only,
            Self::Advertiser => scope.advertisers = only,
        }
        scope
    }
}

/// An account's active rules, in order.
struct Ordered {
    rules: Vec<(Doc, Rule)>,
}

impl Ordered {
    async fn load(app: &App, account: AccountId) -> Result<Self, ApiError> {
        let order = Order::load(app, account).await?;
        let mut rules = Vec::with_capacity(order.len());
        let mut after = 0;
        loop {
            let control = &app.state.control;
            let docs = control.list(account, DocKind::Rule, after, PAGE).await?;
            let last = docs.len() < PAGE as usize;
            for doc in docs {
                after = doc.id;
                let rule: Rule = stored(doc.body.clone())?;
                if rule.status == Status::Active {
                    rules.push((doc, rule));
                }
            }
            if last {
                break;
            }
        }
        rules.sort_by_key(|(doc, _)| order.rank(doc.id));
        Ok(Self { rules })
    }

    /// The rule that judges this one's traffic wherever it comes in.
    fn judging(&self, by: By, id: &str) -> Option<&(Doc, Rule)> {
        let subject = by.subject(id);
        self.rules
            .iter()
            .find(|(_, rule)| rule.integration_id.is_none() && rule.scope.matches(&subject))
    }

    /// Everybody whom a rule names.
    fn named(&self, by: By) -> Vec<String> {
        let selects = self.rules.iter().map(|(_, rule)| by.select(&rule.scope));
        let mut ids: Vec<String> = selects
            .flat_map(|select| select.include.iter().chain(&select.exclude).cloned())
            .collect();
        ids.sort();
        ids.dedup();
        ids
    }

    fn row(&self, by: By, id: &str) -> Value {
        let mut row = json!({"id": id, "rule": null, "own": false, "cells": {}});
        if let Some((doc, rule)) = self.judging(by, id) {
            row["rule"] = json!({"id": doc.id, "version": doc.version});
            row["own"] = (rule.scope == by.scope(id)).into();
            row["cells"] = cells(rule);
        }
        row
    }
}

/// How each filter stands. Duplicates are shown as for redirects: where only a score is
/// asked for they start off.
fn cells(rule: &Rule) -> Value {
    let states = filter_states(rule, IntegrationKind::Custom);
    let cells = states.into_iter().map(|state| {
        let cell = json!({"enabled": state.enabled, "block_mode": state.block_mode.as_str(),
                          "named": state.named});
        (state.key.to_owned(), cell)
    });
    Value::Object(cells.collect())
}

/// `GET /rules/matrix?by=publisher|advertiser&ids=`.
///
/// # Errors
/// 422, 503.
pub async fn matrix(mut call: Call) -> Result<Response, ApiError> {
    let mut query = std::mem::take(&mut call.query);
    let by = match query.take("by").as_deref() {
        None | Some("publisher") => By::Publisher,
        Some("advertiser") => By::Advertiser,
        Some(other) => {
            query.refuse(
                "by",
                format!("{other:?} is neither publisher nor advertiser"),
            );
            By::Publisher
        }
    };
    let asked = query.take("ids");
    query.finish()?;
    let ordered = Ordered::load(&call.app, call.caller.account).await?;
    let ids = match asked {
        Some(ids) => ids.split(',').map(|id| id.trim().to_owned()).collect(),
        None => ordered.named(by),
    };
    let more = ids.len() > ROWS_MAX;
    let rows = ids.iter().take(ROWS_MAX).map(|id| ordered.row(by, id));
    Ok(ok(&json!({
        "by": by.as_str(),
        "filters": assay_detect::filter_keys(),
        "rows": rows.collect::<Vec<_>>(),
        "more": more,
    })))
}

/// A cell as it is to be.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cell {
    by: By,
    id: String,
    filter: String,
    #[serde(default)]
    enabled: Option<bool>,
    #[serde(default)]
    block_mode: Option<String>,
    /// The version of the row's rule that was read.
    #[serde(default)]
    version: Option<u32>,
}

impl Cell {
    fn read(fields: Map<String, Value>) -> Result<Self, ApiError> {
        let cell: Self = serde_path_to_error::deserialize(Value::Object(fields)).map_err(|e| {
            let field = e.path().to_string();
            let field = if field == "." {
                "body".to_owned()
            } else {
                field
            };
            ApiError::field(field, e.into_inner().to_string())
        })?;
        if cell.id.trim().is_empty() {
            return Err(ApiError::field("id", "names nobody"));
        }
        if !assay_detect::filter_keys().contains(&cell.filter.as_str()) {
            let detail = format!("there is no filter {:?}", cell.filter);
            return Err(ApiError::field("filter", detail));
        }
        if cell.enabled.is_none() && cell.block_mode.is_none() {
            return Err(ApiError::field(
                "enabled",
                "set enabled, block_mode or both",
            ));
        }
        Ok(cell)
    }

    /// The part of a rule that the cell is.
    fn change(&self, state: &Value) -> Map<String, Value> {
        let mut settings = state.clone();
        if let Some(settings) = settings.as_object_mut() {
            settings.remove("named");
        }
        if let Some(enabled) = self.enabled {
            settings["enabled"] = enabled.into();
        }
        if let Some(mode) = &self.block_mode {
            settings["block_mode"] = mode.as_str().into();
        }
        Map::from_iter([("filters".to_owned(), json!({&self.filter: settings}))])
    }
}

/// `PATCH /rules/matrix`: one cell.
///
/// # Errors
/// 400, 409, 422, 503.
pub async fn patch(mut call: Call) -> Result<Response, ApiError> {
    call.no_query()?;
    let cell = Cell::read(call.object()?)?;
    let app = std::sync::Arc::clone(&call.app);
    let _one_at_a_time = app.changes.lock().await;
    let ordered = Ordered::load(&app, call.caller.account).await?;
    let Some((doc, rule)) = ordered.judging(cell.by, &cell.id) else {
        return Err(ApiError::conflict("no rule judges this traffic"));
    };
    if let Some(sent) = cell.version.filter(|sent| *sent != doc.version) {
        let current = doc.version;
        return Err(assay_model::ports::StoreError::Conflict { sent, current }.into());
    }
    let change = cell.change(&cells(rule)[&cell.filter]);
    if rule.scope == cell.by.scope(&cell.id) {
        alter::<Rules>(&call, doc.clone(), change, merged).await?;
    } else {
        let order = Order::load(&app, call.caller.account).await?;
        let fields = own_rule(&cell, rule, order.rank(doc.id));
        insert::<Rules>(&app, &call.caller, merged(fields, change)).await?;
    }
    let ordered = Ordered::load(&app, call.caller.account).await?;
    Ok(ok(&ordered.row(cell.by, &cell.id)))
}

/// A rule for this one alone that does what `like` does, at its place.
fn own_rule(cell: &Cell, like: &Rule, rank: u32) -> Value {
    let name = format!("{} {}", cell.by.as_str(), cell.id);
    let own = Rule {
        name: name.chars().take(100).collect(),
        scope: cell.by.scope(&cell.id),
        // Above the default rule by specificity, above any other right where it stands.
        priority: if like.is_default { 0 } else { rank },
        is_default: false,
        ..like.clone()
    };
    serde_json::to_value(own).unwrap_or(Value::Null)
}
