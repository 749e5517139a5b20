//! What is connected and loaded: integrations with their URLs, intelligence with its age.

use assay_model::IntegrationId;
use assay_model::document::{Integration, IntegrationKind, Status};
use assay_model::ports::{DocKind, ErrorQuery};
use serde_json::Value;

use super::Visit;
use super::words::{self, Chip};
use crate::documents::stored;
use crate::error::ApiError;
use crate::integrations::urls;

/// Integrations in the table; their error logs are read for the page.
const INTEGRATIONS_SHOWN: u32 = 20;

/// Rows of an error log that are counted.
const ERRORS_COUNTED: u32 = 200;

const DAY_MS: i64 = 86_400_000;

/// An integration in a table.
pub struct IntegrationRow {
    /// Its id.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// How it is connected.
    pub kind: &'static str,
    /// Whether it is in use.
    pub status: Chip,
    /// Its S2S URL, once per public host.
    pub urls: Vec<String>,
    /// Errors of the last 24 hours.
    pub errors: String,
}

/// A list of intelligence in a table.
pub struct ListRow {
    /// Its name.
    pub name: String,
    /// How many rows it has.
    pub rows: String,
    /// Its version.
    pub version: String,
    /// How old it is.
    pub age: String,
    /// Whether it is too old.
    pub stale: bool,
}

/// The first integrations with their URLs and error counts.
///
/// # Errors
/// 503.
pub async fn integrations(visit: &Visit) -> Result<Vec<IntegrationRow>, ApiError> {
    let account = visit.session.account;
    let state = &visit.app.state;
    let docs = state
        .control
        .list(account, DocKind::Integration, 0, INTEGRATIONS_SHOWN)
        .await?;
    let mut out = Vec::with_capacity(docs.len());
    for doc in docs {
        let body: Integration = stored(doc.body)?;
        out.push(IntegrationRow {
            id: doc.id,
            kind: kind(body.kind),
            status: status(body.status),
            urls: urls::s2s_all(&state.settings, account, doc.id, &body),
            errors: errors(visit, doc.id).await,
            name: body.name,
        });
    }
    Ok(out)
}

/// What an integration's kind is called.
pub const fn kind(kind: IntegrationKind) -> &'static str {
    match kind {
        IntegrationKind::S2s => "s2s",
        IntegrationKind::Custom => "custom",
        IntegrationKind::Network => "network",
    }
}

/// The chip of an integration's status.
pub const fn status(status: Status) -> Chip {
    match status {
        Status::Active => Chip {
            css: "st-ok",
            icon: "i-g0",
            word: "Active",
        },
        Status::Paused => Chip {
            css: "st-off",
            icon: "i-hold",
            word: "Paused",
        },
    }
}

/// Errors of the last 24 hours; "–" when the log cannot be read.
async fn errors(visit: &Visit, id: u64) -> String {
    let Ok(integration) = u32::try_from(id) else {
        return "–".to_owned();
    };
    let query = ErrorQuery {
        integration: Some(IntegrationId(integration)),
        before: None,
        limit: ERRORS_COUNTED,
    };
    let log = &visit.app.state.errors;
    let account = visit.session.account;
    match log.list(account, query).await {
        Err(_) => "–".to_owned(),
        Ok(rows) => {
            let since = visit.now.plus_ms(-DAY_MS);
            let recent: Vec<u64> = rows
                .iter()
                .filter(|row| row.time >= since)
                .map(|row| row.count)
                .collect();
            let more = if recent.len() == ERRORS_COUNTED as usize {
                "+"
            } else {
                ""
            };
            format!("{}{more}", words::count(recent.iter().sum()))
        }
    }
}

/// Loaded intelligence, whatever shape its status has: the first list of named things counts.
pub async fn lists(visit: &Visit) -> Vec<ListRow> {
    let Ok(status) = visit.app.state.intel.status().await else {
        return Vec::new();
    };
    let all = status.as_array().or_else(|| {
        let mut values = status.as_object()?.values();
        values.find_map(Value::as_array)
    });
    all.into_iter().flatten().filter_map(list_row).collect()
}

/// One list of a status, if it has a name.
pub fn list_row(list: &Value) -> Option<ListRow> {
    let text = |name: &str| list[name].as_str().unwrap_or("");
    let name = match (text("kind"), text("name")) {
        ("", "") => return None,
        (kind, "") => kind.to_owned(),
        ("", name) => name.to_owned(),
        (kind, name) => format!("{kind}: {name}"),
    };
    Some(ListRow {
        name,
        rows: list["rows"].as_u64().map_or_else(String::new, words::count),
        version: text("version").to_owned(),
        age: list["age_s"].as_u64().map_or_else(String::new, words::age),
        stale: list["stale"] == true,
    })
}
