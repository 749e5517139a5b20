//! What a conversion's standing is, and what an undecided one waits for.

use serde::{Deserialize, Serialize};

/// Status of a conversion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Stored; the verdict follows within a minute.
    Processing,
    /// Waits for its click, a person or a tracker.
    Pending,
    /// Counts.
    Approved,
    /// Does not count.
    Rejected,
    /// Filtered by the engine on the network side.
    Invalid,
}

impl Status {
    /// All values.
    pub const ALL: [Self; 5] = [
        Self::Processing,
        Self::Pending,
        Self::Approved,
        Self::Rejected,
        Self::Invalid,
    ];

    /// Stable text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Processing => "processing",
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Invalid => "invalid",
        }
    }

    /// The status with this text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Whether somebody has decided.
    #[must_use]
    pub const fn is_decided(self) -> bool {
        !matches!(self, Self::Processing | Self::Pending)
    }
}

/// What an undecided conversion waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Waiting {
    /// Its click has not come.
    Click,
    /// A person has to decide (hold mode, a paused integration).
    Person,
    /// A tracker's verdict is polled.
    Tracker,
    /// Its click's browser signals are still out.
    Signals,
    /// The click could not be looked up, which is not "there is none".
    Lookup,
}

impl Waiting {
    /// All values.
    pub const ALL: [Self; 5] = [
        Self::Click,
        Self::Person,
        Self::Tracker,
        Self::Signals,
        Self::Lookup,
    ];

    /// Stable text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Click => "click",
            Self::Person => "person",
            Self::Tracker => "tracker",
            Self::Signals => "signals",
            Self::Lookup => "lookup",
        }
    }

    /// The cause with this text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == text)
    }
}
