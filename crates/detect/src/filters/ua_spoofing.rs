//! Flags a user agent that contradicts itself, the client hints, the app, the device id or
//! what scripts are told.
//!
//! Reads: `facts.ua`, `facts.signals`, client hints, `bundle_id`, `gaid`, `idfa`, `os`. Emits: `UA_SPOOFED`, medium.

use assay_model::facts::{DeviceIdState, DeviceType, Facts, UaFacts, UaKind};
use assay_model::hit::Field;
use assay_model::reason::{Reason, Risk};
use assay_model::verdict::{Check, Finding, Missing};

use crate::filter::{Filter, Readings};

pub struct UaSpoofing;

impl Filter for UaSpoofing {
    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        _: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        let Some(ua) = facts.ua.as_deref() else {
            return Check::Skipped(Missing::UserAgent);
        };
        let before = found.len();
        if !ua.impossible.is_empty() {
            found.push(spoofed(claim_of(ua), &ua.impossible, "impossible"));
        }
        if matches!(ua.kind, UaKind::Browser | UaKind::InApp | UaKind::NativeApp) {
            for rule in [
                platform_hint,
                mobile_hint,
                version_hint,
                bundle,
                advertising_id,
                declared_os,
            ] {
                found.extend(rule(facts, ua));
            }
            if let Some(signals) = facts.signals.as_deref() {
                let sent = facts.hit.get(Field::UserAgent).unwrap_or("");
                found.extend(super::signals::contradictions(signals, ua, sent));
            }
        }
        if found.len() > before {
            Check::Flagged
        } else {
            Check::Clean
        }
    }
}

pub(super) fn spoofed<'a>(
    claim: &'a str,
    contradiction: &'a str,
    rule: &'static str,
) -> Finding<'a> {
    Finding::new(Reason::UaSpoofed)
        .with("claim", claim)
        .with("contradiction", contradiction)
        .with("rule", rule)
}

fn claim_of(ua: &UaFacts) -> &str {
    if ua.os.is_empty() {
        &ua.browser
    } else {
        &ua.os
    }
}

fn unquoted(text: &str) -> &str {
    text.trim().trim_matches('"')
}

/// `Sec-CH-UA-Platform` names another system than the user agent.
fn platform_hint<'a>(facts: &'a Facts<'_>, ua: &'a UaFacts) -> Option<Finding<'a>> {
    let hint = unquoted(facts.hit.get(Field::ChPlatform)?);
    (!ua.os.is_empty() && !hint.is_empty() && family(hint)? != family(&ua.os)?)
        .then(|| spoofed(&ua.os, hint, "platform_hint"))
}

/// `Sec-CH-UA-Mobile: ?1` from a desktop user agent, or the other way round for a phone.
fn mobile_hint<'a>(facts: &'a Facts<'_>, ua: &'a UaFacts) -> Option<Finding<'a>> {
    let hint = facts.hit.get(Field::ChMobile)?.trim();
    let contradicts = match ua.device_type {
        DeviceType::Desktop => hint == "?1",
        DeviceType::Phone => hint == "?0",
        _ => false,
    };
    contradicts.then(|| spoofed(ua.device_type.as_str(), hint, "mobile_hint"))
}

/// No brand of `Sec-CH-UA` has the major version that the user agent claims.
fn version_hint<'a>(facts: &'a Facts<'_>, ua: &'a UaFacts) -> Option<Finding<'a>> {
    let hint = facts.hit.get(Field::ChUa)?;
    let major = ua.browser_major()?;
    let versions: Vec<u32> = hint
        .split("v=\"")
        .skip(1)
        .filter_map(|part| part.split(['"', '.']).next()?.parse().ok())
        .collect();
    // Chromium shells carry their own and Chromium's version; one of them must fit.
    let chromium = ua.browser.contains("Chrom") || ua.browser.contains("Edge");
    (chromium && !versions.is_empty() && !versions.contains(&major))
        .then(|| spoofed(&ua.browser_version, hint, "version_hint"))
}

/// A numeric bundle id is an App Store id: the event cannot come from Android.
fn bundle<'a>(facts: &'a Facts<'_>, ua: &'a UaFacts) -> Option<Finding<'a>> {
    let bundle = facts.hit.get(Field::BundleId)?;
    let digits = bundle.strip_prefix("id").unwrap_or(bundle);
    let apple_id = digits.len() >= 8 && digits.bytes().all(|c| c.is_ascii_digit());
    (apple_id && family(&ua.os) == Some(Family::Android)).then(|| spoofed(&ua.os, bundle, "bundle"))
}

/// An advertising id of the other platform.
fn advertising_id<'a>(facts: &'a Facts<'_>, ua: &'a UaFacts) -> Option<Finding<'a>> {
    let contradiction = match family(&ua.os)? {
        Family::Apple
            if facts.device.gaid == DeviceIdState::Valid
                && facts.device.idfa != DeviceIdState::Valid =>
        {
            "gaid"
        }
        Family::Android
            if facts.device.idfa == DeviceIdState::Valid
                && facts.device.gaid != DeviceIdState::Valid =>
        {
            "idfa"
        }
        _ => return None,
    };
    Some(spoofed(&ua.os, contradiction, "advertising_id"))
}

/// The event's own `os` is another than the user agent's.
fn declared_os<'a>(facts: &'a Facts<'_>, ua: &'a UaFacts) -> Option<Finding<'a>> {
    let declared = facts.hit.get(Field::Os)?;
    // Trackers derive it from the user agent themselves, not always well: low.
    (family(declared)? != family(&ua.os)?)
        .then(|| spoofed(&ua.os, declared, "declared_os").at_most(Risk::Low))
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Android,
    Apple,
    Windows,
    Linux,
}

/// Systems that can be told apart for sure; macOS and iOS are one, since iPads say macOS,
/// and an unknown name proves nothing.
pub(super) fn family(os: &str) -> Option<Family> {
    // The names that `assay-intel` writes, which is nearly all of them.
    match os {
        "Android" => Some(Family::Android),
        "iOS" | "macOS" | "iPadOS" => Some(Family::Apple),
        "Windows" => Some(Family::Windows),
        "Linux" | "ChromeOS" => Some(Family::Linux),
        "" => None,
        other => family_in(&other.to_ascii_lowercase()),
    }
}

/// The family that a lower-case name of any form tells.
pub(super) fn family_in(os: &str) -> Option<Family> {
    // Apple's names are short, so they count only where a word begins: KaiOS holds "ios".
    let apple = os.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| {
        ["ios", "ipad", "iphone", "mac", "osx"]
            .iter()
            .any(|name| word.starts_with(name))
    });
    if os.contains("android") {
        Some(Family::Android)
    } else if apple || os == "os x" || os.starts_with("os x ") {
        Some(Family::Apple)
    } else if os.contains("windows") {
        Some(Family::Windows)
    } else if os.contains("linux")
        || os.contains("ubuntu")
        || os.contains("chrome os")
        || os.contains("chromeos")
    {
        Some(Family::Linux)
    } else {
        None
    }
}
