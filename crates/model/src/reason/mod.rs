//! The reason catalogue: one table that every view of a reason is made from.
//!
//! The docs page, the OpenAPI enum, the console legend and the dialect views are
//! generated from [`CATALOGUE`]. Codes and numbers are append-only: a code that was
//! once written into a record is never renamed and never reused.

mod catalogue;
mod docs;
mod everflow;

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use catalogue::{CATALOGUE, Reason};
pub use docs::reasons_markdown;
pub use everflow::NetworkError;

/// How bad a reason or a verdict is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Risk {
    /// Nothing found.
    Clean = 0,
    /// Odd, not rejected by default.
    Low = 1,
    /// Rejected by default.
    Medium = 2,
    /// Rejected by every strictness.
    High = 3,
}

impl Risk {
    /// Stable text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    /// The number trackers read: 0 clean, 1 high, 2 medium, 3 low. Never sort by it.
    ///
    /// Source: ClearTrust S2S guide (facts.md 1.C.2).
    #[must_use]
    pub const fn score(self) -> i8 {
        match self {
            Self::Clean => 0,
            Self::High => 1,
            Self::Medium => 2,
            Self::Low => 3,
        }
    }

    /// The risk of a stored code.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Clean),
            1 => Some(Self::Low),
            2 => Some(Self::Medium),
            3 => Some(Self::High),
            _ => None,
        }
    }
}

/// The class a reason (or a verdict) is counted under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[repr(u8)]
pub enum Class {
    /// Not invalid.
    Valid = 0,
    /// General invalid traffic.
    Givt = 1,
    /// Sophisticated invalid traffic.
    Sivt = 2,
    /// An agent that proves it acts for a person.
    Agent = 3,
    /// Valid traffic the buyer does not want; never counted as invalid.
    Policy = 4,
    /// The message is wrong, not the person.
    Integrity = 5,
    /// Said by somebody else.
    External = 6,
    /// Said by the product about itself.
    System = 7,
    /// Decided without all its inputs.
    Undecided = 8,
}

impl Class {
    /// All values, in code order.
    pub const ALL: [Self; 9] = [
        Self::Valid,
        Self::Givt,
        Self::Sivt,
        Self::Agent,
        Self::Policy,
        Self::Integrity,
        Self::External,
        Self::System,
        Self::Undecided,
    ];

    /// Stable text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "VALID",
            Self::Givt => "GIVT",
            Self::Sivt => "SIVT",
            Self::Agent => "AGENT",
            Self::Policy => "POLICY",
            Self::Integrity => "INTEGRITY",
            Self::External => "EXTERNAL",
            Self::System => "SYSTEM",
            Self::Undecided => "UNDECIDED",
        }
    }
}

/// How often a reason hits somebody it should not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FpRisk {
    /// Does not apply (policy, a person's decision).
    NotApplicable,
    /// Practically never.
    VeryLow,
    /// Seldom.
    Low,
    /// Sometimes: shared addresses, odd but real devices.
    Medium,
    /// Often: never reject on this alone without thinking.
    High,
}

impl FpRisk {
    /// Stable text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotApplicable => "n/a",
            Self::VeryLow => "very_low",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// How an observed value is held against its threshold when a verdict is recomputed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    /// The fact itself is the reason; there is nothing to compare.
    Fact,
    /// Fires when the named value is above the threshold.
    Above(&'static str),
    /// Fires when the named value is below the threshold.
    Below(&'static str),
}

/// One row of the catalogue.
#[derive(Debug)]
pub struct ReasonInfo {
    /// The reason.
    pub reason: Reason,
    /// Stable wire code.
    pub code: &'static str,
    /// Class it is counted under.
    pub class: Class,
    /// Risk unless a setting or a circumstance lowers it.
    pub risk: Risk,
    /// How often it hits somebody it should not.
    pub fp_risk: FpRisk,
    /// Event kinds it can fire on: `I` impression, `C` click and views, `V` conversion, `E` post-event.
    pub applies: &'static str,
    /// Names of the observed values, in stored order; append-only.
    pub fields: &'static [&'static str],
    /// How the evidence is held against its threshold.
    pub test: Test,
    /// ClearTrust's two letters.
    pub cleartrust: &'static str,
    /// AdSecurity's literal.
    pub adsecurity: &'static str,
    /// Everflow's error code of an invalid click.
    pub everflow: u16,
    /// What it means, for people.
    pub meaning: &'static str,
}

impl Reason {
    /// This reason's row.
    #[must_use]
    pub fn info(self) -> &'static ReasonInfo {
        &CATALOGUE[self.index()]
    }

    /// Stable wire code.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.info().code
    }

    /// The reason with this wire code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        CATALOGUE
            .iter()
            .find(|row| row.code == code)
            .map(|row| row.reason)
    }

    /// The reason with this stored number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        CATALOGUE
            .iter()
            .find(|row| row.reason as u8 == number)
            .map(|row| row.reason)
    }

    /// Whether this is a remark about an event, not a finding against it.
    #[must_use]
    pub const fn is_note(self) -> bool {
        matches!(
            self,
            Self::MacroUnreplaced | Self::RelayBenign | Self::TestTraffic
        )
    }

    /// Whether this reason rejects by itself, whatever its risk.
    ///
    /// Source: SPEC §4, "any POLICY or EXTERNAL reason by itself".
    #[must_use]
    pub fn rejects_alone(self) -> bool {
        let by_class = matches!(self.info().class, Class::Policy | Class::External)
            && !matches!(
                self,
                Self::SampledHoldout | Self::ManualApproved | Self::AppealReversed
            );
        // A click outside the look-back earns nothing, however lenient the rule (SPEC §2.5).
        by_class || self == Self::ClickExpired
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let code = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Self::from_code(&code)
            .ok_or_else(|| serde::de::Error::custom(format!("{code:?} is not a reason code")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_numbers_and_letters_are_unique() {
        let mut codes = HashSet::new();
        let mut numbers = HashSet::new();
        for (at, row) in CATALOGUE.iter().enumerate() {
            assert!(codes.insert(row.code), "{} twice", row.code);
            assert!(
                numbers.insert(row.reason as u8),
                "{} number twice",
                row.code
            );
            assert_eq!(row.reason.index(), at, "{}", row.code);
            assert_eq!(Reason::from_code(row.code), Some(row.reason));
            assert_eq!(Reason::from_number(row.reason as u8), Some(row.reason));
            assert!(
                row.cleartrust.len() == 2 || row.cleartrust == "ERR",
                "{}",
                row.code
            );
            assert!(!row.meaning.is_empty());
        }
    }

    #[test]
    fn cleartrust_letters_are_shared_only_by_automated_traffic() {
        let mut seen = HashSet::new();
        for row in CATALOGUE
            .iter()
            .filter(|r| !matches!(r.cleartrust, "BN" | "ERR" | "CL"))
        {
            assert!(
                seen.insert(row.cleartrust),
                "{} is used twice",
                row.cleartrust
            );
        }
        let automated: Vec<_> = CATALOGUE
            .iter()
            .filter(|r| r.cleartrust == "BN")
            .map(|r| r.code)
            .collect();
        assert_eq!(
            automated,
            ["KNOWN_CRAWLER", "NON_BROWSER_UA", "AUTOMATION", "EMULATOR"]
        );
    }

    #[test]
    fn a_test_names_a_stored_field() {
        for row in CATALOGUE {
            if let Test::Above(field) | Test::Below(field) = row.test {
                assert!(row.fields.contains(&field), "{}: {field}", row.code);
            }
        }
    }

    #[test]
    fn default_risks_are_those_of_the_specification() {
        let high = "KNOWN_CRAWLER NON_BROWSER_UA AUTOMATION EMULATOR TOR_EXIT PUBLIC_PROXY DATACENTER_PROXY \
                    UNROUTABLE_IP LIST_DENIED IMAGE_CLICK CLICK_INJECTION INSTALL_TIME_SEQUENCE DATACENTER_IP \
                    SIGNATURE_INVALID SIGNATURE_EXPIRED TOKEN_INVALID REPLAY";
        let medium = "VPN BLANK_UA UA_SPOOFED INVALID_DEVICE_ID IP_REPUTATION PREFETCH LINK_SCANNER CLICK_REJECTED \
                      CLICK_EXPIRED DUPLICATE_CLICK DUPLICATE_IP DUPLICATE_DEVICE CLICK_FLOODING HYPER_ENGAGEMENT \
                      FAST_CLICKER IP_HOPPING CTIT_TOO_SHORT CR_HIGH REJECTION_RATE SUBID_CARDINALITY";
        let low = "GEO_MISMATCH LOCALE_MISMATCH XFF_ANOMALY NIGHT_PATTERN RESIDENTIAL_PROXY GEO_TARGET CAP_CLICK";
        for (codes, risk) in [(high, Risk::High), (medium, Risk::Medium), (low, Risk::Low)] {
            for code in codes.split_whitespace() {
                assert_eq!(Reason::from_code(code).unwrap().info().risk, risk, "{code}");
            }
        }
        assert_eq!(Reason::MacroUnreplaced.info().risk, Risk::Clean);
    }
}
