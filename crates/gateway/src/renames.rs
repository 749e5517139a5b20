//! The names of a user's links and postbacks, put under ours.
//!
//! Both are understood, the user's own first: a name that they gave one of our fields never
//! means another.

use std::collections::BTreeMap;

use assay_model::document::{Integration, IntegrationKind};

/// A parameter mapping, compiled: (theirs, ours).
#[derive(Debug, Default)]
pub struct Renames {
    pairs: Vec<(Box<str>, Box<str>)>,
    /// Names that networks use beside, which count after the user's own.
    beside: &'static [(&'static str, &'static str)],
}

/// Names in a network's tracking links.
///
/// Source: SPEC §2.8.
const LINK_NAMES: &[(&str, &str)] = &[
    ("sub1", "sub_id"),
    ("sub2", "sub_id_2"),
    ("sub3", "sub_id_3"),
    ("sub4", "sub_id_4"),
    ("sub5", "sub_id_5"),
];

/// Names in what advertisers tell a network.
///
/// Source: SPEC §2.8.
const POSTBACK_NAMES: &[(&str, &str)] = &[("amount", "revenue")];

impl Renames {
    /// Compiles our name → their name.
    #[must_use]
    pub fn new(params: &BTreeMap<String, String>) -> Self {
        let pairs = params.iter().filter(|(ours, theirs)| ours != theirs);
        let pairs = pairs.map(|(ours, theirs)| (theirs.as_str().into(), ours.as_str().into()));
        Self {
            pairs: pairs.collect(),
            beside: &[],
        }
    }

    /// The names in an integration's links.
    #[must_use]
    pub fn of_links(params: &BTreeMap<String, String>, kind: IntegrationKind) -> Self {
        Self {
            beside: match kind {
                IntegrationKind::Network => LINK_NAMES,
                IntegrationKind::S2s | IntegrationKind::Custom => &[],
            },
            ..Self::new(params)
        }
    }

    /// The names in what an integration is told of conversions.
    #[must_use]
    pub fn of_postbacks(settings: &Integration) -> Self {
        Self {
            beside: match settings.kind {
                IntegrationKind::Network => POSTBACK_NAMES,
                IntegrationKind::S2s | IntegrationKind::Custom => &[],
            },
            ..Self::new(&settings.conversions.params)
        }
    }

    /// Our name for a name of theirs, where they gave it one.
    #[must_use]
    pub fn ours(&self, theirs: &str) -> Option<&str> {
        self.chosen(theirs).or_else(|| self.usual(theirs))
    }

    fn chosen(&self, theirs: &str) -> Option<&str> {
        let mut pairs = self.pairs.iter();
        let found = pairs.find(|(own, _)| **own == *theirs);
        found.map(|(_, ours)| &**ours)
    }

    fn usual(&self, theirs: &str) -> Option<&'static str> {
        let mut beside = self.beside.iter();
        let found = beside.find(|(own, _)| *own == theirs);
        found.map(|(_, ours)| *ours)
    }

    /// Calls `take` with (our name, the name as sent, value): renamed parameters first, then
    /// all others under their own names.
    pub fn each<'p>(
        &'p self,
        pairs: impl Iterator<Item = (&'p str, &'p str)> + Clone,
        mut take: impl FnMut(&'p str, &'p str, &'p str),
    ) {
        if !self.pairs.is_empty() {
            for (name, value) in pairs.clone() {
                if let Some(ours) = self.chosen(name) {
                    take(ours, name, value);
                }
            }
        }
        for (name, value) in pairs {
            if self.chosen(name).is_none() {
                take(self.usual(name).unwrap_or(name), name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_networks_usual_names_come_after_the_chosen_ones() {
        let chosen = [("sub_id".to_owned(), "aff_sub".to_owned())].into();
        let renames = Renames::of_links(&chosen, IntegrationKind::Network);
        let mut seen = Vec::new();
        let sent = [("sub1", "a"), ("sub2", "b"), ("aff_sub", "c")];
        renames.each(sent.into_iter(), |ours, _, value| seen.push((ours, value)));
        assert_eq!(seen, [("sub_id", "c"), ("sub_id", "a"), ("sub_id_2", "b")]);
        assert_eq!(renames.ours("sub5"), Some("sub_id_5"));
        let custom = Renames::of_links(&chosen, IntegrationKind::Custom);
        assert_eq!(custom.ours("sub1"), None);
    }

    #[test]
    fn a_renamed_parameter_comes_first_and_both_names_are_understood() {
        let params = [
            ("offer", "campaign"),
            ("publisher", "sub_id"),
            ("idfa", "idfa"),
        ]
        .map(|(ours, theirs)| (ours.to_owned(), theirs.to_owned()));
        let renames = Renames::new(&params.into());
        let sent = [
            ("offer", "1"),
            ("sub_id", "2"),
            ("campaign", "3"),
            ("x", "4"),
        ];
        let mut seen = Vec::new();
        renames.each(sent.into_iter(), |ours, name, value| {
            seen.push((ours, name, value));
        });
        assert_eq!(
            seen,
            [
                ("publisher", "sub_id", "2"),
                ("offer", "campaign", "3"),
                ("offer", "offer", "1"),
                ("x", "x", "4")
            ]
        );
        assert_eq!(renames.ours("campaign"), Some("offer"));
        assert_eq!(renames.ours("idfa"), None);
    }
}
