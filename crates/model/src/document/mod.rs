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

/// What a deserializer says, in the words of whoever wrote the document: no names of types.
#[must_use]
pub fn plain(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let Some((found, expected)) = line.rsplit_once(", expected ") else {
        return line.to_owned();
    };
    let expected = match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0 up",
        "i8" | "i16" | "i32" | "i64" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a string" | "string or map" => "a text",
        "a map" => "an object",
        other if other.starts_with("struct ") => "an object",
        other if other == "a sequence" || other.starts_with("tuple ") => "a list",
        other => other,
    };
    format!("{found}, expected {expected}")
}

/// Pushes a problem unless `text` has 1 to `max` characters, none of them invisible.
pub(crate) fn check_name(field: &str, text: &str, max: usize, out: &mut Vec<Problem>) {
    if text.contains(char::is_control) {
        out.push(Problem::new(field, "may not hold control characters"));
    }
    let len = text.trim().chars().count();
    if len == 0 || len > max {
        out.push(Problem::new(
            field,
            format!("needs 1 to {max} characters, has {len}"),
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_no_types() {
        for (said, meant) in [
            (
                "invalid value: integer `-1`, expected u32",
                "invalid value: integer `-1`, expected a whole number from 0 up",
            ),
            (
                "invalid type: null, expected struct Clicks",
                "invalid type: null, expected an object",
            ),
            (
                "invalid type: string \"x\", expected a boolean\nin `https`\n",
                "invalid type: string \"x\", expected true or false",
            ),
            (
                "unknown variant `x`, expected `a` or `b`",
                "unknown variant `x`, expected `a` or `b`",
            ),
            ("\"24x\" is not a duration", "\"24x\" is not a duration"),
        ] {
            assert_eq!(plain(said), meant);
        }
    }

    #[test]
    fn a_name_is_visible_and_not_too_long() {
        for (name, fits) in [("a", true), (" ", false), ("a\0b", false), ("abcd", false)] {
            let mut out = Vec::new();
            check_name("name", name, 3, &mut out);
            assert_eq!(out.is_empty(), fits, "{name:?}");
        }
    }
}
