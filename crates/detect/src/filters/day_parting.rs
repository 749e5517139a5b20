//! Flags events outside the hours that are bought, as the clock in a named zone shows them.
//!
//! Reads: the event's time. Emits: `DAYPARTING`.
//! Source: facts.md 1.B.2 (code 17), 3.8.

use assay_model::document::Problem;
use assay_model::facts::Facts;
use assay_model::hit::EventKind;
use assay_model::reason::Reason;
use assay_model::verdict::{Check, Finding, Missing};
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::Settings;
use super::zone::{self, Wall};
use crate::filter::{Filter, Readings};

/// Hours of a day that are bought: from the first one on, up to the last one.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Hours {
    /// 0 to 23.
    from: u8,
    /// 1 to 24; not itself included.
    to: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Day {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// Some days with the same hours.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    days: Vec<Day>,
    #[serde(default = "whole_day")]
    hours: Vec<Hours>,
}

fn whole_day() -> Vec<Hours> {
    vec![Hours { from: 0, to: 24 }]
}

/// Settings of `day_parting`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DayPartingSettings {
    /// IANA name of the zone whose clock counts.
    zone: Box<str>,
    /// What is bought; none = every hour.
    parts: Vec<Part>,
}

impl Default for DayPartingSettings {
    fn default() -> Self {
        Self {
            zone: "UTC".into(),
            parts: Vec::new(),
        }
    }
}

impl Settings for DayPartingSettings {
    fn check(&self, out: &mut Vec<Problem>) {
        zone::check("zone", &self.zone, out);
        for (at, part) in self.parts.iter().enumerate() {
            if part.days.is_empty() {
                let detail = "needs at least one day";
                out.push(Problem::new(format!("parts[{at}].days"), detail));
            }
            for (nth, hours) in part.hours.iter().enumerate() {
                if hours.to > 24 || hours.from >= hours.to {
                    let detail = "needs a from below its to, and both within 0 to 24; \
                                  hours over midnight are two parts";
                    out.push(Problem::new(format!("parts[{at}].hours[{nth}]"), detail));
                }
            }
        }
    }
}

pub struct DayParting {
    name: Box<str>,
    zone: TimeZone,
    /// A bit per hour of each day, Monday first.
    bought: [u32; 7],
}

impl DayParting {
    pub fn new(settings: DayPartingSettings) -> Self {
        let mut bought = [0; 7];
        if settings.parts.is_empty() {
            bought = [u32::MAX; 7];
        }
        for part in &settings.parts {
            for day in &part.days {
                for hours in &part.hours {
                    for hour in hours.from..hours.to.min(24) {
                        bought[*day as usize] |= 1 << hour;
                    }
                }
            }
        }
        Self {
            zone: zone::named(&settings.zone).unwrap_or(TimeZone::UTC),
            name: settings.zone,
            bought,
        }
    }
}

impl Filter for DayParting {
    fn check<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        _: Readings<'_>,
        found: &mut Vec<Finding<'a>>,
    ) -> Check {
        if facts.hit.event == EventKind::PostEvent {
            return Check::Skipped(Missing::EventKind);
        }
        let Some(wall) = Wall::of(facts.hit.time, &self.zone) else {
            return Check::Skipped(Missing::Values);
        };
        if self.bought[wall.weekday()] >> wall.hour() & 1 == 1 {
            return Check::Clean;
        }
        found.push(
            Finding::new(Reason::Dayparting)
                .with("local_time", wall.text())
                .with("zone", &*self.name),
        );
        Check::Flagged
    }
}
