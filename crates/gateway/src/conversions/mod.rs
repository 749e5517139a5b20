//! Conversions: taken in once, matched to their click, judged, kept in the ledger.
//!
//! `take` is a conversion's way in, `settle` its way on when it had to wait; doors only read
//! requests and write answers. Nothing is answered with success before the ledger has it.

mod claims;
mod click;
mod counted;
mod fields;
mod file;
mod guard;
mod ids;
mod pages;
mod params;
mod settle;
mod status;
mod take;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use assay_model::Timestamp;
use assay_model::ports::{ClickIndex, ClickKey, EventReader, Ledger};

pub use claims::Claims;
pub use click::told_by;
use counted::Untaken;
pub use file::{FileClicks, decide_in_file};
pub use guard::{Refused, admit};
pub use ids::{BadId, Ids};
use pages::Pages;
pub use params::Told;
pub use settle::settle;
pub use take::{Arrival, take};

/// Who makes the entries that nobody asked for.
const ENGINE: &str = "engine";

/// What conversions need beside the engine.
pub struct Conversions {
    /// Where they are kept.
    pub ledger: Arc<dyn Ledger>,
    /// Where their clicks are found.
    pub clicks: Arc<dyn ClickIndex>,
    /// Where their own records are read again, once their click has come.
    pub events: Arc<dyn EventReader>,
    /// Those that are being taken in now.
    claims: Arc<Claims>,
    /// Those that the ledger did not take, though they were counted.
    untaken: Untaken,
    /// Clicks whose browser signals are out.
    pages: Pages,
}

impl Conversions {
    /// Conversions over these stores.
    #[must_use]
    pub fn new(
        ledger: Arc<dyn Ledger>,
        clicks: Arc<dyn ClickIndex>,
        events: Arc<dyn EventReader>,
    ) -> Self {
        Self {
            ledger,
            clicks,
            events,
            claims: Arc::default(),
            untaken: Untaken::default(),
            pages: Pages::default(),
        }
    }

    /// A page went out that will come back with browser signals, as the click with this id.
    pub fn page_served(&self, click: &ClickKey, now: Timestamp) {
        self.pages.served(click, now);
    }
}

impl std::fmt::Debug for Conversions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Conversions").finish_non_exhaustive()
    }
}
