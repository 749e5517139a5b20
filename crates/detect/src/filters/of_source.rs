//! What the filters that judge a source have in common on the hot path: they look up what
//! is held against the event's source, and say it. The judging is done beside
//! ([`crate::sources`]).

use assay_model::facts::Facts;
use assay_model::hit::{EventKind, Field};
use assay_model::sources::{SourceLevel, Standing};
use assay_model::verdict::{Check, Finding, Missing};

use crate::filter::{Filter, Readings};
use crate::sources::SourceTest;

/// Which events of a held source are caught.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Catches {
    /// Clicks, views and impressions.
    Clicks,
    /// Conversions.
    Conversions,
    /// All of these.
    Both,
}

impl Catches {
    const fn covers(self, event: EventKind) -> bool {
        match self {
            Self::Clicks => !event.is_conversion(),
            // What follows a conversion was paid for with it, and is not judged again.
            Self::Conversions => matches!(event, EventKind::Conversion),
            Self::Both => !matches!(event, EventKind::PostEvent),
        }
    }
}

/// A filter that is nothing but a test of sources.
pub(super) struct OfSource<T> {
    test: T,
    sub_id: Field,
    catches: Catches,
}

impl<T: SourceTest> OfSource<T> {
    pub const fn new(test: T, sub_id: Field, catches: Catches) -> Self {
        Self {
            test,
            sub_id,
            catches,
        }
    }
}

impl<T: SourceTest> Filter for OfSource<T> {
    fn source(&self) -> Option<&dyn SourceTest> {
        Some(&self.test)
    }

    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        readings: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        if !self.catches.covers(facts.hit.event) {
            return Check::Skipped(Missing::EventKind);
        }
        if !is_somebody(facts, self.test.level(), self.sub_id) {
            return Check::Skipped(Missing::Values);
        }
        if !readings.sources_known() {
            return Check::Skipped(Missing::Counter);
        }
        match readings.standing() {
            None => Check::Clean,
            Some(standing) => {
                found.push(finding(standing));
                Check::Flagged
            }
        }
    }
}

/// Whether the event names its source.
pub(super) fn is_somebody(facts: &Facts<'_>, level: SourceLevel, sub_id: Field) -> bool {
    let named = |field| facts.hit.get(field).is_some_and(|text| !text.is_empty());
    named(Field::Publisher)
        && (!level.by_sub_id() || named(sub_id))
        && (!level.by_offer() || named(Field::Offer))
}

/// What is held against a source, as a finding against one of its events.
fn finding<'a>(standing: &Standing) -> Finding<'a> {
    let mut finding = Finding::new(standing.reason)
        .over(standing.threshold.clone())
        .within(standing.window_s);
    finding.observed.clone_from(&standing.observed);
    finding.n = standing.n;
    finding
}

/// The level of a filter that tells sub ids apart, or not.
pub(super) const fn level(by_sub_id: bool, by_offer: bool) -> SourceLevel {
    match (by_sub_id, by_offer) {
        (false, false) => SourceLevel::Publisher,
        (true, false) => SourceLevel::SubId,
        (false, true) => SourceLevel::PublisherOffer,
        (true, true) => SourceLevel::SubIdOffer,
    }
}
