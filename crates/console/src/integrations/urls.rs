//! The URLs that a user pastes into a tracker.

use assay_model::AccountId;
use assay_model::document::Integration;

use crate::state::Settings;

/// Parameters of the S2S door in the guide's order, with the literal that a tracker replaces.
///
/// Source: ClearTrust S2S guide (facts.md 1.C.1).
const S2S_MACROS: &[(&str, &str)] = &[
    ("cid", "CIDMACRO"),
    ("ip", "IPMACRO"),
    ("s1", "S1MACRO"),
    ("s2", "S2MACRO"),
    ("s3", "S3MACRO"),
    ("s4", "S4MACRO"),
    ("s5", "S5MACRO"),
    ("s6", "S6MACRO"),
    ("s7", "S7MACRO"),
    ("s8", "S8MACRO"),
    ("s9", "S9MACRO"),
    ("s10", "S10MACRO"),
    ("s11", "S11MACRO"),
];

/// The S2S URL of an integration, once per public host.
#[must_use]
pub fn s2s_all(
    settings: &Settings,
    account: AccountId,
    id: u64,
    integration: &Integration,
) -> Vec<String> {
    let bases = settings.data_urls.iter();
    bases
        .map(|base| s2s(base.trim_end_matches('/'), account, id, integration))
        .collect()
}

/// One URL per door of links and postbacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoorUrls {
    /// Click link.
    pub click: String,
    /// Click link that collects browser signals first.
    pub jsp: String,
    /// Impression pixel.
    pub impression: String,
    /// Conversions in.
    pub postback: String,
    /// Rejections in.
    pub rejection: String,
}

impl DoorUrls {
    /// Each with what people call it.
    #[must_use]
    pub fn named(&self) -> [(&'static str, &str); 5] {
        [
            ("Click", &self.click),
            ("Click, signals first", &self.jsp),
            ("Impression", &self.impression),
            ("Postback", &self.postback),
            ("Rejection", &self.rejection),
        ]
    }
}

/// The doors of an integration: once per public host, or by path where there is none.
#[must_use]
pub fn doors_all(settings: &Settings, id: u64, integration: &Integration) -> Vec<DoorUrls> {
    if settings.host_urls.is_empty() {
        let bases = settings.data_urls.iter();
        return bases
            .map(|base| by_path(base.trim_end_matches('/'), id, integration))
            .collect();
    }
    let hosts = settings.host_urls.iter();
    hosts
        .map(|(scheme, host)| by_host(scheme, host, id, integration))
        .collect()
}

fn by_path(base: &str, id: u64, integration: &Integration) -> DoorUrls {
    let of = |door: &str| format!("{base}/{door}/{id}");
    secured(
        DoorUrls {
            click: of("click"),
            jsp: of("jsp"),
            impression: of("imp"),
            postback: of("postback"),
            rejection: of("rejection"),
        },
        integration,
    )
}

fn by_host(scheme: &str, host: &str, id: u64, integration: &Integration) -> DoorUrls {
    let of = |label: &str, path: &str| format!("{scheme}://{id}.{label}.{host}/{path}");
    secured(
        DoorUrls {
            click: of("clicks", ""),
            jsp: of("clicks", "jsp"),
            impression: of("imp", ""),
            postback: of("postbacks", ""),
            rejection: of("rejections", ""),
        },
        integration,
    )
}

/// Adds what every call must carry.
fn secured(mut urls: DoorUrls, integration: &Integration) -> DoorUrls {
    let add = |url: &mut String, name: &str, value: Option<&str>| {
        if let Some(value) = value {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(name);
            url.push('=');
            url.extend(form_urlencoded::byte_serialize(value.as_bytes()));
        }
    };
    let key = integration.access_key.as_deref();
    for url in [
        &mut urls.click,
        &mut urls.jsp,
        &mut urls.impression,
        &mut urls.postback,
        &mut urls.rejection,
    ] {
        add(url, "key", key);
    }
    let token = integration.conversions.secure_token.as_deref();
    add(&mut urls.postback, "secure", token);
    add(&mut urls.rejection, "secure", token);
    urls
}

fn s2s(base: &str, account: AccountId, id: u64, integration: &Integration) -> String {
    let mut url = format!("{base}/ic3.php?m=AF&src=s2s&b={account}&s={id}");
    for (name, literal) in S2S_MACROS {
        url.push('&');
        url.push_str(name);
        url.push('=');
        url.push_str(literal);
    }
    if let Some(key) = &integration.access_key {
        url.push_str("&key=");
        url.extend(form_urlencoded::byte_serialize(key.as_bytes()));
    }
    url
}
