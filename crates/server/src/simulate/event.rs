//! A simulated event and its two wire shapes.
//!
//! Out: an NDJSON line of `POST /v1/score` and `assay score`, or the target of an
//! `/ic3.php` call as a tracker would fill it in.

use std::fmt::Write as _;
use std::net::IpAddr;

use assay_model::Timestamp;
use assay_model::hit::EventKind;
use serde_json::{Map, Value};

use super::{PEOPLE, Truth};

/// What `Sec-CH-UA…` headers say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientHints {
    /// `Sec-CH-UA`.
    pub brands: String,
    /// `Sec-CH-UA-Platform`, quoted as in the header.
    pub platform: String,
    /// `Sec-CH-UA-Mobile`.
    pub mobile: bool,
}

/// What a conversion or a later event says beside its click's fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bought {
    /// When its click happened.
    pub click_time: Timestamp,
    /// Name of a later event.
    pub event_name: Option<&'static str>,
    /// The shop's order.
    pub order_id: String,
    /// What the publisher gets.
    pub payout: Option<&'static str>,
    /// What the advertiser pays.
    pub revenue: Option<&'static str>,
    /// When an app's install began.
    pub begin_install_time: Option<Timestamp>,
}

/// Currency of all amounts.
pub const CURRENCY: &str = "USD";

/// An event as a source would send it; `None` = not given.
#[derive(Clone, Debug, PartialEq)]
pub struct SimEvent {
    /// When it happens.
    pub at: Timestamp,
    /// What it really is.
    pub truth: Truth,
    /// Who is behind it.
    pub campaign: &'static str,
    /// What happened.
    pub event: EventKind,
    /// The visitor's address.
    pub ip: Option<IpAddr>,
    /// User agent; an empty one is blank, not absent.
    pub user_agent: Option<String>,
    /// Page that the visitor came from.
    pub referer: Option<String>,
    /// App that showed the ad.
    pub bundle_id: Option<String>,
    /// Its version.
    pub app_version: Option<String>,
    /// Device id of no named kind.
    pub device_id: Option<String>,
    /// Google's advertising id.
    pub gaid: Option<String>,
    /// Apple's advertising id.
    pub idfa: Option<String>,
    /// Publisher.
    pub publisher: Option<String>,
    /// Sub id.
    pub sub_id: Option<String>,
    /// Offer.
    pub offer: Option<String>,
    /// Advertiser.
    pub advertiser: Option<String>,
    /// Forwarding chain.
    pub xff: Option<String>,
    /// City as the source tells it.
    pub geo_city: Option<String>,
    /// Country as the source tells it.
    pub geo_country: Option<String>,
    /// Client hints of the browser.
    pub client_hints: Option<ClientHints>,
    /// `Accept-Language`.
    pub languages: Option<String>,
    /// The source's own id of the event.
    pub external_transaction_id: String,
    /// Of a conversion.
    pub bought: Option<Bought>,
}

impl Default for SimEvent {
    fn default() -> Self {
        Self {
            at: Timestamp::default(),
            truth: Truth::Person,
            campaign: PEOPLE,
            event: EventKind::Click,
            ip: None,
            user_agent: None,
            referer: None,
            bundle_id: None,
            app_version: None,
            device_id: None,
            gaid: None,
            idfa: None,
            publisher: None,
            sub_id: None,
            offer: None,
            advertiser: None,
            xff: None,
            geo_city: None,
            geo_country: None,
            client_hints: None,
            languages: None,
            external_transaction_id: String::new(),
            bought: None,
        }
    }
}

impl SimEvent {
    /// The event under our own names, one line of NDJSON; the truth stands in the extras
    /// `truth` and `campaign`.
    #[must_use]
    pub fn native_json(&self, integration_id: Option<u32>) -> Value {
        let mut out = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                out.insert(name.to_owned(), value);
            }
        };
        let text = |value: &Option<String>| value.clone().map(Value::from);
        put("time", Some(self.at.to_string().into()));
        put("event", Some(self.event.as_str().into()));
        put("integration_id", integration_id.map(Value::from));
        put("ip", self.ip.map(|ip| ip.to_string().into()));
        put(
            "external_transaction_id",
            Some(self.external_transaction_id.as_str().into()),
        );
        for (name, value) in [
            ("user_agent", &self.user_agent),
            ("referer", &self.referer),
            ("bundle_id", &self.bundle_id),
            ("app_version", &self.app_version),
            ("device_id", &self.device_id),
            ("gaid", &self.gaid),
            ("idfa", &self.idfa),
            ("publisher", &self.publisher),
            ("sub_id", &self.sub_id),
            ("offer", &self.offer),
            ("advertiser", &self.advertiser),
            ("xff", &self.xff),
            ("geo_city", &self.geo_city),
            ("geo_country", &self.geo_country),
            ("languages", &self.languages),
        ] {
            put(name, text(value));
        }
        if let Some(hints) = &self.client_hints {
            let hints = serde_json::json!({
                "sec-ch-ua": hints.brands, "sec-ch-ua-platform": hints.platform,
                "sec-ch-ua-mobile": if hints.mobile { "?1" } else { "?0" },
            });
            put("client_hints", Some(hints));
        }
        if let Some(bought) = &self.bought {
            put("click_time", Some(bought.click_time.to_string().into()));
            put("click_ip", self.ip.map(|ip| ip.to_string().into()));
            put("order_id", Some(bought.order_id.as_str().into()));
            put("currency", Some(CURRENCY.into()));
            put("event_name", bought.event_name.map(Value::from));
            put("payout", bought.payout.map(Value::from));
            put("revenue", bought.revenue.map(Value::from));
            let install = bought.begin_install_time.map(|at| at.to_string().into());
            put("begin_install_time", install);
        }
        put("truth", Some(self.truth.as_str().into()));
        put("campaign", Some(self.campaign.into()));
        Value::Object(out)
    }

    /// The target of the S2S call: `/ic3.php?…`, every value percent-encoded once.
    ///
    /// What is not known is left at the guide's default macro or left out, as trackers do. A
    /// visitor who sent no user agent is `s6=-`: the dialect refuses an empty one.
    #[must_use]
    pub fn s2s_query(&self, account: u32, integration: u32) -> String {
        let mut out = format!("/ic3.php?m=AF&src=s2s&b={account}&s={integration}");
        let mut put = |name: &str, value: &str| {
            let _ = write!(out, "&{name}=");
            encode(value, &mut out);
        };
        put("cid", &self.external_transaction_id);
        put("ip", &self.ip.map_or_else(String::new, |ip| ip.to_string()));
        // Half of the trackers send every parameter they know, filled in or not.
        let keeps_macros = self
            .external_transaction_id
            .bytes()
            .last()
            .is_some_and(|b| b % 2 == 0);
        for (name, value) in [
            ("s1", &self.publisher),
            ("s2", &self.sub_id),
            ("s3", &self.referer),
            ("s4", &self.bundle_id),
            ("s5", &self.app_version),
            ("s6", &self.user_agent),
            ("s7", &self.geo_city),
            ("s8", &self.xff),
            ("s9", &self.device_id),
            ("s10", &self.gaid),
            ("s11", &self.idfa),
        ] {
            match value {
                Some(text) if name == "s6" && text.is_empty() => put(name, "-"),
                Some(text) => put(name, text),
                None if keeps_macros => put(name, &format!("{}MACRO", name.to_ascii_uppercase())),
                None => {}
            }
        }
        for (name, value) in [("advertiser", &self.advertiser), ("offer", &self.offer)] {
            if let Some(text) = value {
                put(name, text);
            }
        }
        if self.event != EventKind::Click {
            put("et", self.event.as_str());
        }
        out
    }
}

/// Percent-encodes all but RFC 3986's unreserved characters.
pub(super) fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> SimEvent {
        SimEvent {
            ip: "84.128.0.1".parse().ok(),
            user_agent: Some("Mozilla/5.0 (X11; Linux) é".into()),
            referer: Some("https://news.example/?a=b&c".into()),
            publisher: Some("p-1".into()),
            external_transaction_id: "c-2".into(),
            ..SimEvent::default()
        }
    }

    #[test]
    fn values_are_encoded_once_and_unknown_ones_keep_their_macro() {
        let query = event().s2s_query(10, 20);
        assert!(query.starts_with("/ic3.php?m=AF&src=s2s&b=10&s=20&cid=c-2&ip=84.128.0.1&s1=p-1&s2=S2MACRO&s3=https%3A%2F%2Fnews.example%2F%3Fa%3Db%26c&"), "{query}");
        assert!(
            query.contains("&s6=Mozilla%2F5.0%20%28X11%3B%20Linux%29%20%C3%A9&"),
            "{query}"
        );
        assert!(query.ends_with("&s10=S10MACRO&s11=S11MACRO"), "{query}");
        assert!(query.bytes().all(|b| b.is_ascii_graphic()));
    }

    #[test]
    fn no_user_agent_is_written_as_the_dialect_takes_it() {
        let blank = SimEvent {
            user_agent: Some(String::new()),
            ..event()
        };
        assert!(blank.s2s_query(1, 2).contains("&s6=-&"));
        assert_eq!(blank.native_json(None)["user_agent"], "");
    }

    #[test]
    fn what_is_not_given_is_not_in_the_line() {
        let line = event().native_json(Some(3));
        assert_eq!(line["integration_id"], 3);
        assert_eq!(line["event"], "click");
        assert_eq!(line["campaign"], "people");
        assert!(line.get("gaid").is_none());
    }
}
