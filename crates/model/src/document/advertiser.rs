//! Who pays.

use serde::{Deserialize, Serialize};

use super::{Problem, Status, check_name, external_id};

/// One advertiser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advertiser {
    /// The account's own id, which traffic and offers name; `None` = our id is the name.
    #[serde(default)]
    pub external_id: Option<String>,
    /// Name.
    pub name: String,
    /// Whether its offers take clicks.
    #[serde(default)]
    pub status: Status,
}

impl Advertiser {
    /// Everything wrong with the document.
    #[must_use]
    pub fn check(&self) -> Vec<Problem> {
        let mut out = Vec::new();
        external_id::check(self.external_id.as_deref(), &mut out);
        check_name("name", &self.name, 200, &mut out);
        out
    }
}
