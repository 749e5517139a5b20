//! What a filter is.

use assay_model::click::ClickMatch;
use assay_model::facts::Facts;
use assay_model::recall::{CounterSpec, Reading, Recall};
use assay_model::verdict::{Check, Finding};

/// One test: pure and synchronous; no IO, no clock, no panics.
pub trait Filter: Send + Sync {
    /// Counters that recall reads before [`Filter::check`] runs.
    fn needs(&self) -> Vec<CounterSpec> {
        Vec::new()
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

/// What is remembered, as one filter sees it: its counters in the order in which it
/// declared them, and a conversion's click.
#[derive(Clone, Copy, Debug)]
pub struct Readings<'r> {
    all: &'r [Option<Reading>],
    places: &'r [u16],
    click: Option<&'r ClickMatch>,
}

impl<'r> Readings<'r> {
    /// The filter's view on a rule's recall; `places` says where its own counters stand.
    #[must_use]
    pub fn new(recall: &'r Recall, places: &'r [u16]) -> Self {
        Self {
            all: &recall.readings,
            places,
            click: recall.click.as_deref(),
        }
    }

    /// No counters at all.
    pub const NONE: Readings<'static> = Readings {
        all: &[],
        places: &[],
        click: None,
    };

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
