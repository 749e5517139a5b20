//! The names of a user's links and postbacks, put under ours.
//!
//! Both are understood, the user's own first: a name that they gave one of our fields never
//! means another.

use std::collections::BTreeMap;

/// A parameter mapping, compiled: (theirs, ours).
#[derive(Debug, Default)]
pub struct Renames(Vec<(Box<str>, Box<str>)>);

impl Renames {
    /// Compiles our name → their name.
    #[must_use]
    pub fn new(params: &BTreeMap<String, String>) -> Self {
        let pairs = params.iter().filter(|(ours, theirs)| ours != theirs);
        Self(
            pairs
                .map(|(ours, theirs)| (theirs.as_str().into(), ours.as_str().into()))
                .collect(),
        )
    }

    /// Our name for a name of theirs, where they gave it one.
    #[must_use]
    pub fn ours(&self, theirs: &str) -> Option<&str> {
        let mut pairs = self.0.iter();
        pairs
            .find(|(own, _)| **own == *theirs)
            .map(|(_, ours)| &**ours)
    }

    /// Calls `take` with (our name, the name as sent, value): renamed parameters first, then
    /// all others under their own names.
    pub fn each<'p>(
        &'p self,
        pairs: impl Iterator<Item = (&'p str, &'p str)> + Clone,
        mut take: impl FnMut(&'p str, &'p str, &'p str),
    ) {
        if !self.0.is_empty() {
            for (name, value) in pairs.clone() {
                if let Some(ours) = self.ours(name) {
                    take(ours, name, value);
                }
            }
        }
        for (name, value) in pairs {
            if self.ours(name).is_none() {
                take(name, name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
