//! Flags what goes beyond a number of clicks, conversions or payout that was agreed.
//!
//! A cap begins anew with its hour, day or month as the calendar in a named zone counts
//! them: a window that slides would never open again under steady traffic. What another
//! filter rejects is given back (`CompiledRule::given_back`), so that bad traffic cannot
//! use up what was meant for good.
//!
//! Reads: a total per cap. Emits: `CAP_CLICK`, `CAP_CONVERSION`.
//! Source: facts.md 1.B.2 (codes 2 and 3), 3.8.

use assay_model::document::Problem;
use assay_model::facts::Facts;
use assay_model::hit::EventKind;
use assay_model::reason::Reason;
use assay_model::recall::{CounterSpec, Level, Measure, Subject};
use assay_model::verdict::{Check, Finding, Missing, Value};
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::zone::{self, Wall};
use super::{BuildContext, Settings};
use crate::filter::{Filter, Readings, Turn};

const CAPS_MAX: usize = 20;
/// Units of payout in one of the currency.
const PAYOUT_UNITS: f64 = 10_000.0;
/// Largest payout that a total can hold, with room above it.
const PAYOUT_MAX: f64 = 400_000.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Of {
    Clicks,
    Conversions,
    Payout,
}

impl Of {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Clicks => "clicks",
            Self::Conversions => "conversions",
            Self::Payout => "payout",
        }
    }

    /// Events after a conversion are paid too, but are no conversions of their own.
    const fn counts(self, event: EventKind) -> bool {
        match self {
            Self::Clicks => matches!(event, EventKind::Click),
            Self::Conversions => matches!(event, EventKind::Conversion),
            Self::Payout => event.is_conversion(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Per {
    Hour,
    Day,
    Month,
    Total,
}

impl Per {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
            Self::Total => "total",
        }
    }

    /// How long a total is kept after its newest event: well over its period.
    const fn kept_s(self) -> u32 {
        match self {
            Self::Hour => 2 * 3600,
            Self::Day => 2 * 86_400,
            Self::Month => 40 * 86_400,
            Self::Total => 45 * 86_400,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
enum Scope {
    Account,
    #[default]
    Offer,
    Publisher,
    OfferPublisher,
}

impl Scope {
    const fn level(self) -> Level {
        match self {
            Self::Account => Level::Account,
            Self::Offer => Level::Offer,
            Self::Publisher => Level::Publisher,
            Self::OfferPublisher => Level::OfferPublisher,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Offer => "offer",
            Self::Publisher => "publisher",
            Self::OfferPublisher => "offer_publisher",
        }
    }
}

/// One cap.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cap {
    of: Of,
    per: Per,
    #[serde(default)]
    scope: Scope,
    /// The most that is taken; payout in the account's currency.
    max: f64,
}

impl Cap {
    fn most(&self) -> f64 {
        match self.of {
            Of::Payout => PAYOUT_MAX,
            Of::Clicks | Of::Conversions => f64::from(u32::MAX - 1),
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        (self.of, self.per, self.scope) == (other.of, other.per, other.scope)
    }

    fn spec(&self, context: BuildContext) -> CounterSpec {
        CounterSpec {
            measure: match self.of {
                Of::Payout => Measure::Payout,
                Of::Clicks | Of::Conversions => Measure::Total,
            },
            subject: Subject::Everybody,
            // Unused by a total; it keeps a cap of clicks apart from one of conversions.
            member: match self.of {
                Of::Clicks => Subject::Everybody,
                Of::Conversions | Of::Payout => Subject::Link,
            },
            level: self.scope.level(),
            window_s: self.per.kept_s(),
            sub_id: context.sub_id,
        }
    }

    /// What is to be said when this much is too much.
    fn broken<'a>(&self, total: u32) -> Option<Finding<'a>> {
        let (total, number): (f64, fn(f64) -> Value<'a>) = match self.of {
            Of::Payout => (f64::from(total) / PAYOUT_UNITS, Value::Float),
            Of::Clicks | Of::Conversions => (f64::from(total), |n| Value::Int(n as i64)),
        };
        let reason = match self.of {
            Of::Clicks => Reason::CapClick,
            Of::Conversions | Of::Payout => Reason::CapConversion,
        };
        (total > self.max).then(|| {
            Finding::new(reason)
                .with("count", number(total))
                .with("period", self.per.as_str())
                .with("of", self.of.as_str())
                .with("scope", self.scope.as_str())
                .over(number(self.max))
        })
    }
}

/// Settings of `caps`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CapsSettings {
    /// IANA name of the zone in which days and months begin.
    zone: Box<str>,
    caps: Vec<Cap>,
}

impl Default for CapsSettings {
    fn default() -> Self {
        Self {
            zone: "UTC".into(),
            caps: Vec::new(),
        }
    }
}

impl Settings for CapsSettings {
    fn check(&self, out: &mut Vec<Problem>) {
        zone::check("zone", &self.zone, out);
        if self.caps.len() > CAPS_MAX {
            out.push(Problem::new("caps", format!("holds more than {CAPS_MAX}")));
        }
        for (at, cap) in self.caps.iter().enumerate() {
            let field = format!("caps[{at}].max");
            if !(0.0..=cap.most()).contains(&cap.max) {
                let detail = format!("is {}, must be 0 to {}", cap.max, cap.most());
                out.push(Problem::new(field, detail));
            } else if cap.of != Of::Payout && cap.max.fract() != 0.0 {
                out.push(Problem::new(field, "must be a whole number"));
            }
            if self.caps[..at].iter().any(|before| before.is_same(cap)) {
                let detail = "there is a cap of this, per this and within this already";
                out.push(Problem::new(format!("caps[{at}]"), detail));
            }
        }
    }
}

pub struct Caps {
    zone: TimeZone,
    caps: Vec<Cap>,
    context: BuildContext,
}

impl Caps {
    pub fn new(settings: CapsSettings, context: BuildContext) -> Self {
        Self {
            zone: zone::named(&settings.zone).unwrap_or(TimeZone::UTC),
            caps: settings.caps,
            context,
        }
    }
}

impl Filter for Caps {
    fn needs(&self) -> Vec<CounterSpec> {
        self.caps.iter().map(|cap| cap.spec(self.context)).collect()
    }

    fn turn(&self, nth: usize, facts: &Facts<'_>) -> Turn {
        let Some(cap) = self
            .caps
            .get(nth)
            .filter(|cap| cap.of.counts(facts.hit.event))
        else {
            return Turn::NotCounted;
        };
        let Some(wall) = Wall::of(facts.hit.time, &self.zone) else {
            return Turn::NotCounted;
        };
        let of = cap.of as u64;
        Turn::Of(match cap.per {
            Per::Hour => [of, wall.number_of_hour()],
            Per::Day => [of, wall.number_of_day()],
            Per::Month => [of, wall.number_of_month()],
            Per::Total => [of, 0],
        })
    }

    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        readings: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        let mut check = Check::Skipped(Missing::EventKind);
        for (nth, cap) in self.caps.iter().enumerate() {
            if !cap.of.counts(facts.hit.event) {
                continue;
            }
            let Some(reading) = readings.get(nth) else {
                check = match check {
                    Check::Skipped(_) => Check::Skipped(Missing::Counter),
                    other => other,
                };
                continue;
            };
            match cap.broken(reading.count) {
                Some(finding) => {
                    found.push(finding);
                    check = Check::Flagged;
                }
                None if check != Check::Flagged => check = Check::Clean,
                None => {}
            }
        }
        check
    }
}
