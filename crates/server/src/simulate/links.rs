//! Simulated events as links and postbacks of a custom integration carry them.

use std::fmt::Write as _;

use assay_model::Timestamp;
use assay_model::hit::EventKind;

use super::SimEvent;
use super::event::{CURRENCY, encode};

/// Under which name the simulation's links carry the offer.
pub const OFFER_PARAM: &str = "campaign";

impl SimEvent {
    /// What a tracker tells of a visitor: `/click/{id}?no_redirect=true&…`, or `/imp/…`.
    /// `click_time` = when it happened, where that is not now.
    #[must_use]
    pub fn told_query(&self, integration: u32, click_time: Option<Timestamp>) -> String {
        let sighted = self.event == EventKind::Impression;
        let (door, address) = match sighted {
            true => ("imp", "impression_ip"),
            false => ("click", "click_ip"),
        };
        let mut out = format!("/{door}/{integration}?no_redirect=true");
        put(&mut out, address, self.ip.map(|ip| ip.to_string()));
        for (name, value) in [
            ("user_agent", &self.user_agent),
            ("referer", &self.referer),
            ("browser_languages", &self.languages),
            ("xff", &self.xff),
        ] {
            put(&mut out, name, value.as_deref());
        }
        put(&mut out, "click_time", click_time.map(|at| at.to_string()));
        self.put_link(&mut out);
        out
    }

    /// The link a visitor follows: what a browser says by itself is in [`SimEvent::headers`].
    #[must_use]
    pub fn link(&self, integration: u32) -> String {
        let mut out = format!("/click/{integration}?source_id=link");
        self.put_link(&mut out);
        out
    }

    fn put_link(&self, out: &mut String) {
        for (name, value) in [
            ("publisher", &self.publisher),
            ("sub_id", &self.sub_id),
            (OFFER_PARAM, &self.offer),
            ("advertiser", &self.advertiser),
            ("bundle_id", &self.bundle_id),
            ("app_version", &self.app_version),
            ("device_id", &self.device_id),
            ("gaid", &self.gaid),
            ("idfa", &self.idfa),
        ] {
            put(out, name, value.as_deref());
        }
        let id = Some(&*self.external_transaction_id);
        put(out, "external_transaction_id", id);
    }

    /// What a visitor's browser sends, through a proxy that says whom it serves.
    #[must_use]
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let hints = self.client_hints.as_ref();
        let mobile = hints.map(|hints| if hints.mobile { "?1" } else { "?0" }.to_owned());
        let all = [
            ("X-Forwarded-For", self.ip.map(|ip| ip.to_string())),
            ("User-Agent", self.user_agent.clone()),
            ("Referer", self.referer.clone()),
            ("Accept-Language", self.languages.clone()),
            ("Sec-CH-UA", hints.map(|hints| hints.brands.clone())),
            (
                "Sec-CH-UA-Platform",
                hints.map(|hints| hints.platform.clone()),
            ),
            ("Sec-CH-UA-Mobile", mobile),
        ];
        let given = |(name, value): (_, Option<String>)| value.map(|value| (name, value));
        all.into_iter().filter_map(given).collect()
    }

    /// The shop's postback: `/postback/{id}?…`; `own_id` = our id of the click, where the
    /// shop names it by that; `at` and `click_time` = the times it tells.
    #[must_use]
    pub fn postback_query(&self, integration: u32, own_id: Option<&str>, at: Timestamp) -> String {
        let mut out = format!("/postback/{integration}?");
        match own_id {
            Some(id) => put(&mut out, "transaction_id", Some(id)),
            None => put(
                &mut out,
                "external_transaction_id",
                Some(&*self.external_transaction_id),
            ),
        }
        put(&mut out, "conversion_time", Some(at.to_string()));
        put(&mut out, "conversion_ip", self.ip.map(|ip| ip.to_string()));
        put(&mut out, "user_agent", self.user_agent.as_deref());
        if let Some(bought) = &self.bought {
            put(&mut out, "order_id", Some(&*bought.order_id));
            put(&mut out, "event", bought.event_name);
            put(&mut out, "payout", bought.payout);
            put(&mut out, "revenue", bought.revenue);
            put(&mut out, "currency", Some(CURRENCY));
            // As far before the conversion as it really was.
            let install = bought
                .begin_install_time
                .map(|begin| at.plus_ms(begin.ms_since(self.at)).to_string());
            put(&mut out, "begin_install_time", install);
        }
        out
    }

    /// The advertiser's rejection, or with no reason its end: `/rejection/{id}?…`.
    #[must_use]
    pub fn rejection_query(&self, integration: u32, reason: Option<&str>) -> String {
        let mut out = format!("/rejection/{integration}?");
        let id = Some(&*self.external_transaction_id);
        put(&mut out, "external_transaction_id", id);
        match reason {
            Some(_) => put(&mut out, "new_rejected_reason", reason),
            None => put(&mut out, "status", Some("approved")),
        }
        out
    }
}

/// Appends a parameter, percent-encoded once; one that is not given is left out.
fn put(out: &mut String, name: &str, value: Option<impl AsRef<str>>) {
    let Some(value) = value else { return };
    if !out.ends_with('?') {
        out.push('&');
    }
    let _ = write!(out, "{name}=");
    encode(value.as_ref(), out);
}
