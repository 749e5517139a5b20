//! Flags clicks of a mail or chat system that opens every link of a message to check it.
//!
//! Scanners give themselves away by what no person does: several different links within a
//! moment, and none from a page. One that names itself is a `KNOWN_CRAWLER`, and the addresses of mail systems
//! have people behind them too, so neither is looked at here.
//!
//! Reads: different links per address and user agent. Emits: `LINK_SCANNER`, medium.

use assay_model::Span;
use assay_model::document::Problem;
use assay_model::facts::Facts;
use assay_model::hit::{EventKind, Field};
use assay_model::reason::Reason;
use assay_model::recall::{CounterSpec, Subject};
use assay_model::verdict::{Check, Finding, Missing};
use serde::Deserialize;

use super::limit::{self, Limit};
use super::{BuildContext, Settings, in_range, span_in_range};
use crate::filter::{Filter, Readings};

/// Settings of `link_scanner`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LinkScannerSettings {
    /// Different links that one visitor may open within the window.
    max_links: u32,
    time_window: Span,
}

impl Default for LinkScannerSettings {
    fn default() -> Self {
        Self {
            max_links: 4,
            time_window: Span(2),
        }
    }
}

impl Settings for LinkScannerSettings {
    fn check(&self, out: &mut Vec<Problem>) {
        in_range("max_links", self.max_links, 1..=100, "", out);
        span_in_range("time_window", self.time_window, 1..=60, out);
    }
}

pub struct LinkScanner {
    limit: Limit,
    window: Span,
}

impl LinkScanner {
    pub fn new(settings: LinkScannerSettings, context: BuildContext) -> Self {
        let window = settings.time_window;
        let spec = limit::members(Subject::IpUa, Subject::Link, window, context);
        Self {
            limit: Limit::new(Reason::LinkScanner, settings.max_links, spec),
            window,
        }
    }
}

impl Filter for LinkScanner {
    fn needs(&self) -> Vec<CounterSpec> {
        vec![self.limit.spec()]
    }

    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        readings: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        if facts.hit.event != EventKind::Click {
            return Check::Skipped(Missing::EventKind);
        }
        if facts.hit.get(Field::Referer).is_some() {
            return Check::Clean;
        }
        let ip = facts.ip.as_ref();
        if ip.is_some_and(|ip| ip.benign.is_some()) {
            return Check::Skipped(Missing::SharedNetwork);
        }
        let broken = self.limit.broken(readings, 0).map(|finding| {
            let finding = finding.with("ms", self.window.0.saturating_mul(1000));
            match ip.and_then(|ip| ip.asn) {
                Some(asn) => finding.with("asn", asn),
                None => finding,
            }
        });
        limit::answer(broken, found)
    }
}
