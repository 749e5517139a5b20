//! Lists and their upstreams.

use assay_intel::upstream::{self, Upstream};
use assay_model::document::Problem;
use serde::{Deserialize, Serialize};

use super::described::described;

described! {
    /// `[intelligence]`
    #[derive(Clone, Debug, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    pub struct Intelligence {
        /// What `assay intel update` fetches; replaces the built-in choice when given.
        pub upstreams: Vec<Upstream>,
    }
}

impl Default for Intelligence {
    fn default() -> Self {
        Self {
            upstreams: upstream::defaults(),
        }
    }
}

impl Intelligence {
    pub fn check(&self, problems: &mut Vec<Problem>) {
        for (at, upstream) in self.upstreams.iter().enumerate() {
            if !["https://", "http://", "file:"]
                .iter()
                .any(|scheme| upstream.url.starts_with(scheme))
            {
                problems.push(Problem::new(
                    format!("intelligence.upstreams[{at}].url"),
                    format!("{:?} must begin with https:// or file:", upstream.url),
                ));
            }
        }
    }
}
