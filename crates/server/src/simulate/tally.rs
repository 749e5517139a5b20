//! What an engine made of labelled traffic, campaign by campaign.

use std::collections::BTreeMap;
use std::fmt;

use assay_model::Reason;

use super::{PEOPLE, Truth};

/// Counts of one campaign, or of people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Its events.
    pub events: u64,
    /// Of these, for which a reason was expected.
    pub due: u64,
    /// Of the due ones, for which an expected reason was found.
    pub found: u64,
    /// Of all, which were rejected.
    pub rejected: u64,
    /// Of the due ones, which were rejected.
    pub due_rejected: u64,
}

/// Counts over all traffic; [`fmt::Display`] is an aligned table.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// By campaign; [`PEOPLE`] apart.
    pub campaigns: BTreeMap<&'static str, Counts>,
    /// People.
    pub people: Counts,
}

impl Tally {
    /// Adds one event: what was expected, which reasons were given, and whether it was rejected.
    pub fn add(
        &mut self,
        truth: Truth,
        campaign: &'static str,
        expected: &[Reason],
        got: &[Reason],
        rejected: bool,
    ) {
        let counts = match truth {
            Truth::Person => &mut self.people,
            Truth::Fraud => self.campaigns.entry(campaign).or_default(),
        };
        let due = !expected.is_empty();
        counts.events += 1;
        counts.due += u64::from(due);
        counts.found += u64::from(due && expected.iter().any(|reason| got.contains(reason)));
        counts.rejected += u64::from(rejected);
        counts.due_rejected += u64::from(due && rejected);
    }

    /// Share of people who were rejected, in percent.
    #[must_use]
    pub fn people_rejected_percent(&self) -> f64 {
        percent(self.people.rejected, self.people.events)
    }

    /// Everything that falls short: people rejected more than `people_max` percent, a
    /// campaign found less than `found_min` percent. Empty = as it should be.
    #[must_use]
    pub fn shortfalls(&self, people_max: f64, found_min: f64) -> Vec<String> {
        let mut out = Vec::new();
        if self.people_rejected_percent() > people_max {
            out.push(format!(
                "{PEOPLE}: {:.2} % rejected, at most {people_max} % may be",
                self.people_rejected_percent()
            ));
        }
        for (name, counts) in &self.campaigns {
            let found = percent(counts.found, counts.due);
            if counts.due > 0 && found < found_min {
                out.push(format!(
                    "{name}: {found:.1} % found, at least {found_min} % must be"
                ));
            }
        }
        out
    }
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 * 100.0 / whole as f64
    }
}

/// A share with one digit, or a dash where there is nothing to share.
fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        "-".to_owned()
    } else {
        format!("{:.1} %", percent(part, whole))
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<22}{:>10}{:>10}{:>11}{:>11}",
            "campaign", "events", "due", "found", "rejected"
        )?;
        for (name, counts) in &self.campaigns {
            writeln!(
                f,
                "{name:<22}{:>10}{:>10}{:>11}{:>11}",
                counts.events,
                counts.due,
                share(counts.found, counts.due),
                share(counts.rejected, counts.events),
            )?;
        }
        write!(
            f,
            "{PEOPLE:<22}{:>10}{:>10}{:>11}{:>10.2} %",
            self.people.events,
            "",
            "",
            self.people_rejected_percent()
        )
    }
}
