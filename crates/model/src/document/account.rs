//! Accounts and the people in them.

use serde::{Deserialize, Serialize};

use super::{Problem, check_name};

/// A tenant's own settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Name shown in the console.
    pub name: String,
    /// IANA time zone of reports.
    #[serde(default = "utc")]
    pub time_zone: String,
    /// ISO 4217 code of amounts that name none.
    #[serde(default = "usd")]
    pub currency: String,
    /// How long things are kept.
    #[serde(default)]
    pub retention: Retention,
}

fn utc() -> String {
    "UTC".to_owned()
}

fn usd() -> String {
    "USD".to_owned()
}

/// How long each class of data is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Days that events are kept; 1 to 3650.
    pub events_d: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { events_d: 400 }
    }
}

impl Account {
    /// Everything wrong with the document.
    #[must_use]
    pub fn check(&self) -> Vec<Problem> {
        let mut out = Vec::new();
        check_name("name", &self.name, 100, &mut out);
        if self.currency.len() != 3 || !self.currency.bytes().all(|c| c.is_ascii_uppercase()) {
            out.push(Problem::new(
                "currency",
                "must be three capital letters, like EUR",
            ));
        }
        if !(1..=3650).contains(&self.retention.events_d) {
            out.push(Problem::new("retention.events_d", "must be 1 to 3650 days"));
        }
        out
    }
}

/// What a person may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees its own traffic only.
    Publisher,
    /// Sees everything, changes nothing.
    Analyst,
    /// Changes integrations, rules, lists.
    Manager,
    /// Everything, people and tokens too.
    Owner,
}

/// A person who signs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// E-mail address, lower case; unique over all accounts.
    pub email: String,
    /// Name shown in the console.
    pub name: String,
    /// What the person may do.
    pub role: Role,
    /// argon2id hash in PHC form; never leaves the store.
    pub password_hash: String,
}
