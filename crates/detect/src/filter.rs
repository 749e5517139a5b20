//! What a filter is.

use assay_model::click::ClickMatch;
use assay_model::facts::Facts;
use assay_model::recall::{CounterSpec, Reading, Recall};
use assay_model::sources::Standing;
use assay_model::verdict::{Check, Finding};

use crate::sources::SourceTest;

/// One test: pure and synchronous; no IO, no clock, no panics.
pub trait Filter: Send + Sync {
    /// Counters that recall reads before [`Filter::check`] runs.
    fn needs(&self) -> Vec<CounterSpec> {
        Vec::new()
    }

    /// What it asks of the event's source, if it judges sources.
    fn source(&self) -> Option<&dyn SourceTest> {
        None
    }

    /// Under which key the event adds to the filter's `nth` counter, if that is a total
    /// (`Measure::Total`, `Measure::Payout`).
    fn turn(&self, nth: usize, facts: &Facts<'_>) -> Turn {
        let _ = (nth, facts);
        Turn::NotCounted
    }

    /// Judges one event; what it finds goes into `found`.
    ///
    /// Missing input is [`Check::Skipped`], never a guess; [`Check::Flagged`] is returned
    /// exactly when something was pushed.
    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        readings: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check;
}

/// What an event adds to a total: totals begin anew with what the filter counts by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing: it is none of what is counted.
    NotCounted,
    /// To the total of these numbers, a calendar's for example.
    Of([u64; 2]),
}

/// What is remembered, as one filter sees it: its counters in the order in which it
/// declared them, and a conversion's click.
#[derive(Clone, Copy, Debug)]
pub struct Readings<'r> {
    all: &'r [Option<Reading>],
    places: &'r [u16],
    click: Option<&'r ClickMatch>,
    standing: Option<&'r Standing>,
    snapshot: u64,
}

impl<'r> Readings<'r> {
    /// The filter's view on a rule's recall; `places` says where its own counters stand.
    #[must_use]
    pub fn new(recall: &'r Recall, places: &'r [u16]) -> Self {
        Self {
            all: &recall.readings,
            places,
            click: recall.click.as_deref(),
            standing: None,
            snapshot: recall.snapshot,
        }
    }

    /// The same with what is held against the source that the filter asks about; `place` is
    /// that of its question among the rule's.
    #[must_use]
    pub fn asking(self, recall: &'r Recall, place: Option<u16>) -> Self {
        Self {
            standing: place.and_then(|place| recall.standing(place)),
            ..self
        }
    }

    /// Counters that are no rule's; `places` says where a filter's own stand among them.
    #[must_use]
    pub const fn beside(all: &'r [Option<Reading>], places: &'r [u16]) -> Self {
        Self {
            all,
            places,
            ..Self::NONE
        }
    }

    /// No counters at all.
    pub const NONE: Readings<'static> = Readings {
        all: &[],
        places: &[],
        click: None,
        standing: None,
        snapshot: 0,
    };

    /// What is held against the event's source by this filter.
    #[must_use]
    pub const fn standing(&self) -> Option<&'r Standing> {
        self.standing
    }

    /// Whether there was a snapshot to look sources up in.
    #[must_use]
    pub const fn sources_known(&self) -> bool {
        self.snapshot > 0
    }

    /// The conversion's click; `None` = no conversion, or nothing is known of its click.
    #[must_use]
    pub const fn click(&self) -> Option<&'r ClickMatch> {
        self.click
    }

    /// The reading of the filter's `nth` counter; `None` = the event lacks the key, or
    /// counters were not read.
    #[must_use]
    pub fn get(&self, nth: usize) -> Option<Reading> {
        self.all
            .get(usize::from(*self.places.get(nth)?))
            .copied()
            .flatten()
    }
}
