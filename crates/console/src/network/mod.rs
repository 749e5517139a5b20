//! The network side: advertisers, offers and publishers, one by one and as tables.

mod csv;
mod offers;
mod parties;
#[cfg(test)]
mod tests;

pub use csv::{import, list};
pub use offers::Offers;
pub use parties::{Advertisers, Publishers};

use assay_model::AccountId;
use assay_model::document::Problem;
use assay_model::ports::{Doc, DocKind};

use crate::app::App;
use crate::error::ApiError;

/// What the store keeps unique: an external id, within its account.
#[must_use]
pub fn unique(account: AccountId, external_id: Option<&str>) -> Option<String> {
    external_id.map(|id| format!("{account}:{id}"))
}

/// Pushes a problem where the external id is another's already, or would be taken away: links
/// and records name it.
async fn check_external_id(
    app: &App,
    account: AccountId,
    kind: DocKind,
    (id, old): (Option<&str>, Option<(&Doc, Option<&str>)>),
    out: &mut Vec<Problem>,
) -> Result<(), ApiError> {
    let mine = old.map(|(doc, _)| doc.id);
    let Some(unique) = unique(account, id) else {
        if old.is_some_and(|(_, before)| before.is_some()) {
            let detail = "cannot be taken away again: links and records name it";
            out.push(Problem::new("external_id", detail));
        }
        return Ok(());
    };
    let found = app.state.control.find_unique(kind, &unique).await?;
    if let Some(other) = found.filter(|other| Some(other.id) != mine) {
        let detail = format!(
            "is already the external id of {} {}",
            kind.as_str(),
            other.id
        );
        out.push(Problem::new("external_id", detail));
    }
    Ok(())
}

/// Every document of a kind.
async fn all(app: &App, account: AccountId, kind: DocKind) -> Result<Vec<Doc>, ApiError> {
    const PAGE: u32 = 500;
    let mut all: Vec<Doc> = Vec::new();
    loop {
        let after = all.last().map_or(0, |doc| doc.id);
        let page = app.state.control.list(account, kind, after, PAGE).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}
