//! Software so old that almost nobody runs it.
//!
//! A fact, not a verdict: devices that cannot be updated are people's. Many at once from one source
//! are not.

use assay_model::facts::{DeviceType, UaFacts};

/// Version below which a family counts as retired. Chrome 60 and Firefox 60 are of 2017 and 2018.
const FLOORS: &[(&str, u32, &str)] = &[
    ("Chrome", 60, "chrome<60"),
    ("Chromium", 60, "chrome<60"),
    ("Firefox", 52, "firefox<52"),
    ("Safari", 9, "safari<9"),
    ("Mobile Safari", 9, "safari<9"),
    ("Edge", 15, "edge<15"),
    ("Internet Explorer", 11, "ie<11"),
    ("Opera", 40, "opera<40"),
    ("Samsung Internet", 4, "samsung<4"),
    ("Android Browser", u32::MAX, "android_browser"),
    ("Netscape", u32::MAX, "netscape"),
];

/// Name of the rule that finds the software retired; empty = it is not.
///
/// Televisions, consoles and readers keep the version they were sold with and are left out.
pub(super) fn find(facts: &UaFacts) -> &'static str {
    if matches!(
        facts.device_type,
        DeviceType::Tv | DeviceType::Console | DeviceType::Other
    ) {
        return "";
    }
    let Some((_, floor, rule)) = FLOORS
        .iter()
        .find(|(family, ..)| *family == &*facts.browser)
    else {
        return "";
    };
    match facts.browser_major() {
        Some(major) if major < *floor => rule,
        _ => "",
    }
}
