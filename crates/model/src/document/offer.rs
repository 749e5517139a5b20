//! What is promoted: its destination, its price, and the limits it has of its own.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{Problem, Status, check_name, external_id};
use crate::ledger::Amount;
use crate::template::UrlTemplate;

/// Filters that an offer may set for itself, with the settings that a rule's have.
pub const OFFER_FILTERS: [&str; 3] = ["caps", "targeting", "day_parting"];

/// Where a new offer stands among the others: in the middle, so that some can go before it.
const PRIORITY: u32 = 100;

/// One offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// The account's own id of it, which traffic names; `None` = our id is the name.
    #[serde(default, deserialize_with = "text_of")]
    pub external_id: Option<String>,
    /// Name.
    pub name: String,
    /// Who pays: the advertiser's external id.
    #[serde(default, deserialize_with = "text_of")]
    pub advertiser: Option<String>,
    /// Where its clicks go; macros `{name}`.
    #[serde(default)]
    pub url: Option<String>,
    /// Whether it takes clicks.
    #[serde(default)]
    pub status: Status,
    /// Its turn when a rejected click looks for another offer: 1 first.
    #[serde(default = "priority")]
    pub priority: u32,
    /// What the publisher gets for a conversion that names no amount.
    #[serde(default, deserialize_with = "text_of")]
    pub payout: Option<String>,
    /// What the advertiser pays for it.
    #[serde(default, deserialize_with = "text_of")]
    pub revenue: Option<String>,
    /// The tracker that judges its conversions (V1).
    #[serde(default)]
    pub tracker_id: Option<u64>,
    /// Settings of the filter `caps`, for this offer under every rule.
    #[serde(default)]
    pub caps: Option<Value>,
    /// Settings of the filter `targeting`.
    #[serde(default)]
    pub targeting: Option<Value>,
    /// Settings of the filter `day_parting`.
    #[serde(default)]
    pub day_parting: Option<Value>,
}

const fn priority() -> u32 {
    PRIORITY
}

/// A text, or a number as its text: ids and amounts are sent as either.
fn text_of<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    match Option::<Value>::deserialize(from)? {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(serde::de::Error::custom("must be a text or a number")),
    }
}

impl Offer {
    /// Everything wrong with the document; whether its limits compile is the filters' to say.
    #[must_use]
    pub fn check(&self) -> Vec<Problem> {
        let mut out = Vec::new();
        external_id::check(self.external_id.as_deref(), &mut out);
        check_name("name", &self.name, 200, &mut out);
        if let Some(advertiser) = &self.advertiser {
            check_name("advertiser", advertiser, 128, &mut out);
        }
        if let Some(Err(detail)) = self.url.as_deref().map(UrlTemplate::parse) {
            out.push(Problem::new("url", detail));
        }
        if self.priority == 0 {
            out.push(Problem::new("priority", "counts from 1, which is first"));
        }
        for (field, amount) in [("payout", &self.payout), ("revenue", &self.revenue)] {
            match amount.as_deref().map(Amount::parse) {
                Some(Err(error)) => out.push(Problem::new(field, error.to_string())),
                Some(Ok(amount)) if amount.micros() < 0 => {
                    out.push(Problem::new(field, "may not be negative"));
                }
                Some(Ok(_)) | None => {}
            }
        }
        if self.tracker_id == Some(0) {
            out.push(Problem::new("tracker_id", "is no id: they count from 1"));
        }
        out
    }

    /// The limits it has of its own, each with its filter's key.
    pub fn limits(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        let own = [&self.caps, &self.targeting, &self.day_parting];
        let pairs = OFFER_FILTERS.into_iter().zip(own);
        pairs.filter_map(|(key, settings)| Some((key, settings.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minimal_offer_takes_the_defaults() {
        let made: Offer = serde_json::from_str(r#"{"name":"Shoes"}"#).unwrap();
        assert_eq!((made.status, made.priority), (Status::Active, 100));
        assert!(made.check().is_empty());
        assert_eq!(made.limits().count(), 0);
    }

    #[test]
    fn amounts_and_ids_are_texts_or_numbers() {
        let sent = r#"{"name":"x","external_id":7,"payout":1.5,"revenue":"2.50","advertiser":3}"#;
        let made: Offer = serde_json::from_str(sent).unwrap();
        assert_eq!(made.external_id.as_deref(), Some("7"));
        assert_eq!(made.payout.as_deref(), Some("1.5"));
        assert_eq!(made.revenue.as_deref(), Some("2.50"));
        assert_eq!(made.advertiser.as_deref(), Some("3"));
        assert!(serde_json::from_str::<Offer>(r#"{"name":"x","payout":[]}"#).is_err());
    }

    #[test]
    fn every_problem_is_named_at_once() {
        let sent = r#"{"name":" ","external_id":"a\nb","advertiser":"","url":"ftp://x",
            "priority":0,"payout":"-1","revenue":"1,5","tracker_id":0}"#;
        let doc: Offer = serde_json::from_str(sent).unwrap();
        let fields: Vec<_> = doc.check().into_iter().map(|p| p.field).collect();
        assert_eq!(
            fields,
            [
                "external_id",
                "name",
                "advertiser",
                "url",
                "priority",
                "payout",
                "revenue",
                "tracker_id"
            ]
        );
    }
}
