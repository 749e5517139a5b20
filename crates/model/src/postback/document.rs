//! The postback document, in the shape of the management API (SPEC §9).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::IntegrationId;
use crate::document::{Scope, Status};

/// What a postback tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum PostbackType {
    /// Clicks.
    #[default]
    Click,
    /// Base conversions.
    Conversion,
    /// Post-events.
    Event,
}

/// Which outcome it fires on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum FireOn {
    /// Approved ones.
    #[default]
    Approved,
    /// Every decision.
    Any,
    /// Rejected ones, of all reasons or of the chosen ones.
    Rejected,
}

/// How a receiver is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "UPPERCASE")]
pub enum HttpMethod {
    /// `GET`
    #[default]
    Get,
    /// `POST`
    Post,
    /// `PUT`
    Put,
}

impl HttpMethod {
    /// The method's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }
}

/// A receiver and what it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Postback {
    /// Name, shown in the log.
    pub name: String,
    /// Whether it is owed anything. A receiver that answers 410 sets it to paused.
    #[serde(default)]
    pub status: Status,
    /// Only what came in at this integration.
    #[serde(default)]
    pub integration_id: Option<IntegrationId>,
    /// What it tells of.
    #[serde(default, rename = "type")]
    pub kind: PostbackType,
    /// Which outcome it fires on.
    #[serde(default)]
    pub fire_on: FireOn,
    /// With `fire_on: rejected`: only these reasons; empty = all.
    #[serde(default)]
    pub reasons: Vec<String>,
    /// Which traffic it is for.
    #[serde(default)]
    pub scope: Scope,
    /// Seconds between the decision and the first try.
    #[serde(default)]
    pub delay_s: u32,
    /// How the receiver is called.
    #[serde(default)]
    pub method: HttpMethod,
    /// Where; macros `{name}` after the host.
    pub url: String,
    /// Headers; macros in the values.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Body of a POST or PUT; macros are encoded by the content type.
    #[serde(default)]
    pub body: Option<String>,
    /// Secret of the Standard-Webhooks signature (`whsec_…`); shown in full to nobody.
    #[serde(default)]
    pub secret: Option<String>,
}
