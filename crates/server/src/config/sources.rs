//! How often sources are judged, and the most that is kept of them.

use assay_model::document::Problem;
use serde::{Deserialize, Serialize};

use super::described::described;
use crate::serve::SourceOptions;

described! {
    /// `[sources]`
    #[derive(Clone, Debug, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    pub struct Sources {
        /// Seconds between two judgements of an account's sources.
        pub every_s: u32,
        /// Most sources of one account that are told apart, sub ids and offers included.
        pub per_account: usize,
        /// Most counts of one account that are kept in memory, eight bytes each.
        pub counts: usize,
    }
}

impl Default for Sources {
    fn default() -> Self {
        let own = SourceOptions::default();
        Self {
            every_s: u32::try_from(own.every_ms / 1000).unwrap_or(60),
            per_account: own.sources,
            counts: own.counts,
        }
    }
}

impl Sources {
    pub fn check(&self, problems: &mut Vec<Problem>) {
        let mut range = |field: &str, value: usize, low: usize, high: usize| {
            if !(low..=high).contains(&value) {
                problems.push(Problem::new(
                    format!("sources.{field}"),
                    format!("is {value}, must be {low} to {high}"),
                ));
            }
        };
        range("every_s", self.every_s as usize, 1, 3600);
        range("per_account", self.per_account, 100, 10_000_000);
        range("counts", self.counts, 100_000, 1_000_000_000);
    }

    /// The settings as the task takes them.
    pub fn options(&self) -> SourceOptions {
        SourceOptions {
            every_ms: i64::from(self.every_s) * 1000,
            sources: self.per_account,
            counts: self.counts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_setting_is_named() {
        let wrong = Sources {
            every_s: 0,
            per_account: 1,
            counts: 1,
        };
        let mut problems = Vec::new();
        wrong.check(&mut problems);
        let fields: Vec<_> = problems.iter().map(|p| p.field.as_str()).collect();
        assert_eq!(
            fields,
            ["sources.every_s", "sources.per_account", "sources.counts"]
        );
    }
}
