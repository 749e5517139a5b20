//! What was found and what it comes to.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::reason::{Class, Reason, Risk, Test};
use crate::recall::Degraded;

/// An observed value or a threshold.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Whole number.
    Int(i64),
    /// Number with a fraction.
    Float(f64),
    /// Text.
    Text(Cow<'a, str>),
}

impl Value<'_> {
    /// The value with its text copied, to be kept.
    #[must_use]
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Int(n) => Value::Int(n),
            Self::Float(n) => Value::Float(n),
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
        }
    }

    /// The value as a number, for comparison.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            #[expect(
                clippy::cast_precision_loss,
                reason = "counts and milliseconds stay far below 2^53"
            )]
            Self::Int(n) => Some(*n as f64),
            Self::Float(n) => Some(*n),
            Self::Text(_) => None,
        }
    }

    /// The value as JSON.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        match self {
            Self::Int(n) => (*n).into(),
            Self::Float(n) => (*n).into(),
            Self::Text(text) => text.as_ref().into(),
        }
    }
}

impl From<u32> for Value<'_> {
    fn from(n: u32) -> Self {
        Self::Int(i64::from(n))
    }
}

impl From<i64> for Value<'_> {
    fn from(n: i64) -> Self {
        Self::Int(n)
    }
}

impl From<f64> for Value<'_> {
    fn from(n: f64) -> Self {
        Self::Float(n)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

/// What a finding may lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Effect {
    /// Counts towards the action.
    #[default]
    Block = 0,
    /// Kept, but nothing is done (`block_mode: flag`).
    Flag = 1,
    /// Kept, but one of the account's allow lists lets the event through.
    Allowed = 2,
    /// Counts whatever the rule does with what it catches: a limit of the offer itself, which
    /// a rule that only monitors does not lift.
    Offer = 3,
}

impl Effect {
    /// Whether the finding counts towards the action.
    #[must_use]
    pub const fn counts(self) -> bool {
        matches!(self, Self::Block | Self::Offer)
    }

    /// Stable text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Flag => "flag",
            Self::Allowed => "allowed",
            Self::Offer => "offer",
        }
    }
}

/// One reason with everything needed to check it: the evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding<'a> {
    /// The reason.
    pub reason: Reason,
    /// Its risk here: the catalogue's, or lower.
    pub risk: Risk,
    /// What it may lead to.
    pub effect: Effect,
    /// Observed values by their place in the catalogue's field list.
    pub observed: Vec<(u8, Value<'a>)>,
    /// The limit that was broken.
    pub threshold: Option<Value<'a>>,
    /// Length of the window looked at; 0 = none.
    pub window_s: u32,
    /// Sample size; 0 = does not apply.
    pub n: u32,
    /// Provenance of the list that said so (`tor@2026-08-22`); empty = none.
    pub list: Cow<'a, str>,
}

impl<'a> Finding<'a> {
    /// A finding at the catalogue's risk.
    #[must_use]
    pub fn new(reason: Reason) -> Self {
        Self {
            reason,
            risk: reason.info().risk,
            effect: Effect::Block,
            observed: Vec::new(),
            threshold: None,
            window_s: 0,
            n: 0,
            list: Cow::Borrowed(""),
        }
    }

    /// Adds an observed value; a name that the catalogue does not list is a bug and is left out.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value<'a>>) -> Self {
        let place = self
            .reason
            .info()
            .fields
            .iter()
            .position(|field| *field == name);
        debug_assert!(
            place.is_some(),
            "{} has no evidence field {name}",
            self.reason
        );
        if let Some(place) = place {
            self.observed.push((place as u8, value.into()));
        }
        self
    }

    /// The finding with its texts copied, to be kept.
    #[must_use]
    pub fn into_owned(self) -> Finding<'static> {
        let observed = self.observed.into_iter();
        Finding {
            observed: observed
                .map(|(place, value)| (place, value.into_owned()))
                .collect(),
            threshold: self.threshold.map(Value::into_owned),
            list: Cow::Owned(self.list.into_owned()),
            reason: self.reason,
            risk: self.risk,
            effect: self.effect,
            window_s: self.window_s,
            n: self.n,
        }
    }

    /// Adds an observed text unless it is empty or unknown.
    #[must_use]
    pub fn with_some(self, name: &str, value: Option<&'a str>) -> Self {
        match value {
            Some(text) if !text.is_empty() => self.with(name, text),
            _ => self,
        }
    }

    /// Sets the limit that was broken.
    #[must_use]
    pub fn over(mut self, threshold: impl Into<Value<'a>>) -> Self {
        self.threshold = Some(threshold.into());
        self
    }

    /// Sets the window looked at.
    #[must_use]
    pub fn within(mut self, window_s: u32) -> Self {
        self.window_s = window_s;
        self
    }

    /// Lowers the risk; never raises it.
    #[must_use]
    pub fn at_most(mut self, risk: Risk) -> Self {
        self.risk = self.risk.min(risk);
        self
    }

    /// Names the list that said so.
    #[must_use]
    pub fn from_list(mut self, list: impl Into<Cow<'a, str>>) -> Self {
        self.list = list.into();
        self
    }

    /// The observed value called `name`.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value<'a>> {
        let place = self
            .reason
            .info()
            .fields
            .iter()
            .position(|field| *field == name)?;
        self.observed
            .iter()
            .find(|(at, _)| usize::from(*at) == place)
            .map(|(_, value)| value)
    }

    /// Whether the observed values still break the threshold: the finding proves itself.
    #[must_use]
    pub fn holds(&self) -> bool {
        let pair = |name| {
            Some((
                self.value(name)?.number()?,
                self.threshold.as_ref()?.number()?,
            ))
        };
        match self.reason.info().test {
            Test::Fact => !self.observed.is_empty() || self.reason.info().fields.is_empty(),
            Test::Above(name) => pair(name).is_some_and(|(seen, limit)| seen > limit),
            Test::Below(name) => pair(name).is_some_and(|(seen, limit)| seen < limit),
        }
    }
}

/// Why a filter could not judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Missing {
    /// No address.
    Ip = 1,
    /// No user agent.
    UserAgent = 2,
    /// No device id.
    DeviceId = 3,
    /// None of the values that the filter compares.
    Values = 4,
    /// The counter was not read.
    Counter = 5,
    /// No matched click.
    Click = 6,
    /// The filter does not apply to this kind of event.
    EventKind = 7,
    /// The network is shared by many people.
    SharedNetwork = 8,
    /// The list or table it needs is not loaded.
    Intelligence = 9,
    /// Not enough events yet.
    Volume = 10,
    /// The times are in the wrong order.
    ClockOrder = 11,
    /// No signals from the browser collector.
    Signals = 12,
}

impl Missing {
    /// Stable text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ip => "no ip",
            Self::UserAgent => "no user_agent",
            Self::DeviceId => "no device_id",
            Self::Values => "nothing to compare",
            Self::Counter => "counter not read",
            Self::Click => "no matched click",
            Self::EventKind => "not for this kind of event",
            Self::SharedNetwork => "shared network",
            Self::Intelligence => "no data loaded",
            Self::Volume => "too few events",
            Self::ClockOrder => "times in wrong order",
            Self::Signals => "no signals",
        }
    }

    /// The cause with this stored number.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        [
            Self::Ip,
            Self::UserAgent,
            Self::DeviceId,
            Self::Values,
            Self::Counter,
            Self::Click,
            Self::EventKind,
            Self::SharedNetwork,
            Self::Intelligence,
            Self::Volume,
            Self::ClockOrder,
            Self::Signals,
        ]
        .into_iter()
        .find(|missing| *missing as u8 == code)
    }
}

/// How one filter answered. Unknown is never clean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Looked, and found nothing.
    Clean,
    /// Could not look.
    Skipped(Missing),
    /// Found something; the findings stand beside it.
    Flagged,
    /// Was not asked: off in this rule.
    Off,
}

impl Check {
    /// The number records store: 0 clean, 1 flagged, 2 off, 16 + cause skipped.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Flagged => 1,
            Self::Off => 2,
            Self::Skipped(missing) => 16 + missing as u8,
        }
    }

    /// The check with this stored number.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Clean),
            1 => Some(Self::Flagged),
            2 => Some(Self::Off),
            16.. => Missing::from_code(code - 16).map(Self::Skipped),
            _ => None,
        }
    }
}

/// How much a rule rejects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Strictness {
    /// High risk only.
    Conservative = 0,
    /// Medium and high risk.
    #[default]
    Moderate = 1,
    /// Low risk too.
    Strict = 2,
}

impl Strictness {
    /// The lowest risk that is rejected.
    #[must_use]
    pub const fn rejects_from(self) -> Risk {
        match self {
            Self::Conservative => Risk::High,
            Self::Moderate => Risk::Medium,
            Self::Strict => Risk::Low,
        }
    }
}

/// What a rule does with what it catches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Mode {
    /// Rejects.
    #[default]
    Enforce = 0,
    /// "Ignore results": blocks nothing, reports what would have been.
    Monitor = 1,
    /// Caught conversions wait for a person; clicks as enforce.
    Hold = 2,
}

/// What is done when a verdict lacks inputs and nothing else rejects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum OnDegraded {
    /// Goes on.
    #[default]
    Allow = 0,
    /// Goes on; a conversion is held.
    Review = 1,
    /// Is rejected.
    Block = 2,
}

/// What was done with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Action {
    /// Let through.
    Approved = 0,
    /// Rejected.
    Rejected = 1,
    /// Let through; would have been rejected.
    Monitored = 2,
    /// Waits for a person.
    OnHold = 3,
}

impl Action {
    /// All values, in code order.
    pub const ALL: [Self; 4] = [
        Self::Approved,
        Self::Rejected,
        Self::Monitored,
        Self::OnHold,
    ];

    /// Stable text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Monitored => "monitored",
            Self::OnHold => "on_hold",
        }
    }
}

/// Which rule decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RuleRef {
    /// The rule's id.
    pub id: u64,
    /// Its version.
    pub version: u32,
}

/// How findings were weighed: what turns them into an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Weighing {
    /// How much the rule rejects.
    pub strictness: Strictness,
    /// What the rule does with what it catches.
    pub mode: Mode,
    /// What the integration does when inputs are missing.
    pub on_degraded: OnDegraded,
}

/// A verdict with all its findings.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict<'a> {
    /// Highest risk of all findings.
    pub risk: Risk,
    /// Finer order, 0 to 100: clean < 20 ≤ low < 50 ≤ medium < 80 ≤ high.
    pub points: u8,
    /// Class of the main reason when rejected (or would be), else valid; undecided when degraded.
    pub class: Class,
    /// The most reproducible reason; `Clean` when nothing was found.
    pub reason: Reason,
    /// What was found, main reason first.
    pub findings: Vec<Finding<'a>>,
    /// What was done.
    pub action: Action,
    /// Which rule decided.
    pub rule: RuleRef,
    /// How the findings were weighed.
    pub weighing: Weighing,
    /// Why inputs were missing, if they were.
    pub degraded: Option<Degraded>,
    /// How each filter answered, in the order of `assay_detect::filter_keys`; empty when the
    /// rule does not screen this kind of event.
    pub checks: SmallVec<[Check; 64]>,
}

impl Verdict<'_> {
    /// Whether the event was let through on purpose though it would have been rejected.
    #[must_use]
    pub fn is_held_out(&self) -> bool {
        self.reason == Reason::SampledHoldout
    }

    /// Whether the event was rejected, or would have been.
    #[must_use]
    pub const fn is_caught(&self) -> bool {
        matches!(
            self.action,
            Action::Rejected | Action::Monitored | Action::OnHold
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_holds_only_beyond_its_threshold() {
        let at = |count: u32| {
            Finding::new(Reason::ClickFlooding)
                .with("count", count)
                .over(500u32)
                .holds()
        };
        assert!(at(501));
        assert!(!at(500), "the limit itself is allowed");
        assert!(
            !Finding::new(Reason::ClickFlooding).over(500u32).holds(),
            "no value, no proof"
        );
        assert!(
            Finding::new(Reason::FastClicker)
                .with("gap_ms", 99u32)
                .over(100u32)
                .holds()
        );
    }

    #[test]
    fn checks_and_causes_read_back() {
        for code in 0..=255 {
            if let Some(check) = Check::from_code(code) {
                assert_eq!(check.code(), code);
            }
        }
        assert_eq!(
            Check::from_code(16 + 8),
            Some(Check::Skipped(Missing::SharedNetwork))
        );
    }

    #[test]
    fn risk_never_rises() {
        assert_eq!(
            Finding::new(Reason::Vpn).at_most(Risk::High).risk,
            Risk::Medium
        );
        assert_eq!(Finding::new(Reason::Vpn).at_most(Risk::Low).risk, Risk::Low);
    }
}
