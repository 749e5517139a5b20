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
