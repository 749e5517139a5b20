//! Labelled traffic: people, and one named campaign per kind of fraud the filters can see.
//!
//! In: a seed, a start and a rate. Out: events in time order, each with the truth about it
//! and the reasons of which an engine should find one. The same options write the same
//! traffic. No clock, no IO: who sends it and when is the caller's.
//!
//! [`Buyers`] add what follows clicks: sales, later events, returns, and conversions nobody made.
//!
//! Some campaigns can be told only with help: [`lists`] are files for `assay intel import`,
//! [`deny_list`] is an account's own list. [`Labelled::expected_in`] says what is left to
//! expect without them, or where a door does not carry what gives the campaign away.

mod agenda;
mod agents;
mod buyers;
#[cfg(test)]
mod buyers_tests;
mod campaigns;
mod event;
mod links;
mod market;
mod merged;
mod networks;
mod people;
mod rng;
mod schedule;
mod tally;
#[cfg(test)]
mod tests;

use assay_model::document::IntegrationKind;
use assay_model::{Reason, Timestamp};

pub use buyers::{Buyers, Fate, Sequel, What};
#[cfg(test)]
use campaigns::campaign_names;
pub use campaigns::{deny_list, lists};
pub use event::SimEvent;
pub use links::OFFER_PARAM;
pub use market::{is_linked, is_native};
pub use merged::WithConversions;
pub use schedule::Simulator;
pub use tally::Tally;

/// The campaign name of people's events.
pub const PEOPLE: &str = "people";

/// What to simulate.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The same seed writes the same traffic.
    pub seed: u64,
    /// Time of the first event, about.
    pub start: Timestamp,
    /// Events a second, on the average of a day.
    pub per_second: f64,
    /// How many; `None` = no end.
    pub events: Option<u64>,
    /// Share of events that are fraud, 0 to 1.
    pub fraud_share: f64,
}

#[cfg(test)]
impl Options {
    /// A quarter of fraud, no end.
    #[must_use]
    pub const fn new(seed: u64, start: Timestamp, per_second: f64) -> Self {
        Self {
            seed,
            start,
            per_second,
            events: None,
            fraud_share: 0.25,
        }
    }
}

/// What an event really is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Truth {
    /// Somebody did it.
    #[default]
    Person,
    /// A campaign did.
    Fraud,
}

impl Truth {
    /// Stable text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Fraud => "fraud",
        }
    }
}

/// Where simulated traffic is scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Through which door.
    pub door: Door,
    /// Kind of the integration: `s2s` leaves duplicates alone by default.
    pub kind: IntegrationKind,
    /// Whether [`lists`] and [`deny_list`] are in force.
    pub lists: bool,
}

/// A door that carries simulated events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// `/ic3.php`: no client hints, no country.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "the command scores natively; tests do both")
    )]
    S2s,
    /// `/v1/score`, its batch, `assay score`: every field.
    Native,
}

/// What it takes to see a fraud.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// Fields that only the native door carries.
    native: bool,
    /// A rule with Duplicate User on.
    duplicates: bool,
    /// [`lists`] or [`deny_list`].
    lists: bool,
}

/// An event and the truth about it.
#[derive(Clone, Debug)]
pub struct Labelled {
    /// When it happens.
    pub at: Timestamp,
    /// What it really is.
    pub truth: Truth,
    /// [`PEOPLE`] or the campaign's name.
    pub campaign: &'static str,
    /// One of these should be found where everything is on; empty for people, and while a
    /// campaign has not yet done enough to be told from people.
    pub expected: &'static [Reason],
    needs: Needs,
    /// The event.
    pub event: SimEvent,
}

impl Labelled {
    /// Of [`Labelled::expected`] what can be found in this setting: all or nothing.
    #[must_use]
    pub fn expected_in(&self, setting: Setting) -> &'static [Reason] {
        let Needs {
            native,
            duplicates,
            lists,
        } = self.needs;
        let hidden = native && setting.door != Door::Native
            || duplicates && setting.kind == IntegrationKind::S2s
            || lists && !setting.lists;
        if hidden { &[] } else { self.expected }
    }
}
