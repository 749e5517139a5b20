//! Limits of the control plane.

use assay_model::document::Problem;
use serde::{Deserialize, Serialize};

use super::described::described;

described! {
    /// `[console]`
    #[derive(Clone, Debug, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    pub struct Console {
        /// Most reports of one account that run at once; over it 429 with `Retry-After`.
        pub reports_parallel: usize,
    }
}

impl Default for Console {
    fn default() -> Self {
        Self {
            reports_parallel: assay_console::Settings::default().reports_parallel,
        }
    }
}

impl Console {
    pub fn check(&self, problems: &mut Vec<Problem>) {
        if !(1..=64).contains(&self.reports_parallel) {
            problems.push(Problem::new(
                "console.reports_parallel",
                format!("is {}, must be 1 to 64", self.reports_parallel),
            ));
        }
    }
}
