//! What an account configures, in the shapes of the management API.
//!
//! Every document refuses unknown fields by name and is checked when it is saved;
//! `check` pushes every problem into one list, so a user sees them all at once.

mod account;
mod advertiser;
mod external_id;
mod integration;
mod list;
mod offer;
mod publisher;
mod rule;
mod token;

pub use account::{Account, ReputationMode, Reputations, Retention, Role, User};
pub use advertiser::Advertiser;
pub use integration::{
    CLICK_PARAMS, CONVERSION_PARAMS, Clicks, Conversions, Integration, IntegrationKind, NamedUrl,
    OnReject, ReferrerPolicy, Status,
};
pub use list::{
    List, ListEntry, ListField, ListMode, MAX_LIST_ENTRIES, parse_asn as list_asn,
    parse_cidr as list_cidr,
};
pub use offer::{OFFER_FILTERS, Offer};
pub use publisher::{Disclosure, Publisher};
pub use rule::{FILTER_KEYS, Preset, Protection, Rule, Scope, ScopeSubject, Select};
pub use token::{Token, TokenScope, token_hash_input};

use serde::Serialize;

/// One thing wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Path of the field (`filters.vpn.threshold`).
    pub field: String,
    /// What is wrong with it and what would be right.
    pub detail: String,
}

impl Problem {
    /// A problem with a field.
    #[must_use]
    pub fn new(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            detail: detail.into(),
        }
    }
}

/// Pushes a problem unless `text` has 1 to `max` characters.
pub(crate) fn check_name(field: &str, text: &str, max: usize, out: &mut Vec<Problem>) {
    let len = text.trim().chars().count();
    if len == 0 || len > max {
        out.push(Problem::new(
            field,
            format!("needs 1 to {max} characters, has {len}"),
        ));
    }
}
