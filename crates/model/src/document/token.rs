//! API tokens: shown once, stored hashed, scoped.

use serde::{Deserialize, Serialize};

use super::{Problem, check_name};
use crate::Timestamp;

/// What a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenScope {
    /// Score events at the native doors.
    Score,
    /// Read configuration, events and reports.
    Read,
    /// Change configuration.
    Write,
    /// Tokens and people.
    Admin,
}

impl TokenScope {
    /// Every scope.
    pub const ALL: [Self; 4] = [Self::Score, Self::Read, Self::Write, Self::Admin];
}

/// An API token as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// Name.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<TokenScope>,
    /// When it stops working.
    #[serde(default)]
    pub expires: Option<Timestamp>,
    /// Last characters of the token, to recognise it by.
    #[serde(default)]
    pub hint: String,
}

impl Token {
    /// Everything wrong with the document.
    #[must_use]
    pub fn check(&self) -> Vec<Problem> {
        let mut out = Vec::new();
        check_name("name", &self.name, 100, &mut out);
        if self.scopes.is_empty() {
            out.push(Problem::new(
                "scopes",
                "needs at least one of score, read, write, admin",
            ));
        }
        out
    }
}

/// What is hashed (SHA-256, by the caller) to look a token up: never the bare token.
#[must_use]
pub fn token_hash_input(token: &str) -> String {
    format!("assay-token:{token}")
}
