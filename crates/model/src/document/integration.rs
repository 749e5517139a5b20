//! An integration: one connected traffic source and what happens to its traffic.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Problem, check_name};
use crate::hit::Field;
use crate::signing::Signing;
use crate::template::{PublicHost, UrlTemplate};
use crate::verdict::OnDegraded;

/// How the source is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntegrationKind {
    /// Server to server: the caller asks for a score.
    S2s,
    /// Links and postbacks under the user's own parameter names.
    Custom,
    /// Offers and publishers kept here.
    Network,
}

/// Whether something is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// In use.
    #[default]
    Active,
    /// Kept, but not in use.
    Paused,
}

/// Where a rejected click goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum OnReject {
    /// The fallback URL.
    #[default]
    Fallback,
    /// The next offer whose own rule accepts it.
    Waterfall,
    /// An auction, for policy rejections only.
    Monetize,
    /// An empty page.
    Blank,
    /// 403.
    Block,
    /// `http://localhost/`.
    Localhost,
}

/// A destination that links choose by its id (`url_id=`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedUrl {
    /// What links write.
    pub id: String,
    /// Where approved clicks go then; macros `{name}`.
    pub url: String,
}

/// Settings of clicks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Clicks {
    /// Where approved clicks go; macros `{name}`.
    pub approved_url: Option<String>,
    /// Other approved destinations, chosen by `url_id=`.
    pub urls: Vec<NamedUrl>,
    /// Fields appended to the destination as parameters.
    pub append: Vec<String>,
    /// Whether parameters that are none of ours are passed on.
    pub pass_extra: bool,
    /// Where rejected clicks go.
    pub fallback_url: Option<String>,
    /// What is done with rejected clicks.
    pub on_reject: OnReject,
    /// Hosts that per-link destinations may name; empty = none.
    pub allowed_hosts: Vec<String>,
    /// Our name → the name in the user's links.
    pub params: BTreeMap<String, String>,
    /// Whether visitors go to the destination by themselves (parallel tracking): clicks are
    /// judged and answered 204.
    pub measure_only: bool,
    /// `Referrer-Policy` of redirects; `None` = the browser's own.
    pub referrer_policy: Option<ReferrerPolicy>,
}

/// Names in links that say how a click is answered, or stand for the visitor's address; they
/// can be renamed as our fields can.
pub const CLICK_PARAMS: &[&str] = &[
    "ip",
    "impression_ip",
    "impression_time",
    "site_url",
    "js_check_data",
    "no_redirect",
    "json",
    "fields",
    "filter_group",
    "url_id",
    "redirect_url",
    "fallback_url",
];

/// Names in postbacks and rejections that are no fields of an event; they can be renamed too.
pub const CONVERSION_PARAMS: &[&str] = &[
    "event",
    "goal",
    "conversion_time",
    "conversion_ip",
    "secure",
    "status",
    "new_rejected_reason",
];

/// What browsers tell a destination about where the visitor comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReferrerPolicy {
    /// Nothing.
    NoReferrer,
    /// The whole URL, but nothing from HTTPS to HTTP.
    NoReferrerWhenDowngrade,
    /// The site.
    Origin,
    /// The whole URL to the same site, the site to others.
    OriginWhenCrossOrigin,
    /// Nothing to other sites.
    SameOrigin,
    /// The site, but nothing from HTTPS to HTTP.
    StrictOrigin,
    /// As `origin-when-cross-origin`, but nothing from HTTPS to HTTP.
    StrictOriginWhenCrossOrigin,
    /// The whole URL.
    UnsafeUrl,
}

impl ReferrerPolicy {
    /// The header's value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoReferrer => "no-referrer",
            Self::NoReferrerWhenDowngrade => "no-referrer-when-downgrade",
            Self::Origin => "origin",
            Self::OriginWhenCrossOrigin => "origin-when-cross-origin",
            Self::SameOrigin => "same-origin",
            Self::StrictOrigin => "strict-origin",
            Self::StrictOriginWhenCrossOrigin => "strict-origin-when-cross-origin",
            Self::UnsafeUrl => "unsafe-url",
        }
    }
}

/// Settings of conversions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Conversions {
    /// Our name → the name in the user's postbacks.
    pub params: BTreeMap<String, String>,
    /// Token that every postback must carry as `secure=`.
    pub secure_token: Option<String>,
    /// Whether conversions without a click are judged.
    pub clickless: bool,
    /// Days back in which a click is looked for; 1 to 90.
    pub lookback_d: u32,
}

impl Default for Conversions {
    fn default() -> Self {
        Self {
            params: BTreeMap::new(),
            secure_token: None,
            clickless: false,
            lookback_d: 30,
        }
    }
}

/// One connected traffic source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Integration {
    /// Name; may be changed at any time.
    pub name: String,
    /// How it is connected; fixed once made.
    pub kind: IntegrationKind,
    /// Whether it gives verdicts.
    #[serde(default)]
    pub status: Status,
    /// Key that every call must carry (`key=` or `X-Assay-Key`), when set.
    #[serde(default)]
    pub access_key: Option<String>,
    /// Advertiser of events that name none.
    #[serde(default)]
    pub advertiser: Option<String>,
    /// Custom domain, when one is bound.
    #[serde(default)]
    pub domain_id: Option<u64>,
    /// Addresses and ranges that may call; empty = all.
    #[serde(default)]
    pub allowed_sources: Vec<String>,
    /// How senders of clicks and postbacks sign.
    #[serde(default)]
    pub signing: Signing,
    /// What is done when a verdict lacks inputs.
    #[serde(default)]
    pub on_degraded: OnDegraded,
    /// Settings of clicks.
    #[serde(default)]
    pub clicks: Clicks,
    /// Settings of conversions.
    #[serde(default)]
    pub conversions: Conversions,
}

impl Integration {
    /// Everything wrong with the document.
    #[must_use]
    pub fn check(&self) -> Vec<Problem> {
        let mut out = Vec::new();
        check_name("name", &self.name, 100, &mut out);
        if let Some(key) = &self.access_key
            && !(16..=128).contains(&key.len())
        {
            out.push(Problem::new("access_key", "needs 16 to 128 characters"));
        }
        for (at, source) in self.allowed_sources.iter().enumerate() {
            if crate::document::list::parse_cidr(source).is_none() {
                out.push(Problem::new(
                    format!("allowed_sources[{at}]"),
                    format!("{source:?} is not an address or a range like 203.0.113.0/24"),
                ));
            }
        }
        self.signing.check("signing", &mut out);
        check_params("clicks.params", &self.clicks.params, CLICK_PARAMS, &mut out);
        check_params(
            "conversions.params",
            &self.conversions.params,
            CONVERSION_PARAMS,
            &mut out,
        );
        self.clicks.check(&mut out);
        if !(1..=90).contains(&self.conversions.lookback_d) {
            out.push(Problem::new(
                "conversions.lookback_d",
                "must be 1 to 90 days",
            ));
        }
        out
    }
}

/// Most named destinations, appended names or allowed hosts of an integration.
const ENTRIES_MAX: usize = 1000;

impl Clicks {
    fn check(&self, out: &mut Vec<Problem>) {
        let mut url = |field: &str, text: &str| {
            if let Err(detail) = UrlTemplate::parse(text) {
                out.push(Problem::new(field, detail));
            }
        };
        if let Some(text) = &self.approved_url {
            url("clicks.approved_url", text);
        }
        for (at, named) in self.urls.iter().enumerate() {
            url(&format!("clicks.urls[{at}].url"), &named.url);
        }
        if let Some(text) = &self.fallback_url {
            url("clicks.fallback_url", text);
        }
        for (at, named) in self.urls.iter().enumerate() {
            let field = format!("clicks.urls[{at}].id");
            check_name(&field, &named.id, 64, out);
            if self.urls[..at].iter().any(|other| other.id == named.id) {
                let detail = format!("{:?} is already the id of another URL", named.id);
                out.push(Problem::new(field, detail));
            }
        }
        for (at, name) in self.append.iter().enumerate() {
            let of_name = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'.');
            if !(1..=64).contains(&name.len()) || !name.bytes().all(of_name) {
                out.push(Problem::new(
                    format!("clicks.append[{at}]"),
                    format!("{name:?} is not the name of a parameter"),
                ));
            }
        }
        for (at, host) in self.allowed_hosts.iter().enumerate() {
            if let Err(detail) = PublicHost::parse(host) {
                out.push(Problem::new(format!("clicks.allowed_hosts[{at}]"), detail));
            }
        }
        for (field, length) in [
            ("clicks.urls", self.urls.len()),
            ("clicks.append", self.append.len()),
            ("clicks.allowed_hosts", self.allowed_hosts.len()),
        ] {
            if length > ENTRIES_MAX {
                let detail = format!("has {length} entries, may have {ENTRIES_MAX}");
                out.push(Problem::new(field, detail));
            }
        }
    }
}

/// A mapping names our fields or `more`, and no two of them are called the same in the links.
fn check_params(
    path: &str,
    params: &BTreeMap<String, String>,
    more: &[&str],
    out: &mut Vec<Problem>,
) {
    let mut taken: BTreeMap<&str, &str> = BTreeMap::new();
    for (ours, theirs) in params {
        if Field::parse(ours).is_none() && !more.contains(&ours.as_str()) {
            out.push(Problem::new(
                format!("{path}.{ours}"),
                format!("{ours:?} is none of our parameters"),
            ));
        }
        if theirs.is_empty() || theirs.len() > 64 || theirs.contains(['&', '=', '#', '?', ' ']) {
            out.push(Problem::new(
                format!("{path}.{ours}"),
                "needs 1 to 64 characters without & = # ? or blanks",
            ));
        }
        if let Some(other) = taken.insert(theirs, ours) {
            out.push(Problem::new(
                format!("{path}.{ours}"),
                format!("{theirs:?} is already the name of {other:?}"),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minimal_document_takes_the_defaults() {
        let made: Integration = serde_json::from_str(r#"{"name":"Tracker","kind":"s2s"}"#).unwrap();
        assert_eq!(made.status, Status::Active);
        assert_eq!(made.conversions.lookback_d, 30);
        assert!(made.check().is_empty());
    }

    #[test]
    fn policies_are_written_as_browsers_know_them() {
        for policy in [
            ReferrerPolicy::NoReferrer,
            ReferrerPolicy::NoReferrerWhenDowngrade,
            ReferrerPolicy::Origin,
            ReferrerPolicy::OriginWhenCrossOrigin,
            ReferrerPolicy::SameOrigin,
            ReferrerPolicy::StrictOrigin,
            ReferrerPolicy::StrictOriginWhenCrossOrigin,
            ReferrerPolicy::UnsafeUrl,
        ] {
            let json = serde_json::to_value(policy).unwrap();
            assert_eq!(json, policy.as_str());
        }
    }

    #[test]
    fn an_unknown_field_is_refused_by_name() {
        let err = serde_json::from_str::<Integration>(r#"{"name":"x","kind":"s2s","colour":1}"#)
            .unwrap_err();
        assert!(err.to_string().contains("colour"), "{err}");
    }

    #[test]
    fn every_problem_is_named_at_once() {
        let mut doc: Integration = serde_json::from_str(r#"{"name":" ","kind":"custom"}"#).unwrap();
        doc.allowed_sources = vec!["10.0.0.0/44".into(), "::1".into()];
        doc.clicks.params = [("offer", "c"), ("publisher", "c"), ("nonsense", "n")]
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .into();
        doc.clicks.approved_url = Some("javascript:alert(1)".into());
        doc.clicks.fallback_url = Some("https://{host}/".into());
        doc.clicks.urls = [("a", "https://x.example/{offer}"), ("a", "ftp://x")]
            .map(|(id, url)| NamedUrl {
                id: id.into(),
                url: url.into(),
            })
            .into();
        doc.clicks.append = vec!["offer".into(), "a b".into()];
        doc.clicks.allowed_hosts = vec!["shop.example:8443".into(), "https://x/".into()];
        let fields: Vec<_> = doc.check().into_iter().map(|p| p.field).collect();
        assert_eq!(
            fields,
            [
                "name",
                "allowed_sources[0]",
                "clicks.params.nonsense",
                "clicks.params.publisher",
                "clicks.approved_url",
                "clicks.urls[1].url",
                "clicks.fallback_url",
                "clicks.urls[1].id",
                "clicks.append[1]",
                "clicks.allowed_hosts[1]",
            ]
        );
    }
}
