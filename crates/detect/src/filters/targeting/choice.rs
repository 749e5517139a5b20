//! What is chosen of one dimension, ready to be compared.

use assay_model::document::Problem;
use serde::Deserialize;

use crate::filters::names::{Names, shown};

/// Most values of one dimension.
const VALUES_MAX: usize = 10_000;

/// Only these, or not these; both empty = everything.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Chosen {
    pub include: Vec<Box<str>>,
    pub exclude: Vec<Box<str>>,
}

impl Chosen {
    /// Pushes what is wrong: too many, empty, or a value that `cause` finds fault with.
    pub fn check(
        &self,
        field: &str,
        out: &mut Vec<Problem>,
        cause: impl Fn(&str) -> Option<String>,
    ) {
        for (name, values) in [("include", &self.include), ("exclude", &self.exclude)] {
            if values.len() > VALUES_MAX {
                let detail = format!("holds more than {VALUES_MAX} values");
                out.push(Problem::new(format!("{field}.{name}"), detail));
                continue;
            }
            for (at, value) in values.iter().enumerate() {
                let wrong = match value.trim() {
                    "" => Some("is empty".to_owned()),
                    some => cause(some),
                };
                if let Some(detail) = wrong {
                    out.push(Problem::new(format!("{field}.{name}[{at}]"), detail));
                }
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }

    /// As evidence shows it.
    pub fn wanted(&self) -> String {
        match (self.include.is_empty(), self.exclude.is_empty()) {
            (false, _) => shown(&self.include),
            (true, false) => format!("not {}", shown(&self.exclude)),
            (true, true) => String::new(),
        }
    }
}

/// Names of one dimension, compared whole and in any case.
#[derive(Debug)]
pub struct Choice {
    include: Names,
    exclude: Names,
    pub wanted: String,
}

impl Choice {
    /// `None` = nothing is chosen, so nothing is looked at.
    pub fn new(chosen: &Chosen) -> Option<Self> {
        (!chosen.is_empty()).then(|| Self {
            include: Names::new(&chosen.include),
            exclude: Names::new(&chosen.exclude),
            wanted: chosen.wanted(),
        })
    }

    pub fn admits(&self, value: &str) -> bool {
        !self.exclude.has(value) && (self.include.is_empty() || self.include.has(value))
    }

    /// Several values of one visitor, the first one preferred: one that is wanted is
    /// enough, and only the preferred one keeps out.
    pub fn admits_any<'v>(&self, mut values: impl Iterator<Item = &'v str>) -> bool {
        let Some(first) = values.next() else {
            return true;
        };
        !self.exclude.has(first)
            && (self.include.is_empty()
                || self.include.has(first)
                || values.any(|value| self.include.has(value)))
    }
}
