//! The filters that follow from what kind of client a user agent names.
//!
//! One kind, one filter, one reason: crawlers, clients that are no browser, automation,
//! emulators. What makes a text one of these is `assay-intel`'s work.
//!
//! A browser that drives or emulates also shows in its signals (`signals.rs`).
//!
//! Reads: `facts.ua`, `facts.device`, `facts.signals`. Emits: `KNOWN_CRAWLER`, `NON_BROWSER_UA`,
//! `AUTOMATION`, `EMULATOR`; all high.

use assay_model::facts::{Benign, DeviceIdState, Facts, UaFacts, UaKind};
use assay_model::hit::{EventKind, Field};
use assay_model::reason::{Reason, Risk};
use assay_model::verdict::{Check, Finding, Missing};

use super::signals;
use crate::filter::{Filter, Readings};

pub struct KnownCrawler;
pub struct NonBrowserUa;
pub struct Automation;
pub struct Emulator;

/// The finding of a marked user agent: which part, by which rule.
fn marked<'a>(reason: Reason, ua: &'a UaFacts) -> Finding<'a> {
    let mark = ua.mark.as_ref();
    let finding = Finding::new(reason)
        .with_some("token", mark.map(|m| &*m.token))
        .with_some("rule", mark.map(|m| &*m.rule));
    // A kind without a mark still has to prove itself.
    if finding.observed.is_empty() {
        finding.with("rule", ua.kind.as_str())
    } else {
        finding
    }
}

/// Flagged with the finding, else what it is without one.
fn flagged_or<'a>(
    finding: Option<Finding<'a>>,
    found: &mut Vec<Finding<'a>>,
    without: Check,
) -> Check {
    match finding {
        Some(finding) => {
            found.push(finding);
            Check::Flagged
        }
        None => without,
    }
}

impl Filter for KnownCrawler {
    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        _: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        let Some(ua) = facts.ua.as_deref() else {
            return Check::Skipped(Missing::UserAgent);
        };
        if ua.kind != UaKind::Crawler {
            return Check::Clean;
        }
        let verified = facts
            .ip
            .as_ref()
            .is_some_and(|ip| ip.benign == Some(Benign::VerifiedCrawler));
        found.push(
            marked(Reason::KnownCrawler, ua)
                .with_some("name", ua.mark.as_ref().map(|m| &*m.name))
                .with("verified_address", if verified { "yes" } else { "no" }),
        );
        Check::Flagged
    }
}

impl Filter for NonBrowserUa {
    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        _: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        let Some(ua) = facts.ua.as_deref() else {
            return Check::Skipped(Missing::UserAgent);
        };
        let finding = match ua.kind {
            UaKind::Library | UaKind::Scanner | UaKind::NonBrowser => {
                marked(Reason::NonBrowserUa, ua)
            }
            // An app's own network stack opens no web page: odd, but some trackers click
            // on the app's behalf, so it is not taken for a proof.
            UaKind::NativeApp if is_page(facts) => {
                marked(Reason::NonBrowserUa, ua).at_most(Risk::Medium)
            }
            _ => return Check::Clean,
        };
        found.push(finding.with("kind", ua.kind.as_str()));
        Check::Flagged
    }
}

/// Whether the event happened on a web page rather than in an app.
fn is_page(facts: &Facts<'_>) -> bool {
    let named = facts.hit.get(Field::BundleId).is_some() || facts.device_key().is_some();
    facts.hit.event == EventKind::PageView || (facts.hit.get(Field::Referer).is_some() && !named)
}

impl Filter for Automation {
    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        _: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        let by_signals = facts.signals.as_deref().and_then(signals::automation);
        let Some(ua) = facts.ua.as_deref() else {
            return flagged_or(by_signals, found, Check::Skipped(Missing::UserAgent));
        };
        if ua.kind != UaKind::Automation {
            return flagged_or(by_signals, found, Check::Clean);
        }
        found.push(
            marked(Reason::Automation, ua).with_some("name", ua.mark.as_ref().map(|m| &*m.name)),
        );
        Check::Flagged
    }
}

impl Filter for Emulator {
    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        _: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        if facts.device.device_id == DeviceIdState::Emulator {
            let id = facts.hit.get(Field::DeviceId).unwrap_or("");
            found.push(
                Finding::new(Reason::Emulator)
                    .with("token", id)
                    .with("rule", "device_id"),
            );
            return Check::Flagged;
        }
        let Some(ua) = facts.ua.as_deref() else {
            return Check::Skipped(Missing::UserAgent);
        };
        if ua.kind != UaKind::Emulator {
            let by_signals = facts.signals.as_deref();
            let finding = by_signals.and_then(|signals| signals::emulator(signals, ua));
            return flagged_or(finding, found, Check::Clean);
        }
        found.push(marked(Reason::Emulator, ua));
        Check::Flagged
    }
}
