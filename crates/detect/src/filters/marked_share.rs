//! VPN and residential proxy: each event by itself, or only where they are too large a share
//! of their source.
//!
//! Without a share every marked event is caught. With one, everything passes until the source
//! (a publisher on an offer) has its minimum of requests; past the share its marked events
//! are caught, and only these.
//!
//! Reads: `facts.ip`, what is held against the source. Emits: `VPN`, `RESIDENTIAL_PROXY`.
//! Source: facts.md 1.A.6 (threshold, minimum, look-back, per sub id; 0 % = each one). Its
//! example of 74 and 26 at 75 % is miscounted there: five more suffice, not seven.
//! Test: exact binomial; assumes that requests are independent.

use assay_model::Span;
use assay_model::document::Problem;
use assay_model::facts::Facts;
use assay_model::hit::Field;
use assay_model::recall::Family;
use assay_model::sources::SourceLevel;
use assay_model::verdict::{Check, Finding, Missing};
use serde::Deserialize;

use super::address::MarkFilter;
use super::of_source::{is_somebody, level};
use super::{BuildContext, Settings, in_range, share_in_range, span_in_range};
use crate::filter::{Filter, Readings};
use crate::sources::{Part, Peers, SourceTest, Tally, Tested, share};

/// Settings of `vpn` and `residential_proxy`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MarkedShareSettings {
    threshold_percentage: f64,
    min_requests: u32,
    lookback_time: Span,
    check_by_subid: bool,
}

impl Default for MarkedShareSettings {
    fn default() -> Self {
        Self {
            threshold_percentage: 0.0,
            min_requests: 100,
            lookback_time: Span(86_400),
            check_by_subid: false,
        }
    }
}

impl Settings for MarkedShareSettings {
    fn check(&self, out: &mut Vec<Problem>) {
        share_in_range("threshold_percentage", self.threshold_percentage, 0.0, out);
        in_range("min_requests", self.min_requests, 1..=10_000_000, "", out);
        let window = self.lookback_time;
        span_in_range("lookback_time", window, 2 * 3600..=30 * 86_400, out);
    }
}

/// The filter.
pub struct MarkedShare {
    mark: MarkFilter,
    settings: MarkedShareSettings,
    sub_id: Field,
}

impl MarkedShare {
    pub const fn new(
        mark: MarkFilter,
        settings: MarkedShareSettings,
        context: BuildContext,
    ) -> Self {
        Self {
            mark,
            settings,
            sub_id: context.sub_id,
        }
    }

    fn by_share(&self) -> bool {
        self.settings.threshold_percentage > 0.0
    }
}

impl Filter for MarkedShare {
    fn source(&self) -> Option<&dyn SourceTest> {
        self.by_share().then_some(self)
    }

    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        readings: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        if !self.by_share() {
            return self.mark.check(facts, readings, found);
        }
        if !is_somebody(facts, self.level(), self.sub_id) {
            return Check::Skipped(Missing::Values);
        }
        if !readings.sources_known() {
            return Check::Skipped(Missing::Counter);
        }
        let before = found.len();
        let check = self.mark.check(facts, readings, found);
        let Some(standing) = readings.standing() else {
            // Below its share a mark is no reason, whatever the address.
            found.truncate(before);
            return if check == Check::Flagged {
                Check::Clean
            } else {
                check
            };
        };
        for finding in &mut found[before..] {
            finding.threshold = Some(standing.threshold.clone());
            finding.observed.extend(standing.observed.iter().cloned());
            (finding.window_s, finding.n) = (standing.window_s, standing.n);
        }
        check
    }
}

impl SourceTest for MarkedShare {
    fn level(&self) -> SourceLevel {
        level(self.settings.check_by_subid, true)
    }

    fn window_s(&self) -> u32 {
        self.settings.lookback_time.0
    }

    fn marks(&self, facts: &Facts<'_>) -> Option<bool> {
        Some(facts.ip.as_ref()?.mark(self.mark.kind()).is_some())
    }

    fn test(&self, own: &Tally, peers: &Peers<'_, '_>, place: u8, out: &mut Vec<Tested>) {
        let bin = u16::from(place);
        let counted = |tally: &Tally| {
            let of = |part| -> u32 {
                [Family::Clicks, Family::Impressions, Family::Conversions]
                    .into_iter()
                    .map(|family| tally.count(family, part, bin))
                    .sum()
            };
            (of(Part::Marked), of(Part::Asked))
        };
        let limit = (
            self.settings.threshold_percentage,
            self.settings.min_requests,
        );
        let reason = (self.mark.reason(), "share");
        out.extend(share(reason, counted, own, peers, limit));
    }
}
