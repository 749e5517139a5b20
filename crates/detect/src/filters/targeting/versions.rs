//! Versions of operating systems: from here on, up to there.

use std::cmp::Ordering;

use assay_model::document::Problem;
use serde::Deserialize;

/// Versions that are wanted of one system.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Versions {
    /// Name of the system, any case.
    pub os: Box<str>,
    /// This one or newer.
    #[serde(default)]
    pub min: Option<Box<str>>,
    /// This one or older; `14` takes every 14.
    #[serde(default)]
    pub max: Option<Box<str>>,
}

impl Versions {
    pub fn check(&self, field: &str, out: &mut Vec<Problem>) {
        for (name, version) in [("min", &self.min), ("max", &self.max)] {
            if let Some(version) = version
                && !is_version(version)
            {
                let detail = format!("{version:?} is not a version like 12 or 12.3");
                out.push(Problem::new(format!("{field}.{name}"), detail));
            }
        }
        if self.os.trim().is_empty() {
            out.push(Problem::new(format!("{field}.os"), "is empty"));
        }
        if self.min.is_none() && self.max.is_none() {
            out.push(Problem::new(field, "needs a min or a max"));
        }
    }

    /// Whether a version is wanted; `None` = it does not read as one.
    pub fn admits(&self, version: &str) -> Option<bool> {
        let version = version.trim();
        if !version.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let over = self
            .min
            .as_deref()
            .is_none_or(|min| compared(version, min) != Ordering::Less);
        let under = self.max.as_deref().is_none_or(|max| {
            // As many parts as the bound names: 14.5 is no newer than 14.
            let parts = max.split('.').count();
            compared_parts(version, max, parts) != Ordering::Greater
        });
        Some(over && under)
    }

    /// As evidence shows it.
    pub fn wanted(&self) -> String {
        let bound = |own: &Option<Box<str>>| own.as_deref().unwrap_or("").to_owned();
        format!("{} {}..{}", self.os, bound(&self.min), bound(&self.max))
    }
}

fn is_version(text: &str) -> bool {
    text.split('.').all(|part| part.parse::<u32>().is_ok())
}

fn compared(a: &str, b: &str) -> Ordering {
    let parts = a.split(['.', '_']).count().max(b.split('.').count());
    compared_parts(a, b, parts)
}

/// The first parts, each as a number; one that is missing or no number counts as 0.
fn compared_parts(a: &str, b: &str, parts: usize) -> Ordering {
    let numbers = |text: &str, at: usize| -> u32 {
        let part = text.split(['.', '_']).nth(at);
        part.and_then(|part| part.parse().ok()).unwrap_or(0)
    };
    (0..parts.min(8))
        .map(|at| numbers(a, at).cmp(&numbers(b, at)))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number_and_a_bound_takes_its_own() {
        let versions = Versions {
            os: "iOS".into(),
            min: Some("12.3".into()),
            max: Some("17".into()),
        };
        for (version, wanted) in [
            ("12.3", Some(true)),
            ("12.10.1", Some(true)),
            ("12.2.9", Some(false)),
            ("9", Some(false)),
            ("17.6.1", Some(true)),
            ("17_6", Some(true)),
            ("18.0", Some(false)),
            ("", None),
            ("beta", None),
        ] {
            assert_eq!(versions.admits(version), wanted, "{version}");
        }
    }
}
