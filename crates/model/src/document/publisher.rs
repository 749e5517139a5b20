//! Who sends traffic.

use serde::{Deserialize, Serialize};

use super::{Problem, Status, check_name, external_id};

/// How much of a verdict somebody is told, each level with all of those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Disclosure {
    /// The class of the main reason.
    #[default]
    Class,
    /// The reason's code.
    Code,
    /// What was observed.
    Observed,
    /// The whole evidence, with thresholds and lists.
    Full,
}

impl Disclosure {
    /// All values, the least first.
    pub const ALL: [Self; 4] = [Self::Class, Self::Code, Self::Observed, Self::Full];

    /// Stable text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Class => "class",
            Self::Code => "code",
            Self::Observed => "observed",
            Self::Full => "full",
        }
    }
}

/// One publisher.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publisher {
    /// The account's own id, which traffic names; `None` = our id is the name.
    #[serde(default)]
    pub external_id: Option<String>,
    /// Name.
    pub name: String,
    /// Whether their clicks are taken.
    #[serde(default)]
    pub status: Status,
    /// How much they are told of what became of their traffic.
    #[serde(default)]
    pub disclosure: Disclosure,
}

impl Publisher {
    /// Everything wrong with the document.
    #[must_use]
    pub fn check(&self) -> Vec<Problem> {
        let mut out = Vec::new();
        external_id::check(self.external_id.as_deref(), &mut out);
        check_name("name", &self.name, 200, &mut out);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_written_as_they_are_named() {
        for level in Disclosure::ALL {
            assert_eq!(serde_json::to_value(level).unwrap(), level.as_str());
        }
        assert!(Disclosure::Class < Disclosure::Full);
    }

    #[test]
    fn a_publisher_is_told_the_class_unless_said() {
        let made: Publisher = serde_json::from_str(r#"{"name":"P"}"#).unwrap();
        assert_eq!(made.disclosure, Disclosure::Class);
        assert!(made.check().is_empty());
        let faulty: Publisher = serde_json::from_str(r#"{"name":"","external_id":" x"}"#).unwrap();
        assert_eq!(faulty.check().len(), 2);
    }
}
